"""Policy: every number that decisions are made by, with its unit and its default.

Frozen values that refuse to be wrong; `docs/policy.toml` is the same as a file. Reading the file
is the caller's business: this module sees a mapping, never a path.
"""

import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Self

import msgspec

from clientmigration.errors import ConfigurationError

_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?$", re.DOTALL)


def _within(section: msgspec.Struct, low: float, high: float, *names: str) -> None:
    for name in names:
        value = getattr(section, name)
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low:g} to {high:g}, not {value}")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the policy file. A field that it does not know is an error."""


class HealthPolicy(Section, frozen=True):
    """[health]: when a member counts as strained, overloaded, unhealthy or silent."""

    strained: float = 0.6
    """Load (share of a tick spent working, 0..1) from which a member is strained."""
    overloaded: float = 0.8
    """Load from which a member is overloaded and wants to give players away."""
    hysteresis: float = 0.1
    """How far load must fall below a threshold before the grade falls too."""
    unhealthy: float = 0.05
    """Health (0..1): a member that did not reach this once in `fresh_s` gets nobody."""
    unhealthy_s: float = 10.0
    """Seconds after which a member that stays below `unhealthy` is emptied; 0: it never is."""
    fresh_s: float = 5.0
    """Seconds after which a member without new datapoints counts as silent and gets nobody."""
    seats_weight: float = 0.25
    """What a member with every seat taken adds to its load, in load: see Health.pressure."""

    def __post_init__(self) -> None:
        _within(self, 0, 1, "strained", "overloaded", "hysteresis", "unhealthy")
        _within(self, 1, 60, "fresh_s")
        _within(self, 0, 12, "unhealthy_s")
        _within(self, 0, 10, "seats_weight")
        if not self.hysteresis < self.strained < self.overloaded:
            raise ValueError("hysteresis < strained < overloaded must hold")


class PlacementPolicy(Section, frozen=True):
    """[placement]: how a newcomer's server is found."""

    ping_weight: float = 1.0
    """Weight of ping against load and position; only the proportions count."""
    load_weight: float = 1.0
    """Weight of predicted load."""
    position_weight: float = 0.15
    """Weight of being where those around the newcomer play. At its worst position is as bad as
    `position_weight / ping_weight * worst_ping_ms` of ping (30 ms), and one neighbour less as
    `neighbour_ms` of it: so ping decides between zones."""
    group_weight: float = 0.6
    """Weight of being with the newcomer's own group."""
    worst_ping_ms: float = 200.0
    """Ping in ms that is as bad as ping can be: its signal is 1."""
    ping_caps_ms: tuple[float, ...] = (50.0, 100.0, 200.0)
    """Highest ping in ms that is accepted, relaxed step by step; after the last, any ping."""
    ping_patience_s: float = 1.0
    """Seconds a newcomer waits at each cap before it relaxes."""
    dear_load: float = 0.8
    """Load from which the rest is dear: it makes up half of the load signal."""
    start_m: tuple[float, ...] = ()
    """Where the game puts who has never played: x and y in metres; empty: nobody knows before."""
    far_m: float = 500.0
    """Metres beyond the circle of a server's players at which a newcomer is as far as can be, where
    nobody is around it."""
    arrival_s: float = 3.0
    """Seconds that a placement is counted as on its way, unless a report shows it before."""
    tie: float = 0.005
    """Servers whose totals (0..1) differ by no more are equally good: the player's name decides."""
    remember_s: float = 600.0
    """Seconds that a player's ping to a zone is remembered after it was measured."""

    def __post_init__(self) -> None:
        _within(self, 0, 100, "ping_weight", "load_weight", "position_weight", "group_weight")
        _within(self, 1, 10_000, "worst_ping_ms")
        _within(self, 0, 60, "ping_patience_s", "arrival_s")
        _within(self, 0, 1, "tie")
        _within(self, 0, 86_400, "remember_s")
        _within(self, 0.01, 0.99, "dear_load")
        _within(self, 1e-3, 1e9, "far_m")
        if len(self.start_m) not in (0, 2) or not all(map(math.isfinite, self.start_m)):
            raise ValueError(f"start_m must be empty or x and y, not {list(self.start_m)}")
        if not self.ping_weight + self.load_weight + self.position_weight > 0:
            raise ValueError("ping_weight, load_weight and position_weight must not all be 0")
        if not all(a < b for a, b in pairwise((0.0, *self.ping_caps_ms))):
            raise ValueError(f"ping_caps_ms must rise from above 0, not {list(self.ping_caps_ms)}")


