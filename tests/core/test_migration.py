"""One migration, driven through every order in which answers, losses and late words may arrive.

`Courier` writes down what the migration asks for, and refuses at once what it must never ask.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from clientmigration.core.player.migration import Migration, Outcome, migration
from clientmigration.core.player.snapshot import Snapshot


def snapshot(seq: int) -> Snapshot:
    return Snapshot(player="aa" * 8, epoch=1, seq=seq, tick=1, x=0.0, y=0.0, holder="")


COPY, FINAL = snapshot(1), snapshot(2)

NEXT = {
    "reserve": {""},
    "copy": {"reserve"},
    "prepare": {"copy"},
    "direct": {"prepare"},
    "freeze": {"direct"},
    "claim": {"freeze", "reserve"},
    "own": {"claim"},
    "release": {"own"},
    "cancel": {"reserve", "copy", "prepare", "direct", "freeze", "claim"},
    "ended": {"release", "cancel"},
}
"""What may have been asked last when this is asked: the law of a migration, as a table."""


class Courier:
    """A `Carrier` without a router. `at_once` says what happens while a thing is being asked for,
    as when a member turns out to be gone."""

    def __init__(self, at_once: dict[str, Callable[[Migration], None]] | None = None) -> None:
        self.at_once = at_once or {}
        self.asked: list[str] = []
        self.stored: list[Snapshot | None] = []
        self.owner_since: int | None = None
        self.claimed = False
        self.outcomes: list[Outcome] = []
        self.reasons: list[str] = []
        self.machine: Migration = migration(self)

    def _ask(self, word: str) -> None:
        last = self.asked[-1] if self.asked else ""
        assert last in NEXT[word], f"{word} after {last or 'nothing'}"
        self.asked.append(word)
        if word in self.at_once:
            self.at_once[word](self.machine)

    def reserve(self) -> None:
        self._ask("reserve")

    def copy(self) -> None:
        self._ask("copy")

    def prepare(self, snapshot: Snapshot) -> None:
        self.stored.append(snapshot)
        self._ask("prepare")

    def direct(self) -> None:
        self._ask("direct")

    def freeze(self) -> None:
        self._ask("freeze")

    def claim(self, final: Snapshot | None) -> None:
        self.stored.append(final)
        self._ask("claim")

    def own(self, epoch: int) -> None:
        assert self.claimed, "owned before it was claimed"
        self.owner_since = epoch
        self._ask("own")

    def release(self) -> None:
        assert self.owner_since is not None, "released before somebody else owned it"
        self._ask("release")

    def release_of_lost(self) -> None:
        self.release()

    def cancel(self, reason: str) -> None:
        assert not self.claimed, "called off after the ledger had moved the player"
        assert reason, "called off without a reason"
        self._ask("cancel")

    def ended(self, outcome: Outcome, reason: str) -> None:
        self.outcomes.append(outcome)
        self.reasons.append(reason)
        assert reason or outcome is Outcome.SETTLED, "it failed, and nobody knows why"
        self._ask("ended")

    def claim_succeeds(self, epoch: int = 5) -> None:
        self.claimed = True
        self.machine.claimed(epoch)


STEPS: dict[str, Callable[[Courier], None]] = {
    "move": lambda it: it.machine.move(),
    "reserved": lambda it: it.machine.reserved(),
    "copied": lambda it: it.machine.copied(COPY),
    "prepared": lambda it: it.machine.prepared(),
    "arrived": lambda it: it.machine.arrived(),
    "frozen": lambda it: it.machine.frozen(FINAL),
    "claimed": lambda it: it.claim_succeeds(),
    "settled": lambda it: it.machine.settled(),
}
BEFORE_THE_CLAIM = ("move", "reserved", "copied", "prepared", "arrived")


def courier_after(last: str) -> Courier:
    courier = Courier()
    for step, happens in STEPS.items():
        happens(courier)
        if step == last:
            break
    return courier


# The way through.


def test_a_move_reserves_copies_stores_redirects_freezes_claims_and_releases_in_this_order() -> (
    None
):
    courier = courier_after("settled")
    assert courier.asked == [
        "reserve", "copy", "prepare", "direct", "freeze", "claim", "own", "release", "ended",
    ]  # fmt: skip
    assert courier.outcomes == [Outcome.SETTLED]


def test_what_is_claimed_with_is_the_final_state_and_not_the_copy() -> None:
    assert courier_after("settled").stored == [COPY, FINAL]


def test_a_newcomer_is_reserved_claimed_and_owned_and_nothing_else() -> None:
    courier = Courier()
    courier.machine.admit()
    courier.machine.reserved()
    courier.claim_succeeds(epoch=1)
    courier.machine.settled()
    assert courier.asked == ["reserve", "claim", "own", "release", "ended"]
    assert courier.stored == [None]
    assert courier.owner_since == 1


def test_the_target_owns_it_at_the_epoch_that_the_ledger_said() -> None:
    courier = courier_after("frozen")
    courier.claim_succeeds(epoch=41)
    assert courier.owner_since == 41


def test_nobody_is_told_to_leave_before_the_target_has_the_snapshot() -> None:
    assert "direct" not in courier_after("copied").asked
    assert "direct" in courier_after("prepared").asked


def test_nobody_is_stopped_before_the_player_has_shown_its_ticket() -> None:
    assert "freeze" not in courier_after("prepared").asked
    assert "freeze" in courier_after("arrived").asked


# Ends before the claim.

ENDS: dict[str, tuple[Callable[[Migration], None], Outcome]] = {
    "declined": (lambda it: it.declined("full"), Outcome.REFUSED),
    "player_left": (lambda it: it.player_left(), Outcome.PLAYER_LEFT),
    "source_lost": (lambda it: it.source_lost(), Outcome.LOST),
    "target_lost": (lambda it: it.target_lost(), Outcome.LOST),
    "timed_out": (lambda it: it.timed_out(), Outcome.TIMED_OUT),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_before_the_claim_leaves_the_player_where_it_was(end: str) -> None:
    happens, outcome = ENDS[end]
    for step in BEFORE_THE_CLAIM:
        courier = courier_after(step)
        happens(courier.machine)
        assert courier.asked[-2:] == ["cancel", "ended"]
        assert courier.outcomes == [outcome]
        assert not {"claim", "own", "release"} & {*courier.asked}


@pytest.mark.parametrize("end", ENDS)
def test_a_newcomer_may_be_refused_too(end: str) -> None:
    happens, outcome = ENDS[end]
    courier = Courier()
    courier.machine.admit()
    happens(courier.machine)
    assert courier.asked == ["reserve", "cancel", "ended"]
    assert courier.outcomes == [outcome]


def test_a_refusal_is_passed_on_in_its_own_words() -> None:
    courier = courier_after("move")
    courier.machine.declined("full")
    assert courier.reasons == ["full"]


@pytest.mark.parametrize(
    ("step", "waited_in"),
    [
        ("move", "asked"),
        ("reserved", "copying"),
        ("copied", "reserved"),
        ("prepared", "redirecting"),
        ("arrived", "freezing"),
    ],
)
def test_a_wait_that_was_too_long_says_for_what(step: str, waited_in: str) -> None:
    courier = courier_after(step)
    courier.machine.timed_out()
    assert courier.reasons == [f"waited too long while {waited_in}"]


# The claim, and after it.


def test_while_the_ledger_is_asked_nothing_else_decides() -> None:
    for happens, _ in ENDS.values():
        courier = courier_after("frozen")
        happens(courier.machine)
        assert courier.asked[-1] == "claim"
        courier.claim_succeeds()
        assert courier.asked[-1] == "own"


def test_a_claim_that_the_ledger_refuses_leaves_the_player_where_it_was() -> None:
    courier = courier_after("frozen")
    courier.machine.contested("the ledger says gs-9")
    assert courier.asked[-3:] == ["claim", "cancel", "ended"]
    assert (courier.outcomes, courier.reasons) == ([Outcome.REFUSED], ["the ledger says gs-9"])


@pytest.mark.parametrize("end", ["target_lost", "timed_out"])
def test_a_target_that_breaks_after_the_claim_still_owns_the_player(end: str) -> None:
    courier = courier_after("claimed")
    ENDS[end][0](courier.machine)
    assert courier.asked[-3:] == ["own", "release", "ended"]
    assert courier.outcomes == [Outcome.LOST]


@pytest.mark.parametrize("late", ["declined", "player_left", "source_lost"])
def test_after_the_claim_it_is_too_late_for_everybody_else(late: str) -> None:
    courier = courier_after("claimed")
    ENDS[late][0](courier.machine)
    assert courier.asked[-1] == "own"
    courier.machine.settled()
    assert courier.outcomes == [Outcome.SETTLED]


def test_a_target_whose_game_refuses_the_player_after_the_claim_ends_the_move_at_once() -> None:
    courier = courier_after("claimed")
    courier.machine.turned_down()
    assert courier.asked[-3:] == ["own", "release", "ended"]
    assert courier.outcomes == [Outcome.REFUSED]


# Late words.

WORDS: dict[str, Callable[[Migration], None]] = {
    "reserved": lambda it: it.reserved(),
    "copied": lambda it: it.copied(COPY),
    "prepared": lambda it: it.prepared(),
    "arrived": lambda it: it.arrived(),
    "frozen": lambda it: it.frozen(FINAL),
    "settled": lambda it: it.settled(),
    **{name: happens for name, (happens, _) in ENDS.items()},
}
TURN = {
    "move": "reserved",
    "reserved": "copied",
    "copied": "prepared",
    "prepared": "arrived",
    "arrived": "frozen",
    "claimed": "settled",
}


@pytest.mark.parametrize("step", [step for step in STEPS if step != "settled"])
def test_a_word_out_of_turn_changes_nothing(step: str) -> None:
    for word in WORDS.keys() - ENDS.keys() - {TURN.get(step)}:
        courier = courier_after(step)
        before = list(courier.asked)
        WORDS[word](courier.machine)
        assert courier.asked == before, word


@pytest.mark.parametrize("end", ["settled", "cancelled", "contested"])
def test_what_has_ended_hears_nothing_more(end: str) -> None:
    courier = courier_after("settled" if end == "settled" else "frozen")
    if end == "cancelled":
        courier = courier_after("copied")
        courier.machine.timed_out()
    elif end == "contested":
        courier.machine.contested("no")
    before = list(courier.asked)
    for happens in WORDS.values():
        happens(courier.machine)
    courier.machine.claimed(9)
    courier.machine.contested("no")
    assert courier.asked == before
    assert len(courier.outcomes) == 1


@pytest.mark.parametrize("end", ["source_lost", "target_lost", "declined"])
def test_a_member_that_is_found_gone_while_it_is_spoken_to_ends_it_once(end: str) -> None:
    for word in ("reserve", "copy", "prepare", "direct", "freeze"):
        courier = Courier({word: ENDS[end][0]})
        for happens in list(STEPS.values())[:6]:
            happens(courier)
        assert courier.asked[-3:] == [word, "cancel", "ended"]
        assert courier.outcomes == [ENDS[end][1]]


def test_a_target_that_is_found_gone_when_it_is_told_that_it_owns_ends_it_once() -> None:
    courier = Courier({"own": lambda it: it.target_lost(), "release": lambda it: it.source_lost()})
    for happens in STEPS.values():
        happens(courier)
    assert courier.asked[-3:] == ["own", "release", "ended"]
    assert courier.outcomes == [Outcome.LOST]


# The checker itself.


@pytest.mark.parametrize(
    "bug",
    [
        lambda it: (it.reserve(), it.own(1)),
        lambda it: (it.reserve(), it.release()),
        lambda it: (it.reserve(), it.copy(), it.copy()),
        lambda it: (it.reserve(), it.ended(Outcome.SETTLED, "")),
        lambda it: (it.reserve(), it.cancel("no"), it.ended(Outcome.LOST, "")),
        lambda it: (it.machine.admit(), it.machine.reserved(), it.claim_succeeds(), it.cancel("")),
    ],
)
def test_the_courier_sees_a_machine_that_breaks_the_law(bug: Callable[[Courier], object]) -> None:
    with pytest.raises(AssertionError):
        bug(Courier())


# Anything, in any order.

LOSSES = st.sampled_from(["", "", "", "source_lost", "target_lost", "declined", "timed_out"])


class AnyOrder(RuleBasedStateMachine):
    """Members, player, clock and ledger, each at its own pace; late and doubled words included."""

    @initialize(
        newcomer=st.booleans(),
        losses=st.fixed_dictionaries({word: LOSSES for word in NEXT if word != "ended"}),
    )
    def begin(self, newcomer: bool, losses: dict[str, str]) -> None:
        at_once = {word: WORDS[loss] for word, loss in losses.items() if loss}
        self.courier = Courier(at_once)
        self.newcomer = newcomer
        self.answered = False
        if newcomer:
            self.courier.machine.admit()
        else:
            self.courier.machine.move()

    @rule(word=st.sampled_from(sorted(WORDS)))
    def somebody_speaks(self, word: str) -> None:
        WORDS[word](self.courier.machine)

    @precondition(lambda self: not self._over() and not self._claiming())
    @rule()
    def it_goes_well(self) -> None:
        """Without this, hardly any run would get far."""
        turn = {"reserve": "reserved", "copy": "copied", "prepare": "prepared"} | {
            "direct": "arrived", "freeze": "frozen", "own": "settled",
        }  # fmt: skip
        WORDS[turn[self.courier.asked[-1]]](self.courier.machine)

    @precondition(lambda self: self._claiming())
    @rule(granted=st.booleans())
    def the_ledger_answers(self, granted: bool) -> None:
        self.answered = True
        if granted:
            self.courier.claim_succeeds()
            assert "own" in self.courier.asked
        else:
            self.courier.machine.contested("somebody else's")
            assert "cancel" in self.courier.asked

    def _claiming(self) -> bool:
        return "claim" in self.courier.asked and not self.answered

    def _over(self) -> bool:
        return bool(self.courier.outcomes)

    @invariant()
    def it_ends_at_most_once_and_asks_nothing_after_that(self) -> None:
        assert len(self.courier.outcomes) == self.courier.asked.count("ended") <= 1
        assert not self._over() or self.courier.asked[-1] == "ended"

    @invariant()
    def while_the_ledger_is_asked_it_waits(self) -> None:
        assert not self._claiming() or self.courier.asked[-1] == "claim"

    @invariant()
    def a_newcomer_is_never_asked_for_at_a_source(self) -> None:
        assert not self.newcomer or not {"copy", "direct", "freeze"} & {*self.courier.asked}

    def teardown(self) -> None:
        """Whatever happened: the waits that it has bring it to its one end."""
        if not hasattr(self, "courier"):
            return
        if self._claiming():
            self.the_ledger_answers(granted=True)
        self.courier.machine.timed_out()
        assert len(self.courier.outcomes) == 1
        settled = self.courier.outcomes == [Outcome.SETTLED]
        assert not settled or self.courier.owner_since is not None
        moved = self.courier.owner_since is not None
        assert moved == ("release" in self.courier.asked)
        assert moved != ("cancel" in self.courier.asked)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
