"""Placement: where a newcomer goes, and why."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from placed import ADA, NOW, POLICY, burst, chosen, fleet_of, reason, report, zoned

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import Placement, candidates, decided, place
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.scores import Score
from clientmigration.core.fleet.world import Position


def test_among_equals_the_less_loaded_is_chosen() -> None:
    assert chosen(ADA, fleet_of(a={"load": 0.5}, b={"load": 0.3})) == "b"


def test_the_first_players_are_spread_over_servers_that_are_idle_though_not_equally() -> None:
    """What an idle server's load says is which machine has something else to do."""
    for load in (0.01, 0.02, 0.1, 0.25):
        for capacity in (20.0, 200.0, 5000.0):
            idle = {"players": 0.0, "capacity": capacity}
            fleet = fleet_of(a={"load": 0.01, **idle}, b={"load": load, **idle})
            assert burst(fleet, 6) == {"a": 3, "b": 3}, (load, capacity)


def test_of_two_idle_servers_the_one_with_fewer_players_gets_the_next_before_any_report() -> None:
    fleet = fleet_of(a={"load": 0.01, "players": 4.0}, b={"load": 0.05, "players": 0.0})
    assert burst(fleet, 4) == {"b": 4}


def test_a_server_that_works_hard_for_few_is_not_taken_for_an_idle_one() -> None:
    fleet = fleet_of(a={"load": 0.4, "players": 5.0}, b={"load": 0.05, "players": 9.0})
    assert burst(fleet, 6) == {"b": 6}


def test_among_equals_the_nearer_by_ping_is_chosen() -> None:
    pinged = Newcomer("ada", None, {"a": 40, "b": 12})
    assert chosen(pinged, fleet_of(a={}, b={})) == "b"


def test_among_equals_the_one_with_players_nearby_is_chosen() -> None:
    fleet = fleet_of(a={"centre_x_m": 900.0, "spread_m": 50.0}, b={"centre_x_m": 100.0})
    assert chosen(Newcomer("ada", Position(200, 0), {}), fleet) == "b"


def test_a_placement_tells_by_what_it_was_decided() -> None:
    loads, same = fleet_of(a={"load": 0.5}, b={"load": 0.3}), fleet_of(a={}, b={})
    pinged = Newcomer("ada", None, {"a": 40, "b": 12})
    away = fleet_of(a={"centre_x_m": 900.0, "spread_m": 50.0}, b={"centre_x_m": 100.0})
    there, grouped = Newcomer("ada", Position(200, 0), {}), Newcomer("ada", None, {}, 0.0, {"a": 3})
    cases = ((ADA, loads, "load"), (pinged, same, "ping"), (there, away, "position"))
    for newcomer, fleet, ground in (*cases, (grouped, same, "group"), (ADA, same, "lot")):
        assert decided(place(newcomer, fleet, POLICY, NOW), POLICY) == ground
    assert decided(place(ADA, fleet_of(a={}), POLICY, NOW), POLICY) == "lot"


def test_ties_are_broken_by_the_players_name_alone() -> None:
    one, other = fleet_of(a={}, b={}, c={}), fleet_of(c={}, b={}, a={})
    names = [f"p{n}" for n in range(60)]
    homes = [chosen(Newcomer(name, None, {}), one) for name in names]
    assert homes == [chosen(Newcomer(name, None, {}), other) for name in names]
    assert all(10 <= homes.count(name) <= 30 for name in "abc")


def test_twenty_routers_that_do_not_know_of_each_other_spread_what_they_place() -> None:
    routers = [fleet_of(**{f"s{n}": {"load": 0.3} for n in range(5)}) for _ in range(20)]
    homes: Counter[str | None] = Counter()
    for n, fleet in enumerate(routers):
        homes += burst(fleet, 5, f"router {n} ")
    assert all(10 <= homes[f"s{n}"] <= 30 for n in range(5))


