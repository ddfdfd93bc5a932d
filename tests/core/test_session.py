"""The session of one player at one server, driven through every order in which things may arrive.

`Chair` writes down what the session asks for, and refuses at once what a session must never ask.
"""

import pytest
from automat import NoTransition
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clientmigration.core.player.session import Session, session
from clientmigration.core.player.snapshot import Snapshot

STATES = ("arriving", "playing", "frozen", "departed", "gone")
MOVE, OTHER = "m1", "m2"


def snapshot(epoch: int) -> Snapshot:
    return Snapshot(player="aa" * 8, epoch=epoch, seq=1, tick=1, x=0.0, y=0.0, holder="")


class Chair:
    """A `Seat` without a server. `asked` is what the session wanted, in order."""

    def __init__(self) -> None:
        self.epoch = 0
        self.migration = MOVE
        self.asked: list[tuple[object, ...]] = []
        self.entered = self.held = self.forgotten = False
        self.session: Session = session(self)

    def _note(self, *what: object) -> None:
        assert not self.forgotten or what[0] == "declined", f"{what} for a player that is forgotten"
        self.asked.append(what)

    def enter(self, epoch: int, snapshot: Snapshot | None) -> None:
        self._note("enter", epoch, snapshot)
        assert not self.entered, "entered twice: the player exists twice"
        self.entered, self.epoch, self.migration = True, epoch, ""

    def hold(self) -> None:
        self._note("hold")
        assert self.entered, "held, but not in the game"
        self.held = True

    def resume(self) -> None:
        self._note("resume")
        assert self.entered, "resumed, but not in the game"
        self.held = False

    def confirm(self) -> None:
        self._note("confirm")
        assert self.entered, "confirmed, but not in the game"
        self.held = False

    def leave(self) -> None:
        self._note("leave")
        assert self.entered, "taken out of a game that it is not in"
        self.entered = self.held = False

    def welcome(self) -> None:
        self._note("welcome")

    def redirect(self, where: object) -> None:
        self._note("redirect", where)

    def dismiss(self, code: str, text: str) -> None:
        self._note("dismiss", code)
        assert text, "sent away without a reason"

    def tell_prepared(self) -> None:
        self._note("prepared")

    def tell_arrived(self) -> None:
        self._note("arrived")

    def tell_copied(self) -> None:
        self._note("copied")
        assert self.entered, "there is nothing to copy"

    def tell_frozen(self) -> None:
        self._note("frozen")
        assert self.held, "the final state is out while inputs are still applied"

    def tell_left(self) -> None:
        self._note("left")
        assert self.entered, "the last state was thrown away before it was told"

    def tell_declined(self, migration: str, reason: str) -> None:
        self._note("declined", migration)
        assert reason, "declined without a reason"

    def forget(self) -> None:
        self._note("forget")
        assert not self.entered, "forgotten, but still in the game"
        self.forgotten = True

    def said(self) -> list[object]:
        """What was asked since the last call, by name."""
        words = [each[0] for each in self.asked]
        self.asked.clear()
        return words

    @property
    def state(self) -> str:
        return self.session.state()


INPUTS = {
    "prepare": lambda it: it.prepare(),
    "own": lambda it: it.own(7, None),
    "copy": lambda it: it.copy(MOVE),
    "direct": lambda it: it.direct(MOVE, "there"),
    "freeze": lambda it: it.freeze(MOVE),
    "cancel": lambda it: it.cancel(MOVE),
    "release": lambda it: it.release(9),
    "joined": lambda it: it.joined(),
    "expired": lambda it: it.expired(),
}
WAY_TO: dict[str, list[str]] = {
    "arriving": [],
    "playing": ["own"],
    "frozen": ["own", "freeze"],
    "departed": ["own", "expired"],
    "gone": ["cancel"],
}


def chair_in(state: str) -> Chair:
    chair = Chair()
    for step in WAY_TO[state]:
        INPUTS[step](chair.session)
    assert chair.state == state
    chair.said()
    return chair


@pytest.mark.parametrize("state", STATES)
def test_everything_may_arrive_in_every_state(state: str) -> None:
    for arrives in INPUTS.values():
        chair = chair_in(state)
        arrives(chair.session)
        assert chair.state in STATES


def test_an_input_that_nobody_declared_would_be_noticed() -> None:
    """The check above is worth something: an undeclared input does raise."""
    from automat import TypeMachineBuilder

    builder = TypeMachineBuilder(Session, Chair)
    builder.state("only").upon(Session.joined).loop().returns(None)
    with pytest.raises(NoTransition):
        builder.build()(Chair()).expired()


