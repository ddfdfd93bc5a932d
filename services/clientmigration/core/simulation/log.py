"""Log: what happened in a simulation, second by second, to be reviewed afterwards. Values only."""

from dataclasses import dataclass, field
from typing import NamedTuple

from clientmigration.core.fleet.choice import Move
from clientmigration.core.fleet.flow import Flow


class Apart(NamedTuple):
    """Shares of the pairs who see each other that are on two servers, at one second since the
    start: as it is, as METIS would divide them, and METIS within each zone."""

    at: int
    ours: float
    metis: float
    zoned: float


@dataclass
class Log:
    """One entry per second in each list, but for moves and flows, which carry their second, and
    for `cut`, `ping_ms` and `apart`, which are looked at now and then."""

    imbalance: list[float] = field(default_factory=list)
    highest: list[float] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)
    players: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    overloaded: list[int] = field(default_factory=list)
    cut: list[float] = field(default_factory=list)
    apart: list[Apart] = field(default_factory=list)
    moves: list[tuple[int, Move]] = field(default_factory=list)
    flows: list[tuple[int, Flow]] = field(default_factory=list)
    ping_ms: list[float] = field(default_factory=list)
