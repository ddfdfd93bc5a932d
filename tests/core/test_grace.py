"""How long players wait for a server that is away."""

from clientmigration.core.fleet.grace import GRACE_S, RETURN_S, ReconnectGrace


def test_a_member_that_left_has_a_moment_from_then_on_whoever_asks_when() -> None:
    grace = ReconnectGrace(started=100.0)
    grace.left("gs-1", 200.0)
    assert grace.given_up_at("gs-1") == 200.0 + GRACE_S


def test_a_member_that_nobody_has_seen_has_until_every_member_has_tried_to_come_back() -> None:
    assert ReconnectGrace(started=100.0).given_up_at("gs-1") == 100.0 + RETURN_S


def test_a_member_that_comes_back_and_leaves_again_has_its_moment_again() -> None:
    grace = ReconnectGrace(started=100.0)
    grace.left("gs-1", 101.0)
    grace.back("gs-1")
    grace.left("gs-1", 103.0)
    assert grace.given_up_at("gs-1") == 103.0 + GRACE_S


def test_names_that_come_and_go_for_ever_are_not_kept_for_ever() -> None:
    grace = ReconnectGrace(started=0.0)
    for n in range(1000):
        grace.left(f"pod-{n}", 100.0 + n)
    assert len(grace._left_at) < 10
    assert grace.given_up_at("pod-0") < 1100.0  # forgotten, and given up all the same