# Coming.


def test_a_move_to_here_is_prepared_joined_and_owned() -> None:
    chair = Chair()
    chair.session.prepare()
    assert chair.said() == ["prepared"]
    chair.session.joined()
    assert chair.said() == ["welcome", "arrived"]
    assert not chair.entered
    chair.session.own(3, snapshot(2))
    assert chair.asked == [("enter", 3, snapshot(2))]
    assert chair.state == "playing"


@pytest.mark.parametrize("state", ["arriving", "departed", "gone"])
def test_only_the_ledgers_word_puts_a_player_into_the_game(state: str) -> None:
    for arrives in INPUTS.keys() - {"own"}:
        chair = chair_in(state)
        INPUTS[arrives](chair.session)
        assert not chair.entered


def test_a_player_that_is_owned_before_it_came_plays_and_is_welcomed_when_it_comes() -> None:
    chair = Chair()
    chair.session.own(1, None)
    chair.said()
    chair.session.joined()
    assert chair.said() == ["welcome"]


def test_a_reservation_that_is_called_off_leaves_no_trace() -> None:
    chair = chair_in("arriving")
    chair.session.cancel(MOVE)
    assert chair.asked == [("dismiss", "cancelled"), ("forget",)]
    assert chair.state == "gone"


def test_a_reservation_that_nobody_uses_is_declined_and_forgotten() -> None:
    chair = chair_in("arriving")
    chair.session.expired()
    assert chair.asked == [("declined", MOVE), ("dismiss", "expired"), ("forget",)]


def test_what_only_a_source_can_do_is_declined_by_a_target() -> None:
    for arrives in ("copy", "freeze"):
        chair = chair_in("arriving")
        INPUTS[arrives](chair.session)
        assert chair.asked == [("declined", MOVE)]
        assert chair.state == "arriving"


# Going.


def test_a_move_from_here_is_copied_directed_frozen_and_released() -> None:
    chair = chair_in("playing")
    chair.session.copy(MOVE)
    assert chair.said() == ["copied"]
    chair.session.direct(MOVE, "there")
    assert chair.asked == [("redirect", "there")]
    chair.said()
    chair.session.freeze(MOVE)
    assert chair.said() == ["hold", "frozen"]
    chair.session.release(8)
    assert chair.said() == ["leave", "dismiss", "forget"]
    assert chair.state == "gone"


def test_a_redirect_of_a_move_that_was_called_off_is_not_passed_on() -> None:
    chair = chair_in("playing")
    chair.session.copy(MOVE)
    chair.session.cancel(MOVE)
    chair.session.copy(OTHER)
    chair.said()
    chair.session.direct(MOVE, "there")
    assert chair.said() == []
    chair.session.direct(OTHER, "elsewhere")
    assert chair.asked == [("redirect", "elsewhere")]


def test_a_move_that_is_called_off_before_the_freeze_changes_nothing() -> None:
    chair = chair_in("playing")
    chair.session.copy(MOVE)
    chair.said()
    chair.session.cancel(MOVE)
    assert chair.said() == []
    assert (chair.state, chair.migration) == ("playing", "")


def test_a_move_that_is_called_off_after_the_freeze_lets_the_player_go_on() -> None:
    chair = chair_in("frozen")
    chair.session.cancel(MOVE)
    assert chair.said() == ["resume"]
    assert (chair.state, chair.migration) == ("playing", "")


def test_only_the_router_ends_a_freeze() -> None:
    for arrives in INPUTS.keys() - {"own", "cancel", "release"}:
        chair = chair_in("frozen")
        INPUTS[arrives](chair.session)
        assert chair.held
        assert chair.state == "frozen"


def test_a_frozen_player_that_the_ledger_leaves_here_goes_on() -> None:
    chair = chair_in("frozen")
    chair.session.own(7, None)
    assert chair.said() == ["confirm"]
    assert chair.state == "playing"


@pytest.mark.parametrize("state", ["playing", "frozen"])
def test_a_later_epoch_begins_anew_with_what_the_ledger_kept(state: str) -> None:
    chair = chair_in(state)
    chair.session.own(8, snapshot(7))
    assert chair.asked == [("leave",), ("enter", 8, snapshot(7))]
    assert (chair.state, chair.epoch) == ("playing", 8)


@pytest.mark.parametrize("epoch", [6, 7])
def test_the_ledgers_old_word_never_brings_back_old_state(epoch: int) -> None:
    chair = chair_in("playing")
    chair.session.own(epoch, snapshot(6))
    assert chair.said() == ["confirm"]
    assert chair.epoch == 7


