"""CARRIES: what the daemons share of Twisted, between the wire and their own code."""
