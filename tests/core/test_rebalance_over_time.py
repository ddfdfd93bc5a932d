"""A toy fleet over time: what becomes of servers, players and loads under the real decisions."""

import pytest
from toy_fleet import Server, Toy, oscillations, toy_of


@pytest.mark.parametrize("load", [0.1, 0.3, 0.5, 0.7, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_a_steady_balanced_world_with_noisy_loads_moves_nobody(load: float, seed: int) -> None:
    assert toy_of([100, 100, 100], load / 100, seed).run(180).moves == []


@pytest.mark.parametrize("load", [0.02, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_new_server_has_its_share_within_15_seconds_and_then_all_is_quiet(
    load: float, seed: int
) -> None:
    toy = toy_of([100, 100, 100], load / 100, seed).run(20)
    toy.attach("new", 0, Server(load / 100))
    toy.run(15)
    assert 52 <= toy.players("new") <= 78
    assert {move.target for move in toy.moves} == {"new"}
    assert oscillations(toy.moves) == 0
    made = len(toy.moves)
    assert len(toy.run(120).moves) - made <= 15


def test_an_overloaded_server_is_relieved_without_overshooting() -> None:
    toy = toy_of([150, 60, 60], 0.006)
    assert toy.load("gs-0") > 0.9
    toy.run(20)
    assert toy.load("gs-0") < 0.7
    assert min(toy.players("gs-1"), toy.players("gs-2")) > 75
    toy.run(100)
    assert {move.source for move in toy.moves} == {"gs-0"}
    assert oscillations(toy.moves) == 0


def test_a_crowd_that_gathers_on_one_server_is_spread() -> None:
    toy = toy_of([100, 100, 100], 0.003).run(20)
    toy.servers["gs-1"].cost = 0.006
    toy.run(40)
    loads = [toy.load(name) for name in toy.servers]
    assert max(loads) < 1.35 * sum(loads) / 3
    assert oscillations(toy.moves) == 0


def test_slow_and_fast_machines_end_up_equally_loaded_with_different_players() -> None:
    toy = toy_of([], 0.0)
    toy.attach("slow", 100, Server(0.008))
    toy.attach("fast", 100, Server(0.002, capacity=400))
    toy.run(90)
    assert toy.players("fast") > 130
    assert toy.load("slow") < 1.5 * toy.load("fast")
    assert {move.source for move in toy.moves} == {"slow"}
    made = len(toy.moves)
    assert len(toy.run(90).moves) - made <= 3


def test_a_drain_empties_the_server_and_the_others_stay_even() -> None:
    toy = toy_of([100, 100, 100], 0.003).run(20)
    toy.servers["gs-1"].draining = True
    toy.run(10)
    assert toy.players("gs-1") == 0
    assert abs(toy.players("gs-0") - toy.players("gs-2")) < 20
    assert len(toy.run(60).moves) == 100


def test_a_drain_larger_than_the_room_fills_every_seat_and_none_more() -> None:
    toy = toy_of([190, 190, 190], 0.003).run(20)
    toy.servers["gs-1"].draining = True
    for _ in range(40):
        toy.run(1)
        assert max(toy.players("gs-0"), toy.players("gs-2")) <= 200
    assert toy.players("gs-1") == 170


def test_a_long_drain_never_pauses() -> None:
    toy = Toy()
    for name in ("gs-0", "gs-1", "gs-2"):
        toy.attach(name, 600, Server(0.0004, capacity=1000))
    toy.run(10)
    toy.servers["gs-1"].draining = True
    toy.run(600 // 25 + 4)
    assert toy.players("gs-1") == 0


def test_moves_that_are_all_refused_are_asked_for_again_but_not_piled_up() -> None:
    toy = toy_of([100, 100], 0.004)
    toy.refuse = lambda _: True
    toy.run(10)
    toy.attach("new", 0, Server(0.004))
    toy.run(20)
    asked = len(toy.moves)
    toy.refuse = lambda _: False
    toy.run(20)
    assert asked > 0
    assert toy.players("new") >= 45
    assert toy.players("new") <= 70
