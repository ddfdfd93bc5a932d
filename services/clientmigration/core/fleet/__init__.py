"""Who serves, how well, and where players should be: placement, flows, and who moves."""
