"""DECIDES: values, functions and state machines; no Twisted, clock, sockets or randomness."""
