"""The tally of a player that comes back, with the same program or a new one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from played import Server, act, playing, server_after

from clientmigration.core.player.inbox import Inbox
from clientmigration.core.player.snapshot import Progress
from clientmigration.core.player.tally import Tally


def test_who_has_sent_nothing_remembers_nothing() -> None:
    assert playing().oldest() == 0


def test_a_new_program_for_an_old_player_goes_on_where_the_old_one_stopped() -> None:
    server, tally = server_after(b"a", b"b", b"c"), Tally[str]()
    assert tally.oldest() == 0
    tally.continue_from(3)
    assert tally.oldest() == 4
    server.tells(tally)
    server.gets(act(tally, b"d", b"e"))
    server.tells(tally)
    assert (server.inbox.progress.last, tally.lost, tally.doubled) == (5, 0, 0)


def test_a_new_program_may_act_before_it_sees_its_first_view() -> None:
    server, tally = server_after(b"a", b"b", b"c"), Tally[str]()
    tally.continue_from(3)
    first, *others = act(tally, b"d", b"e", b"f")
    server.gets([first])
    server.tells(tally)
    server.gets([*others, *act(tally, b"g")])
    server.tells(tally)
    assert (server.inbox.progress.last, tally.lost, tally.doubled) == (7, 0, 0)


def test_a_new_program_is_not_blamed_when_its_first_server_crashes() -> None:
    server, tally = server_after(b"a", b"b", b"c"), Tally[str]()
    tally.continue_from(3)
    sent = act(tally, b"d", b"e")
    server.gets(sent[:1])
    checkpoint = server.inbox.progress
    server.gets(sent[1:])
    server.tells(tally)
    Server(checkpoint).tells(tally)
    assert (tally.lost, tally.doubled) == (0, 0)


@pytest.mark.parametrize("before", [0, 2, 7])
def test_what_a_new_program_did_before_it_was_welcomed_is_numbered_anew(before: int) -> None:
    """`before` inputs are known of this player from an older program; this one acts at once."""
    old = [b"%d" % n for n in range(before)]
    server, tally = server_after(*old), Tally[str]()
    act(tally, b"d", b"e", b"f")
    assert tally.oldest() == 0
    tally.continue_from(before)
    sent = tally.after(before)
    assert [(each.seq, each.body) for each in sent] == [
        (before + 1, b"d"),
        (before + 2, b"e"),
        (before + 3, b"f"),
    ]
    server.gets(sent)
    server.tells(tally)
    server.gets(act(tally, b"g"))
    server.tells(tally)
    assert server.inbox.progress.applied == before + 4
    assert (tally.seq, tally.lost, tally.doubled) == (before + 4, 0, 0)


def test_being_welcomed_again_changes_no_numbers() -> None:
    server, tally = Server(), playing()
    act(tally, b"a", b"b")
    server.gets(tally.after(0)[:1])
    server.tells(tally)
    tally.continue_from(1)
    assert [each.seq for each in tally.after(1)] == [2]
    assert tally.seq == 2


def test_a_new_program_notices_what_is_lost_from_then_on() -> None:
    server, tally = server_after(b"a", b"b", b"c"), Tally[str]()
    tally.continue_from(3)
    server.tells(tally)
    act(tally, b"d", b"e")
    server.inbox.skip_to(5)
    server.gets(tally.after(4))
    server.tells(tally)
    assert tally.lost == 1


def test_a_new_program_is_not_blamed_for_what_was_lost_before_it() -> None:
    tally = Tally[str]()
    tally.continue_from(9)
    tally.acknowledge(9, 7, 1234, 0.0)
    assert (tally.lost, tally.doubled) == (0, 0)


def test_a_first_view_that_lacks_an_input_shows_that_it_is_lost() -> None:
    tally = playing()
    act(tally, b"a", b"b")
    done = Progress().after(1, b"a")
    tally.acknowledge(2, 1, done.digest, 0.0)
    assert tally.lost == 1


@given(
    st.lists(st.sampled_from(["act", "to_source", "to_target", "source_tells"]), max_size=40),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_a_move_at_any_moment_loses_doubles_and_swaps_nothing(
    steps: list[str], prepared: int, moved: int
) -> None:
    """Inputs go to both, again and again; the target applies none before the player is its own."""
    tally, source, target = playing(), Server(), Inbox()
    for n, step in enumerate(steps):
        if n == prepared:
            target.resume(source.inbox.progress)
        if n == moved:
            break
        if step == "act":
            act(tally, b"%d" % n)
        elif step == "to_source":
            source.gets(tally.after(0))
        elif step == "to_target":
            assert all(target.offer(each.seq, each.body, 0.0) for each in tally.after(0))
        else:
            source.tells(tally)
    target.resume(source.inbox.progress)
    owner = Server()
    owner.inbox = target
    owner.gets([])
    owner.tells(tally)
    owner.gets([*tally.after(target.progress.last), *act(tally, b"last")])
    owner.tells(tally)
    assert tally.acked == tally.seq == target.progress.applied
    assert (tally.lost, tally.doubled) == (0, 0)


def test_what_a_crash_has_undone_counts_as_acknowledged_no_more() -> None:
    server, tally = Server(), playing()
    server.gets(act(tally, b"a", b"b", b"c"))
    server.tells(tally)
    assert tally.acked == 3
    tally.continue_from(1)
    tally.taken_up(1)
    assert [each.seq for each in tally.after(tally.acked)] == [2, 3]
