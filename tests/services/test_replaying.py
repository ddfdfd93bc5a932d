"""What a router decided in the Arena is decided again from its datapoints and its journal alone."""

from collections.abc import Sequence

import msgspec
import pytest

from clientmigration.core.metrics import Datapoint
from clientmigration.core.replay import Judged, count, replay
from clientmigration.core.rounds import NotARecord, Record
from clientmigration.testing import Arena


def records_of(arena: Arena) -> list[Record]:
    """What graphite-web was told, as it would tell it again."""
    arena.router.journal.flush()
    found = []
    for _, text in arena.events.posted:
        try:
            found.append(Record.parse(text))
        except NotARecord:
            continue  # an event in words
    return found


@pytest.fixture(scope="module")
def run() -> tuple[Sequence[Datapoint], list[Record]]:
    """A fleet that grows, loses a server to a drain, gets it back and loses another to a crash."""
    arena = Arena(seed=1, cost=0.02)
    arena.start_router()
    for name in ("a", "b"):
        arena.start_server(name)
    arena.run(2.0)
    for _ in range(24):
        arena.start_player()
        arena.run(0.02)
    arena.run(6.0)
    arena.start_server("c")
    arena.run(12.0)
    arena.drain("a")
    arena.run(8.0)
    arena.start_server("a")
    arena.run(8.0)
    arena.kill("b")
    arena.run(8.0)
    return arena.sink.seen, records_of(arena)


def again(points: Sequence[Datapoint], records: Sequence[Record]) -> list[Judged]:
    return list(replay(points, records, since=0.0))


def test_every_round_of_an_eventful_run_is_decided_again_as_it_was(
    run: tuple[Sequence[Datapoint], list[Record]],
) -> None:
    judged = again(*run)
    summary = count(judged)
    assert (summary.differing, summary.unknown) == (0, 0), [j for j in judged if j.text]
    assert summary.decisions >= 4
    assert summary.rounds > summary.decisions + 8
    reasons = {flow.reason.partition(":")[0] for each in judged for flow in each.flows}
    assert "draining" in reasons
    assert reasons - {"draining"}


def test_a_router_that_decides_by_another_policy_than_it_says_is_found_out(
    run: tuple[Sequence[Datapoint], list[Record]],
) -> None:
    points, records = run
    other = {"rebalance": {"damping": 0.3}}
    summary = count(again(points, [msgspec.structs.replace(r, policy=other) for r in records]))
    assert summary.differing >= 2
    assert summary.alike < summary.decisions


def test_a_decision_that_was_not_recorded_makes_the_next_one_differ(
    run: tuple[Sequence[Datapoint], list[Record]],
) -> None:
    points, records = run
    first = next(record for record in records if record.rounds[0].flows)
    summary = count(again(points, [record for record in records if record is not first]))
    assert summary.differing >= 1


def test_a_report_that_graphite_lost_is_named_and_its_rounds_are_not_judged(
    run: tuple[Sequence[Datapoint], list[Record]],
) -> None:
    points, records = run
    middle = records[len(records) // 2].rounds[0].last
    holed = [p for p in points if not (p.timestamp == middle and p.path.endswith(".c.load"))]
    unknown = [each for each in again(holed, records) if each.verdict == "unknown"]
    assert 1 <= len(unknown) <= 7
    assert {each.text for each in unknown} == {f"Graphite lacks 1 reports of c from {middle} on"}
