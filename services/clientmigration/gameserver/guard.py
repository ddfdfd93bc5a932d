"""Stands between a game and the server that runs it: what a game does wrong becomes one error.

Whatever a game raises, and every value that it may not give, is a `GameFault` here, which names the
game's class and method, is counted, and is logged now and then. Where the server can do without an
answer there is no error, only the count. Nothing here decides what a fault costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import isfinite
from numbers import Real
from typing import Any, Protocol, cast

import msgspec

from clientmigration.core.fleet.numbers import NUMBERS
from clientmigration.core.measures.metrics import measures
from clientmigration.core.player.records import RECORDS, is_name
from clientmigration.errors import ConfigurationError, GameFault, PeersFault
from clientmigration.gameserver.game import (
    LETTER_LIMIT,
    LOOK_LIMIT,
    SIGHT_LIMIT,
    STATE_LIMIT,
    VIEW_LIMIT,
    Game,
    PostLetter,
)
from clientmigration.net.games import title_of

PLACE = ("centre_x_m", "centre_y_m", "spread_m")  # the measures that every game has
KNOWN = frozenset(measures("gameserver"))
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode


class FaultEar(Protocol):
    """Who counts faults and logs them."""

    def tell(self, fault: GameFault, cause: Exception) -> None:
        """One more."""


class WrongValue(ValueError):
    """A value that a game may not give. The text says what is wrong with it."""


class _Whole:
    """A game with what it has left out as `Game` has it, whether it subclasses that or not."""

    def __init__(self, game: Game) -> None:
        self._game = game

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._game, name, None)
        return found if found is not None else _usual(name, self._game)


def _usual(name: str, game: Game) -> Any:
    usual = getattr(Game, name)
    return partial(usual, game) if callable(usual) else usual


def _views_of(game: Game) -> Callable[[Sequence[str]], Sequence[bytes | None]] | None:
    """Its `views`, unless another `view` was put in front of that one's."""
    for each in (vars(game), *map(vars, type(game).__mro__)):
        if "views" in each:
            return game.views
        if "view" in each:
            break
    return None


