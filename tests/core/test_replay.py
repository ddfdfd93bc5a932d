"""Rounds written down, and decided again."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.decisions.replay import assembled, count, replay
from clientmigration.core.decisions.rounds import (
    DecisionRecord,
    NotARecord,
    Round,
    peculiar,
    recorded,
    runs,
    witness,
)
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.policy import (
    HealthPolicy,
    Policy,
    RebalancePolicy,
    TogetherPolicy,
)
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.measures.metrics import Datapoint, Measurement, datapoints

POLICY = Policy()
NOW = 1_000_020.123456789


def said(name: str, second: int, load: float) -> tuple[Datapoint, ...]:
    values = {"load": load, "health": 1.0, "players": 100.0, "capacity": 200.0}
    return datapoints("gameserver", name, values, second)


def uneven() -> list[Datapoint]:
    """Twenty seconds of a busy server and an idle one."""
    return [
        point
        for second in range(1_000_000, 1_000_020)
        for name, load in (("a", 0.9), ("b", 0.1))
        for point in said(name, second, load + second % 3 / 100)
    ]


def fleet_of(points: list[Datapoint]) -> Fleet:
    fleet = Fleet()
    for name in ("a", "b"):
        fleet.attach(name, "gameserver", "")
    fleet.observe(map(Measurement.of, points), NOW)
    return fleet


MEMBERS = {"gameserver.a": 1_000_000.0, "gameserver.b": 1_000_000.0}


def held(fleet: Fleet, policy: Policy = POLICY, now: float = NOW) -> DecisionRecord:
    """A round of a router over this fleet, as it comes back from graphite-web."""
    decided = flows(fleet, policy, now)
    record = DecisionRecord((witness(fleet, policy, now, decided),), MEMBERS, recorded(policy))
    fleet.decided(decided, now)
    return DecisionRecord.parse(record.text())


def test_a_record_comes_back_exactly_as_it_was_written() -> None:
    record = DecisionRecord(
        (Round(NOW, 1, 14, (), (Flow("a", "b", 3, "high: why"),), (3,)),), MEMBERS
    )
    assert DecisionRecord.parse(record.text()) == record
    assert DecisionRecord.parse(record.text()).rounds[0].now == NOW


@pytest.mark.parametrize("text", ["", "gs-1 joins", "{}", '{"rounds": 3}', "[]"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(NotARecord):
        DecisionRecord.parse(text)


@given(st.sets(st.integers(1, 60)))
def test_seconds_become_runs_and_runs_seconds(seconds: set[int]) -> None:
    found = runs(sorted(seconds))
    assert [s for first, last in found for s in range(first, last + 1)] == sorted(seconds)


def test_a_policy_is_written_down_by_what_is_peculiar_to_it() -> None:
    policy = Policy(rebalance=RebalancePolicy(damping=0.3))
    assert peculiar(POLICY) == {}
    assert peculiar(policy) == {"rebalance": {"damping": 0.3}}
    assert Policy.parse(peculiar(policy)) == policy


def test_a_record_says_what_is_younger_than_records_and_an_old_one_keeps_its_decisions() -> None:
    for policy in (POLICY, Policy(rebalance=RebalancePolicy(damping=0.3)), of_old()):
        assert DecisionRecord((), MEMBERS, recorded(policy)).decided_by() == policy
    assert DecisionRecord(()).decided_by() == of_old()
    old = DecisionRecord((), {}, {"health": {"fresh_s": 4.0}}).decided_by()
    assert (old.health.fresh_s, old.health.unhealthy_s, old.together.share) == (4.0, 0.0, 0.0)


def test_who_did_not_keep_up_was_not_emptied_by_an_old_router_and_a_replay_knows_it() -> None:
    points = [p._replace(value=0.0) if p.path.endswith("a.health") else p for p in uneven()]
    new = held(fleet_of(points))
    assert new.rounds[0].flows[0].word == "unhealthy"
    assert [each.verdict for each in replay(points, [new], 0.0)] == ["same"]
    then = held(fleet_of(points), policy=of_old())
    old = DecisionRecord(then.rounds, then.members, {})
    assert old.rounds[0].flows[0].word != "unhealthy"
    assert [each.verdict for each in replay(points, [old], 0.0)] == ["same"]


def of_old() -> Policy:
    return Policy(health=HealthPolicy(unhealthy_s=0.0), together=TogetherPolicy(share=0.0))


def test_the_same_reports_and_decisions_lead_to_the_same_decisions() -> None:
    points = uneven()
    fleet = fleet_of(points)
    records = [held(fleet), held(fleet, now=NOW + 2.0)]
    assert records[0].rounds[0].flows
    assert count(list(replay(points, records, 0.0))).same == 2


def test_a_member_that_players_could_not_reach_is_no_target_then_nor_in_the_replay() -> None:
    fleet = fleet_of(uneven())
    fleet.shut("b", NOW + 60, NOW + 10)
    record = held(fleet)
    assert record.rounds[0].unreachable == ("b",)
    (judged,) = replay(uneven(), [record], NOW - 1)
    assert (judged.flows, judged.verdict) == ((), "same")


def test_earlier_decisions_count_but_are_not_judged() -> None:
    points = uneven()
    fleet = fleet_of(points)
    records = [held(fleet), held(fleet, now=NOW + 2.0)]
    judged = list(replay(points, records, since=NOW + 1.0))
    assert [(each.round.now, each.verdict) for each in judged] == [(NOW + 2.0, "same")]


def test_a_report_that_came_too_late_for_the_router_comes_too_late_for_the_replay() -> None:
    points = uneven()
    late = [p for p in points if p.timestamp == 1_000_018 and ".a." in p.path]
    record = held(fleet_of([p for p in points if p not in late]))
    assert record.rounds[0].gaps[0].members == ("a",)
    spoilt = [p._replace(value=0.0) if p in late and p.path.endswith("load") else p for p in points]
    assert [each.verdict for each in replay(spoilt, [record], 0.0)] == ["same"]


def test_another_policy_than_the_recorded_one_differs_and_says_in_what() -> None:
    points = uneven()
    record = held(fleet_of(points))
    lying = DecisionRecord(record.rounds, record.members, {"rebalance": {"damping": 0.2}})
    (judged,) = replay(points, [lying], 0.0)
    assert judged.verdict == "differs"
    assert "only then: 37 from a to b" in judged.text
    assert "only now: 12 from a to b" in judged.text
    assert count([judged]).alike == 0


def test_decisions_from_before_a_member_came_back_are_forgotten() -> None:
    points = uneven()
    first = held(fleet_of(points))
    fleet = fleet_of(points)
    second = held(fleet, now=NOW + 2.0)
    since = dict.fromkeys(MEMBERS, NOW + 1.0)
    judged = list(replay(points, [first, DecisionRecord(second.rounds, since)], 0.0))
    assert [each.verdict for each in judged] == ["same", "same"]
    judged = list(replay(points, [first, second], 0.0))
    assert [each.verdict for each in judged] == ["same", "differs"]


def test_a_decision_too_long_for_a_title_is_cut() -> None:
    many = tuple(Flow("a", f"b{n}", 3, "high: why") for n in range(50))
    assert len(Round(NOW, 1, 14, (), many).sentence()) == 200


def test_routers_know_nothing_of_each_others_decisions() -> None:
    points = uneven()
    fleet = fleet_of(points)
    records = [held(fleet), held(fleet, now=NOW + 2.0)]
    other = msgspec.structs.replace(records[0], router="other")
    judged = list(replay(points, [*records, other], 0.0))
    assert [each.round.now for each in judged] == [NOW, NOW, NOW + 2.0]
    assert {each.verdict for each in judged} == {"same"}
    stolen = msgspec.structs.replace(records[0], router="other"), records[1]
    assert [each.verdict for each in replay(points, stolen, 0.0)] == ["same", "differs"]


def sharing() -> list[Datapoint]:
    """Twenty seconds of two servers that share pairs, equally full."""
    return [
        point
        for second in range(1_000_000, 1_000_020)
        for number, name in ((1, "a"), (2, "b"))
        for point in datapoints(
            "gameserver",
            name,
            {"load": 0.3, "health": 1.0, "players": 100.0, "capacity": 200.0, "number": number}
            | {"pairs": 1000, "pairs_split": 400, "split_1_pairs": 400 + second % 3}
            | {"split_1_number": 3 - number, "pairs_split": 400 + second % 3},
            second,
        )
    ]


def exchanged(fleet: Fleet, now: float, planned: tuple[int, ...]) -> DecisionRecord:
    decided = flows(fleet, POLICY, now)
    seen = witness(fleet, POLICY, now, decided, planned[: len(decided)])
    fleet.decided(decided, now, planned[: len(decided)])
    return DecisionRecord.parse(DecisionRecord((seen,), MEMBERS, recorded(POLICY)).text())


@pytest.mark.parametrize("planned", [(3, 3), (3, 5), (0, 0)])
def test_exchanges_are_replayed_with_what_was_found_for_the_ones_before(
    planned: tuple[int, int],
) -> None:
    points = sharing()
    fleet = fleet_of(points)
    records = [exchanged(fleet, NOW, planned), exchanged(fleet, NOW + 2.0, (1, 1))]
    assert all(flow.exchanges for flow in records[0].rounds[0].flows)
    assert bool(records[1].rounds[0].flows) is bool(sum(planned))
    assert [each.verdict for each in replay(points, records, 0.0)] == ["same", "same"]


def test_the_zones_in_which_members_stand_are_on_record() -> None:
    zones = {"gameserver.a": "eu", "gameserver.b": "eu"}
    record = DecisionRecord((), MEMBERS, {}, "router", zones)
    fleet = assembled(DecisionRecord.parse(record.text()), (), NOW)
    assert [member.zone for member in fleet.members()] == ["eu", "eu"]
