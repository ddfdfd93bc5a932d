"""Inputs are applied exactly once and in order, whatever arrives twice, early or not at all."""

from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.player.inbox import LAST, ROOM, Inbox
from clientmigration.core.player.snapshot import Progress


def body(seq: int) -> bytes:
    return f"input {seq}".encode()


def offer(inbox: Inbox, *seqs: int, now: float = 0.0) -> None:
    for seq in seqs:
        assert inbox.offer(seq, body(seq), now)


def taken(inbox: Inbox) -> list[bytes]:
    return [each for each, _ in iter(inbox.take, None)]


def passed_on(inbox: Inbox, *seqs: int) -> list[bool]:
    return [inbox.pass_on(seq, body(seq)) for seq in seqs]


def bodies(first: int, last: int) -> list[bytes]:
    return [body(seq) for seq in range(first, last + 1)]


def progress_after(last: int) -> Progress:
    progress = Progress()
    for seq in range(1, last + 1):
        progress = progress.after(seq, body(seq))
    return progress


def test_inputs_come_out_in_order_with_the_time_of_their_arrival() -> None:
    inbox = Inbox()
    offer(inbox, 2, now=5.0)
    offer(inbox, 1, now=6.0)
    assert list(iter(inbox.take, None)) == [(body(1), 6.0), (body(2), 5.0)]
    assert inbox.progress == progress_after(2)


def test_an_early_input_waits_for_the_one_that_is_missing() -> None:
    inbox = Inbox()
    offer(inbox, 1, 3)
    assert taken(inbox) == [body(1)]
    offer(inbox, 2)
    assert taken(inbox) == bodies(2, 3)


def test_what_is_applied_already_is_dropped() -> None:
    inbox = Inbox()
    offer(inbox, 1, 2)
    taken(inbox)
    offer(inbox, 1, 2)
    assert not inbox.waiting
    assert taken(inbox) == []
    assert inbox.progress.applied == 2


def test_of_two_copies_the_first_counts() -> None:
    inbox = Inbox()
    inbox.offer(1, b"first", 1.0)
    inbox.offer(1, b"second", 2.0)
    assert list(iter(inbox.take, None)) == [(b"first", 1.0)]


def test_there_is_no_room_for_more_than_a_broken_peer_would_send() -> None:
    inbox = Inbox()
    offer(inbox, *range(2, ROOM + 2))
    assert len(inbox.waiting) == ROOM
    assert not inbox.offer(ROOM + 2, b"", 0.0)
    assert len(inbox.waiting) == ROOM


def test_a_copy_of_what_waits_is_welcome_even_when_there_is_no_room() -> None:
    inbox = Inbox()
    offer(inbox, *range(2, ROOM + 2))
    assert inbox.offer(2, body(2), 0.0)
    assert inbox.offer(0, b"", 0.0)


def test_an_input_on_which_the_game_stumbles_is_not_applied_again() -> None:
    inbox = Inbox()
    offer(inbox, 1, 2)
    inbox.take()
    assert inbox.progress == progress_after(1)
    assert taken(inbox) == [body(2)]


def test_another_servers_progress_is_gone_on_from() -> None:
    inbox = Inbox()
    offer(inbox, *range(1, 7))
    inbox.resume(progress_after(4))
    assert sorted(inbox.waiting) == [5, 6]
    assert taken(inbox) == bodies(5, 6)
    assert inbox.progress == progress_after(6)


def test_what_a_player_can_not_send_again_is_not_waited_for() -> None:
    inbox = Inbox(progress_after(3))
    offer(inbox, 10, 11)
    assert taken(inbox) == []
    assert inbox.skip_to(10) == 6
    assert inbox.skip_to(10) == 0
    assert taken(inbox) == bodies(10, 11)


def test_a_hole_stays_visible_and_does_not_touch_the_digest() -> None:
    inbox = Inbox(progress_after(3))
    inbox.skip_to(10)
    assert inbox.progress == Progress(9, 3, progress_after(3).digest)
    assert inbox.progress.last - inbox.progress.applied == 6


def test_nobody_is_brought_back_by_an_older_input() -> None:
    inbox = Inbox(progress_after(8))
    for oldest in (0, 1, 8, 9, -5):
        assert inbox.skip_to(oldest) == 0
        assert inbox.progress == progress_after(8)


def test_a_player_can_claim_nothing_that_a_view_could_not_say() -> None:
    inbox = Inbox()
    inbox.skip_to(2**70)
    assert inbox.progress.last == LAST == 2**32 - 1


@given(st.integers(1, 20), st.data())
def test_whatever_comes_twice_and_in_any_order_everything_is_applied_once_and_in_order(
    count: int, data: st.DataObject
) -> None:
    """The stream of a move: every input at least once, copies mixed in, taken at any moment."""
    copies = data.draw(st.lists(st.integers(1, count), max_size=20))
    arrivals = data.draw(st.permutations([*range(1, count + 1), *copies]))
    inbox, applied = Inbox(), []
    for seq in arrivals:
        offer(inbox, seq)
        if data.draw(st.booleans()):
            applied += taken(inbox)
    applied += taken(inbox)
    assert applied == bodies(1, count)
    assert inbox.progress == progress_after(count)
    assert not inbox.waiting


@given(st.integers(0, 12), st.integers(0, 12), st.data())
def test_source_and_target_together_apply_everything_once(
    copied: int, more: int, data: st.DataObject
) -> None:
    """Both get every input; the source freezes somewhere, the target goes on from there."""
    count = copied + more
    source, target = Inbox(), Inbox()
    target.resume(progress_after(copied))
    seen_by_target = data.draw(st.permutations(range(1, count + 1)))
    early = data.draw(st.integers(0, count))
    offer(target, *seen_by_target[:early])
    offer(source, *range(1, data.draw(st.integers(copied, count)) + 1))
    at_source = taken(source)
    target.resume(source.progress)
    offer(target, *seen_by_target[early:])
    assert at_source + taken(target) == bodies(1, count)
    assert target.progress == progress_after(count)


def test_the_next_one_is_passed_on_as_if_it_had_been_offered_and_taken() -> None:
    inbox = Inbox()
    assert passed_on(inbox, 1, 1, 3, 2) == [True, False, False, True]
    assert (inbox.progress, inbox.waiting) == (progress_after(2), {})


def test_nothing_passes_what_waits() -> None:
    inbox = Inbox()
    offer(inbox, 2)
    assert passed_on(inbox, 1, 3) == [False, False]
    offer(inbox, 1)
    assert taken(inbox) == bodies(1, 2)
    assert passed_on(inbox, 3) == [True]
    assert inbox.progress == progress_after(3)
