"""The session of one player at one server, through every order in which things may arrive."""

import pytest
from automat import NoTransition
from chairs import INPUTS, MOVE, OTHER, STATES, Chair, chair_in, snapshot

from clientmigration.core.player.session import Session
from clientmigration.core.player.standing import Claim, Life, Reservation


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
    for arrives in INPUTS.keys() - {"own", "heeded"}:  # the session itself says the latter of `own`
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


ENDS = {"own", "cancel", "retain", "release", "waive", "taken", "ended", "heeded"}


def test_only_the_router_or_the_target_ends_a_freeze() -> None:
    for arrives in INPUTS.keys() - ENDS:
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
    for arrives in ("prepare", "direct", "cancel", "waive", "expired", "joined"):
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


def test_who_is_ours_still_after_it_went_home_plays_on_from_where_it_left() -> None:
    chair = chair_in("departed")
    chair.session.own(Claim(MOVE, 6, snapshot(6)))  # an old word
    assert (chair.asked, chair.state) == ([], "departed")
    chair.session.own(Claim(MOVE, 7, snapshot(6)))  # read before our last state was there
    assert chair.asked == [("enter", 7, snapshot(7))]


@pytest.mark.parametrize("state", ["absent", "departed"])
def test_who_is_not_here_can_not_be_moved_from_here(state: str) -> None:
    for arrives in ("copy", "freeze"):
        chair = chair_in(state)
        INPUTS[arrives](chair.session)
        assert chair.asked == [("declined", MOVE)]


def test_who_is_on_its_way_back_is_not_sent_home_meanwhile() -> None:
    chair = chair_in("playing")
    chair.session.reserve(Reservation("again", 4, 20.0))
    assert chair.asked[-2:] == [("longer", 20.0), ("reserved", "again", True)]


def test_a_player_that_is_gone_stays_gone() -> None:
    for arrives in INPUTS:
        chair = chair_in("gone")
        INPUTS[arrives](chair.session)
        assert chair.state == "gone"


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


# The seat is the lock.


def locked(state: str) -> Chair:
    """In a migration of another link, which is still there."""
    chair = chair_in(state)
    if state == "playing":
        chair.session.copy(MOVE)
    chair.anothers = True
    chair.said()
    return chair


@pytest.mark.parametrize("state", ["arriving", "playing", "frozen"])
def test_a_seat_with_a_live_migration_declines_any_other(state: str) -> None:
    chair = locked(state)
    chair.session.reserve(Reservation(OTHER, 7, 10.0))
    chair.session.copy(OTHER)
    assert chair.asked == [("declined", OTHER)] * 2
    assert (chair.state, chair.migration) == (state, MOVE)
    assert chair.life.reservation.migration != OTHER


def test_a_seat_with_a_live_migration_does_not_hear_the_freeze_of_another() -> None:
    chair = locked("playing")
    chair.session.freeze(OTHER)
    assert (chair.said(), chair.state) == ([], "playing")
    chair.session.freeze(MOVE)
    assert (chair.said(), chair.state) == (["hold", "frozen"], "frozen")


@pytest.mark.parametrize("state", ["playing", "frozen"])
def test_a_seat_with_a_live_migration_does_not_hear_the_own_of_another(state: str) -> None:
    chair = locked(state)
    chair.session.own(Claim(OTHER, 7, None))
    assert (chair.said(), chair.state, chair.migration) == ([], state, MOVE)
    chair.session.own(Claim(MOVE, 7, None))
    assert (chair.said(), chair.state, chair.migration) == (["confirm"], "playing", "")


@pytest.mark.parametrize("state", ["playing", "frozen"])
def test_a_later_epoch_is_the_ledgers_word_whatever_has_the_seat(state: str) -> None:
    chair = locked(state)
    chair.session.own(Claim(OTHER, 8, snapshot(7)))
    assert (chair.said(), chair.state, chair.epoch) == (["leave", "enter"], "playing", 8)


@pytest.mark.parametrize(
    ("state", "told"),
    [("arriving", "reserved"), ("playing", "reserved"), ("frozen", "declined")],
)
def test_one_link_begins_one_migration_after_the_other_but_of_who_is_frozen(
    state: str, told: str
) -> None:
    chair = locked(state)
    chair.anothers = False
    chair.session.reserve(Reservation(OTHER, 7, 10.0))
    assert chair.said()[-1] == told


# Given back by a claim.


def test_a_frozen_player_that_is_claimed_for_its_source_goes_on_at_the_new_epoch() -> None:
    chair = chair_in("frozen")
    chair.session.retain(MOVE, 8)
    assert (chair.said(), chair.state, chair.epoch) == (["resume"], "playing", 8)


def test_what_is_claimed_counts_also_when_the_move_was_called_off_meanwhile() -> None:
    chair = chair_in("frozen")
    chair.session.cancel(MOVE)
    chair.session.retain(MOVE, 8)
    chair.session.release(7, 0.0)
    assert (chair.state, chair.epoch) == ("playing", 8)


@pytest.mark.parametrize("state", ["playing", "frozen", "departed"])
def test_a_lower_epoch_is_never_believed(state: str) -> None:
    chair = chair_in(state)
    chair.session.retain(OTHER, 6)
    chair.session.release(6, 0.0)
    assert (chair.state, chair.epoch) == (state, 7)


# Asking the target.


def test_a_target_is_asked_at_once_without_a_router_and_with_one_after_a_while() -> None:
    life = chair_in("frozen").life
    assert [life.asks(held_s, alone=True) for held_s in (0.0, 1.0)] == [True, True]
    assert [life.asks(held_s, alone=False) for held_s in (0.0, 0.29, 0.3)] == [False, False, True]
    assert not chair_in("playing").life.asks(1.0, alone=True)
