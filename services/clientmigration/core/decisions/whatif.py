"""What-if: what another policy would have done, and roughly where that would have led.

Pure. Each round is decided by the other policy on datapoints that are corrected by what it would
have done differently so far: players that it would have moved are counted where they would be, with
the load that a player costs there. That is an estimate, not a replay: who joins and leaves, and
what a player does, stays as it was.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from clientmigration.core.decisions.replay import (
    NEEDED,
    Reports,
    assembled,
    by_router,
    in_order,
    name_of,
    reports,
)
from clientmigration.core.decisions.rounds import DecisionRecord, Round
from clientmigration.core.fleet.estimate import judged
from clientmigration.core.fleet.fleet import DecidedFlows
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.health import Health
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.measures.metrics import Datapoint, Measurement, measurements

SLACK_S = 0.5
"""A round that is due within this is held with the one at hand."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One round: what was decided then, and what the other policy would have decided instead."""

    now: float
    then: tuple[Flow, ...]
    instead: tuple[Flow, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """How it went, or would have gone: samples by member (`<role>.<name>`), oldest first."""

    samples: dict[str, list[Health]]

    def add(self, samples: Iterable[tuple[str, Health | None]]) -> None:
        """It went on like this."""
        for member, sample in samples:
            if sample is not None:
                self.samples.setdefault(member, []).append(sample)

    def highest(self) -> float:
        """The highest load of any member in any second."""
        return max((h.load for each in self.samples.values() for h in each), default=0.0)

    def apart(self) -> float:
        """The mean over time of the distance between the highest and the lowest load."""
        loads: dict[int, list[float]] = {}
        for each in self.samples.values():
            for h in each:
                loads.setdefault(h.timestamp, []).append(h.load)
        distances = [max(some) - min(some) for some in loads.values()]
        return sum(distances) / len(distances) if distances else 0.0


@dataclass(frozen=True, slots=True)
class Supposition:
    """What was, and what would have been."""

    choices: tuple[Choice, ...]
    then: Course
    instead: Course

    def and_also(self, other: Self) -> Self:
        """This, and what another router did or would have done."""
        choices = sorted((*self.choices, *other.choices), key=lambda choice: choice.now)
        then = Course(self.then.samples | other.then.samples)
        instead = Course(self.instead.samples | other.instead.samples)
        return replace(self, choices=tuple(choices), then=then, instead=instead)


@dataclass(frozen=True, slots=True)
class _Shift:
    """Players under way from `at` on, so many a second. `sign` is 1 for what would have been done
    and -1 for what was."""

    at: float
    flow: Flow
    players: int
    pace: float
    sign: int

    def at_member(self, name: str, second: int) -> int:
        """How many players more this makes at a member in the report of a second."""
        moved = min(self.players, max(0, int((second + 1 - self.at) * self.pace)))
        return self.sign * moved * ((name == self.flow.target) - (name == self.flow.source))


@dataclass
class _CorrectedReports:
    """The recorded reports of all members, corrected by what would have been different."""

    known: Reports
    shifts: list[_Shift] = field(default_factory=list)
    _corrected: dict[tuple[str, int], Health] = field(default_factory=dict)

    def recorded(self, member: str, second: int) -> Health | None:
        """What a member reported, if it did."""
        report = self.known.get(member, {}).get(second, ())
        values = {each.measure: each.value for each in report}
        return Health.from_measures(values, second) if values.keys() >= NEEDED else None

    def corrected(self, member: str, second: int, members: dict[str, float]) -> Health | None:
        """What it would have reported."""
        key = member, second
        if key not in self._corrected:
            sample = self.recorded(member, second)
            if sample is None:
                return None
            drift = self._drift(member, second, members)
            self._corrected[key] = sample.plus(drift, self._usual(second, members))
        return self._corrected[key]

    def _drift(self, member: str, second: int, members: dict[str, float]) -> int:
        """A move whose source or target has left since counts no more, neither way."""
        name, since = name_of(member), _since(members)
        return sum(
            shift.at_member(name, second)
            for shift in self.shifts
            if name in (shift.flow.source, shift.flow.target)
            and since.get(shift.flow.source, shift.at + 1) <= shift.at
            and since.get(shift.flow.target, shift.at + 1) <= shift.at
        )

    def _usual(self, second: int, members: dict[str, float]) -> float:
        known = [h for member in members if (h := self.recorded(member, second)) and h.players]
        players = sum(h.players for h in known)
        return sum(h.load for h in known) / players if players else 0.0


def _since(members: dict[str, float]) -> dict[str, float]:
    return {name_of(member): since for member, since in members.items()}


def suppose(
    points: Iterable[Datapoint], records: Iterable[DecisionRecord], policy: Policy, since: float
) -> Supposition:
    """Every round at or after `since` (Unix seconds) under another policy, at its own period."""
    known, whole = reports(points), Supposition((), Course({}), Course({}))
    for some in by_router(records):
        whole = whole.and_also(_suppose(known, in_order(some), policy, since))
    return whole


def _suppose(
    known: Reports, rounds: Sequence[tuple[DecisionRecord, Round]], policy: Policy, since: float
) -> Supposition:
    """The rounds of one router."""
    decided = [round_.decided() for _, round_ in rounds if round_.now < since]
    past, choices, told = _CorrectedReports(known), list[Choice](), 0
    then, instead = Course({}), Course({})
    for record, now, held in _times([each for each in rounds if each[1].now >= since], policy):
        was = [shift for each in held for shift in _shifts(each, record.decided_by())]
        past.shifts += was
        fleet = assembled(record, decided, now)
        fleet.observe(_reports(past, record, held[-1], judged(policy, now)), now)
        chosen = flows(fleet, policy, now)
        same = held[-1].flows == chosen  # then it is known how many moves were found
        decided.append(held[-1].decided() if same else DecidedFlows(now, chosen))
        past.shifts += _other_shifts(chosen, now, policy.limits.moves_per_second, was)
        choices.append(Choice(now, tuple(shift.flow for shift in was), chosen))
        seconds = judged(policy, now)
        for second in range(max(told, seconds.start), seconds.stop):
            then.add((m, past.recorded(m, second)) for m in record.members)
            instead.add((m, past.corrected(m, second, record.members)) for m in record.members)
        told = seconds.stop
    return Supposition(tuple(choices), then, instead)


def _times(
    rounds: Sequence[tuple[DecisionRecord, Round]], policy: Policy
) -> Iterator[tuple[DecisionRecord, float, list[Round]]]:
    """When the other policy would decide, who was there, and what had been decided since the last
    time: at the recorded times, or at its own if its period is another."""
    held: list[Round] = []
    due = 0.0
    for record, round_ in rounds:
        held.append(round_)
        if round_.now < due - SLACK_S:
            continue
        yield record, round_.now, held
        held, due = [], round_.now + policy.rebalance.period_s


def _shifts(round_: Round, policy: Policy) -> Iterator[_Shift]:
    for flow, planned in zip(round_.flows, round_.planned, strict=True):
        yield _Shift(round_.now, flow, planned, policy.limits.moves_per_second, -1)


def _other_shifts(
    chosen: Iterable[Flow], now: float, pace: float, was: Iterable[_Shift]
) -> Iterator[_Shift]:
    """Where fewer players than wanted could be moved then, no more could be moved now."""
    short = {(s.flow.source, s.flow.target): s.players for s in was if s.players < s.flow.players}
    for flow in chosen:
        most = short.get((flow.source, flow.target), flow.players)
        yield _Shift(now, flow, min(flow.players, most), pace, 1)


def _reports(
    past: _CorrectedReports, record: DecisionRecord, held: Round, seconds: range
) -> Iterator[Measurement]:
    """The reports of these seconds as they would have been, but for those that were not there."""
    for member, since in record.members.items():
        role, name = member.split(".", 1)
        absent = {*range(held.first, held.last + 1)} - {*held.seconds(name)}
        for second in seconds:
            sample = past.corrected(member, second, record.members)
            if sample is not None and second >= int(since) and second not in absent:
                split = sample.split.measures() if role == "gameserver" else {}
                yield from measurements(role, name, sample.measures() | split, second)
