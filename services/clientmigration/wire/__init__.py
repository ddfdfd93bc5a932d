"""SPEAKS: turns bytes into messages and back, without Twisted and without a clock."""
