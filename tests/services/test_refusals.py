"""Who was refused where is remembered for a while."""

from clientmigration.router.refusals import KEPT_S, Refusals


def test_a_refusal_is_remembered_by_player_and_forgotten_after_a_while() -> None:
    now = [100.0]
    refusals = Refusals(lambda: now[0])
    assert refusals.of("ada") == frozenset()
    refusals.note("ada", "a")
    now[0] += KEPT_S / 2
    refusals.note("ada", "b")
    refusals.note("bob", "c")
    assert refusals.of("ada") == {"a", "b"}
    assert refusals.of("eve") == frozenset()
    now[0] += KEPT_S / 2
    assert refusals.of("ada") == {"b"}
    now[0] += KEPT_S
    assert refusals.of("ada") == frozenset()
