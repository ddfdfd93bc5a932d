"""The game that `--game` names, for every daemon alike: imported, and what there is to know of it.

A game is a class (or a function that makes one) at `module:Class` or `module.Class`, or a short
name: of those that came with this package, or of an installed package that has an entry point in
the group `clientmigration.games`. What belongs to the game besides its server stands in the class,
and may be left out:

- `name`: what it is called; players are never moved between games of two names.
- `version`: of what it stores, a whole number; players are moved to the same or a newer one only.
- `crowd`: `module:Class` of how the players of a crowd behave (client/habits.py).
- `page`: the folder with its `page.js`, beside the module, for the homepage.
- `area`: metres of each side of its world, and of each cell that is drawn in it.

What cannot be played is a ConfigurationError of one line. No game is made here.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from clientmigration.core.measures.metrics import NotADatapoint, clean
from clientmigration.errors import ConfigurationError

GROUP = "clientmigration.games"
OURS = {
    "meadow": "clientmigration.games.meadow:Meadow",
    "splash": "clientmigration.games.splash:Splash",
}
DEFAULT_GAME = "meadow"
FLAG = ("game", "g", DEFAULT_GAME, "what is played: a short name, or module:Class")
SETTINGS = ("game-settings", None, "", "the game's own: KEY=VALUE,KEY=VALUE, or a TOML file")
VERSIONS = 2**31  # versions are below that


@dataclass(frozen=True, slots=True)
class GameFacts:
    """What there is to know of a game without making it. `make` is what `--game` names; `page` the
    folder of its page module, or None."""

    make: Any
    name: str
    version: int = 1
    crowd: str = ""
    page: Path | None = None
    side_m: float = 1000.0
    cell_m: float = 50.0


def found(named: str) -> Any:
    """What this name stands for. Whether it is a game is not asked."""
    return attribute(_spelled(named), f"--game {named}")


def attribute(spelled: str, flag: str) -> Any:
    """The class or function at `module:Class`, for a message that begins with `flag`."""
    module, _, name = spelled.rpartition(":" if ":" in spelled else ".")
    if not module or not all(part.isidentifier() for part in f"{module}.{name}".split(".")):
        raise ConfigurationError(f"{flag}: it is no name of a class, such as my_game:Arena")
    try:
        value = getattr(import_module(module), name, None)
    except Exception as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ConfigurationError(f"{flag}: importing {module} failed ({why})") from error
    if value is None:
        raise ConfigurationError(f"{flag}: the module {module} has no {name}")
    if not callable(value):
        raise ConfigurationError(f"{flag}: it is neither a class nor a function")
    return value


def _spelled(named: str) -> str:
    if ":" in named or "." in named:
        return named
    installed = {each.name: each.value for each in entry_points(group=GROUP)}
    known = {**installed, **OURS}
    if named not in known:
        raise ConfigurationError(
            f"--game {named}: there is no game of that name, only {', '.join(sorted(known))}; "
            "another is named as module:Class"
        )
    return known[named]


def facts(named: str) -> GameFacts:
    """What the game of this name says of itself."""
    return facts_of(found(named), f"--game {named}")


def facts_of(make: Any, flag: str = "--game") -> GameFacts:
    """What this class (or function) says of itself. ConfigurationError names what is wrong."""
    name = title_of(make)
    version, page = getattr(make, "version", 1), getattr(make, "page", "")
    side, cell = getattr(make, "area", (1000.0, 50.0))
    try:
        proper = isinstance(name, str) and clean(name) == name
    except NotADatapoint:
        proper = False
    if not proper:
        raise ConfigurationError(f"{flag}: its name {name!r} is not of letters a-z, digits, _, -")
    if type(version) is not int or not 0 < version < VERSIONS:
        raise ConfigurationError(f"{flag}: its version {version!r} is no whole number above 0")
    if not 0 < cell <= side:
        raise ConfigurationError(f"{flag}: an area of {side} m in cells of {cell} m cannot be")
    return GameFacts(
        make, name, version, getattr(make, "crowd", ""), _folder(make, page, flag), side, cell
    )


def title_of(make: Any) -> str:
    """What this class (or function) is called."""
    return getattr(make, "name", "") or getattr(make, "__name__", "game").lower()


def settings_of(said: str) -> dict[str, str]:
    """What `--game-settings` says: `KEY=VALUE`, several with commas between them, or a TOML file of
    such. Values are passed on as text; whether they make sense only the game knows."""
    if not said:
        return {}
    if "=" not in said:
        try:
            told = tomllib.loads(Path(said).read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(f"--game-settings {said}: {error}") from error
        return {name: str(value) for name, value in told.items()}
    parts = [each.partition("=") for each in said.split(",")]
    if any(not name.strip() or not equals for name, equals, _ in parts):
        raise ConfigurationError(f"--game-settings {said}: that is not KEY=VALUE,KEY=VALUE")
    return {name.strip(): value.strip() for name, _, value in parts}


def _folder(make: Any, page: str, flag: str) -> Path | None:
    """Beside the module of the class that says so: of a game that builds on another, that one's."""
    if not page:
        return None
    says = next((each for each in getattr(make, "__mro__", ()) if "page" in vars(each)), make)
    module = sys.modules[says.__module__]
    folder = Path(str(module.__file__)).parent / page
    if not (folder / "page.js").is_file():
        raise ConfigurationError(f"{flag}: there is no {folder / 'page.js'}")
    return folder
