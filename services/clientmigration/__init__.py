"""Players connect by name, are placed on the best server, and are moved live between servers."""
