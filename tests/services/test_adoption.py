"""A player that is found frozen is claimed, never called back by what was read; and whatever a
ledger on other machines does, it costs nobody its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from test_waivers import (
    assert_felt_nothing,
    moved,
    owner,
    played_at,
    playing,
    run_until_claimed,
    seat_of,
    walk,
)

from clientmigration.client.player import Player
from clientmigration.gameserver.askers import Askers
from clientmigration.testing import Arena
from clientmigration.wire.messages import Reserved


def held(arena: Arena, player: Player) -> bool:
    seats = [seat_of(arena, player, name) for name in arena.servers]
    return any(seat is not None and seat.held for seat in seats)


def killed_in_the_claim(arena: Arena, player: Player, later_s: float) -> None:
    """The router is killed with the claim under way, which lands so much later."""

    def strike(_: Sequence[str]) -> float:
        if not held(arena, player):
            return 0.0
        arena.engine.ambush = None
        arena.clock.at(arena.clock.seconds(), None, arena.kill, "router")
        return later_s

    arena.engine.ambush = strike
    while "router" in arena.hosts:
        arena.run(0.0005)


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("later_s", [0.0, 0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 2.0])
def test_whenever_a_dead_routers_claim_lands_the_player_plays_on(
    later_s: float, asked: bool
) -> None:
    """`asked`: the source can ask the target to waive, and does; else it stands still meanwhile."""
    arena, ada, home, target = playing("eu", "us")
    moved(arena, ada, target)
    if not asked:
        arena.network.cut(home, target)
    killed_in_the_claim(arena, ada, later_s)
    arena.start_router()
    walk(arena, ada, 4.0)
    assert owner(arena, ada) == played_at(arena, ada)
    if not asked:
        arena.network.heal(home, target)
    walk(arena, ada, 2.0)
    assert (ada.tally.lost, ada.tally.doubled, ada.rejoins) == (0, 0, 0)
    assert not asked or ada.tally.missed == 0


def test_a_claim_that_was_made_is_finished_by_the_next_router() -> None:
    arena, ada, home, target = playing("eu", "us")
    moved(arena, ada, target)
    arena.network.cut(home, target)
    run_until_claimed(arena, ada, target)
    arena.kill("router")
    arena.start_router()
    walk(arena, ada, 3.0)
    assert owner(arena, ada) == played_at(arena, ada) == (target, 2)
    assert ada.rejoins == 0


@pytest.mark.parametrize("silent", [True, False])
def test_a_ledger_that_is_away_for_six_seconds_keeps_nobody_standing_still(silent: bool) -> None:
    arena, ada, home, target = playing("eu", "us")
    assert arena.disk is not None
    moved(arena, ada, target)
    while not held(arena, ada):
        arena.run(0.0005)
    if silent:
        arena.engine.away_until = arena.clock.seconds() + 6.0
    else:
        arena.disk.failing = 1.0
    frozen_at = arena.clock.seconds()
    arena.run_until(lambda: bool(arena.home_of(ada)), within=6.0)
    assert arena.clock.seconds() - frozen_at < 0.7
    walk(arena, ada, 6.0)
    arena.disk.failing = 0.0
    walk(arena, ada, 4.0)
    assert owner(arena, ada) == played_at(arena, ada)
    assert played_at(arena, ada)[0] == home
    assert_felt_nothing(ada)


def test_an_old_answer_makes_no_server_let_go() -> None:
    arena, ada, home, target = playing("eu", "us")
    moved(arena, ada, target)
    walk(arena, ada, 1.0)
    assert owner(arena, ada) == (target, 2)
    arena.engine.stale = 1.0
    arena.network.reset(target, "router")
    walk(arena, ada, 1.5)
    assert owner(arena, ada) == played_at(arena, ada) == (target, 2)
    assert_felt_nothing(ada)
    assert seat_of(arena, ada, home) is None


def test_a_ledger_that_was_put_back_hears_what_the_servers_know() -> None:
    arena, ada, home, target = playing("eu", "us")
    backup = dict(arena.ledger.records)
    moved(arena, ada, target)
    walk(arena, ada, 1.0)
    arena.ledger.records.update(backup)
    assert owner(arena, ada) == (home, 1)
    walk(arena, ada, 2.0)
    assert owner(arena, ada) == played_at(arena, ada) == (target, 2)
    assert_felt_nothing(ada)


# Answers go to the link that asked.


class Link:
    def __init__(self) -> None:
        self.over, self.said = False, list[Any]()

    def say(self, message: Any) -> None:
        self.said.append(message)


def test_each_link_hears_the_answers_to_what_was_ordered_over_it() -> None:
    one, other, askers = Link(), Link(), Askers()
    askers.asked("m1", one, ())
    askers.asked("m2", other, ("m1",))
    answers = [Reserved(migration=each, player="ada", plays=False) for each in ("m1", "m2", "m3")]
    for each in answers:
        askers.answer(each)
    assert (one.said, other.said) == (answers[:1], answers[1:2])


def test_a_migration_is_anothers_as_long_as_its_link_is_there() -> None:
    one, other, askers = Link(), Link(), Askers()
    askers.asked("m1", one, ())
    askers.asked("m2", other, ("m1",))
    askers.asked("m3", one, ("m1", "m2"))
    assert askers.is_anothers("m1", "m2")
    assert not askers.is_anothers("m1", "m3")
    assert not askers.is_anothers("m0", "m2")
    one.over = True
    assert not askers.is_anothers("m1", "m2")
