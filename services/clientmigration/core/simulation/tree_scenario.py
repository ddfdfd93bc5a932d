"""Tree scenario: routers under routers, their players and what happens, as a TOML file says. Values
only.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Self

import msgspec

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.simulation.scenario import (
    Amount,
    Duration,
    Machines,
    Positive,
    ScenarioEvent,
    Share,
    Some,
    Table,
)
from clientmigration.errors import ConfigurationError


class Level(Table, frozen=True):
    """[[levels]]: the routers of one level, the root first. Each has so many `members`: routers of
    the next level, or game servers at the last."""

    members: Some
    policy: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    """What these routers' policy has otherwise than the one that is given."""


class BranchAttaches(ScenarioEvent, frozen=True, tag="attach"):
    """One more member of the root, like the others, without players."""


class BranchDrains(ScenarioEvent, frozen=True, tag="drain"):
    """A member of the root empties itself. Counted from 0."""

    member: Amount = 0


class BranchFills(ScenarioEvent, frozen=True, tag="fill"):
    """So many players more come to one member of the root. Counted from 0."""

    players: Some
    member: Amount = 0


class TreeScenario(Table, frozen=True):
    """The whole file."""

    title: str
    seconds: Some
    players: int
    levels: list[Level]
    servers: Machines
    """What game servers there are under each router of the last level; its `members` say how many.
    """
    events: tuple[BranchAttaches | BranchDrains | BranchFills, ...] = ()
    steady_from_s: Duration | None = None
    """From here on nothing happens any more, so that nobody should be moved."""
    uneven: Share = 0.5
    """At the start members have from 1 - this to 1 + this times as many players as the mean."""
    cost: Positive = 0.004
    """Load of a player, on a machine of speed 1."""
    noise: Share = 0.1
    """How far off a reported load may be."""

    def __post_init__(self) -> None:
        seats = self.servers.capacity * math.prod(level.members for level in self.levels)
        if not self.levels or not 0 < self.players <= seats:
            raise ValueError(f"a tree needs levels, and from 1 to {seats:,} players have a seat")

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Self:
        """The scenario that a parsed TOML file says. ConfigurationError names the wrong field."""
        try:
            return msgspec.convert(mapping, cls)
        except msgspec.ValidationError as wrong:
            raise ConfigurationError(f"scenario: {wrong}") from wrong

    def policies(self, given: Policy) -> list[Policy]:
        """The policy of each level's routers, the root's first."""
        known = msgspec.to_builtins(given)
        return [
            Policy.parse({k: {**known[k], **level.policy.get(k, {})} for k in known})
            for level in self.levels
        ]

    def at(self, second: int) -> Iterator[ScenarioEvent]:
        """What happens in this second."""
        return (event for event in self.events if int(event.at_s) == second)
