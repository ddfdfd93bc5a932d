"""Replay: decides again what a router decided, from Graphite's datapoints and recorded rounds.

Pure. Each round is decided anew on a fleet that knows exactly what the router's knew: the reports
that had arrived by then, and the decisions before it. Nothing that was decided here flows into a
later round, so one difference does not become many. What another policy would have led to is
another question, which `whatif` answers.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from clientmigration.core.decisions.rounds import DecisionRecord, Round
from clientmigration.core.fleet.fleet import HISTORY_S, DecidedFlows, Fleet
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.handover import young
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.fleet.release import GameRelease
from clientmigration.core.fleet.split import UNSEEN
from clientmigration.core.measures.metrics import Datapoint, Measurement

ASKED = frozenset(
    ("health", "load", "players", "capacity", "draining", "centre_x_m", "centre_y_m")
) | {"pairs", "pairs_split", *UNSEEN.measures()}
"""The measures that flows are decided from."""

ASKED_OF_ROUTERS = ASKED - {"pairs", "pairs_split"}
"""Those of a router below: who sees whom is its own affair, and not told upward."""

NEEDED = frozenset(("health", "load", "players", "capacity"))
"""Those without which there is no report."""

Comparison = Literal["same", "differs", "unknown"]
"""Whether the round ends as it did; it cannot be known without all the reports that were there."""

Reports = Mapping[str, Mapping[int, Sequence[Measurement]]]
"""Measurements by member (`<role>.<name>`) and second."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One round, decided again. `text` says what differs or what is missing; "" when it is same."""

    round: Round
    flows: tuple[Flow, ...]
    verdict: Comparison
    text: str = ""


def reports(points: Iterable[Datapoint]) -> Reports:
    """The datapoints that flows are decided from, as reports."""
    found: dict[str, dict[int, list[Measurement]]] = defaultdict(lambda: defaultdict(list))
    for each in map(Measurement.of, points):
        asked = ASKED if each.role == "gameserver" else ASKED_OF_ROUTERS
        if each.measure in asked:
            found[f"{each.role}.{each.name}"][each.timestamp].append(each)
    return found


def replay(
    points: Iterable[Datapoint], records: Iterable[DecisionRecord], since: float
) -> Iterator[Judged]:
    """Every round at or after `since` (Unix seconds), decided again, in order of time.

    Give records and datapoints from `HISTORY_S` before it: decisions and reports of that time
    count. The policy is the recorded one. What a router knew of another's decisions is in its own
    records.
    """
    known, judged = reports(points), list[Judged]()
    for some in by_router(records):
        decided: list[Round] = []
        for record, round_ in in_order(some):
            if round_.now >= since:
                judged.append(_judge(record, round_, decided, known))
            if round_.flows:
                decided.append(round_)
    yield from sorted(judged, key=lambda each: each.round.now)


def by_router(records: Iterable[DecisionRecord]) -> list[list[DecisionRecord]]:
    """The records of each router."""
    found: dict[str, list[DecisionRecord]] = defaultdict(list)
    for record in records:
        found[record.router].append(record)
    return [found[router] for router in sorted(found)]


def in_order(records: Iterable[DecisionRecord]) -> list[tuple[DecisionRecord, Round]]:
    """Each round once, with its record, by time."""
    by_time = {round_.now: (record, round_) for record in records for round_ in record.rounds}
    return [by_time[now] for now in sorted(by_time)]


def _judge(
    record: DecisionRecord, round_: Round, decided: Sequence[Round], known: Reports
) -> Judged:
    lacking = [text for member in record.members if (text := _lacking(member, round_, known))]
    if lacking:
        return Judged(round_, (), "unknown", "; ".join(lacking))
    fleet = _as_it_was(record, round_, decided, known)
    again = flows(fleet, record.decided_by(), round_.now)
    differences = "; ".join(differing(round_.flows, again))
    return Judged(round_, again, "differs" if differences else "same", differences)


def _lacking(member: str, round_: Round, known: Reports) -> str:
    """Which reports the router had that are not here; "" when none is missing."""
    name, here = name_of(member), known.get(member, {})
    gone = [second for second in round_.seconds(name) if not _whole(here.get(second, ()))]
    return f"Graphite lacks {len(gone)} reports of {name} from {gone[0]} on" if gone else ""


def _whole(report: Iterable[Measurement]) -> bool:
    return {each.measure for each in report} >= NEEDED


def _as_it_was(
    record: DecisionRecord, round_: Round, decided: Sequence[Round], known: Reports
) -> Fleet:
    earlier = [each.decided() for each in decided]
    fleet = assembled(record, earlier, round_.now)
    for member in record.members:
        for second in round_.seconds(name_of(member)):
            fleet.observe(known[member][second], round_.now)
    for name in round_.unreachable:
        fleet.shut(name, math.inf, math.inf)
    return fleet


def assembled(record: DecisionRecord, decided: Iterable[DecidedFlows], now: float) -> Fleet:
    """A fleet without reports: the members of a record, and decisions, as they came one after the
    other."""
    fleet = Fleet()
    oldest = max(now - HISTORY_S, record.taken_over)
    earlier = [each for each in decided if each.at > oldest]
    for member, since in sorted(record.members.items(), key=lambda item: item[1]):
        while earlier and earlier[0].at < since:
            early = earlier.pop(0)
            fleet.decided(early.flows, early.at, early.planned)
        role, name = member.split(".", 1)
        fleet.attach(name, role, "", record.zones.get(member, ""))
        fleet.runs(name, GameRelease(*record.releases.get(member, ())))
        fleet.recalled(name, young(record.earlier, now))
    for each in earlier:
        fleet.decided(each.flows, each.at, each.planned)
    return fleet


def name_of(member: str) -> str:
    """The name in `<role>.<name>`."""
    return member.partition(".")[2]


def differing(then: Sequence[Flow], again: Sequence[Flow]) -> Iterator[str]:
    """What one of them has and the other has not, in words."""
    for flow in then:
        if flow not in again:
            yield f"only then: {describe(flow)}"
    for flow in again:
        if flow not in then:
            yield f"only now: {describe(flow)}"


def describe(flow: Flow) -> str:
    """A flow in words."""
    return f"{flow.players} from {flow.source} to {flow.target} ({flow.reason})"


@dataclass(frozen=True, slots=True)
class ReplayCount:
    """How many rounds ended how; `decisions` and `alike` are of those in which anybody was moved,
    then or now."""

    rounds: int
    same: int
    differing: int
    unknown: int
    decisions: int
    alike: int


def count(judged: Sequence[Judged]) -> ReplayCount:
    """The summary of a replay."""
    verdicts = [each.verdict for each in judged]
    decisions = [each for each in judged if each.round.flows or each.flows]
    return ReplayCount(
        rounds=len(judged),
        same=verdicts.count("same"),
        differing=verdicts.count("differs"),
        unknown=verdicts.count("unknown"),
        decisions=len(decisions),
        alike=sum(each.verdict == "same" for each in decisions),
    )


def span(records: Iterable[DecisionRecord]) -> tuple[float, float]:
    """Unix seconds of the first and the last round; (inf, -inf) without any."""
    times = [round_.now for record in records for round_ in record.rounds]
    return min(times, default=math.inf), max(times, default=-math.inf)