def test_of_those_that_are_as_good_as_the_best_the_better_of_two_drawn_is_chosen() -> None:
    """So the worst of three gets nobody, and the best not everybody."""
    fleet = fleet_of(a={"load": 0.200}, b={"load": 0.203}, c={"load": 0.206}, d={"load": 0.9})
    placed = Counter(chosen(Newcomer(f"p{n}", None, {}), fleet) for n in range(300))
    assert placed.keys() == {"a", "b"}
    assert placed["a"] == pytest.approx(200, abs=40)


def test_without_a_tie_everybody_goes_to_the_best() -> None:
    strict = Policy.parse({"placement": {"tie": 0.0}})
    fleet = fleet_of(a={"load": 0.200}, b={"load": 0.201}, c={"load": 0.202})
    assert {chosen(Newcomer(f"p{n}", None, {}), fleet, strict) for n in range(30)} == {"a"}


def test_a_drawn_one_that_is_ahead_in_nothing_was_chosen_by_lot() -> None:
    best, drawn = (
        Score(name, worth, worth, worth, worth, worth) for name, worth in (("a", 0.2), ("b", 0.3))
    )
    assert decided(Placement("b", (drawn, best)), POLICY) == "lot"
    assert decided(Placement("a", (best, drawn)), POLICY) != "lot"


def test_the_chosen_one_comes_first_in_the_reasons() -> None:
    fleet = fleet_of(a={}, b={}, c={})
    for n in range(9):
        answer = place(Newcomer(f"p{n}", None, {}), fleet, POLICY, NOW)
        assert answer.reasons[0].member == answer.member


# -- groups ---------------------------------------------------------------------------------------


def test_a_group_goes_where_most_of_it_is() -> None:
    fleet = fleet_of(a={"load": 0.5}, b={"load": 0.2}, c={"load": 0.2})
    assert chosen(Newcomer("ada", None, {}, mates={"a": 3, "b": 1}), fleet) == "a"
    assert reason(Newcomer("ada", None, {}, mates={"a": 3, "b": 1}), fleet, "b").group == 1 - 1 / 3


def test_a_group_does_not_bring_anybody_to_an_overloaded_server() -> None:
    fleet = fleet_of(a={"load": 0.95}, b={"load": 0.2})
    assert chosen(Newcomer("ada", None, {}, mates={"a": 3}), fleet) == "b"


def test_of_a_group_that_is_too_large_so_many_are_kept_together() -> None:
    fleet = fleet_of(a={}, b={"load": 0.4})
    full = POLICY.limits.group
    assert chosen(Newcomer("ada", None, {}, mates={"a": full - 1}), fleet) == "a"
    assert chosen(Newcomer("ada", None, {}, mates={"a": full, "b": 1}), fleet) == "b"
    assert chosen(Newcomer("ada", None, {}, mates={"a": full + 1, "b": 1}), fleet) == "b"


def test_the_signal_of_a_group_is_0_where_most_of_it_are_and_1_where_none_are() -> None:
    fleet, full = fleet_of(a={}, b={}, c={}), POLICY.limits.group
    newcomer = Newcomer("ada", None, {}, mates={"a": full + 1, "b": 2})
    signals = [reason(newcomer, fleet, name).group for name in ("a", "b", "c")]
    assert signals == [1, 0, 1]  # at a there are as many as may be together


def test_who_has_no_group_or_none_of_it_here_is_placed_as_ever() -> None:
    fleet = fleet_of(a={}, b={})
    assert reason(ADA, fleet, "a").group == reason(ADA, fleet, "b").group == 0.5


# -- zones ----------------------------------------------------------------------------------------


def test_of_each_zone_only_the_best_is_pinged() -> None:
    fleet = zoned("eu", "eu", "us", "us", "asia")
    assert sorted(candidates(ADA, fleet, POLICY, NOW)) == ["s0", "s2", "s4"]


def test_a_ping_is_good_for_the_whole_zone() -> None:
    fleet = zoned("eu", "us", "us")
    pinged = Newcomer("ada", None, {"eu": 180.0, "us": 15.0})
    assert chosen(pinged, fleet) == "s1"
    assert reason(pinged, fleet, "s2").ping == reason(pinged, fleet, "s1").ping


