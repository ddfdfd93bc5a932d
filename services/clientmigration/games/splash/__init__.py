"""Splash: rooms in which four teams paint one board. Built on records, by docs/your-game.md."""

from clientmigration.games.splash.game import Splash

__all__ = ["Splash"]