class GuardedGame(Game):
    """A `Game` whose faults are all `GameFault`s. The `PeersFault`s that a game may raise on
    purpose go through."""

    def __init__(self, game: Game, faults: FaultEar) -> None:
        self._game: Game = cast(Game, _Whole(game))
        self._faults = faults
        self._name = type(game).__qualname__
        self.name, self.version = title_of(type(game)), self._game.version
        self.reads = self._game.reads
        self._apply, self._view = game.apply, game.view  # for every input and every view
        self._views = _views_of(game)
        self._last_look = b""
        self._last_records: dict[str, int] = {}
        self._place = dict.fromkeys(PLACE, 0.0)

    def _fault(self, method: str, player: str, error: Exception) -> GameFault:
        why = str(error) if isinstance(error, WrongValue) else f"{type(error).__name__}: {error}"
        fault = GameFault(f"{self._name}.{method}", player, why)
        self._faults.tell(fault, error)
        return fault

    # Where a fault costs something: a player, or the whole world.

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:
        """Put a player in. Who could not be put in is not left half in."""
        try:
            self._game.enter(player, state, ticks)
        except Exception as error:
            fault = self._fault("enter", player, error)
            try:
                self._game.leave(player)
            except Exception:
                """It was not in at all."""
            raise fault from error

    def begin(self, settings: dict[str, str]) -> None:
        """Its settings. Whatever is wrong with them ends the server before it begins."""
        try:
            self._game.begin(settings)
        except Exception as error:
            raise ConfigurationError(f"--game-settings: {error}") from error

    def end(self) -> None:
        """It is over."""
        try:
            self._game.end()
        except Exception as error:
            self._fault("end", "", error)

    def connected(self, player: str, here: bool) -> None:
        """A connection came or went."""
        try:
            self._game.connected(player, here)
        except Exception as error:
            self._fault("connected", player, error)

    def convert(self, state: dict[str, Any], version: int) -> dict[str, Any]:
        """A state of another version."""
        try:
            return self._game.convert(state, version)
        except Exception as error:
            raise self._fault("convert", "", error) from error

    def hold(self, player: str) -> None:
        """Stop a player."""
        try:
            self._game.hold(player)
        except Exception as error:
            raise self._fault("hold", player, error) from error

    def resume(self, player: str) -> None:
        """Undo `hold`."""
        try:
            self._game.resume(player)
        except Exception as error:
            raise self._fault("resume", player, error) from error

    def apply(self, player: str, body: bytes) -> None:
        """One input."""
        try:
            self._apply(player, body)
        except PeersFault:
            raise
        except Exception as error:
            raise self._fault("apply", player, error) from error

    def step(self, tick: int) -> None:
        """One tick."""
        try:
            self._game.step(tick)
        except Exception as error:
            raise self._fault("step", "", error) from error

    def draw(self, tick: int) -> None:
        """Get ready for views."""
        try:
            self._game.draw(tick)
        except Exception as error:
            raise self._fault("draw", "", error) from error

    def view(self, player: str) -> bytes:
        """What a player sees: bytes, and not too many."""
        try:
            view = self._view(player)
            if type(view) is not bytes or len(view) > VIEW_LIMIT:
                _check_bytes(view, VIEW_LIMIT)
        except Exception as error:
            raise self._fault("view", player, error) from error
        return view

    def views(self, players: Sequence[str]) -> Sequence[bytes | None]:
        """What many see: whatever is wrong with one that was made with others, it is made again by
        itself. None: not even so."""
        views: list[bytes | None] = [None for _ in players]
        if self._views is not None:
            try:
                made = list(self._views(players))
                _check_views(made, len(players))
                views = made
            except Exception as error:
                self._fault("views", "", error)
        if all(views):
            return views
        return [
            view if view is not None else self._one(player)
            for player, view in zip(players, views, strict=True)
        ]

    def _one(self, player: str) -> bytes | None:
        try:
            return self.view(player)
        except GameFault:
            return None

    def state(self, player: str) -> dict[str, Any]:
        """A JSON object, and not too large."""
        try:
            state = self._game.state(player)
            check_json(state, STATE_LIMIT)
        except Exception as error:
            raise self._fault("state", player, error) from error
        return state

    def position(self, player: str) -> tuple[float, float]:
        """Two finite numbers."""
        try:
            x, y = self._game.position(player)
            return _number(x), _number(y)
        except Exception as error:
            raise self._fault("position", player, error) from error

    def sight(self, look: bytes) -> bytes:
        """What stands where a neighbour looks: bytes, and not too many."""
        try:
            return _check_bytes(self._game.sight(look), SIGHT_LIMIT)
        except PeersFault:
            raise
        except Exception as error:
            raise self._fault("sight", "", error) from error

    def receive(self, player: str, sender: str, body: dict[str, Any]) -> None:
        """A letter."""
        try:
            self._game.receive(player, sender, body)
        except Exception as error:
            raise self._fault("receive", player, error) from error

    # What the server can do without.

    def numbered(self, owner: int) -> None:
        """A colour."""
        try:
            self._game.numbered(owner)
        except Exception as error:
            self._fault("numbered", "", error)

    def leave(self, player: str) -> None:
        """Take a player out. For the server it is out, whatever the game says."""
        try:
            self._game.leave(player)
        except Exception as error:
            self._fault("leave", player, error)

    def busy(self, player: str) -> bool:
        """Who can not be asked is not busy."""
        try:
            return bool(self._game.busy(player))
        except Exception as error:
            self._fault("busy", player, error)
            return False

    def seen(self) -> tuple[int, dict[int, int]]:
        """Whole numbers, by numbers that a server can have; nobody, if the game does not say."""
        try:
            here, elsewhere = self._game.seen()
            for count in (here, *elsewhere.values()):
                _whole(count, "count")
            for number in elsewhere:
                _whole(number, "number of a server", NUMBERS)
            return here, dict(elsewhere)
        except Exception as error:
            self._fault("seen", "", error)
            return 0, {}

    def look(self, coming: Sequence[tuple[float, float]]) -> bytes:
        """What players look at, or looked at before."""
        try:
            self._last_look = _check_bytes(self._game.look(coming), LOOK_LIMIT)
        except Exception as error:
            self._fault("look", "", error)
        return self._last_look

    def lend(self, neighbour: str, tick: int, body: bytes) -> None:
        """A neighbour's sight. What was shown before goes on being shown."""
        try:
            self._game.lend(neighbour, tick, body)
        except PeersFault:
            raise
        except Exception as error:
            self._fault("lend", "", error)

    def measures(self) -> dict[str, float]:
        """What the game says that is right. What every game has is what it was before, if the game
        does not say it now."""
        try:
            said: Mapping[str, float] = dict(self._game.measures())
        except Exception as error:
            self._fault("measures", "", error)
            said = self._place
        good = {name: said[name] for name in said if self._is_measure(name, said[name])}
        for name in PLACE:
            if name not in said:
                self._refuse("measures", f"{name} is missing")
            self._place[name] = good.setdefault(name, self._place[name])
        return good

    # What belongs to no player.

    def open(self, name: str, state: dict[str, Any] | None, ticks: int) -> None:
        """A record. What could not be opened is not left half open."""
        try:
            self._game.open(name, state, ticks)
        except Exception as error:
            fault = self._fault("open", name, error)
            with suppress(Exception):
                self._game.close(name)
            raise fault from error

    def stored(self, name: str) -> dict[str, Any]:
        """A JSON object, and not too large."""
        try:
            state = self._game.stored(name)
            check_json(state, STATE_LIMIT)
        except Exception as error:
            raise self._fault("stored", name, error) from error
        return state

    def close(self, name: str) -> None:
        """For the server it is closed, whatever the game says."""
        try:
            self._game.close(name)
        except Exception as error:
            self._fault("close", name, error)

    def records(self) -> dict[str, int]:
        """Names that records can have, and whole numbers; what it said before, if it does not."""
        try:
            said = dict(self._game.records())
            for name, count in said.items():
                if not is_name(name):
                    raise WrongValue(f"no record can be called {name!r}")
                _whole(count, "count")
            if len(said) > RECORDS:
                raise WrongValue(f"{len(said):,} records; {RECORDS:,} are allowed")
            self._last_records = said
        except Exception as error:
            self._fault("records", "", error)
        return self._last_records

    def gather(self) -> dict[str, str]:
        """Names by names; nobody, if the game does not say."""
        try:
            said = dict(self._game.gather())
            if not all(isinstance(each, str) for pair in said.items() for each in pair):
                raise WrongValue("not everything in it is a name")
        except Exception as error:
            self._fault("gather", "", error)
            return {}
        return said

    def stays(self, player: str, why: str) -> None:
        """A reason."""
        try:
            self._game.stays(player, why)
        except Exception as error:
            self._fault("stays", player, error)

    def grouped(self, player: str, group: str) -> None:
        """A group."""
        try:
            self._game.grouped(player, group)
        except Exception as error:
            self._fault("grouped", player, error)

    def _is_measure(self, name: str, value: Any) -> bool:
        try:
            _number(value)
        except WrongValue as error:
            self._refuse("measures", f"{name}: {error}")
            return False
        if name not in KNOWN:
            self._refuse("measures", f"{name!r} is no measure of the catalogue")
        return name in KNOWN

    def _refuse(self, method: str, why: str) -> None:
        self._fault(method, "", WrongValue(why))


