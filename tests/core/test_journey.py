"""A player's way, through every order in which connections may come up and break."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clientmigration.core.player.journey import Journey, journey

STATES = (
    "idle",
    "seeking",
    "waiting",
    "joining",
    "playing",
    "crossing",
    "landing",
    "ended",
)  # fmt: skip


class Walker:
    """`JourneyHands` without a network: which connections it would have, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.router = self.closed = False
        self.home: object = None
        self.next: object = None
        self.journey: Journey = journey(self)

    def _note(self, what: str, where: object = None) -> None:
        assert not self.closed, f"{what} after everything was closed"
        self.asked.append((what, where))

    def seek(self) -> None:
        self._note("seek")
        self.router, self.home, self.next = True, None, None

    def wait(self) -> None:
        self._note("wait")
        self.router, self.home, self.next = False, None, None

    def join(self, where: object) -> None:
        self._note("join", where)
        assert self.router, "joined, but nobody had asked where"
        self.router, self.home = False, where

    def cross(self, where: object) -> None:
        self._note("cross", where)
        assert self.home, "crossed from nowhere"
        assert not self.next, "a third connection"
        self.next = where

    def switch(self) -> None:
        self._note("switch")
        assert self.next, "switched to nothing"
        self.home, self.next = self.next, None

    def drop(self) -> None:
        self._note("drop")
        assert self.next, "dropped nothing"
        self.next = None

    def close(self) -> None:
        self._note("close")
        self.router, self.home, self.next, self.closed = False, None, None, True

    def said(self) -> list[str]:
        """What was asked since the last call."""
        words = [word for word, _ in self.asked]
        self.asked.clear()
        return words

    @property
    def state(self) -> str:
        return self.journey.state()


INPUTS: dict[str, Callable[[Journey], None]] = {
    "start": lambda it: it.start(),
    "stop": lambda it: it.stop(),
    "retry": lambda it: it.retry(),
    "redirected": lambda it: it.redirected("there"),
    "viewed": lambda it: it.viewed(),
    "crossed": lambda it: it.crossed(),
    "home_lost": lambda it: it.home_lost(),
    "next_lost": lambda it: it.next_lost(),
}
WAY_TO: dict[str, list[str]] = {
    "idle": [],
    "seeking": ["start"],
    "waiting": ["start", "home_lost"],
    "joining": ["start", "redirected"],
    "playing": ["start", "redirected", "viewed"],
    "crossing": ["start", "redirected", "viewed", "redirected"],
    "landing": ["start", "redirected", "viewed", "redirected", "home_lost"],
    "ended": ["stop"],
}


def walker_in(state: str) -> Walker:
    walker = Walker()
    for step in WAY_TO[state]:
        INPUTS[step](walker.journey)
    assert walker.state == state
    walker.said()
    return walker


@pytest.mark.parametrize("state", STATES)
def test_everything_may_happen_at_every_point_of_the_way(state: str) -> None:
    for happens in INPUTS.values():
        walker = walker_in(state)
        happens(walker.journey)
        assert walker.state in STATES


def test_the_way_in_is_seek_join_and_play() -> None:
    walker = Walker()
    for happens in ("start", "redirected", "viewed"):
        INPUTS[happens](walker.journey)
    assert walker.asked == [("seek", None), ("join", "there")]
    assert walker.state == "playing"


def test_a_move_is_a_second_connection_and_then_a_switch() -> None:
    walker = walker_in("playing")
    walker.journey.redirected("elsewhere")
    assert (walker.home, walker.next, walker.state) == ("there", "elsewhere", "crossing")
    walker.journey.crossed()
    assert (walker.home, walker.next, walker.state) == ("elsewhere", None, "playing")
    assert walker.said() == ["cross", "switch"]


def test_a_move_that_does_not_work_out_leaves_the_player_where_it_is() -> None:
    walker = walker_in("crossing")
    walker.journey.next_lost()
    assert walker.said() == ["drop"]
    assert (walker.home, walker.state) == ("there", "playing")


def test_a_second_redirect_replaces_the_first() -> None:
    walker = walker_in("crossing")
    walker.journey.redirected("elsewhere")
    assert walker.asked == [("drop", None), ("cross", "elsewhere")]
    assert walker.state == "crossing"


def test_a_player_whose_server_dies_while_it_crosses_still_lands() -> None:
    walker = walker_in("crossing")
    walker.journey.home_lost()
    assert (walker.said(), walker.state) == ([], "landing")
    walker.journey.crossed()
    assert (walker.said(), walker.state) == (["switch"], "playing")


def test_a_player_that_loses_both_servers_asks_the_router() -> None:
    walker = walker_in("landing")
    walker.journey.next_lost()
    assert (walker.said(), walker.state) == (["seek"], "seeking")


def test_a_player_that_loses_its_server_asks_the_router_at_once() -> None:
    walker = walker_in("playing")
    walker.journey.home_lost()
    assert (walker.said(), walker.state) == (["seek"], "seeking")


@pytest.mark.parametrize("state", ["seeking", "joining"])
def test_who_does_not_get_in_waits_before_it_tries_again(state: str) -> None:
    walker = walker_in(state)
    walker.journey.home_lost()
    assert (walker.said(), walker.state) == (["wait"], "waiting")
    walker.journey.home_lost()
    assert walker.said() == []
    walker.journey.retry()
    assert (walker.said(), walker.state) == (["seek"], "seeking")


@pytest.mark.parametrize("state", [each for each in STATES if each != "ended"])
def test_a_program_may_stop_at_any_point_and_then_nothing_more_is_done(state: str) -> None:
    walker = walker_in(state)
    walker.journey.stop()
    assert (walker.said(), walker.state) == (["close"], "ended")
    for happens in INPUTS.values():
        happens(walker.journey)
    assert (walker.said(), walker.state) == ([], "ended")


def test_an_old_retry_does_not_ask_the_router_twice() -> None:
    for state in {*STATES} - {"waiting"}:
        walker = walker_in(state)
        walker.journey.retry()
        assert walker.said() == []


class AnyOrder(RuleBasedStateMachine):
    """The program, the router and the connections, each at its own pace."""

    @initialize()
    def begin(self) -> None:
        self.walker = Walker()
        self.walker.journey.start()

    @rule(name=st.sampled_from(sorted(INPUTS.keys() - {"stop"})))
    def something_happens(self, name: str) -> None:
        INPUTS[name](self.walker.journey)

    @precondition(lambda self: self.walker.state == "playing")
    @rule()
    def it_is_moved(self) -> None:
        self.walker.journey.redirected("elsewhere")
        self.walker.journey.crossed()
        assert self.walker.home == "elsewhere"

    @invariant()
    def there_are_the_connections_that_the_state_is_about(self) -> None:
        walker = self.walker
        ways = (walker.router, bool(walker.home), bool(walker.next))
        assert (
            ways
            == {
                "seeking": (True, False, False),
                "waiting": (False, False, False),
                "joining": (False, True, False),
                "playing": (False, True, False),
                "crossing": (False, True, True),
                "landing": (False, True, True),  # home is broken, and not closed yet
            }[walker.state]
        )

    def teardown(self) -> None:
        if hasattr(self, "walker"):
            self.walker.journey.stop()
            assert self.walker.said()[-1] == "close"


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