def test_remembered_pings_bring_near_zones_to_the_front() -> None:
    fleet = zoned(*(f"z{n}" for n in range(9)))
    assert "s8" not in candidates(ADA, fleet, POLICY, NOW)[:2]
    known = Newcomer("ada", None, {"z8": 5.0})
    assert "s8" in candidates(known, fleet, POLICY, NOW)[:2]


def test_without_zones_each_server_is_one_of_its_own() -> None:
    fleet = fleet_of(a={}, b={})
    assert [member.zone for member in fleet.members()] == ["a", "b"]


def test_without_a_position_or_among_no_players_position_does_not_count() -> None:
    fleet = fleet_of(a={"centre_x_m": 900.0}, b={"players": 0.0})
    assert reason(ADA, fleet, "a").position == 0.5
    assert reason(Newcomer("ada", Position(0, 0), {}), fleet, "b").position == 0.5


def test_players_on_their_way_do_not_say_yet_where_the_players_are() -> None:
    fleet = fleet_of(a={"players": 0.0})
    fleet.placed("a", NOW)
    assert reason(Newcomer("ada", Position(400, 0), {}), fleet, "a").position == 0.5


def test_position_is_the_way_to_the_circle_of_players_and_nothing_within_it() -> None:
    fleet = fleet_of(a={"centre_x_m": 400.0, "spread_m": 100.0})
    signals = [
        reason(Newcomer("ada", Position(x, 0), {}), fleet, "a").position
        for x in (400, 490, 500, 625, 1000, 5000)
    ]
    assert signals == pytest.approx([0, 0, 0, 0.25, 1, 1])


def test_the_last_fifth_of_the_load_is_dear() -> None:
    steps = [
        reason(ADA, fleet_of(a={"load": load, "players": 0.0}), "a").load
        for load in (0.0, 0.2, 0.8, 1.0, 3.0)
    ]
    assert steps == pytest.approx([0, 0.125, 0.5, 1, 1])


def test_dear_load_is_four_times_as_steep_as_cheap_load() -> None:
    cheap, dear = (
        [reason(ADA, fleet_of(a={"load": load, "players": 0.0}), "a").load for load in loads]
        for loads in ((0.40, 0.44), (0.85, 0.89))
    )
    assert dear[1] - dear[0] == pytest.approx(4 * (cheap[1] - cheap[0]))
    assert dear == pytest.approx([0.625, 0.725])


def test_a_far_better_ping_outweighs_a_little_load_but_not_overload() -> None:
    pinged = Newcomer("ada", None, {"a": 10, "b": 50})
    assert chosen(pinged, fleet_of(a={"load": 0.35}, b={"load": 0.2})) == "a"
    assert chosen(pinged, fleet_of(a={"load": 0.9}, b={"load": 0.2})) == "b"


def test_weights_of_the_policy_decide() -> None:
    pinged = Newcomer("ada", None, {"a": 10, "b": 45})
    fleet = fleet_of(a={"load": 0.7}, b={"load": 0.2})
    only_ping = Policy.parse({"placement": {"load_weight": 0, "position_weight": 0}})
    assert chosen(pinged, fleet) == "b"
    assert chosen(pinged, fleet, only_ping) == "a"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"draining": 1.0}, "draining"),
        ({"players": 200.0}, "full"),
        ({"health": 0.0}, "unhealthy"),
        ({"second": 994.0}, "silent"),
    ],
)
def test_who_can_take_nobody_is_never_chosen_and_the_word_says_why(
    changed: dict[str, float], word: str
) -> None:
    fleet = fleet_of(a=changed)
    assert chosen(ADA, fleet) is None
    assert reason(ADA, fleet, "a").excluded == word
    assert candidates(ADA, fleet, POLICY, NOW) == ()


def test_one_bad_second_does_not_make_a_member_unhealthy() -> None:
    fleet = fleet_of(a={"second": 999.0})
    report(fleet, "a", health=0.0)
    assert chosen(ADA, fleet) == "a"


