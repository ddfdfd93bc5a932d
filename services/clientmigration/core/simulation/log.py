"""Log: what happened in a simulation, second by second, to be reviewed afterwards. Values only."""

from dataclasses import dataclass, field

from clientmigration.core.fleet.choice import Move
from clientmigration.core.fleet.flow import Flow


@dataclass
class Log:
    """One entry per second in each list, but for moves and flows, which carry their second, and
    for `cut` and `ping_ms`, which are looked at now and then."""

    imbalance: list[float] = field(default_factory=list)
    highest: list[float] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)
    players: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    overloaded: list[int] = field(default_factory=list)
    cut: list[float] = field(default_factory=list)
    moves: list[tuple[int, Move]] = field(default_factory=list)
    flows: list[tuple[int, Flow]] = field(default_factory=list)
    ping_ms: list[float] = field(default_factory=list)
