"""Fleet: which members are attached, and what their datapoints said in the last seconds.

Built from datapoints and membership. It remembers beside them players sent
somewhere and decisions taken, each only until reports show them, and whom players cannot reach. It
decides nothing.
"""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from clientmigration.core.fleet.columns import Columns
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.headcount import Headcount
from clientmigration.core.fleet.health import Grade, Health
from clientmigration.core.fleet.member import Member, PlannedChange
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.release import GameRelease
from clientmigration.core.fleet.split import Split
from clientmigration.core.fleet.world import Position, distance
from clientmigration.core.measures.metrics import Measurement, clean
from clientmigration.errors import ConfigurationError, PeersFault

AHEAD_S = 5
"""How far a member's clock may run ahead before its datapoints are not taken."""

HISTORY_S = 25.0
"""What is remembered: more than any judgement needs (`estimate.judged`), so that no decision hangs
on the moment at which something was forgotten, which nobody could find out afterwards."""


class DecidedFlows(NamedTuple):
    """A decision: its Unix time, its flows, and the moves planned for each if that is known."""

    at: float
    flows: Sequence[Flow]
    planned: Sequence[int] | None = None


class Fleet:
    """The members of one router. Times are Unix seconds by the router's clock."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._columns: Columns | None = None
        self.headcount = Headcount()
        self._unwritten: set[str] = set()  # members that have changed since their row was written
        self._expected: set[str] = set()  # members of whom only has changed who comes to them

    def attach(self, name: str, role: str, address: str, zone: str = "", inner: str = "") -> None:
        """Take a member in, without history; one of that name before it is forgotten.

        ConfigurationError unless `name` is spelled as in its metric paths (`metrics.clean`).
        """
        if clean(name) != name:
            raise ConfigurationError(f"member {name!r} must be called {clean(name)!r}")
        self._members[name] = Member(name, role, address, zone or name, inner=inner)
        self.headcount.reported(name)
        self._columns = None

    def runs(self, name: str, release: GameRelease) -> None:
        """A member says which game it runs."""
        self._members[name] = replace(self._members[name], release=release)

    def detach(self, name: str) -> None:
        """Forget a member; not an error when there is none of that name."""
        self._members.pop(name, None)
        self.headcount.reported(name)
        self._columns = None

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
                self._keep(self._members[name].reported(samples).since(oldest))
                self.headcount.reported(name)

    def placed(self, name: str, now: float) -> None:
        """A newcomer was sent there: it counts until a report shows it."""
        member = self._members[name]
        self._expect(replace(member, placed=(*member.placed, now)))

    def stays_away(self, name: str) -> None:
        """The newcomer that was sent there last, or one like it, will not come."""
        member = self._members.get(name)
        if member is not None:
            self._expect(replace(member, placed=member.placed[:-1]))

    def _expect(self, member: Member) -> None:
        self._members[member.name] = member
        self._expected.add(member.name)

    def moved(self, name: str, address: str) -> None:
        """Players are told another address of that member from now on."""
        member = self._members.get(name)
        if member is not None and member.address != address:
            self._keep(replace(member, address=address))

    def shut(self, name: str, until: float, trial_at: float) -> None:
        """Players could not reach that member: until then nobody is sent there, but for one who may
        try from `trial_at` on. It is no error when the member has left meanwhile."""
        if name in self._members:
            self._keep(replace(self._members[name], shut=until, trial_at=trial_at))

    def decided(
        self, flows: Sequence[Flow], now: float, planned: Sequence[int] | None = None
    ) -> None:
        """These flows are being carried out, with so many moves `planned` for each, if that is
        known. A member that has left meanwhile is skipped. Exchanges change nobody's load; it is
        remembered between whom nobody was found for one."""
        self._note(DecidedFlows(now, flows, planned), self._members)

    def recalled(self, name: str, decided: Iterable[DecidedFlows]) -> None:
        """These decisions count for this member although they were taken before it attached."""
        for each in decided:
            self._note(each, (name,))

    def took_over(self, decided: Sequence[DecidedFlows]) -> None:
        """Of all that was decided before, here or elsewhere, this counts and nothing else: for
        everybody who is here."""
        for name, member in list(self._members.items()):
            self._keep(replace(member, changes=(), vain=()))
            self.recalled(name, decided)

    def _note(self, decided: DecidedFlows, concerned: Container[str]) -> None:
        """What this decision means for those whom it concerns."""
        for name, change in _changes(decided):
            if change.players and name in concerned and name in self._members:
                member = self._members[name]
                self._keep(replace(member, changes=(*member.changes, change)))
        for name, other in _vain(decided):
            if name in concerned and name in self._members:
                member = self._members[name]
                self._keep(replace(member, vain=(*member.vain, (decided.at, other))))

    def _keep(self, member: Member) -> None:
        self._members[member.name] = member
        self._unwritten.add(member.name)

    def players(self, name: str) -> int:
        """How many players that member has, each counted at one member only. Only what is shown
        follows from this, no decision does."""
        member = self._members.get(name)
        newest = member.newest if member is not None else None
        return self.headcount.of(name, newest.players) if newest is not None else 0

    def members(self) -> tuple[Member, ...]:
        """All members, by name."""
        return tuple(self._members[name] for name in sorted(self._members))

    def member(self, name: str) -> Member | None:
        """The member of that name, if it is here."""
        return self._members.get(name)

    def address(self, name: str) -> str:
        """Where players reach that member, "" if it is not here."""
        member = self._members.get(name)
        return member.address if member is not None else ""

    def zone(self, name: str) -> str:
        """The zone of that member, or its own name if it is not here any more."""
        member = self._members.get(name)
        return member.zone if member is not None else name

    def fresh(self, name: str, now: float, policy: Policy) -> bool:
        """Whether that member is here and its datapoints are young enough to decide by."""
        member = self._members.get(name)
        return member is not None and member.fresh(policy, now)

    def columns(self, policy: Policy) -> Columns:
        """The figures of all members by this policy, in arrays, until the next change."""
        if self._columns is None or self._columns.policy != policy:
            self._columns = Columns(self.members(), policy)
            self._unwritten.clear()
            self._expected.clear()
        while self._unwritten:
            self._columns.write(self._members[self._unwritten.pop()])
        while self._expected:
            self._columns.expect(self._members[self._expected.pop()])
        return self._columns

    def summary(self, policy: Policy, now: float) -> Health:
        """The whole fleet as one member: what a router reports to its parent.

        Load and health are means weighted by capacity, the grade is the best of all, seats on
        draining members do not count. Who is silent is left out, with players and seats: whoever is
        sent there is sent into nothing. A fleet that reports nothing has no capacity. Players who
        are moved are counted once.
        """
        known = [m for m in self._members.values() if m.newest and m.fresh(policy, now)]
        samples = [m.newest for m in known if m.newest is not None]
        if not samples:
            return NOBODY
        return dataclasses.replace(
            _together(samples), players=sum(self.players(m.name) for m in known)
        )


NOBODY = Health(0.0, 0.0, Grade.FIT, 0, 0, False, Position(0.0, 0.0), 0.0, 0)
"""The summary of a fleet without reports."""


def _changes(decided: DecidedFlows) -> Iterator[tuple[str, PlannedChange]]:
    """Who comes to whom and goes from whom by this decision; of exchanges, by how many more go one
    way, if that is known."""
    planned = decided.planned or [0] * len(decided.flows)
    for flow, moves in zip(decided.flows, planned, strict=True):
        players = moves if flow.exchanges else flow.players
        yield flow.source, PlannedChange(decided.at, -players, flow.exchanges)
        yield flow.target, PlannedChange(decided.at, players, flow.exchanges)


def _vain(decided: DecidedFlows) -> Iterator[tuple[str, str]]:
    """Each member with each other for an exchange, when nobody was found to come to or go from
    either of them."""
    if decided.planned is None:
        return
    found = Counter[str]()
    for flow, moves in zip(decided.flows, decided.planned, strict=True):
        found[flow.source] += moves
        found[flow.target] += moves
    for flow in decided.flows:
        if flow.exchanges and not found[flow.source] + found[flow.target]:
            yield flow.source, flow.target


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