def test_a_member_that_has_not_reported_yet_is_silent() -> None:
    fleet = fleet_of()
    fleet.attach("a", "gameserver", "a:4000")
    assert place(ADA, fleet, POLICY, NOW).reasons == (
        Score("a", 0.5, 0.5, 0.5, 0.5, 1.0, "silent"),
    )


def test_an_empty_fleet_has_no_place() -> None:
    answer = place(ADA, Fleet(), POLICY, NOW)
    assert (answer.member, answer.reasons) == (None, ())


@pytest.mark.parametrize(
    ("ping_ms", "waited_s"), [(50, 0.0), (51, 1.0), (100, 1.9), (101, 2.0), (201, 3.0), (9e9, 3.0)]
)
def test_the_ping_cap_relaxes_while_waiting(ping_ms: float, waited_s: float) -> None:
    fleet = fleet_of(a={})
    assert chosen(Newcomer("ada", None, {"a": ping_ms}, waited_s), fleet) == "a"
    if waited_s >= 1 and ping_ms not in (100, 9e9):
        impatient = Newcomer("ada", None, {"a": ping_ms}, waited_s - 1)
        assert reason(impatient, fleet, "a").excluded == "far"


def test_who_has_just_come_has_not_waited() -> None:
    assert reason(Newcomer("ada", None, {"a": 51}), fleet_of(a={}), "a").excluded == "far"


def test_patience_is_how_long_each_cap_holds() -> None:
    patient = Policy.parse({"placement": {"ping_patience_s": 4.0}})
    waited = [0.0, 3.9, 4.0, 7.9, 8.0, 11.9, 12.0]
    caps = [
        [
            ms
            for ms in (50, 100, 200, 900)
            if chosen(Newcomer("ada", None, {"a": ms}, s), fleet, patient)
        ]
        for s in waited
        for fleet in [fleet_of(a={})]
    ]
    assert [max(accepted) for accepted in caps] == [50, 50, 100, 100, 200, 200, 900]


def test_without_patience_any_ping_will_do_at_once() -> None:
    hasty = Policy.parse({"placement": {"ping_patience_s": 0.0}})
    assert chosen(Newcomer("ada", None, {"a": 900.0}), fleet_of(a={}), hasty) == "a"


def test_who_lost_its_server_does_not_wait_for_a_better_ping() -> None:
    fleet = fleet_of(a={})
    assert chosen(Newcomer("ada", None, {"a": 150.0}), fleet) is None
    assert chosen(Newcomer("ada", None, {"a": 150.0}, stranded=True), fleet) == "a"


def test_who_was_not_pinged_comes_into_question_only_after_all_caps() -> None:
    fleet = fleet_of(a={"load": 0.9}, b={"load": 0.1})
    assert chosen(Newcomer("ada", None, {"a": 10}), fleet) == "a"
    assert reason(Newcomer("ada", None, {"a": 10}), fleet, "b").excluded == "unpinged"
    assert reason(Newcomer("ada", None, {"a": 10}, 3.0), fleet, "b").excluded == ""


def test_candidates_are_few_the_best_and_some_of_those_that_come_next() -> None:
    fleet = fleet_of(**{f"s{n:02}": {"load": n / 20} for n in range(15)})
    listed = [candidates(Newcomer(f"p{n}", None, {}), fleet, POLICY, NOW) for n in range(40)]
    assert {names[:2] for names in listed} == {("s00", "s01")}
    drawn = Counter(name for names in listed for name in names[2:])
    assert drawn.keys() == {f"s{n:02}" for n in range(2, 8)}
    assert all(len(set(names)) == 4 for names in listed)


def test_of_an_odd_number_of_candidates_the_larger_half_are_the_best() -> None:
    three = Policy.parse({"limits": {"candidates": 3}})
    fleet = fleet_of(**{f"s{n:02}": {"load": n / 20} for n in range(15)})
    listed = [candidates(Newcomer(f"p{n}", None, {}), fleet, three, NOW) for n in range(40)]
    assert {names[:2] for names in listed} == {("s00", "s01")}
    assert {names[2:] for names in listed} == {(f"s{n:02}",) for n in range(2, 6)}


