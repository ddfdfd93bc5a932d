"""The game that `--game` names: imported, and looked at, before anything starts.

What cannot be played is a ConfigurationError of one line. No game is made here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from clientmigration.errors import ConfigurationError
from clientmigration.gameserver.game import Game, MakeGame

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


def chosen(dotted: str) -> MakeGame:
    """The class (or function) of this dotted name, which makes a game."""
    module, _, name = dotted.rpartition(".")
    if not module or not all(part.isidentifier() for part in dotted.split(".")):
        raise _refused(dotted, "it is no dotted name, such as my_game.Arena")
    found = getattr(_imported(dotted, module), name, None)
    if found is None:
        raise _refused(dotted, f"the module {module} has no {name}")
    if not callable(found):
        raise _refused(dotted, "it is neither a class nor a function")
    missing = _missing(found) if isinstance(found, type) else []
    if missing:
        raise _refused(dotted, f"it is no game, for it lacks {', '.join(missing)}")
    make: MakeGame = found
    return make


def _imported(dotted: str, module: str) -> Any:
    try:
        return import_module(module)
    except Exception as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise _refused(dotted, f"importing {module} failed ({why})") from error


def _missing(found: type) -> list[str]:
    """What a game has to do, and this class does not. What `Game` leaves empty is not done."""
    own = [name for name in WANTED if getattr(found, name, None) is not getattr(Game, name)]
    here = [name for name in own if callable(getattr(found, name, None))]
    inherited = [] if Game in found.__mro__ else _optional()
    return [name for name in WANTED if name not in here] + [
        name for name in inherited if not callable(getattr(found, name, None))
    ]


def _optional() -> list[str]:
    """What only those have to do themselves who do not subclass `Game`."""
    public = [name for name, each in vars(Game).items() if callable(each) and name[0] != "_"]
    return [name for name in public if name not in WANTED]


def _refused(dotted: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"--game {dotted}: {why}")
