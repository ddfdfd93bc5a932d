"""SPEAKS: bytes in, messages out; no Twisted, no clock."""