def test_without_a_tie_candidates_are_in_strict_order() -> None:
    strict = Policy.parse({"placement": {"tie": 0.0}})
    fleet = fleet_of(**{f"s{n}": {"load": 0.2 + n / 10_000} for n in range(4)})
    for n in range(20):
        listed = candidates(Newcomer(f"p{n}", None, {}), fleet, strict, NOW)
        assert listed[:2] == ("s0", "s1")


def test_a_server_whose_ping_is_not_known_is_worth_asking_before_a_far_one() -> None:
    fleet = fleet_of(**{f"s{n}": {} for n in range(3)})
    pinged = Newcomer("ada", None, {"s0": 190.0, "s1": 10.0}, waited_s=2.5)
    assert candidates(pinged, fleet, POLICY, NOW)[:2] == ("s1", "s2")


def test_a_burst_among_equals_does_not_ask_the_same_few() -> None:
    fleet = fleet_of(**{f"s{n}": {} for n in range(50)})
    asked = Counter[str]()
    for n in range(500):
        asked.update(candidates(Newcomer(f"p{n}", None, {}), fleet, POLICY, NOW))
    assert len(asked) == 50
    assert max(asked.values()) < 3 * 500 * 4 / 50


def test_asking_again_with_high_pings_names_other_candidates() -> None:
    fleet = fleet_of(**{f"s{n}": {"load": n / 10} for n in range(6)})
    pinged = Newcomer("ada", None, {"s0": 300, "s1": 20, "s2": 300, "s3": 300})
    assert sorted(candidates(pinged, fleet, POLICY, NOW)) == ["s1", "s4", "s5"]


def test_reasons_come_best_first_and_add_up() -> None:
    fleet = fleet_of(a={"load": 0.5}, b={"load": 0.1}, c={"draining": 1.0, "load": 0.0})
    reasons = place(ADA, fleet, POLICY, NOW).reasons
    assert [s.member for s in reasons] == ["b", "a", "c"]
    for score in reasons:
        parts = score.ping + score.load + 0.15 * score.position + 0.6 * score.group
        assert score.total == pytest.approx(parts / 2.75)


def test_a_burst_of_500_joins_spreads_before_any_report_shows_it() -> None:
    fleet = fleet_of(**{f"s{n}": {"load": 0.01, "players": 0.0} for n in range(4)})
    homes = burst(fleet, 500)
    assert all(homes[f"s{n}"] == pytest.approx(125, abs=20) for n in range(4))


def test_a_burst_fills_the_less_loaded_first_and_never_beyond_capacity() -> None:
    fleet = fleet_of(
        busy={"load": 0.7, "players": 150.0},
        idle={"load": 0.1, "players": 20.0},
        small={"load": 0.0, "players": 0.0, "capacity": 30.0},
    )
    first = burst(fleet, 100)
    assert first["busy"] == 0
    homes = first + burst(fleet, 400)
    assert homes == {"idle": 180, "busy": 50, "small": 30, None: 240}


@pytest.mark.parametrize("wrong", [-1.0, math.inf, math.nan])
def test_a_newcomer_whose_ping_or_wait_cannot_be_true_cannot_be_made(wrong: float) -> None:
    with pytest.raises(ValueError, match="pings"):
        Newcomer("ada", None, {"a": wrong})
    with pytest.raises(ValueError, match="waiting"):
        Newcomer("ada", None, {}, waited_s=wrong)


reports = st.fixed_dictionaries(
    {
        "load": st.floats(0, 2),
        "health": st.floats(0, 1),
        "players": st.integers(0, 300).map(float),
        "draining": st.sampled_from([0.0, 1.0]),
        "centre_x_m": st.floats(-1e4, 1e4),
    }
)


