"""Scenario: a fleet, its players and what happens to them, as a TOML file says. Values only.

Reading the file is the caller's business: this module sees a mapping, never a path.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

import msgspec

from clientmigration.errors import ConfigurationError

Amount = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Some = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Duration = Annotated[float, msgspec.Meta(ge=0, le=10_000_000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a scenario. A field that it does not know is an error."""


class Machines(Table, frozen=True):
    """[[servers]]: so many game servers of one kind."""

    count: Some = 1
    capacity: Some = 200
    speed: Positive = 1.0
    """How many times faster than the usual machine: a player's load is divided by it."""
    zone: str = "home"
    """Where they stand: servers of one zone are equally far from any player."""


class ScenarioEvent(Table, frozen=True, tag_field="what"):
    """[[events]]: something that happens `at_s` seconds after the start."""

    at_s: Duration


class Gather(ScenarioEvent, frozen=True, tag="gather"):
    """A share of the players walks to one place, drawn at random, and stays there."""

    share: Share = 1.0


class Scatter(ScenarioEvent, frozen=True, tag="scatter"):
    """Everybody goes its own ways again."""


class Swap(ScenarioEvent, frozen=True, tag="swap"):
    """Everybody walks to the other half of the world: east and west change places."""


class ServersAttach(ScenarioEvent, frozen=True, tag="attach"):
    """New game servers."""

    servers: Machines = Machines()


class Crash(ScenarioEvent, frozen=True, tag="crash"):
    """A game server is gone; its players come back as those they were. Counted from 0."""

    server: Amount = 0


class ServerDrains(ScenarioEvent, frozen=True, tag="drain"):
    """A game server empties itself, and leaves when it is empty."""

    server: Amount = 0


class PlayersJoin(ScenarioEvent, frozen=True, tag="join"):
    """So many players come within one second, in groups of `group`."""

    players: Some
    group: Some = 1


class Day(Table, frozen=True):
    """[day]: how many players there are follows a wave, fewest at the start."""

    most: Some
    length_s: Positive = 86_400.0


class Scenario(Table, frozen=True):
    """The whole file."""

    title: str
    seconds: Some
    players: Amount
    servers: list[Machines]
    events: list[Gather | Scatter | Swap | ServersAttach | Crash | ServerDrains | PlayersJoin] = []
    day: Day | None = None
    steady_from_s: Duration | None = None
    """From here on nothing happens any more, so that nobody should be moved."""
    stay_s: Duration = 0.0
    """Seconds that a player plays on average; whoever leaves is replaced. 0: all stay."""
    group: Some = 1
    """Players that come in together and want to stay so."""
    size_m: Positive = 1000.0
    """Side of the world, a square."""
    towns: Some = 8
    """Places around which players walk."""
    walk_m_s: Positive = 3.0
    wander_s: Duration = 0.0
    """Seconds that a player stays at a town on average before it walks to one near by; 0: for
    good."""
    cost: Positive = 0.002
    """Load of a player who sees nobody, on a machine of speed 1."""
    crowding: Share = 0.5
    """Share of that which is added for a player who sees as many as there is room for."""
    noise: Share = 0.1
    """How far off a reported load may be."""
    far_ms: Positive = 80.0
    """Ping in ms to servers of another zone than the player's own."""

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError("a scenario needs servers")

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Self:
        """The scenario that a parsed TOML file says. ConfigurationError names the wrong field."""
        try:
            return msgspec.convert(mapping, cls)
        except msgspec.ValidationError as wrong:
            raise ConfigurationError(f"scenario: {wrong}") from wrong

    def at(self, second: int) -> Iterator[ScenarioEvent]:
        """What happens in this second."""
        return (event for event in self.events if int(event.at_s) == second)

    def zones(self) -> list[str]:
        """Every zone in which there are or will be servers."""
        kinds = [*self.servers]
        kinds += [event.servers for event in self.events if isinstance(event, ServersAttach)]
        return sorted({kind.zone for kind in kinds})
