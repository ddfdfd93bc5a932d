"""Players who do not follow their redirects are asked less and less."""

from clientmigration.core.fleet.reluctance import FIRST_S, LONGEST_S, Reluctance


def test_who_stays_is_left_alone_twice_as_long_each_time() -> None:
    known, now, waits = Reluctance(), 0.0, list[float]()
    for _ in range(9):
        known.stayed("ada", now)
        before = now
        while known.left_alone("ada", now):
            now += 1.0
        waits.append(now - before)
    assert waits[:4] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]
    assert waits[-1] == LONGEST_S
    assert not known.left_alone("bob", 0.0)


def test_who_comes_or_was_not_asked_for_long_is_like_any_other() -> None:
    known = Reluctance()
    known.stayed("ada", 0.0)
    known.came("ada")
    assert not known.left_alone("ada", 0.0)
    known.stayed("bob", 0.0)
    later = FIRST_S + LONGEST_S + 1.0
    known.stayed("bob", later)
    assert not known.left_alone("bob", later + FIRST_S)


def test_only_those_who_stayed_last_are_remembered() -> None:
    known = Reluctance(players=2)
    for player in ("ada", "bob", "cid"):
        known.stayed(player, 0.0)
    assert [known.left_alone(player, 1.0) for player in ("ada", "bob", "cid")] == [
        False,
        True,
        True,
    ]
