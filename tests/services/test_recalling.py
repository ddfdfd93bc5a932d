"""A router that starts again has the last seconds from Graphite, if Graphite answers in time."""

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, fail, succeed

from clientmigration.core.decisions.replay import count, replay
from clientmigration.core.decisions.rounds import DecisionRecord, NotARecord
from clientmigration.core.measures.metrics import Datapoint
from clientmigration.errors import Away
from clientmigration.router.warm_start import PastReports
from clientmigration.testing import Arena

Answer = Callable[[PastReports], Deferred[PastReports]]


def graphite_of(arena: Arena) -> PastReports:
    """All datapoints, and all rounds that were posted."""
    records = []
    for _, text in arena.events.posted:
        try:
            records.append(DecisionRecord.parse(text))
        except NotARecord:
            continue
    return arena.sink.seen, records


def restarted(answer: Answer, players: int = 16) -> Arena:
    """Two servers, uneven; a third comes; the router is killed in the middle of levelling, and
    comes back, asking."""
    arena = Arena(seed=3, cost=0.02)
    arena.start_router()
    for name in ("a", "b"):
        arena.start_server(name)
    arena.run(2.0)
    for _ in range(players):
        arena.start_player()
        arena.run(0.02)
    arena.run(10.0)
    arena.start_server("c")
    arena.run_until(lambda: any("to c" in what for what, _ in arena.events.posted))
    arena.run(1.0)
    arena.router.decision_log.flush()
    arena.kill("router")
    arena.run(0.5)

    def ask(since: int, until: int) -> Deferred[PastReports]:
        points, records = graphite_of(arena)
        return answer(([p for p in points if since <= p.timestamp <= until], records))

    arena.past = ask
    arena.start_router()
    return arena


def seconds_of(arena: Arena, name: str) -> int:
    member = arena.router.fleet.member(name)
    return len(member.history) if member else 0


def attached(arena: Arena) -> bool:
    return len(arena.router.members) == 3


def assert_all_the_same(arena: Arena, decisions: int) -> None:
    arena.router.decision_log.flush()
    points, records = graphite_of(arena)
    judged = list(replay(points, records, 0.0))
    summary = count(judged)
    assert (summary.differing, summary.unknown) == (0, 0), [j for j in judged if j.text]
    assert summary.decisions >= decisions


def test_a_member_that_comes_back_is_known_at_once_and_so_is_what_was_decided() -> None:
    arena = restarted(succeed)
    arena.run_until(lambda: attached(arena))
    assert seconds_of(arena, "a") > 10
    assert arena.router.fleet.fresh("a", arena.router.now(), arena.policy)
    member = arena.router.fleet.member("c")
    assert member is not None
    assert sum(change.players for change in member.changes) > 0


def test_decisions_after_a_restart_are_replayed_as_they_were_with_what_was_recalled() -> None:
    arena = restarted(succeed)
    arena.run(10.0)
    arena.drain("a")
    arena.run(8.0)
    assert_all_the_same(arena, decisions=3)


def test_an_answer_after_the_members_have_come_back_is_taken_too() -> None:
    late: Deferred[PastReports] = Deferred()
    kept: list[PastReports] = []

    def answer(told: PastReports) -> Deferred[PastReports]:
        kept.append(told)
        return late

    arena = restarted(answer)
    arena.run_until(lambda: attached(arena))
    assert seconds_of(arena, "a") <= 2
    late.callback(kept[0])
    assert seconds_of(arena, "a") > 10
    arena.run(10.0)
    arena.drain("a")
    arena.run(8.0)
    assert_all_the_same(arena, decisions=3)


def test_without_an_answer_the_router_begins_and_decides_all_the_same() -> None:
    arena = restarted(lambda _: fail(Away("Graphite does not answer")))
    arena.run(10.0)
    assert attached(arena)
    arena.drain("a")
    arena.run(8.0)
    assert_all_the_same(arena, decisions=3)
    assert [p.tally.missed for p in arena.players] == [0] * len(arena.players)


def test_what_is_older_than_the_fleet_remembers_is_left_out() -> None:
    def old(told: PastReports) -> Deferred[PastReports]:
        points: Sequence[Datapoint] = [p._replace(timestamp=p.timestamp - 60) for p in told[0]]
        return succeed((points, told[1]))

    arena = restarted(old)
    arena.run_until(lambda: attached(arena))
    assert seconds_of(arena, "a") <= 2
