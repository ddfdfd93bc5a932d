"""The meadow: the demo game. What it is, its bytes, how its crowd behaves, and its page."""

from clientmigration.games.meadow.game import Meadow

__all__ = ["Meadow"]
