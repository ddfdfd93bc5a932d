"""Choosing: who moves for a flow."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from clientmigration.core.fleet.choice import Move, choose
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.fleet.world import Position

POLICY = Policy()
NOW = 1010.5


def at(player: str, x: float, member: str = "a", **more: float) -> Resident:
    return Resident(player, member, Position(x, 0), more)


def names(moves: Iterable[Move]) -> list[str]:
    return [move.player for move in moves]


def two(players: int) -> Sequence[Flow]:
    return [Flow("a", "b", players, "high: so")]


CLUSTER = [at(f"in{n}", 10) for n in range(5)]


def test_those_whose_neighbours_are_already_there_go_first() -> None:
    roster = [*CLUSTER, at("zoe", 500), *(at(f"b{n}", 500, "b") for n in range(3))]
    (move,) = choose(roster, two(1), POLICY, NOW, 50)
    assert move == Move("zoe", "a", "b", "high: so; 3 neighbours there, 0 here")


def test_those_at_the_edge_of_a_cluster_go_before_those_inside() -> None:
    roster = [*CLUSTER, *(at(f"mid{n}", 60) for n in range(3)), at("rim", 110)]
    assert names(choose(roster, two(1), POLICY, NOW, 50)) == ["rim"]


def test_who_goes_draws_the_neighbours_after_it() -> None:
    groups = [at(f"p{n:02}", 1000.0 * (n % 3)) for n in range(12)]
    assert names(choose(groups, two(4), POLICY, NOW, 50)) == ["p00", "p03", "p06", "p09"]


def test_a_town_that_is_begun_is_ended_before_a_smaller_one_is_begun() -> None:
    town, hamlet = [at(f"t{n:02}", 0) for n in range(14)], [at(f"h{n}", 1000) for n in range(6)]
    staying = [replace(at(f"s{n:02}", 2000), locked=True) for n in range(20)]
    moves = choose([*town, *hamlet, *staying], two(14), POLICY, NOW, 50)
    assert sorted(names(moves)) == [each.player for each in town]


def test_among_equals_the_one_whose_ping_suffers_least_goes() -> None:
    roster = [at("ada", 0, a=10, b=90), at("bob", 900, a=30, b=20), at("cyd", 1800)]
    assert names(choose(roster, two(3), POLICY, NOW, 50)) == ["bob", "cyd", "ada"]


def test_who_is_locked_or_was_moved_lately_stays() -> None:
    rested = replace(at("rested", 0), moved_at=NOW - 10)
    tired = replace(at("tired", 0), moved_at=NOW - 9)
    locked = replace(at("locked", 0), locked=True)
    assert names(choose([rested, tired, locked], two(3), POLICY, NOW, 50)) == ["rested"]


def test_a_player_without_a_position_can_move_too() -> None:
    assert names(choose([Resident("ada", "a", None, {})], two(1), POLICY, NOW, 50)) == ["ada"]


def test_the_budget_bounds_all_flows_together_in_their_order() -> None:
    plan = [Flow("a", "b", 3, "draining: so"), Flow("a", "c", 3, "low: so")]
    moves = choose([at(f"p{n}", 99 * n) for n in range(9)], plan, POLICY, NOW, 4)
    assert [move.target for move in moves] == ["b", "b", "b", "c"]
    assert len(set(names(moves))) == 4
    assert choose(CLUSTER, plan, POLICY, NOW, 0) == ()


# -- groups, games that ask, zones ----------------------------------------------------------------


def group(name: str, players: int, x: float, **more: bool) -> list[Resident]:
    return [
        Resident(f"{name}{n}", "a", Position(x, 0), {}, group=name, **more) for n in range(players)
    ]


def test_a_group_moves_as_a_whole_or_not_at_all() -> None:
    roster = [*group("red", 4, 0), *group("ice", 3, 900), *(at(f"p{n}", 500) for n in range(9))]
    assert names(choose(roster, two(3), POLICY, NOW, 50)) == ["ice0", "ice1", "ice2"]
    moves = choose(roster, two(6), POLICY, NOW, 50)
    assert sorted(names(moves)) == ["p0", "p1", "red0", "red1", "red2", "red3"]


def test_a_group_of_which_somebody_can_not_move_stays() -> None:
    torn = [*group("red", 3, 0), *group("ice", 1, 0, locked=True), *group("ice", 2, 0)[1:]]
    assert names(choose(torn, two(3), POLICY, NOW, 50)) == ["red0", "red1", "red2"]


def test_a_group_is_drawn_to_where_the_rest_of_it_is() -> None:
    there = [Resident(f"red{n}", "b", Position(5000, 0), {}, group="red") for n in range(5, 8)]
    roster = [*there, *group("red", 2, 0), *(at(f"b{n}", 0) for n in range(9)), at("zoe", 900)]
    assert names(choose(roster, two(2), POLICY, NOW, 50)) == ["red0", "red1"]


def test_a_drain_splits_a_group_that_fits_nowhere_as_a_whole() -> None:
    plan = [Flow("a", "b", 3, "draining: so"), Flow("a", "c", 3, "draining: so")]
    moves = choose(group("red", 6, 0), plan, POLICY, NOW, 50)
    assert [move.target for move in moves] == ["b"] * 3 + ["c"] * 3
    assert choose(group("red", 6, 0), two(5), POLICY, NOW, 50) == ()


def test_a_group_that_is_too_large_is_a_crowd() -> None:
    crowd = group("all", POLICY.limits.group + 1, 0)
    assert len(choose(crowd, two(3), POLICY, NOW, 50)) == 3


def test_whose_game_asks_to_leave_it_alone_is_moved_by_a_drain_only_and_last() -> None:
    roster = [replace(at("busy", 900), busy=True), *CLUSTER]
    assert "busy" not in names(choose(roster, two(6), POLICY, NOW, 50))
    drain = [Flow("a", "b", 6, "draining: so")]
    assert names(choose(roster, drain, POLICY, NOW, 50))[-1] == "busy"


def test_the_ping_that_counts_is_that_of_the_zone() -> None:
    far = Resident("far", "a", Position(0, 0), {"eu": 10.0, "us": 90.0})
    near = Resident("near", "a", Position(900, 0), {"eu": 60.0, "us": 20.0})
    zones = {"a": "eu", "b": "us"}
    assert names(choose([far, near], two(1), POLICY, NOW, 50, zones)) == ["near"]


residents = st.lists(
    st.builds(
        Resident,
        player=st.text("abc", min_size=1, max_size=4),
        member=st.sampled_from("abc"),
        position=st.none() | st.builds(Position, st.floats(-99, 99), st.floats(-99, 99)),
        ping_ms=st.dictionaries(st.sampled_from("abc"), st.floats(0, 300)),
        moved_at=st.none() | st.floats(NOW - 20, NOW),
        locked=st.booleans(),
        busy=st.booleans(),
        group=st.sampled_from(["", "red", "ice"]),
    ),
    unique_by=lambda resident: resident.player,
)


@given(residents, st.integers(0, 10), st.randoms(use_true_random=False))
def test_choices_are_allowed_bounded_and_do_not_depend_on_the_order_of_the_roster(
    roster: list[Resident], budget: int, shuffler: random.Random
) -> None:
    plan = [Flow("a", "b", 4, "high: so"), Flow("c", "b", 4, "high: so")]
    moves = choose(roster, plan, POLICY, NOW, budget)
    known = {resident.player: resident for resident in roster}
    assert len(moves) <= budget
    assert len(set(names(moves))) == len(moves)
    assert all(known[move.player].member == move.source for move in moves)
    assert all(known[move.player].movable(POLICY, NOW) for move in moves)
    assert not any(known[move.player].busy for move in moves)
    for group in ("red", "ice"):
        mates = {r.player for r in roster if (r.group, r.member) == (group, "a")}
        assert mates.isdisjoint(names(moves)) or mates <= set(names(moves))
    shuffled = list(roster)
    shuffler.shuffle(shuffled)
    assert choose(shuffled, plan, POLICY, NOW, budget) == moves


def test_ten_thousand_residents_are_chosen_from() -> None:
    rng = random.Random(1)
    roster = [
        Resident(f"p{n:05}", "abcd"[n % 4], Position(rng.uniform(0, 2e3), rng.uniform(0, 2e3)), {})
        for n in range(10_000)
    ]
    plan = [Flow("a", "b", 30, "high: so"), Flow("c", "d", 30, "high: so")]
    assert len(choose(roster, plan, POLICY, NOW, 50)) == 50


def test_only_a_drain_moves_who_has_just_been_moved() -> None:
    roster = [replace(at("ada", 10), moved_at=NOW - 1.0)]
    assert names(choose(roster, two(1), POLICY, NOW, 50)) == []
    drain = [Flow("a", "b", 1, "draining: so")]
    assert names(choose(roster, drain, POLICY, NOW, 50)) == ["ada"]


# -- exchanges ------------------------------------------------------------------------------------

EXCHANGE = [Flow("a", "b", 9, "together: so"), Flow("b", "a", 9, "together: so")]
TOWNS = [at(f"{member}{x}-{n}", x, member) for member in "ab" for x in (0, 900) for n in range(6)]


def exchanged(roster: Sequence[Resident], policy: Policy = POLICY) -> list[Move]:
    return list(choose(roster, EXCHANGE, policy, NOW, 50, {"a": "eu", "b": "us"}))


def after(roster: Iterable[Resident], moves: Iterable[Move]) -> dict[str, str]:
    return {each.player: each.member for each in roster} | {m.player: m.target for m in moves}


def test_those_who_see_each_other_are_exchanged_until_they_play_together() -> None:
    moves = exchanged(TOWNS)
    assert Counter(move.source for move in moves) == {"a": 6, "b": 6}
    homes = after(TOWNS, moves)
    for x in (0, 900):
        assert len({home for player, home in homes.items() if player[1:].startswith(f"{x}-")}) == 1
    assert moves[0].reason == "together: so; 11 neighbours there, 5 here"


def test_as_many_have_come_as_gone_at_any_time_of_an_exchange() -> None:
    net = 0
    for move in exchanged(TOWNS):
        net += 1 if move.source == "a" else -1
        assert -1 <= net <= 1
    assert net == 0


def test_nobody_is_exchanged_who_is_locked_busy_or_was_moved_lately() -> None:
    for changed in ({"locked": True}, {"busy": True}, {"moved_at": NOW - 59}):
        roster = [replace(each, **changed) for each in TOWNS if each.member == "a"]
        assert exchanged([*roster, *(each for each in TOWNS if each.member == "b")]) == []


def test_a_group_is_exchanged_as_a_whole_or_not_at_all() -> None:
    roster = [
        replace(each, group=each.player[:-2] if "a0" in each.player else "") for each in TOWNS
    ]
    homes = after(roster, exchanged(roster))
    assert len({homes[each.player] for each in roster if each.group}) == 1
    torn = [replace(each, locked=each.player == "a0-3") for each in roster]
    assert all(each.group == "" or homes_of(torn)[each.player] == "a" for each in torn)


def homes_of(roster: Sequence[Resident]) -> dict[str, str]:
    return after(roster, exchanged(roster))


def test_no_exchange_makes_a_ping_worse_by_more_than_the_policy_says() -> None:
    worst = POLICY.together.worse_ms
    pinged = [
        replace(each, ping_ms={"eu": 10.0, "us": 11.0 + worst} if each.member == "a" else {})
        for each in TOWNS
    ]
    assert exchanged(pinged) == []
    fair = [
        replace(each, ping_ms={"eu": 10.0, "us": 9.0 + worst} if each.member == "a" else {})
        for each in TOWNS
    ]
    assert len(exchanged(fair)) == 12


def test_who_has_no_position_is_not_exchanged() -> None:
    assert exchanged([replace(each, position=None) for each in TOWNS]) == []


def test_an_exchange_has_to_pay() -> None:
    dear = Policy.parse({"together": {"cost": 6000, "stay_s": 60}})
    assert exchanged(TOWNS, dear) == []


def test_exchanges_have_a_share_of_the_budget_and_what_balance_leaves_of_it() -> None:
    few = Policy.parse({"limits": {"moves_per_second": 4}})
    assert len(exchanged(TOWNS, few)) <= 4
    roster = [*TOWNS, *(at(f"c{n}", 5000, "c") for n in range(9))]
    plan = [Flow("c", "d", 7, "high: so"), *EXCHANGE]
    moves = choose(roster, plan, few, NOW, few.budget)
    assert [move.source for move in moves[:7]] == ["c"] * 7
    assert len(moves) <= few.budget


@given(residents, st.randoms(use_true_random=False))
def test_exchanges_are_allowed_and_leave_every_member_as_full_as_it_is(
    roster: list[Resident], shuffler: random.Random
) -> None:
    plan = [Flow(x, y, 4, "together: so") for x in "abc" for y in "abc" if x != y]
    moves = choose(roster, plan, POLICY, NOW, POLICY.budget)
    known = {resident.player: resident for resident in roster}
    net = Counter(move.target for move in moves)
    net.subtract(move.source for move in moves)
    assert all(n == 0 for n in net.values())
    for move in moves:
        goes = known[move.player]
        assert goes.member == move.source
        assert not goes.locked
        assert not goes.busy
        assert goes.moved_at is None or NOW - goes.moved_at >= POLICY.together.rest_s
    shuffled = list(roster)
    shuffler.shuffle(shuffled)
    assert choose(shuffled, plan, POLICY, NOW, POLICY.budget) == moves
