"""GameRelease: which game a server runs, in which version, and whose players it may take.

Rules only. A player is never moved to a server of another game, nor to one of an older version
than its own server's: so a rolling upgrade moves players from old to new. Only when a server drains
may one of an older version take them that says it can read what the newer one stores.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GameRelease:
    """A game's name ("": nobody said), its version, and the newest version whose states it can
    read (0: its own)."""

    game: str = ""
    version: int = 1
    reads: int = 0

    def same_game(self, game: str) -> bool:
        """Whether this is that game, as far as both are known."""
        return not (self.game and game) or self.game == game

    def follows(self, other: GameRelease) -> bool:
        """Whether players of `other` may be moved here at any time."""
        return self.same_game(other.game) and self.version >= other.version

    def opens(self, game: str, version: int) -> bool:
        """Whether a state that was stored by this version of that game can be read here."""
        return self.same_game(game) and version <= max(self.version, self.reads)

    def takes(self, other: GameRelease, emptied: bool) -> bool:
        """Whether players of `other` may be moved here, which is to be `emptied` or not."""
        rolled_back = emptied and self.opens(other.game, other.version)
        return self.follows(other) or rolled_back
