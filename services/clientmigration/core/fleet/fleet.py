"""Fleet: which members are attached, and what their datapoints said in the last seconds.

Built from datapoints and membership. It remembers beside them players sent
somewhere and decisions taken, each only until reports show them, and whom players cannot reach. It
decides nothing.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.health import Grade, Health
from clientmigration.core.fleet.member import Member, PlannedChange, usual_cost
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.split import Split
from clientmigration.core.fleet.world import Position, distance
from clientmigration.core.measures.metrics import Measurement, clean
from clientmigration.errors import ConfigurationError, PeersFault

AHEAD_S = 5
"""How far a member's clock may run ahead before its datapoints are not taken."""

HISTORY_S = 25.0
"""What is remembered: more than any judgement needs (`estimate.judged`), so that no decision hangs
on the moment at which something was forgotten, which nobody could find out afterwards."""


class Fleet:
    """The members of one router. Times are Unix seconds by the router's clock."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}

    def attach(self, name: str, role: str, address: str, zone: str = "") -> None:
        """Take a member in, without history; one of that name before it is forgotten.

        ConfigurationError unless `name` is spelled as in its metric paths (`metrics.clean`).
        """
        if clean(name) != name:
            raise ConfigurationError(f"member {name!r} must be called {clean(name)!r}")
        self._members[name] = Member(name, role, address, zone or name)

    def detach(self, name: str) -> None:
        """Forget a member; not an error when there is none of that name."""
        self._members.pop(name, None)

    def observe(self, measurements: Iterable[Measurement], now: float) -> None:
        """Take in measurements, in any order. Left out: those of nobody here, and of far-off times.

        A second counts as a sample when it has at least health, load, players and capacity, so all
        that was measured in one member's second must come in one call. PeersFault, and nothing is
        taken in, when a sample cannot be true.
        """
        oldest, latest = now - HISTORY_S, now + AHEAD_S
        found: dict[str, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
        for role, name, measure, value, timestamp in measurements:
            member = self._members.get(name)
            if member is not None and member.role == role and oldest <= timestamp <= latest:
                found[name][timestamp][measure] = value
        for name, samples in [(name, _samples(name, seconds)) for name, seconds in found.items()]:
            if samples:
                self._members[name] = self._members[name].reported(samples).since(oldest)

    def placed(self, name: str, now: float) -> None:
        """A newcomer was sent there: it counts until a report shows it."""
        member = self._members[name]
        self._members[name] = replace(member, placed=(*member.placed, now))

    def stays_away(self, name: str) -> None:
        """The newcomer that was sent there last, or one like it, will not come."""
        member = self._members.get(name)
        if member is not None:
            self._members[name] = replace(member, placed=member.placed[:-1])

    def shut(self, name: str, until: float, trial_at: float) -> None:
        """Players could not reach that member: until then nobody is sent there, but for one who may
        try from `trial_at` on. It is no error when the member has left meanwhile."""
        if name in self._members:
            known = self._members[name]
            self._members[name] = replace(known, shut=until, trial_at=trial_at)

    def decided(self, flows: Sequence[Flow], now: float) -> None:
        """These flows are being carried out. A member that has left meanwhile is skipped."""
        for flow in flows:
            self._change(flow.source, PlannedChange(now, -flow.players))
            self._change(flow.target, PlannedChange(now, flow.players))

    def recalled(self, name: str, decided: Iterable[tuple[float, Sequence[Flow]]]) -> None:
        """These decisions, each with its Unix time, count for this member although they were taken
        before it attached."""
        for at, flows in decided:
            for flow in flows:
                if name in (flow.source, flow.target):
                    coming = 1 if name == flow.target else -1
                    self._change(name, PlannedChange(at, coming * flow.players))

    def _change(self, name: str, change: PlannedChange) -> None:
        if name in self._members:
            member = self._members[name]
            self._members[name] = replace(member, changes=(*member.changes, change))

    def members(self) -> tuple[Member, ...]:
        """All members, by name."""
        return tuple(self._members[name] for name in sorted(self._members))

    def member(self, name: str) -> Member | None:
        """The member of that name, if it is here."""
        return self._members.get(name)

    def zone(self, name: str) -> str:
        """The zone of that member, or its own name if it is not here any more."""
        member = self._members.get(name)
        return member.zone if member is not None else name

    def fresh(self, name: str, now: float, policy: Policy) -> bool:
        """Whether that member is here and its datapoints are young enough to decide by."""
        member = self._members.get(name)
        return member is not None and member.fresh(policy, now)

    def usual(self) -> float:
        """Load that one player brings, over the latest samples of all; 0 when nobody plays."""
        return usual_cost(self.members())

    def summary(self) -> Health:
        """The whole fleet as one member: what a router reports to its parent.

        Load and health are means weighted by capacity, the grade is the best of all, seats on
        draining members do not count. A fleet that reported nothing has no capacity.
        """
        samples = [m.newest for m in self._members.values() if m.newest is not None]
        return _together(samples) if samples else NOBODY


NOBODY = Health(0.0, 0.0, Grade.FIT, 0, 0, False, Position(0.0, 0.0), 0.0, 0)
"""The summary of a fleet without reports."""


def _samples(name: str, seconds: dict[int, dict[str, float]]) -> list[Health]:
    try:
        return [
            Health.from_measures(measures, second)
            for second, measures in seconds.items()
            if measures.keys() >= {"health", "load", "players", "capacity"}
        ]
    except (ValueError, OverflowError) as wrong:
        raise PeersFault(f"{name} reports what cannot be: {wrong}") from wrong


def _mean(pairs: Iterable[tuple[float, float]]) -> float:
    known = [(value, weight) for value, weight in pairs if weight > 0]
    weights = math.fsum(weight for _, weight in known)
    return math.fsum(value * weight for value, weight in known) / weights if known else 0.0


def _together(samples: Sequence[Health]) -> Health:
    centre = Position(
        _mean((h.centre.x, h.players) for h in samples),
        _mean((h.centre.y, h.players) for h in samples),
    )
    apart = ((h.spread_m + distance(h.centre, centre), h.players) for h in samples)
    return Health(
        load=_mean((h.load, h.capacity) for h in samples),
        health=min(1.0, _mean((h.health, h.capacity) for h in samples)),
        grade=min(h.grade for h in samples),
        players=sum(h.players for h in samples),
        capacity=sum(h.capacity for h in samples if not h.draining),
        draining=all(h.draining for h in samples),
        centre=centre,
        spread_m=_mean(apart),
        timestamp=max(h.timestamp for h in samples),
        split=Split(
            pairs=sum(h.split.pairs for h in samples), apart=sum(h.split.apart for h in samples)
        ),
    )
