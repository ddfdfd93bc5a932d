"""The stack: Graphite and every daemon on one machine, under Twisted's process monitor."""