# Away.


def test_a_player_that_stays_away_is_told_with_its_last_state_and_taken_out() -> None:
    chair = chair_in("playing")
    chair.session.expired()
    assert chair.said() == ["left", "leave"]
    assert chair.state == "departed"


def test_a_player_that_went_home_is_kept_until_the_router_has_its_state() -> None:
    chair = chair_in("departed")
    for arrives in ("prepare", "direct", "cancel", "expired", "joined"):
        INPUTS[arrives](chair.session)
    assert chair.said() == []
    assert not chair.forgotten
    chair.session.release(7)
    assert chair.said() == ["dismiss", "forget"]


def test_a_player_that_is_given_back_after_it_went_home_plays_again() -> None:
    chair = chair_in("departed")
    chair.session.own(8, snapshot(7))
    assert chair.asked == [("enter", 8, snapshot(7))]
    assert chair.state == "playing"


@pytest.mark.parametrize("state", ["departed", "gone"])
def test_who_is_not_here_can_not_be_moved_from_here(state: str) -> None:
    for arrives in ("copy", "freeze"):
        chair = chair_in(state)
        INPUTS[arrives](chair.session)
        assert chair.asked == [("declined", MOVE)]


def test_a_player_that_is_gone_stays_gone() -> None:
    for arrives in INPUTS:
        chair = chair_in("gone")
        INPUTS[arrives](chair.session)
        assert chair.state == "gone"


# Anything, in any order.


class AnyOrder(RuleBasedStateMachine):
    """The router, the player and the clock, each at its own pace."""

    @initialize()
    def begin(self) -> None:
        self.chair = Chair()
        self.owned = False

    def _asks(self, name: str, *arguments: object) -> list[object]:
        self.chair.said()
        getattr(self.chair.session, name)(*arguments)
        return self.chair.said()

    @rule()
    def prepare(self) -> None:
        told = self._asks("prepare")
        assert told == (["prepared"] if self.chair.state == "arriving" else [])

    @rule(step=st.integers(-1, 2), known=st.booleans())
    def own(self, step: int, known: bool) -> None:
        before, epoch = self.chair.state, max(0, self.chair.epoch + step)
        asked = self._asks("own", epoch, snapshot(epoch) if known else None)
        self.owned = self.owned or before != "gone"
        assert self.chair.state == ("gone" if before == "gone" else "playing")
        assert ("enter" in asked) != (asked in ([], ["confirm"]))

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def copy(self, move: str) -> None:
        before = self.chair.state
        assert self._asks("copy", move) == ["copied" if before == "playing" else "declined"]
        assert self.chair.state == before

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def direct(self, move: str) -> None:
        passed_on = self.chair.state == "playing" and self.chair.migration == move
        assert self._asks("direct", move, "there") == ["redirect"] * passed_on

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def freeze(self, move: str) -> None:
        before = self.chair.state
        told = self._asks("freeze", move)
        if before == "playing":
            assert (told, self.chair.state) == (["hold", "frozen"], "frozen")
        else:
            assert (told, self.chair.state) == (["declined"] * (before != "frozen"), before)

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def cancel(self, move: str) -> None:
        before = self.chair.state
        self._asks("cancel", move)
        after = {"arriving": "gone", "frozen": "playing"}.get(before, before)
        assert self.chair.state == after

    @rule()
    def release(self) -> None:
        self._asks("release", self.chair.epoch)
        assert self.chair.state == "gone"

    @rule()
    def joined(self) -> None:
        before = self.chair.state
        told = self._asks("joined")
        assert ("welcome" in told) == (before in ("arriving", "playing", "frozen"))
        assert ("arrived" in told) == (before == "arriving")
        assert self.chair.state == before

    @rule()
    def expired(self) -> None:
        before = self.chair.state
        told = self._asks("expired")
        assert ("left" in told) == (before == "playing")
        assert ("forget" in told) == (before == "arriving")

    @invariant()
    def inputs_are_applied_only_while_playing(self) -> None:
        applies = self.chair.entered and not self.chair.held
        assert applies == (self.chair.state == "playing")

    @invariant()
    def a_player_is_in_the_game_only_after_the_ledgers_word(self) -> None:
        assert self.chair.entered == (self.chair.state in ("playing", "frozen"))
        assert self.owned or not self.chair.entered

    @invariant()
    def forgotten_is_gone_and_gone_is_forgotten(self) -> None:
        assert self.chair.forgotten == (self.chair.state == "gone")


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
