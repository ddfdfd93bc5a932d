"""What one router has decided the next one knows: flows are not turned round, and every round is
decided again the same, whoever decided it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from clientmigration.core.decisions.replay import count, replay
from clientmigration.core.decisions.rounds import DecisionRecord, NotARecord
from clientmigration.core.fleet import handover
from clientmigration.core.fleet.fleet import HISTORY_S, DecidedFlows
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.measures.metrics import Datapoint
from clientmigration.core.player.ledger import Record
from clientmigration.testing import Arena
from clientmigration.testing.fakes import Disk

TWO = ("router", "router-2")
MOVED = DecidedFlows(100.0, (Flow("a", "b", 3, "high: because"),), (2,))


def records_of(arena: Arena) -> list[DecisionRecord]:
    """What graphite-web was told, as it would tell it again."""
    found = []
    for router in arena.routers.values():
        router.decision_log.flush()
    for _, text in arena.events.posted:
        try:
            found.append(DecisionRecord.parse(text))
        except NotARecord:
            continue  # an event in words
    return found


@pytest.fixture(scope="module")
def run() -> tuple[Sequence[Datapoint], list[DecisionRecord], Arena]:
    """A third server comes; the router that has players moved there is killed in the midst of it,
    is started again, and so the other one decides for a while."""
    arena = Arena(seed=1, cost=0.02, disk=Disk(0.002), equals=TWO)
    for name in TWO:
        arena.start_router(name)
    for name in ("a", "b"):
        arena.start_server(name)
    arena.run(3.0)
    for _ in range(24):
        arena.start_player()
        arena.run(0.02)
    arena.run(8.0)
    arena.start_server("c")
    first = arena.routers["router"]
    arena.run_until(lambda: bool(first.meter.totals["planned_moves"]), within=20.0)
    arena.run(0.3)
    arena.kill("router")
    arena.run(12.0)
    arena.drain("a")
    arena.run(10.0)
    arena.start_router("router")
    arena.run(12.0)
    arena.drain("b")
    arena.run(10.0)
    return arena.sink.seen, records_of(arena), arena


def test_every_round_is_decided_again_the_same_though_another_router_decided_before_it(
    run: tuple[Sequence[Datapoint], list[DecisionRecord], Arena],
) -> None:
    points, records, _ = run
    judged = list(replay(points, records, since=0.0))
    summary = count(judged)
    assert (summary.differing, summary.unknown) == (0, 0), [j for j in judged if j.text]
    authors = [record.router for record in records if record.rounds[0].flows]
    assert set(authors) == set(TWO)
    assert authors[0] == authors[-1] == "router"


def test_who_takes_over_knows_the_last_decision_of_the_one_before(
    run: tuple[Sequence[Datapoint], list[DecisionRecord], Arena],
) -> None:
    _, records, _ = run
    theirs = next(record for record in records if record.router == "router-2")
    before = [
        r for record in records if record.router == "router" for r in record.rounds if r.flows
    ]
    known = [each.at for each in theirs.earlier]
    assert known
    assert set(known) <= {each.now for each in before}
    assert theirs.taken_over > max(known)


def test_without_what_was_handed_on_rounds_would_end_otherwise(
    run: tuple[Sequence[Datapoint], list[DecisionRecord], Arena],
) -> None:
    """So the record is not empty words: who did not know it would decide otherwise."""
    points, records, _ = run
    ignorant = [msgspec.structs.replace(record, earlier=()) for record in records]
    assert count(list(replay(points, ignorant, since=0.0))).differing


def test_nobody_is_moved_back_by_the_router_that_takes_over(
    run: tuple[Sequence[Datapoint], list[DecisionRecord], Arena],
) -> None:
    _, records, arena = run
    flows = [flow for record in records for each in record.rounds for flow in each.flows]
    ways = {(flow.source, flow.target) for flow in flows if not flow.exchanges}
    assert ways
    assert not {(target, source) for source, target in ways} & ways
    assert [each.tally.missed for each in arena.players] == [0] * len(arena.players)


def test_decisions_are_kept_in_one_record_as_long_as_they_count() -> None:
    record = Record(handover.KEY)
    for at in (100.0, 110.0, 118.0):
        record = handover.with_decision(record, MOVED._replace(at=at), "r1", at)
    assert [each.at for each in handover.told(record, 118.0)] == [100.0, 110.0, 118.0]
    assert [each.at for each in handover.told(record, 100.0 + HISTORY_S)] == [110.0, 118.0]
    (told, *_) = handover.told(record, 118.0)
    assert (tuple(told.flows), tuple(told.planned or ())) == (MOVED.flows, MOVED.planned)
    assert (record.owner, record.epoch) == ("r1", 3)


def test_decisions_of_a_huge_fleet_leave_room_in_an_event_and_the_last_one_is_kept() -> None:
    flows = tuple(Flow(f"a{n}", f"b{n}", 3, "high: because") for n in range(200))
    record = Record(handover.KEY)
    for at in range(100, 110):
        huge = DecidedFlows(float(at), flows, (3,) * 200)
        record = handover.with_decision(record, huge, "r1", float(at))
    assert [each.at for each in handover.told(record, 110.0)] == [109.0]


def test_a_record_that_is_none_tells_no_decisions() -> None:
    made = handover.with_decision(Record(handover.KEY), MOVED, "r1", 100.0)
    assert made.snapshot is not None
    broken = msgspec.structs.replace(made.snapshot, game={"decided": [{"at": "soon"}]})
    assert handover.told(msgspec.structs.replace(made, snapshot=broken), 100.0) == ()
    assert handover.told(Record(handover.KEY), 100.0) == ()