@given(st.dictionaries(st.sampled_from("abcdef"), reports), st.floats(0, 10))
def test_every_signal_is_from_0_to_1_and_the_chosen_one_can_take_a_player(
    members: dict[str, dict[str, float]], waited_s: float
) -> None:
    fleet = fleet_of(**members)
    newcomer = Newcomer("ada", Position(0, 0), {"a": 30, "b": 120}, waited_s)
    answer = place(newcomer, fleet, POLICY, NOW)
    assert answer == place(newcomer, fleet, POLICY, NOW)
    for s in answer.reasons:
        assert all(0 <= part <= 1 for part in (s.ping, s.load, s.position, s.group, s.total))
    assert len(answer.reasons) == len(members)
    if answer.member is not None:
        assert members[answer.member]["draining"] == 0
        assert members[answer.member]["players"] < 200


def shut(fleet: Fleet, name: str, trial_at: float) -> Fleet:
    """Players could not reach this member, for a minute from now."""
    fleet.shut(name, NOW + 60, trial_at)
    return fleet


def test_nobody_is_sent_to_a_member_that_players_cannot_reach() -> None:
    fleet = shut(fleet_of(a={"load": 0.1}, b={"load": 0.7}), "a", NOW - 1)
    assert chosen(ADA, fleet) == "b"
    assert reason(ADA, fleet, "a").excluded == "unreachable"
    fleet.shut("a", NOW, 0.0)
    assert chosen(ADA, fleet) == "a"


def test_one_may_try_such_a_member_when_there_is_no_other() -> None:
    full = {"players": 200.0}
    assert chosen(ADA, shut(fleet_of(a={}, b=full), "a", NOW)) == "a"
    assert chosen(ADA, shut(fleet_of(a={}, b=full), "a", NOW + 0.1)) is None
    just = Newcomer("ada", None, {}, avoids={"a": NOW + 1})
    assert chosen(just, shut(fleet_of(a={}, b=full), "a", NOW)) is None


def test_a_member_that_is_shut_is_pinged_by_who_may_try_it() -> None:
    assert set(candidates(ADA, shut(fleet_of(a={}, b={}), "a", NOW), POLICY, NOW)) == {"a", "b"}
    assert candidates(ADA, shut(fleet_of(a={}, b={}), "a", NOW + 1), POLICY, NOW) == ("b",)


def test_a_player_is_not_sent_where_it_could_not_get_just_now() -> None:
    fleet = fleet_of(a={"load": 0.1}, b={"load": 0.7})
    just = Newcomer("ada", None, {}, avoids={"a": NOW + 1})
    assert chosen(just, fleet) == "b"
    assert reason(just, fleet, "a").excluded == "unreachable"
    assert candidates(just, fleet, POLICY, NOW) == ("b",)


def test_who_failed_somewhere_goes_where_it_was_answered_as_long_as_there_is_hope() -> None:
    fleet = fleet_of(a={}, b={"load": 0.1}, c={"load": 0.8})
    just = Newcomer("ada", None, {"c": 190.0}, stranded=True, avoids={"a": NOW + 1})
    assert chosen(just, fleet) == "c"
    assert chosen(replace(just, avoids={}), fleet) == "b"
    assert chosen(replace(just, waited_s=3.0), fleet) == "b"


def test_who_can_go_nowhere_else_may_try_again_a_little_later() -> None:
    fleet = fleet_of(a={"load": 0.1}, b={"players": 200.0})
    assert chosen(Newcomer("ada", None, {}, avoids={"a": NOW + 1}), fleet) is None
    assert chosen(Newcomer("ada", None, {}, avoids={"a": NOW}), fleet) == "a"
    assert chosen(Newcomer("ada", None, {}, avoids={"a": NOW}), fleet_of(a={}, b={})) == "b"


def test_who_has_refused_a_player_lately_does_not_get_it_again() -> None:
    fleet = fleet_of(a={"load": 0.1}, b={"load": 0.5})
    refused = Newcomer("ada", None, {}, refused_by=frozenset({"a"}))
    assert chosen(ADA, fleet) == "a"
    assert chosen(refused, fleet) == "b"
    assert reason(refused, fleet, "a").excluded == "refused"
    assert chosen(Newcomer("ada", None, {}, refused_by=frozenset({"a", "b"})), fleet) is None
