"""What a router decided in the Arena is decided again from its datapoints and its journal alone."""

from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree

import msgspec
import pytest
from grown import add_zones

from clientmigration.cli.picture import picture
from clientmigration.core.decisions.replay import Judged, count, replay
from clientmigration.core.decisions.rounds import DecisionRecord, NotARecord
from clientmigration.core.decisions.whatif import Course, suppose
from clientmigration.core.fleet.policy import Policy, RebalancePolicy, TogetherPolicy
from clientmigration.core.measures.metrics import Datapoint
from clientmigration.testing import Arena


def records_of(arena: Arena) -> list[DecisionRecord]:
    """What graphite-web was told, as it would tell it again."""
    for router in arena.routers.values():
        router.decision_log.flush()
    found = []
    for _, text in arena.events.posted:
        try:
            found.append(DecisionRecord.parse(text))
        except NotARecord:
            continue  # an event in words
    return found


@pytest.fixture(scope="module")
def run() -> tuple[Sequence[Datapoint], list[DecisionRecord]]:
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


def again(points: Sequence[Datapoint], records: Sequence[DecisionRecord]) -> list[Judged]:
    return list(replay(points, records, since=0.0))


def test_every_round_of_an_eventful_run_is_decided_again_as_it_was(
    run: tuple[Sequence[Datapoint], list[DecisionRecord]],
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
    run: tuple[Sequence[Datapoint], list[DecisionRecord]],
) -> None:
    points, records = run
    other = {"rebalance": {"damping": 0.3}}
    summary = count(again(points, [msgspec.structs.replace(r, policy=other) for r in records]))
    assert summary.differing >= 2
    assert summary.alike < summary.decisions


def test_a_decision_that_was_not_recorded_makes_the_next_one_differ(
    run: tuple[Sequence[Datapoint], list[DecisionRecord]],
) -> None:
    points, records = run
    first = next(record for record in records if record.rounds[0].flows)
    summary = count(again(points, [record for record in records if record is not first]))
    assert summary.differing >= 1


def test_a_report_that_graphite_lost_is_named_and_its_rounds_are_not_judged(
    run: tuple[Sequence[Datapoint], list[DecisionRecord]],
) -> None:
    points, records = run
    middle = records[len(records) // 2].rounds[0].last
    holed = [p for p in points if not (p.timestamp == middle and p.path.endswith(".c.load"))]
    unknown = [each for each in again(holed, records) if each.verdict == "unknown"]
    assert 1 <= len(unknown) <= 7
    assert {each.text for each in unknown} == {f"Graphite lacks 1 reports of c from {middle} on"}


def test_supposing_the_same_policy_changes_nothing(
    run: tuple[Sequence[Datapoint], list[DecisionRecord]],
) -> None:
    supposed = suppose(*run, Policy(), since=0.0)
    assert [each.instead for each in supposed.choices] == [each.then for each in supposed.choices]
    assert supposed.instead == supposed.then


def test_supposing_the_same_policy_changes_nothing_from_the_middle_on_either(
    run: tuple[Sequence[Datapoint], list[DecisionRecord]],
) -> None:
    points, records = run
    times = [round_.now for record in records for round_ in record.rounds if round_.flows]
    supposed = suppose(points, records, Policy(), since=times[1] + 0.1)
    assert supposed.choices[0].now > times[1]
    assert supposed.instead == supposed.then


def test_a_policy_that_leaves_imbalance_alone_would_have_moved_players_off_a_drain_only(
    run: tuple[Sequence[Datapoint], list[DecisionRecord]],
) -> None:
    alone = TogetherPolicy(share=0.0)
    lazy = Policy(rebalance=RebalancePolicy(imbalance=10.0, margin=1.0), together=alone)
    supposed = suppose(*run, lazy, since=0.0)
    chosen = [flow for each in supposed.choices for flow in each.instead]
    assert {flow.reason.partition(":")[0] for flow in chosen} == {"draining"}
    assert supposed.instead.apart() > 1.3 * supposed.then.apart()
    assert players(supposed.instead) == players(supposed.then)


def players(course: Course) -> list[int]:
    """How many there are in each second: nobody is lost or made by supposing."""
    seconds = sorted({h.timestamp for each in course.samples.values() for h in each})
    return [
        sum(h.players for each in course.samples.values() for h in each if h.timestamp == second)
        for second in seconds
    ]


def test_a_policy_that_decides_half_as_often_is_asked_half_as_often(
    run: tuple[Sequence[Datapoint], list[DecisionRecord]],
) -> None:
    slow = Policy(rebalance=RebalancePolicy(period_s=4.0))
    choices = suppose(*run, slow, since=0.0).choices
    assert {b.now - a.now for a, b in pairwise(choices)} == {4.0}


def test_a_picture_shows_both_courses_side_by_side(
    run: tuple[Sequence[Datapoint], list[DecisionRecord]],
) -> None:
    supposed = suppose(*run, Policy(), since=0.0)
    drawn = picture(
        {"as it was": supposed.then, "with <that>": supposed.instead}, [1_700_000_022.0]
    )
    tree = ElementTree.fromstring(drawn)
    lines = list(tree.iter("{http://www.w3.org/2000/svg}polyline"))
    assert len(lines) == 2 * 2 * 4  # players and load, twice; a is there twice
    assert {line.findtext("{http://www.w3.org/2000/svg}title") for line in lines} == {"a", "b", "c"}


def test_in_a_tree_what_the_root_and_each_zone_decided_is_decided_again_across_crossings() -> None:
    arena = Arena(seed=1, cost=0.05)
    add_zones(arena)
    arena.run(3.0)
    players = [arena.start_player(router="a") for _ in range(14)]
    arena.run(30.0)
    arena.routers["a"].above.drain(True)
    arena.run(10.0)
    assert all(arena.home_of(each).startswith("b") for each in players)
    records = records_of(arena)
    decided = {name: again(arena.sink.seen, of(records, name)) for name in arena.routers}
    counts = {name: count(judged) for name, judged in decided.items()}
    assert {name: each.differing + each.unknown for name, each in counts.items()} == {
        "router": 0,
        "a": 0,
        "b": 0,
    }
    assert counts["router"].decisions > 2, "it had players cross"
    assert counts["a"].decisions + counts["b"].decisions > 0


def test_what_the_root_decided_is_decided_again_when_another_router_of_a_zone_tells_of_it() -> None:
    arena = Arena(seed=1, cost=0.05)
    arena.start_router("router")
    for each in ("a1", "a2"):
        arena.start_router(each, parent="router", zone="a")
    arena.start_router("b", parent="router")
    for n in (1, 2):
        arena.start_server(f"a-{n}", router="a1,a2")
        arena.start_server(f"b-{n}", router="b")
    arena.run(4.0)
    players = [arena.start_player(router="a1,a2") for _ in range(14)]
    arena.run(12.0)
    arena.kill("a1")
    arena.run(12.0)
    arena.start_router("a1")
    arena.run(6.0)
    for each in ("a1", "a2"):
        arena.routers[each].above.drain(True)
    arena.run(12.0)
    assert all(arena.home_of(each).startswith("b") for each in players)
    judged = count(again(arena.sink.seen, of(records_of(arena), "router")))
    assert (judged.differing, judged.unknown) == (0, 0)
    assert judged.decisions > 2


def of(records: Sequence[DecisionRecord], router: str) -> list[DecisionRecord]:
    return [each for each in records if each.router == router]
