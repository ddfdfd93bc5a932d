"""Topics: every server tells the same, and a reader sees what is missing and what is double."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.player.feeds import TOPICS, FeedReader, Topic

TICKS = st.integers(0, 2**40)


@given(topic=st.sampled_from(list(TOPICS.values())), tick=TICKS)
def test_what_is_ready_now_is_what_comes_first_afterwards(topic: Topic, tick: int) -> None:
    assert topic.ready(tick) == topic.first(tick + 1)
    assert topic.first(tick) * topic.period >= tick > (topic.first(tick) - 1) * topic.period


def test_entries_are_pinned() -> None:
    assert (TOPICS["clock"].period, TOPICS["scores"].period) == (20, 5)
    assert TOPICS["clock"].make(1).hex() == "1400000000000000"
    assert TOPICS["scores"].make(1).hex()[:16] == "19f1637d811b1674"
    assert len(TOPICS["scores"].make(1)) == 120


def test_a_reader_takes_what_is_next_and_drops_what_it_has() -> None:
    reading = FeedReader()
    assert [reading.take(seq) for seq in (7, 8, 7, 8, 9)] == [True, True, False, False, True]
    assert (reading.next, reading.entries, reading.duplicates, reading.gaps) == (10, 3, 2, 0)


def test_a_reader_counts_what_was_left_out() -> None:
    reading = FeedReader()
    assert [reading.take(seq) for seq in (7, 10)] == [True, True]
    assert (reading.gaps, reading.next) == (2, 11)


@given(numbers=st.lists(st.integers(0, 30)))
def test_whatever_comes_goes_on_in_order_and_once(numbers: list[int]) -> None:
    reading = FeedReader()
    taken = [seq for seq in numbers if reading.take(seq)]
    assert taken == sorted(set(taken))
    assert reading.entries + reading.duplicates == len(numbers)
    if taken:
        assert taken[-1] - taken[0] + 1 == len(taken) + reading.gaps
