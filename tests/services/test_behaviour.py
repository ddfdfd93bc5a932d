"""The crowd's behaviour: a seed decides everything, and now and then one server has a party."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.client.habits import Habits
from clientmigration.games.meadow import wire as meadow
from clientmigration.games.meadow.behaviour import PHASE_S, SIZE_M, WALK_M_PER_S, Mood, Walker, mood
from clientmigration.games.meadow.wire import DROP, PICK, Give, Pickup, Walk
from clientmigration.wire import work

MEMBERS = ["gs-1", "gs-2", "gs-3"]
OTHERS = ["aa" * 8, "bb" * 8]
PARTY = Mood("gs-1", 900.0, 100.0)
QUIET = Mood()


def walker(seed: int = 1, burn_us: int = 50, party_us: int = 500) -> Walker:
    return Walker(Random(seed), Habits(1, seed, burn_us, party_us))


def settled(mood: Mood = QUIET, member: str = "gs-1") -> Walker:
    """A walker that has said already how much it wants to burn."""
    one = walker()
    one.decide(mood, member, OTHERS)
    return one


def acts(one: Walker, count: int, mood: Mood = QUIET, others: list[str] = OTHERS) -> list[bytes]:
    return [one.decide(mood, "gs-1", others) for _ in range(count)]


def verbs(bodies: list[bytes]) -> list[Walk | Give | Pickup | int]:
    return [meadow.decode(body) for body in bodies]


def moves(bodies: list[bytes]) -> list[Walk]:
    return [verb for verb in verbs(bodies) if isinstance(verb, Walk)]


# Moods.


def test_quiet_and_party_take_turns() -> None:
    partying = [bool(mood(1, n * PHASE_S + 1.0, MEMBERS).member) for n in range(6)]
    assert partying == [False, True] * 3


@given(st.integers(0, 1000), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_mood_lasts_as_long_as_its_phase(seed: int, one: float, other: float) -> None:
    if int(one / PHASE_S) == int(other / PHASE_S):
        assert mood(seed, one, MEMBERS) == mood(seed, other, MEMBERS)


def test_a_party_is_at_a_server_that_there_is_and_within_the_meadow() -> None:
    for n in range(1, 200, 2):
        party = mood(7, n * PHASE_S, MEMBERS)
        assert party.member in MEMBERS
        assert 100 <= party.x <= SIZE_M - 100
        assert 100 <= party.y <= SIZE_M - 100


def test_every_server_has_its_party_some_day_and_at_different_places() -> None:
    parties = {mood(7, n * PHASE_S, MEMBERS) for n in range(1, 200, 2)}
    assert {party.member for party in parties} == {*MEMBERS}
    assert len({(party.x, party.y) for party in parties}) == 100


def test_without_servers_there_is_no_party() -> None:
    assert mood(1, PHASE_S, []) == QUIET


def test_a_party_does_not_depend_on_the_order_in_which_servers_are_listed() -> None:
    for n in range(1, 40, 2):
        assert mood(3, n * PHASE_S, MEMBERS) == mood(3, n * PHASE_S, MEMBERS[::-1])


def test_seeds_have_different_parties() -> None:
    assert len({mood(seed, PHASE_S, MEMBERS) for seed in range(50)}) == 50


# Acts.


def test_the_same_seed_acts_the_same_and_another_one_does_not() -> None:
    assert acts(walker(1), 200) == acts(walker(1), 200)
    assert acts(walker(1), 200) != acts(walker(2), 200)


def test_the_first_act_asks_for_the_usual_burn_and_it_is_asked_for_once() -> None:
    bodies = acts(walker(burn_us=50), 100)
    assert bodies[0] == work.burn(50)
    assert not any(work.is_work(body) for body in bodies[1:])


def test_a_party_asks_for_more_and_its_end_for_less() -> None:
    one = walker(burn_us=50, party_us=500)
    bodies = [*acts(one, 20), *acts(one, 20, PARTY), *acts(one, 20)]
    burned = [work.decode(body) for body in bodies if work.is_work(body)]
    assert burned == [work.Burn(50), work.Burn(500), work.Burn(50)]
    assert bodies[20] == work.burn(500)


@pytest.mark.parametrize("mood", [QUIET, Mood("gs-2", 900.0, 100.0)])
def test_somebody_elses_party_is_none(mood: Mood) -> None:
    assert acts(settled(), 50, mood) == acts(settled(), 50, QUIET)


def test_a_player_that_is_moved_away_from_the_party_leaves_it() -> None:
    one = settled(PARTY)
    assert work.decode(one.decide(PARTY, "gs-2", OTHERS)) == work.Burn(50)


def test_every_act_is_one_that_the_server_understands() -> None:
    found = verbs(acts(settled(), 3000))
    assert {type(verb) for verb in found} == {Walk, Give, int}
    assert {verb for verb in found if isinstance(verb, int)} == {PICK, DROP}


def test_coins_are_given_to_one_of_the_others() -> None:
    given_to = {verb.player for verb in verbs(acts(settled(), 3000)) if isinstance(verb, Give)}
    assert given_to == {*OTHERS}


def test_who_is_alone_gives_nothing_away() -> None:
    assert not any(isinstance(verb, Give) for verb in verbs(acts(settled(), 3000, others=[])))


def test_mostly_it_walks_and_always_at_the_same_pace() -> None:
    found = moves(acts(settled(), 1000))
    assert len(found) > 850
    assert {round(math.hypot(move.vx, move.vy), 4) for move in found} == {WALK_M_PER_S}


def test_a_wanderer_goes_everywhere() -> None:
    found = moves(acts(settled(), 1000))
    quarters = {(move.vx > 0, move.vy > 0) for move in found}
    assert len(quarters) == 4


@pytest.mark.parametrize("at", [(0.0, 0.0), (999.0, 999.0), (500.0, 500.0), (900.0, 200.0)])
def test_who_is_at_the_party_server_walks_towards_the_party(at: tuple[float, float]) -> None:
    one = settled(PARTY)
    one.at = at
    far = math.dist(at, (PARTY.x, PARTY.y))
    for move in moves(acts(one, 100, PARTY)):
        nearer = math.dist((at[0] + move.vx, at[1] + move.vy), (PARTY.x, PARTY.y))
        assert nearer == pytest.approx(far - WALK_M_PER_S, abs=1e-3)


def test_who_has_arrived_at_the_party_dances() -> None:
    one = settled(PARTY)
    one.at = (PARTY.x + 5, PARTY.y - 5)
    assert len({(move.vx, move.vy) for move in moves(acts(one, 100, PARTY))}) > 50
