"""The router daemon: the well-known door, the fleet, the moves."""
