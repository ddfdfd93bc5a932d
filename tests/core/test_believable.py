"""What players say of themselves counts as far as it can be true."""

from clientmigration.core.player.believable import (
    PING_MS,
    SAID_WITHIN_S,
    SLACK_S,
    Passage,
    believable_ping,
)

MOVE = Passage(left_at=99.5, entered_at=100.0, rate=20)


def test_pings_are_cut_down_to_what_a_player_waits_for() -> None:
    assert [believable_ping(ms) for ms in (0.0, 35.5, 1e9, -3.0)] == [0.0, 35.5, PING_MS, 0.0]


def test_what_can_be_true_is_believed_as_it_is() -> None:
    assert MOVE.believable(2, 130.0, 250.0, 101.0) == (2, 130.0, 250.0)


def test_no_wait_is_longer_than_the_time_that_passed() -> None:
    passed_s = 1.5 + SLACK_S
    most = (int(20 * passed_s), 1000 * passed_s, 1000 * passed_s)
    assert MOVE.believable(4_000_000_000, 1e9, 1e9, 101.0) == most


def test_who_says_so_much_later_is_not_heard() -> None:
    assert MOVE.believable(1, 1.0, 1.0, 100.0 + SAID_WITHIN_S + 0.1) is None
