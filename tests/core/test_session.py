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
from clientmigration.core.player.standing import Claim, Life, Reservation

STATES = ("absent", "arriving", "playing", "frozen", "departed", "gone")
MOVE, OTHER = "m1", "m2"


def snapshot(epoch: int) -> Snapshot:
    return Snapshot(player="aa" * 8, epoch=epoch, seq=1, tick=1, x=0.0, y=0.0, holder="")


class Chair:
    """`Hands` without a server. `asked` is what the session wanted, in order."""

    def __init__(self, connected: bool = True) -> None:
        self.connected = connected
        self.asked: list[tuple[object, ...]] = []
        self.kept = self.entered = self.held = self.forgotten = False
        self.willing = True  # whether the game does what it is asked to
        self.life = Life(self)
        self.session: Session = session(self.life)

    def _note(self, *what: object) -> None:
        assert not self.forgotten, f"{what} for a player that is forgotten"
        assert self.kept or what[0] in ("appear", "declined"), f"{what} for nobody"
        self.asked.append(what)

    def appear(self) -> None:
        self._note("appear")
        assert not self.kept, "kept twice"
        self.kept = True

    def wait_until(self, when: float) -> None:
        self._note("wait", when)

    def prepare(self, snapshot: Snapshot) -> None:
        self._note("prepare", snapshot)

    def enter(self, claim: Claim) -> bool:
        self._note("enter", claim.epoch, claim.snapshot)
        assert not self.entered, "entered twice: the player exists twice"
        self.entered = self.willing
        return self.willing

    def hold(self) -> bool:
        self._note("hold")
        assert self.entered, "held, but not in the game"
        self.held = True
        return self.willing

    def resume(self) -> None:
        self._note("resume")
        assert self.entered, "resumed, but not in the game"
        self.held = False

    def confirm(self, claim: Claim) -> None:
        self._note("confirm", claim.migration)
        assert self.entered, "confirmed, but not in the game"
        self.held = False

    def leave(self) -> None:
        self._note("leave")
        assert self.entered, "taken out of a game that it is not in"
        self.entered = self.held = False

    def farewell(self) -> Snapshot:
        assert self.entered or not self.willing, "there is no last state of who is not in the game"
        return snapshot(self.epoch)

    def welcome(self) -> None:
        self._note("welcome")

    def redirect(self, where: object) -> bool:
        if self.connected:
            self._note("redirect", where)
        return self.connected

    def dismiss(self, code: str, text: str) -> None:
        self._note("dismiss", code)
        assert text, "sent away without a reason"

    def tell_reserved(self, migration: str, plays: bool) -> None:
        self._note("reserved", migration, plays)

    def tell_prepared(self, migration: str) -> None:
        self._note("prepared", migration)

    def tell_arrived(self, migration: str) -> None:
        self._note("arrived", migration)

    def tell_copied(self, migration: str) -> None:
        self._note("copied", migration)
        assert self.entered, "there is nothing to copy"

    def tell_frozen(self, migration: str) -> bool:
        self._note("frozen", migration)
        assert self.held, "the final state is out while inputs are still applied"
        return self.willing

    def tell_left(self, final: Snapshot) -> None:
        self._note("left", final.epoch)
        assert self.entered or not self.willing, "the last state was thrown away before it was told"

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

    @property
    def epoch(self) -> int:
        return self.life.now.epoch

    @property
    def migration(self) -> str:
        return self.life.now.migration