class RebalancePolicy(Section, frozen=True):
    """[rebalance]: when players of a running fleet are moved, and how boldly."""

    period_s: float = 2.0
    """Seconds between two decisions; at least twice the report interval of 1 s."""
    lag_s: float = 1.0
    """Seconds after which a report is judged: its second must be over everywhere."""
    hold_s: float = 10.0
    """Seconds of reports from which load is judged, by the mean of their middle half."""
    datapoints: int = 3
    """Reports that a member must have sent before it is judged at all."""
    settle_s: float = 4.0
    """Seconds after a decision whose reports are not believed: the moves are under way."""
    imbalance: float = 1.25
    """How many times above the level is clearly high; as many times below, clearly low."""
    margin: float = 0.05
    """The least distance from the level, in load, that is worth moving anybody."""
    finish: float = 0.33
    """Share of `imbalance` and `margin` at which a correction that has begun is done."""
    damping: float = 0.6
    """Share of the distance to the level that one decision covers; one player at least who fits."""
    cell_m: float = 50.0
    """Side in metres of a cell: players in the same or touching cells are neighbours."""
    neighbour_ms: float = 5.0
    """How many ms of worse ping one more neighbour is worth."""
    mate: float = 10.0
    """How many neighbours one player of the same group is worth."""

    def __post_init__(self) -> None:
        _within(self, 0.1, 600, "period_s")
        _within(self, 1, 10, "hold_s")
        _within(self, 0, 5, "lag_s", "settle_s")
        _within(self, 1, 10, "datapoints")
        _within(self, 1.01, 10, "imbalance")
        _within(self, 0, 1, "margin", "finish")
        _within(self, 0.01, 1, "damping")
        _within(self, 1e-3, 1e9, "cell_m")
        _within(self, 0.01, 10_000, "neighbour_ms")
        _within(self, 0, 1000, "mate")


class TogetherPolicy(Section, frozen=True):
    """[together]: when players are exchanged between members, so that those who see each other play
    together."""

    share: float = 0.5
    """Share of the moves per second that may be exchanges; 0: position moves nobody."""
    least: float = 0.002
    """Share of the pairs of two members that must be apart before they exchange."""
    cost: float = 240.0
    """What a move costs its player, in seconds of seeing one neighbour who plays elsewhere."""
    stay_s: float = 60.0
    """Seconds for which neighbours are expected to stay together: a move pays when it wins more
    than `cost / stay_s` of them."""
    even: float = 0.05
    """How far above the level an exchange may lift a member, as a share of it; never above what the
    fullest has."""
    rest_s: float = 60.0
    """Seconds after any move in which a player is not exchanged."""
    worse_ms: float = 20.0
    """No exchange makes a player's ping worse by more, in ms, whatever it would win."""

    def __post_init__(self) -> None:
        _within(self, 0, 1, "share", "least", "even")
        _within(self, 0, 1e6, "cost")
        _within(self, 1, 86_400, "stay_s")
        _within(self, 0, 86_400, "rest_s")
        _within(self, 0, 10_000, "worse_ms")

    @property
    def worth(self) -> float:
        """Neighbours that a move has to win for its player."""
        return self.cost / self.stay_s


