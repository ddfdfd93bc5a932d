"""CARRIES: the shared Twisted glue between wire and the daemons."""
