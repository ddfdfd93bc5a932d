"""The player library, and the crowd daemon built on it."""
