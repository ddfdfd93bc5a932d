"""Every player's turn comes once a second, and what the router has not stored is not forgotten."""

from __future__ import annotations

from clientmigration.core.player.snapshot import Snapshot
from clientmigration.gameserver.checkpoints import MESSAGE, Checkpoints, parts
from clientmigration.wire.messages import Checkpoint


def snapshot(seq: int = 1) -> Snapshot:
    return Snapshot(player="aa" * 8, epoch=1, seq=seq, tick=1, x=0.0, y=0.0, holder="")


def sent(checkpoints: Checkpoints, now: float) -> int:
    batch = checkpoints.batch([snapshot()], now)
    assert batch is not None
    return batch.n


def test_a_batch_has_a_number_of_its_own_and_all_that_it_was_given() -> None:
    checkpoints = Checkpoints(20)
    both = [snapshot(1), snapshot(2)]
    assert checkpoints.batch(iter(both), 1.0) == Checkpoint(n=1, snapshots=both)
    assert checkpoints.batch([snapshot(3)], 2.0) == Checkpoint(n=2, snapshots=[snapshot(3)])


def test_nothing_is_said_when_there_is_nothing_to_store() -> None:
    checkpoints = Checkpoints(20)
    assert checkpoints.batch([], 1.0) is None
    assert sent(checkpoints, 1.0) == 1
    assert checkpoints.age(1.0) == 0.0


def test_the_age_counts_from_the_newest_that_is_known_to_be_stored() -> None:
    checkpoints = Checkpoints(20)
    assert checkpoints.age(9.0) == 0.0
    first, second = sent(checkpoints, 10.0), sent(checkpoints, 10.5)
    checkpoints.stored(first)
    assert checkpoints.age(11.0) == 1.0
    checkpoints.stored(second)
    assert checkpoints.age(11.0) == 0.5


def test_a_confirmation_stands_for_everything_before_it() -> None:
    checkpoints = Checkpoints(20)
    numbers = [sent(checkpoints, float(n)) for n in range(5)]
    checkpoints.stored(numbers[3])
    assert checkpoints.age(10.0) == 7.0
    checkpoints.stored(numbers[1])
    assert checkpoints.age(10.0) == 7.0
    assert list(checkpoints.under_way) == [numbers[4]]


def test_a_confirmation_of_something_never_sent_is_harmless() -> None:
    checkpoints = Checkpoints(20)
    sent(checkpoints, 1.0)
    checkpoints.stored(99)
    assert checkpoints.age(2.0) == 0.0
    assert sent(checkpoints, 2.0) == 2


def test_while_the_router_is_away_the_age_grows() -> None:
    checkpoints = Checkpoints(20)
    checkpoints.stored(sent(checkpoints, 1.0))
    assert checkpoints.age(100.0) == 99.0


def test_large_states_are_cut_into_messages_that_the_router_accepts() -> None:
    large = [
        Snapshot(player="aa" * 8, epoch=1, seq=n, tick=1, x=0.0, y=0.0, holder="", game=state)
        for n in range(100)
        for state in ({"x": "y" * 65_000},)
    ]
    cut = list(parts(large))
    assert [each.seq for part in cut for each in part] == list(range(100))
    assert max(len(part) for part in cut) * 65_000 <= MESSAGE
    assert len(cut) == 7
    assert list(parts([])) == [[]]