class Limits(Section, frozen=True):
    """[limits]: what no decision exceeds."""

    candidates: int = 4
    """How many servers a newcomer is asked to ping."""
    moves_per_second: float = 25.0
    """Moves per second of the whole fleet, averaged over `period_s`."""
    cooldown_s: float = 10.0
    """Seconds after a move in which a player is not moved again, but by a drain."""
    full_load: float = 0.9
    """Load to which a member may be filled by moves, even by those of a drain."""
    group: int = 16
    """Players of one group that are kept together; of a larger one, so many here, so many there."""
    place_kept_s: float = 30.0
    """Seconds that a waiting player whose connection broke keeps its place in the join queue."""
    remember_days: float = 90.0
    """Days that the ledger remembers a player who does not come back: then it begins anew."""

    @property
    def remember_s(self) -> float:
        """The same in seconds."""
        return self.remember_days * 86_400.0

    def __post_init__(self) -> None:
        _within(self, 1, 64, "candidates", "group")
        _within(self, 0.1, 36_500, "remember_days")
        _within(self, 0, 3600, "place_kept_s")
        _within(self, 0, 100_000, "moves_per_second")
        _within(self, 0, 86_400, "cooldown_s")
        _within(self, 0.01, 1, "full_load")


class ReachPolicy(Section, frozen=True):
    """[reach]: when a server that the router believes in cannot be reached by players."""

    arrive_s: float = 3.0
    """Seconds from a player's redirect: who comes back to the router later and was not heard at the
    server meanwhile could not reach it."""
    avoid_s: float = 60.0
    """Seconds in which a player is sent elsewhere than to a server that it could not reach."""
    many: int = 3
    """Players who could not reach a server, and more than could, before it gets nobody."""
    shut_s: float = 60.0
    """Seconds after the last of them until it gets players again without further proof."""
    trial_s: float = 5.0
    """Seconds between two tries of such a server, when there is no other."""

    def __post_init__(self) -> None:
        _within(self, 0.5, 60, "arrive_s")
        _within(self, 0, 3600, "avoid_s", "shut_s", "trial_s")
        _within(self, 1, 100, "many")


class AutoscalePolicy(Section, frozen=True):
    """[autoscale]: how many game servers there should be, for whoever starts and stops them."""

    load: float = 0.5
    """Load that a server should have, on average; below `overloaded`, or nobody can relieve it."""
    seats: float = 0.8
    """Share of its seats that should be taken, at most."""
    slack: float = 0.2
    """Share of both that must stay free before one server fewer is enough."""
    rise_s: float = 10.0
    """Seconds for which more have been needed before more are wanted."""
    fall_s: float = 180.0
    """Seconds for which fewer would have done before one fewer is wanted."""
    least: int = 1
    """Servers at least."""
    most: int = 100
    """Servers at most."""

    def __post_init__(self) -> None:
        _within(self, 0.01, 1, "load", "seats")
        _within(self, 0, 0.9, "slack")
        _within(self, 2, 3600, "rise_s", "fall_s")
        _within(self, 0, 10_000, "least", "most")
        if not self.rise_s <= self.fall_s:
            raise ValueError("rise_s <= fall_s must hold")
        if not self.least <= self.most:
            raise ValueError("least <= most must hold")


class Policy(Section, frozen=True):
    """The whole policy file: seven tables, each optional, each field with a default."""

    placement: PlacementPolicy = PlacementPolicy()
    rebalance: RebalancePolicy = RebalancePolicy()
    together: TogetherPolicy = TogetherPolicy()
    health: HealthPolicy = HealthPolicy()
    limits: Limits = Limits()
    autoscale: AutoscalePolicy = AutoscalePolicy()
    reach: ReachPolicy = ReachPolicy()

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Self:
        """The policy that a parsed TOML file says. ConfigurationError names the wrong field."""
        try:
            return msgspec.convert(mapping, cls)
        except msgspec.ValidationError as wrong:
            raise ConfigurationError(_explain(str(wrong))) from wrong

    @property
    def budget(self) -> int:
        """Players that one decision may move."""
        return math.ceil(self.limits.moves_per_second * self.rebalance.period_s)


def _explain(text: str) -> str:
    found = _WHERE.match(text)
    if not found or not found["where"]:
        return f"policy: {text}"
    return f"policy: {found['where']}: {found['what']}"
