"""The meadow's coins: whatever players do, and wherever they are moved meanwhile, they add up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clientmigration.errors import PeersFault
from clientmigration.games.meadow import wire
from clientmigration.games.meadow.game import COINS, Meadow
from clientmigration.games.meadow.wire import CELL_M

RATE = 20
ADA, BOB, EVE = "ada" + "0" * 13, "b0b" + "0" * 13, "e" * 16


def named(n: int) -> str:
    return f"{n:016x}"


def state(x: float, y: float, coins: int = 3) -> dict[str, Any]:
    return {"x": x, "y": y, "vx": 0.0, "vy": 0.0, "coins": coins}


def meadow_with(**players: dict[str, Any]) -> Meadow:
    """A meadow with ADA, BOB and EVE at the given states."""
    meadow = Meadow(RATE)
    for name, given_state in players.items():
        meadow.enter({"ada": ADA, "bob": BOB, "eve": EVE}[name], given_state, 0)
    return meadow


def coins(meadow: Meadow, *players: str) -> list[int]:
    return [meadow.state(each)["coins"] for each in players]


def test_a_coin_goes_from_hand_to_hand() -> None:
    meadow = meadow_with(ada=state(100, 100), bob=state(140, 60))
    meadow.apply(ADA, wire.give(BOB))
    assert coins(meadow, ADA, BOB) == [2, 4]


def test_who_has_none_gives_none() -> None:
    meadow = meadow_with(ada=state(100, 100, coins=0), bob=state(100, 100))
    meadow.apply(ADA, wire.give(BOB))
    meadow.apply(ADA, wire.drop())
    assert coins(meadow, ADA, BOB) == [0, 3]
    assert not any(meadow.ground.values())


@pytest.mark.parametrize(("far", "given_"), [(CELL_M, 1), (CELL_M + 0.01, 0)])
def test_a_coin_is_given_no_further_than_a_cell(far: float, given_: int) -> None:
    for x, y in ((far, 0.0), (0.0, far), (far, far)):
        meadow = meadow_with(ada=state(0, 0), bob=state(x, y))
        meadow.apply(ADA, wire.give(BOB))
        assert coins(meadow, ADA, BOB) == [3 - given_, 3 + given_]


def test_giving_to_oneself_or_to_nobody_changes_nothing() -> None:
    meadow = meadow_with(ada=state(100, 100))
    meadow.apply(ADA, wire.give(ADA))
    meadow.apply(ADA, wire.give(EVE))
    assert coins(meadow, ADA) == [3]


def test_a_coin_that_is_laid_down_is_picked_up_in_that_cell_and_once() -> None:
    meadow = meadow_with(ada=state(10, 10), bob=state(49, 49), eve=state(51, 49))
    meadow.apply(ADA, wire.drop())
    meadow.apply(EVE, wire.pick())
    assert coins(meadow, ADA, BOB, EVE) == [2, 3, 3]
    meadow.apply(BOB, wire.pick())
    meadow.apply(BOB, wire.pick())
    assert coins(meadow, ADA, BOB, EVE) == [2, 4, 3]
    assert meadow.measures()["coins"] == 9


@given(st.binary(max_size=12))
def test_bytes_that_are_no_input_are_the_players_fault_and_change_nothing(body: bytes) -> None:
    meadow = meadow_with(ada=state(100, 100), bob=state(100, 100))
    try:
        verb = wire.decode(body)
    except PeersFault:
        with pytest.raises(PeersFault):
            meadow.apply(ADA, body)
        assert meadow.state(ADA) == state(100, 100)
    else:
        meadow.apply(ADA, body)
        assert verb is not None
    assert sum(coins(meadow, ADA, BOB)) + sum(meadow.ground.values()) == 6


VERBS = st.sampled_from(["give", "pick", "drop", "walk"])


class TwoMeadows(RuleBasedStateMachine):
    """Two servers, and players that walk, trade and are moved between them, stopped on the way."""

    @initialize(count=st.integers(2, 6))
    def begin(self, count: int) -> None:
        self.meadows = (Meadow(RATE), Meadow(RATE))
        self.home = {named(n << 40): n % 2 for n in range(count)}
        self.moving: dict[str, dict[str, Any]] = {}
        for player, home in self.home.items():
            self.meadows[home].enter(player, state(40.0, 40.0, coins=COINS), 0)

    def _one(self, data: st.DataObject, among: set[str]) -> str:
        return data.draw(st.sampled_from(sorted(among)))

    @precondition(lambda self: self.home.keys() - self.moving.keys())
    @rule(data=st.data(), verb=VERBS)
    def act(self, data: st.DataObject, verb: str) -> None:
        player = self._one(data, self.home.keys() - self.moving.keys())
        meadow = self.meadows[self.home[player]]
        if verb == "give":
            meadow.apply(player, wire.give(self._one(data, {*self.home})))
        elif verb == "walk":
            speed = data.draw(st.floats(-20, 20, width=32))
            meadow.apply(player, wire.move(speed, -speed))
        else:
            meadow.apply(player, wire.pick() if verb == "pick" else wire.drop())

    @rule(ticks=st.integers(1, 40))
    def time_passes(self, ticks: int) -> None:
        for meadow in self.meadows:
            for tick in range(ticks):
                meadow.step(tick)

    @precondition(lambda self: self.home.keys() - self.moving.keys())
    @rule(data=st.data())
    def freeze(self, data: st.DataObject) -> None:
        player = self._one(data, self.home.keys() - self.moving.keys())
        meadow = self.meadows[self.home[player]]
        meadow.hold(player)
        self.moving[player] = meadow.state(player)

    @precondition(lambda self: self.moving)
    @rule(data=st.data(), settled=st.booleans())
    def end_a_move(self, data: st.DataObject, settled: bool) -> None:
        player = self._one(data, {*self.moving})
        left, source = self.moving.pop(player), self.home[player]
        if settled:
            self.home[player] = 1 - source
            self.meadows[1 - source].enter(player, left, 3)
            self.meadows[source].leave(player)
        else:
            self.meadows[source].resume(player)

    @invariant()
    def coins_add_up(self) -> None:
        told = sum(meadow.measures()["coins"] for meadow in self.meadows)
        pockets = sum(sum(coins(self.meadows[at], player)) for player, at in self.home.items())
        lying = sum(sum(meadow.ground.values()) for meadow in self.meadows)
        assert told == pockets + lying == COINS * len(self.home)

    @invariant()
    def nobody_owes_anything(self) -> None:
        assert all(min(coins(self.meadows[at], player)) >= 0 for player, at in self.home.items())
        assert all(lying >= 0 for meadow in self.meadows for lying in meadow.ground.values())

    @invariant()
    def who_is_held_has_what_it_was_told_to_have(self) -> None:
        for player, left in self.moving.items():
            assert coins(self.meadows[self.home[player]], player) == [left["coins"]]


TestTwoMeadows = TwoMeadows.TestCase
TestTwoMeadows.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
