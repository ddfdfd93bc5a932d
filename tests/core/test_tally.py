"""A player counts for itself: each tick shown once, each input applied once, all in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from played import TICK_S, Server, act, playing, see, server_after

from clientmigration.core.player import inbox
from clientmigration.core.player.snapshot import Progress
from clientmigration.core.player.tally import HOLD_S, ROOM, Cost, Tally
from clientmigration.gameserver.players import RATE

# Views: each tick once and in order.


def test_views_of_one_connection_are_shown_as_they_come() -> None:
    tally = playing()
    assert [see(tally, tick) for tick in (7, 8, 9)] == [["a7"], ["a8"], ["a9"]]
    assert (tally.views, tally.missed, tally.last_tick) == (3, 0, 9)


def test_the_first_view_may_be_of_any_tick() -> None:
    tally = playing()
    see(tally, 10**10)
    assert (tally.views, tally.missed) == (1, 0)


def test_a_tick_that_is_not_shown_is_missed() -> None:
    tally = playing(3)
    see(tally, 5)
    see(tally, 9)
    assert (tally.views, tally.missed) == (5, 4)


def test_a_view_that_was_shown_is_not_shown_again_whoever_brings_it() -> None:
    tally = playing(3)
    for crossing in (False, True):
        assert see(tally, 3, by="b", crossing=crossing) == []
        assert see(tally, 2, by="b", crossing=crossing) == []
    assert (tally.views, tally.missed) == (3, 0)


def test_ticks_are_consecutive_across_two_connections() -> None:
    """The source shows up to tick 5, the target from tick 6, and it is quicker."""
    tally = playing(3)
    assert see(tally, 6, by="b", crossing=True) == []
    assert see(tally, 4, crossing=True) == ["a4"]
    assert see(tally, 7, by="b", crossing=True) == []
    assert see(tally, 5, late_s=0.1, crossing=True) == ["a5", "b6", "b7"]
    assert see(tally, 8, by="b", crossing=True) == ["b8"]
    assert tally.missed == 0


def test_of_two_views_of_a_tick_the_first_is_shown() -> None:
    tally = playing(3)
    see(tally, 5, by="b", crossing=True)
    see(tally, 5, by="a", crossing=True)
    assert see(tally, 4, crossing=True) == ["a4", "b5"]


def test_what_waits_of_the_former_server_is_not_shown_after_the_switch() -> None:
    """The source's date was set far ahead: its views wait, and are older than the target's."""
    tally = playing(3)
    assert see(tally, 300, crossing=True) == []
    tally.switched(4)
    assert see(tally, 4, by="b", crossing=True) == ["b4"]
    shown = [see(tally, 5 + n, by="b", late_s=n * TICK_S, crossing=True) for n in range(20)]
    assert shown == [[f"b{5 + n}"] for n in range(20)]


def test_a_view_that_is_ahead_waits_only_a_moment() -> None:
    tally = playing(3)
    assert see(tally, 5, by="b", crossing=True) == []
    assert see(tally, 6, by="b", crossing=True) == []
    late = 5 * TICK_S + HOLD_S - 7 * TICK_S
    assert see(tally, 7, by="b", late_s=late - 0.01, crossing=True) == []
    assert see(tally, 8, by="b", late_s=late - TICK_S, crossing=True) == ["b5", "b6", "b7", "b8"]
    assert (tally.missed, tally.views) == (1, 7)


def test_a_second_copy_does_not_make_a_view_wait_longer() -> None:
    tally = playing(3)
    tally.show(5, "b5", 1.0, crossing=True)
    tally.show(5, "a5", 1.2, crossing=True)
    assert tally.show(6, "b6", 1.0 + HOLD_S, crossing=True) == ["b5", "b6"]


def test_a_missing_tick_that_comes_after_all_is_not_shown_any_more() -> None:
    tally = playing(3)
    tally.show(5, "b5", 1.0, crossing=True)
    assert tally.show(6, "b6", 2.0, crossing=True) == ["b5", "b6"]
    assert tally.show(4, "a4", 2.0, crossing=True) == []
    assert (tally.views, tally.missed) == (5, 1)


def test_with_one_connection_nothing_waits() -> None:
    tally = playing(3)
    assert see(tally, 6) == ["a6"]
    assert tally.missed == 2


def test_what_still_waits_when_the_crossing_ends_is_shown_before_what_follows() -> None:
    tally = playing(3)
    see(tally, 5, by="b", crossing=True)
    see(tally, 6, by="b", crossing=True)
    assert see(tally, 8, by="b") == ["b5", "b6", "b8"]
    assert (tally.views, tally.missed) == (6, 2)


def test_after_an_interruption_the_next_view_begins_anew() -> None:
    tally = playing(3)
    see(tally, 5, by="b", crossing=True)
    tally.interrupted()
    assert see(tally, 100) == ["a100"]
    assert see(tally, 101) == ["a101"]
    assert (tally.views, tally.missed) == (5, 0)
    assert tally.gaps == pytest.approx([0.0] * 3, abs=1e-9)


@given(st.integers(1, 25), st.integers(0, 6), st.data())
def test_however_two_connections_interleave_each_tick_is_shown_once_and_in_order(
    last_of_source: int, overlap: int, data: st.DataObject
) -> None:
    """Each connection is in order, together they have every tick: nothing is missed."""
    ways = {
        "a": list(range(1, last_of_source + 1)),
        "b": list(range(max(1, last_of_source + 1 - overlap), last_of_source + 6)),
    }
    tally, shown = playing(), list[str]()
    shown += see(tally, ways["a"].pop(0), crossing=True)
    while any(ways.values()):
        way = data.draw(st.sampled_from([each for each in "ab" if ways[each]]))
        shown += tally.show(tick := ways[way].pop(0), f"{way}{tick}", 0.0, crossing=True)
    assert [int(each[1:]) for each in shown] == list(range(1, last_of_source + 6))
    assert (tally.missed, tally.views) == (0, last_of_source + 5)


@given(
    st.lists(st.tuples(st.integers(1, 30), st.floats(0, 0.3), st.booleans()), max_size=40),
)
def test_whatever_comes_ticks_only_go_up_and_every_hole_is_counted(
    arrivals: list[tuple[int, float, bool]],
) -> None:
    tally, shown, now = playing(), list[int](), 0.0
    for tick, pause, crossing in arrivals:
        now += pause
        shown += [int(view) for view in tally.show(tick, str(tick), now, crossing)]
    assert shown == sorted(set(shown))
    assert tally.views == len(shown)
    assert tally.missed == (shown[-1] - shown[0] + 1 - len(shown) if shown else 0)


# What a move costs.


def told(tally: Tally[str]) -> list[Cost]:
    cost = tally.end()
    return [] if cost is None else [cost]


def test_a_move_costs_the_ticks_missed_the_longest_gap_and_the_longest_stall() -> None:
    tally = playing(3)
    act(tally, b"1", b"2", now=0.0)
    tally.begin()
    see(tally, 4, late_s=0.03)
    see(tally, 6, late_s=0.07)
    see(tally, 7)
    tally.acknowledge(1, 1, tally.sent[0].digest or 0, 0.4)
    tally.acknowledge(2, 2, tally.sent[1].digest or 0, 0.5)
    (cost,) = told(tally)
    assert cost.missed == 1
    assert cost.gap_ms == pytest.approx(90.0)
    assert cost.stall_ms == pytest.approx(500.0)


def test_a_move_that_nobody_feels_costs_nothing() -> None:
    tally = playing(3)
    tally.begin()
    for tick in range(4, 10):
        see(tally, tick)
    assert told(tally)[0] == pytest.approx((0, 0.0, 0.0, 6), abs=1e-6)


def test_what_a_move_costs_is_not_counted_as_quiet_play_and_the_other_way_round() -> None:
    tally = playing(3)
    tally.gaps.clear()
    tally.begin()
    see(tally, 6)
    told(tally)
    assert tally.gaps == []
    see(tally, 7, late_s=0.02)
    assert tally.gaps == pytest.approx([0.02])


def test_a_move_is_told_once_and_none_is_told_when_there_was_none() -> None:
    tally = playing(3)
    assert told(tally) == []
    tally.begin()
    tally.begin()
    assert len(told(tally)) == 1
    assert told(tally) == []


def test_an_input_that_was_acknowledged_before_the_move_does_not_stall_it() -> None:
    server, tally = Server(), playing()
    server.gets(act(tally, b"1", now=0.0))
    server.tells(tally, now=1.0)
    tally.begin()
    server.tells(tally, now=9.0)
    assert told(tally)[0].stall_ms == 0.0


def test_gaps_that_nobody_takes_do_not_pile_up() -> None:
    tally = playing()
    for tick in range(1, 3 * ROOM):
        see(tally, tick)
    assert len(tally.gaps) == ROOM


# Inputs: each once and in order.


def test_inputs_are_numbered_from_one() -> None:
    assert [each.seq for each in act(playing(), b"a", b"b")] == [1, 2]


def test_a_server_gets_what_it_has_not_applied() -> None:
    tally = playing()
    act(tally, b"a", b"b", b"c")
    assert [each.body for each in tally.after(1)] == [b"b", b"c"]
    assert tally.after(3) == []


def test_a_server_that_applies_everything_once_finds_no_fault() -> None:
    server, tally = Server(), playing()
    for body in (b"a", b"b", b"c"):
        server.gets(act(tally, body))
        server.tells(tally)
    assert (tally.acked, tally.lost, tally.doubled) == (3, 0, 0)


def test_old_news_is_no_fault() -> None:
    server, tally = Server(), playing()
    act(tally, b"a", b"b")
    server.gets(tally.after(0)[:1])
    old = server.inbox.progress
    server.gets(tally.after(1))
    server.tells(tally)
    tally.acknowledge(old.last, old.applied, old.digest, 1.0)
    assert (tally.acked, tally.lost, tally.doubled) == (2, 0, 0)


def test_an_input_that_was_not_applied_is_lost() -> None:
    server, tally = Server(), playing()
    act(tally, b"a", b"b", b"c")
    server.inbox.skip_to(3)
    server.gets(tally.after(2))
    server.tells(tally)
    assert (tally.lost, tally.doubled) == (2, 0)


def test_an_input_that_was_applied_twice_is_doubled() -> None:
    tally = playing()
    first, second = act(tally, b"a", b"b")
    done = Progress().after(1, first.body).after(1, first.body).after(2, second.body)
    tally.acknowledge(done.last, done.applied, done.digest, 0.0)
    assert tally.doubled == 1


def test_one_lost_and_one_doubled_do_not_make_up_for_each_other() -> None:
    tally = playing()
    first, second, _ = act(tally, b"a", b"b", b"c")
    done = Progress().after(1, first.body).after(2, second.body).after(3, second.body)
    tally.acknowledge(done.last, done.applied, done.digest, 0.0)
    assert tally.lost == 1


def test_inputs_that_were_applied_in_another_order_are_noticed() -> None:
    tally = playing()
    act(tally, b"a", b"b")
    done = Progress().after(1, b"b").after(2, b"a")
    tally.acknowledge(done.last, done.applied, done.digest, 0.0)
    assert tally.lost == 1


def test_a_fault_is_not_forgotten() -> None:
    server, tally = Server(), playing()
    act(tally, b"a", b"b")
    tally.acknowledge(1, 0, 0, 0.0)
    server.gets(tally.after(0))
    server.tells(tally)
    assert tally.lost == 1


def test_a_crash_that_loses_a_second_of_state_is_made_good_from_memory() -> None:
    tally, first = playing(), Server()
    first.gets(act(tally, *(b"%d" % n for n in range(20)), now=0.0))
    first.tells(tally, now=0.0)
    checkpoint = server_after(*(b"%d" % n for n in range(10))).inbox.progress
    second = Server(checkpoint)
    tally.interrupted()
    tally.continue_from(checkpoint.last)
    second.inbox.skip_to(tally.oldest())
    second.gets(tally.after(checkpoint.last))
    second.gets(act(tally, b"more", now=1.0))
    second.tells(tally, now=1.0)
    assert second.inbox.progress.last == 21
    assert (tally.lost, tally.doubled) == (0, 0)


def test_what_was_acknowledged_is_kept_however_long_ago_that_was() -> None:
    server, tally = Server(), playing()
    server.gets(act(tally, b"a", now=0.0))
    act(tally, b"b", now=0.0)
    server.tells(tally)
    act(tally, b"c", now=3600.0)
    assert [each.seq for each in tally.sent] == [1, 2, 3]
    assert tally.oldest() == 1


def test_all_that_is_kept_fits_into_the_inbox_and_the_pace_of_a_server() -> None:
    assert ROOM <= inbox.ROOM
    assert RATE[1] >= ROOM + 20  # a join, pings and what is sent meanwhile


def test_what_servers_passed_over_is_added_up() -> None:
    tally = playing()
    tally.continue_from(0, 3)
    tally.continue_from(0)
    tally.continue_from(0, 1)
    assert tally.skipped == 4


def test_no_more_is_kept_than_there_is_room_for() -> None:
    tally = playing()
    act(tally, *[b"x"] * (ROOM + 3))
    assert (len(tally.sent), tally.oldest()) == (ROOM, 4)