INPUTS = {
    "reserve": lambda it: it.reserve(Reservation(MOVE, 7, 10.0)),
    "prepare": lambda it: it.prepare(MOVE, snapshot(6)),
    "own": lambda it: it.own(Claim(MOVE, 7, None)),
    "copy": lambda it: it.copy(MOVE),
    "direct": lambda it: it.direct(MOVE, "us", "there"),
    "freeze": lambda it: it.freeze(MOVE),
    "cancel": lambda it: it.cancel(MOVE),
    "release": lambda it: it.release(9, 0.0),
    "retain": lambda it: it.retain(MOVE, 9),
    "waive": lambda it: it.waive(MOVE),
    "taken": lambda it: it.taken(),
    "joined": lambda it: it.joined(),
    "expired": lambda it: it.expired(),
    "ended": lambda it: it.ended(),
}
WAY_TO: dict[str, list[str]] = {
    "absent": [],
    "arriving": ["reserve"],
    "playing": ["own"],
    "frozen": ["own", "freeze"],
    "departed": ["own", "expired"],
    "gone": ["reserve", "taken"],
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

    builder = TypeMachineBuilder(Session, Life)
    builder.state("only").upon(Session.joined).loop().returns(None)
    with pytest.raises(NoTransition):
        builder.build()(Life(Chair())).expired()


# Coming.


def test_a_move_to_here_is_prepared_joined_and_owned() -> None:
    chair = Chair()
    chair.session.reserve(Reservation(MOVE, 3, 10.0))
    assert chair.asked == [("appear",), ("wait", 10.0), ("reserved", MOVE, False)]
    chair.said()
    chair.session.prepare(MOVE, snapshot(2))
    assert chair.said() == ["prepare", "prepared"]
    chair.session.joined()
    assert chair.said() == ["welcome", "arrived"]
    assert not chair.entered
    chair.session.own(Claim(MOVE, 3, snapshot(2)))
    assert chair.asked == [("enter", 3, snapshot(2))]
    assert chair.state == "playing"


@pytest.mark.parametrize("state", ["absent", "arriving", "departed", "gone"])
def test_only_the_ledgers_word_puts_a_player_into_the_game(state: str) -> None:
    for arrives in INPUTS.keys() - {"own"}:
        chair = chair_in(state)
        INPUTS[arrives](chair.session)
        assert not chair.entered


def test_a_player_that_is_owned_before_it_came_plays_and_is_welcomed_when_it_comes() -> None:
    chair = Chair()
    chair.session.own(Claim(MOVE, 1, None))
    assert chair.said() == ["appear", "enter"]
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
    chair.session.direct(MOVE, "us", "there")
    assert chair.asked == [("redirect", "there")]
    chair.said()
    chair.session.freeze(MOVE)
    assert chair.said() == ["hold", "frozen"]
    chair.session.release(8, 0.0)
    assert chair.said() == ["leave", "dismiss", "forget"]
    assert chair.state == "gone"


def test_a_redirect_of_a_move_that_was_called_off_is_not_passed_on() -> None:
    chair = chair_in("playing")
    chair.session.copy(MOVE)
    chair.session.cancel(MOVE)
    chair.session.copy(OTHER)
    chair.said()
    chair.session.direct(MOVE, "us", "there")
    assert chair.said() == []
    chair.session.direct(OTHER, "ap", "elsewhere")
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


def test_only_the_router_or_the_target_ends_a_freeze() -> None:
    for arrives in INPUTS.keys() - {"own", "cancel", "release", "waive", "taken", "ended"}:
        chair = chair_in("frozen")
        INPUTS[arrives](chair.session)
        assert chair.held
        assert chair.state == "frozen"


def test_a_frozen_player_that_the_ledger_leaves_here_goes_on() -> None:
    chair = chair_in("frozen")
    chair.session.own(Claim(MOVE, 7, None))
    assert chair.said() == ["confirm"]
    assert chair.state == "playing"


@pytest.mark.parametrize("state", ["playing", "frozen"])
def test_a_later_epoch_begins_anew_with_what_the_ledger_kept(state: str) -> None:
    chair = chair_in(state)
    chair.session.own(Claim(MOVE, 8, snapshot(7)))
    assert chair.asked == [("leave",), ("enter", 8, snapshot(7))]
    assert (chair.state, chair.epoch) == ("playing", 8)


@pytest.mark.parametrize("epoch", [6, 7])
def test_the_ledgers_old_word_never_brings_back_old_state(epoch: int) -> None:
    chair = chair_in("playing")
    chair.session.own(Claim(MOVE, epoch, snapshot(6)))
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
    for arrives in ("prepare", "direct", "cancel", "retain", "waive", "expired", "joined"):
        INPUTS[arrives](chair.session)
    assert chair.said() == []
    assert not chair.forgotten
    chair.session.release(7, 0.0)
    assert chair.said() == ["dismiss", "forget"]


def test_a_player_that_is_given_back_after_it_went_home_plays_again() -> None:
    chair = chair_in("departed")
    chair.session.own(Claim(MOVE, 8, snapshot(7)))
    assert chair.asked == [("enter", 8, snapshot(7))]
    assert chair.state == "playing"


@pytest.mark.parametrize("state", ["absent", "departed"])
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
        self.now = 0.0

    def _asks(self, name: str, *arguments: object) -> list[object]:
        self.chair.said()
        getattr(self.chair.session, name)(*arguments)
        return self.chair.said()

    @rule(seconds=st.floats(0, 5))
    def passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(move=st.sampled_from([MOVE, OTHER]), step=st.integers(0, 2))
    def reserve(self, move: str, step: int) -> None:
        before, waived = self.chair.state, self.chair.life.now.waived
        kept = Reservation(move, self.chair.epoch + step, self.now + 3.0)
        told = self._asks("reserve", kept)
        assert self.chair.state == {"absent": "arriving"}.get(before, before)
        if before in ("playing", "frozen") and not waived:
            assert told == ["reserved"]
        elif before in ("absent", "arriving"):
            assert told[-2:] == ["wait", "reserved"]
        else:
            assert told == ["declined"] * (before != "gone")
        assert (self.chair.life.reservation is kept) == ("reserved" in told)

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def prepare(self, move: str) -> None:
        expected = self.chair.state == "arriving" and self.chair.migration == move
        told = self._asks("prepare", move, snapshot(1))
        assert told == (["prepare", "prepared"] if expected else [])

    @rule(step=st.integers(-1, 2), known=st.booleans())
    def own(self, step: int, known: bool) -> None:
        before, epoch = self.chair.state, max(0, self.chair.epoch + step)
        asked = self._asks("own", Claim(MOVE, epoch, snapshot(epoch) if known else None))
        self.owned = self.owned or before != "gone"
        assert self.chair.state == ("gone" if before == "gone" else "playing")
        assert ("enter" in asked) != (asked in ([], ["confirm"]))

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def copy(self, move: str) -> None:
        before = self.chair.state
        told = {"playing": ["copied"], "gone": []}.get(before, ["declined"])
        assert self._asks("copy", move) == told
        assert self.chair.state == before

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def direct(self, move: str) -> None:
        passed_on = self.chair.state == "playing" and self.chair.migration == move
        told = self._asks("direct", move, "us", "there")
        if self.chair.state == "absent":
            assert told == ["declined"]
        else:
            assert told == ["redirect"] * passed_on
            assert not passed_on or self.chair.life.now.bound_for == "us"

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def freeze(self, move: str) -> None:
        before = self.chair.state
        told = self._asks("freeze", move)
        if before == "playing":
            assert (told, self.chair.state) == (["hold", "frozen"], "frozen")
        else:
            declined = before not in ("frozen", "gone")
            assert (told, self.chair.state) == (["declined"] * declined, before)

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def cancel(self, move: str) -> None:
        before, meant = self.chair.state, self.chair.migration == move
        self._asks("cancel", move)
        after = {"arriving": "gone", "frozen": "playing"}.get(before, before) if meant else before
        assert self.chair.state == after
        assert move not in (self.chair.life.now.waived, "")
        reserved = self.chair.life.reservation
        assert before in ("absent", "gone") or move != reserved.migration or not reserved.until

    @rule(step=st.integers(-1, 2))
    def release(self, step: int) -> None:
        before, epoch, life = self.chair.state, self.chair.epoch, self.chair.life
        reserved = life.reservation
        late = step < 0 or (self.now < reserved.until and epoch + step < reserved.epoch)
        stays = before == "absent" or late or (bool(life.now.waived) and step == 1)
        self._asks("release", epoch + step, self.now)
        assert self.chair.state == (before if stays or before == "gone" else "gone")

    @rule()
    def taken(self) -> None:
        before = self.chair.state
        self._asks("taken")
        assert self.chair.state == ("absent" if before == "absent" else "gone")

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def waive(self, move: str) -> None:
        before, meant = self.chair.state, self.chair.migration == move
        told = self._asks("waive", move)
        goes_on = before == "frozen" and meant
        assert told == ["resume"] * goes_on
        assert self.chair.state == ("playing" if goes_on else before)
        assert not goes_on or self.chair.life.now.waived == move

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def retain(self, move: str) -> None:
        epoch, meant = self.chair.epoch, self.chair.life.now.waived == move
        assert self._asks("retain", move, epoch + 2) == []
        assert self.chair.epoch == epoch + 2 * meant

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
        assert ("left" in told) == (before == "playing" and not self.chair.life.now.waived)
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
        assert self.chair.kept == (self.chair.state != "absent")

    @invariant()
    def what_means_nothing_does_not_exist(self) -> None:
        fields: dict[str, set[str]] = {
            "absent": set(),
            "arriving": {"migration"},
            "playing": {"epoch", "migration", "waived", "bound_for"},
            "frozen": {"epoch", "migration", "waived", "bound_for"},
            "departed": {"final", "epoch", "migration", "waived"},
            "gone": set(),
        }
        assert vars(self.chair.life.now).keys() == fields[self.chair.state]


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


# A game that fails.


def test_who_is_not_taken_in_is_nobodys_at_once() -> None:
    chair = chair_in("arriving")
    chair.willing = False
    chair.session.own(Claim(MOVE, 3, None))
    assert chair.said() == ["enter", "left", "dismiss"]
    assert chair.state == "departed"
    chair.session.reserve(Reservation("again", 4, 20.0))
    assert chair.said() == ["declined"]
    chair.session.taken()
    assert chair.state == "gone"


def test_who_cannot_be_held_is_not_moved() -> None:
    chair = chair_in("playing")
    chair.willing = False
    chair.session.freeze(MOVE)
    assert chair.said() == ["hold", "declined", "resume"]
    assert chair.state == "playing"