def posting(post: PostLetter) -> PostLetter:
    """The same, but that a letter that cannot be sent raises where the game posts it."""

    def checked(sender: str, to: str, body: dict[str, Any]) -> bool:
        if not isinstance(to, str):
            raise WrongValue(f"a letter to {_kind(to)}, not to a player's name")
        check_json(body, LETTER_LIMIT)
        return post(sender, to, body)

    return checked


def check_json(value: Any, limit: int) -> None:
    """A JSON object of at most `limit` bytes that is the same when it is read again; `WrongValue`
    for any other."""
    if type(value) is not dict:
        raise WrongValue(f"{_kind(value)} is no JSON object")
    try:
        written = _encode(value)
        same = _decode(written) == value
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        _find(value, "it")
        raise WrongValue(f"no JSON: {error}") from None
    if not same:
        _find(value, "it")  # tuples come back as lists, and that is all right
    if len(written) > limit:
        raise WrongValue(f"{len(written):,} bytes of JSON; {limit:,} are allowed")


def _find(value: Any, where: str) -> None:
    """Say which part is no JSON, if one is."""
    match value:
        case dict():
            for key, each in value.items():
                if not isinstance(key, str):
                    raise WrongValue(f"{where} has {_kind(key)} as a key, not a string")
                _find(each, f"{where}[{key!r}]")
        case list() | tuple():
            for place, each in enumerate(value):
                _find(each, f"{where}[{place}]")
        case float():
            if not isfinite(value):
                raise WrongValue(f"{where} is {value}, which JSON does not have")
        case None | bool() | int() | str():
            pass
        case _:
            raise WrongValue(f"{where} is {_kind(value)}, which JSON does not have")


def _number(value: Any) -> float:
    if type(value) is float and isfinite(value):
        return value
    if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
        raise WrongValue(f"{value!r} is no finite number")
    return float(value)


def _whole(value: Any, what: str, most: int | None = None) -> None:
    if type(value) is not int or value < 0 or (most is not None and value > most):
        raise WrongValue(f"{value!r} is no {what}")


def _check_bytes(value: Any, limit: int) -> bytes:
    if type(value) is not bytes:
        raise WrongValue(f"{_kind(value)}, not bytes")
    if len(value) > limit:
        raise WrongValue(f"{len(value):,} bytes; {limit:,} are allowed")
    return value


def _check_views(views: Sequence[bytes | None], count: int) -> None:
    if len(views) != count:
        raise WrongValue(f"{len(views):,} views for {count:,} players")
    made: Sequence[Any] = views
    if {*map(type, made)} <= {bytes} and max(map(len, made), default=0) <= VIEW_LIMIT:
        return  # as nearly always
    for view in views:
        if view is not None and (type(view) is not bytes or len(view) > VIEW_LIMIT):
            _check_bytes(view, VIEW_LIMIT)


def _kind(value: Any) -> str:
    return f"a value of type {type(value).__name__}"
