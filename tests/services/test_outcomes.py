"""Who is told that a move has ended, and what each of them keeps."""

from __future__ import annotations

import pytest

from clientmigration.core.decisions.audit import AuditTrail
from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.migration import STAYED, Outcome
from clientmigration.router.move import MoveEnded, MoveTerms
from clientmigration.router.outcomes import Cooldowns, MoveCounts, MoveFacts, Reluctant
from clientmigration.router.past import KEPT, Past


def ended(
    player: str = "ada", at: float = 10.0, outcome: Outcome = Outcome.SETTLED, reason: str = ""
) -> MoveEnded:
    """A move that began at second 9."""
    record = Record(player, "eu", 1)
    terms = MoveTerms("m1", record, "eu", "us", "ff", "", 9.0, None, why="it was ordered")
    return MoveEnded(terms, outcome, reason, at, at - 9.0)


def test_a_ticket_is_for_the_next_epoch_unless_the_player_only_comes_back() -> None:
    record = Record("ada", "eu", 3)
    assert MoveTerms("m1", record, "", "us", "ff", "", 9.0, None).epoch == 4
    assert MoveTerms("m1", record, "", "eu", "ff", "", 9.0, None).epoch == 3


def test_only_those_who_were_moved_lately_rest() -> None:
    cooldowns = Cooldowns(lambda: 5.0)
    for player, at in (("ada", 10.0), ("bob", 12.0), ("ada", 14.0), ("cid", 16.0)):
        cooldowns.ended(ended(player, at))
    assert cooldowns.moved_at == {"bob": 12.0, "ada": 14.0, "cid": 16.0}
    cooldowns.ended(ended("dan", 18.0))
    assert cooldowns.moved_at == {"ada": 14.0, "cid": 16.0, "dan": 18.0}


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.SETTLED])
def test_who_was_not_moved_after_all_need_not_rest(outcome: Outcome) -> None:
    cooldowns, meter = Cooldowns(lambda: 5.0), Meter()
    cooldowns.ended(ended(outcome=outcome))
    MoveCounts(meter).ended(ended(outcome=outcome))
    assert cooldowns.moved_at == {}
    assert meter.take() == {f"moves_{outcome}": 1}


def test_who_was_told_to_go_and_stayed_is_left_alone_until_it_comes() -> None:
    reluctant = Reluctant()
    reluctant.ended(ended(outcome=Outcome.TIMED_OUT, reason="waited too long while copying"))
    assert not reluctant.left_alone("ada", 10.0)
    reluctant.ended(ended(outcome=Outcome.TIMED_OUT, reason=STAYED))
    assert reluctant.left_alone("ada", 10.0)
    reluctant.ended(ended())
    assert not reluctant.left_alone("ada", 10.0)


def test_a_move_that_settled_is_counted_with_its_time() -> None:
    meter = Meter()
    MoveCounts(meter).ended(ended())
    counted = meter.take()
    assert counted["moves_settled"] == 1
    assert counted["move_ms_max"] == 1000.0


def test_the_audit_trail_has_the_reason_in_words() -> None:
    audit = AuditTrail()
    facts = MoveFacts(audit)
    facts.begun(ended().terms)
    facts.ended(ended(outcome=Outcome.REFUSED, reason="full"))
    told = [(fact.at, fact.what, fact.text) for fact in audit.about("ada")]
    assert told == [(10.0, "ended", "refused: full"), (9.0, "begun", "it was ordered")]


def test_operators_are_shown_so_many_moves_and_the_newest_first() -> None:
    past = Past(Meter(), lambda _felt: None)
    for n in range(KEPT + 5):
        past.ended(ended(f"player {n}", float(n)))
    shown = past.newest(KEPT + 5)
    assert len(shown) == KEPT
    assert [each.at for each in (shown[0], shown[-1])] == [KEPT + 4.0, 5.0]
    assert [each.player for each in past.newest(9, "player 7")] == ["player 7"]
