"""Whether what `--game` names is a game: looked at before anything starts.

What cannot be played is a ConfigurationError of one line. No game is made here.
"""

from __future__ import annotations

from clientmigration.errors import ConfigurationError
from clientmigration.gameserver.game import Game
from clientmigration.net.games import GameFacts, facts, found

WANTED = (
    "enter",
    "leave",
    "hold",
    "resume",
    "apply",
    "step",
    "draw",
    "view",
    "state",
    "position",
    "measures",
)
"""What a game has to do itself; the rest of `Game` may be left as it is."""


def chosen(named: str) -> GameFacts:
    """The class (or function) of this name, which makes a game, and what it says of itself."""
    make = found(named)
    missing = _missing(make) if isinstance(make, type) else []
    if missing:
        raise ConfigurationError(
            f"--game {named}: it is no game, for it lacks {', '.join(missing)}"
        )
    return facts(named)


def _missing(make: type) -> list[str]:
    """What a game has to do, and this class does not. What `Game` leaves empty is not done."""
    own = [name for name in WANTED if getattr(make, name, None) is not getattr(Game, name)]
    here = [name for name in own if callable(getattr(make, name, None))]
    return [name for name in WANTED if name not in here]
