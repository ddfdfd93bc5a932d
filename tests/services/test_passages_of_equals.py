"""Orders of the router above that come to one router of a zone, after an equal has done more."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import succeed
from twisted.internet.task import Clock

from clientmigration.core.player.ledger import ABOVE, Record
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.net.beats import Beats
from clientmigration.net.ledger import MemoryLedger, TimedLedger
from clientmigration.router.attached import QUIET_S, AttachedMembers
from clientmigration.router.passages import Passages, PassageTools
from clientmigration.wire.base import Drain
from clientmigration.wire.messages import (
    Cancel,
    Entry,
    Own,
    Release,
    Reserve,
    Reserved,
    Retain,
    Roster,
)

ADA, ONE, TWO = "ada", "gs-1", "gs-2"
LIFE = "0123456789abcdef"


class Told:
    """A line: what is said over it, and whether it is cut off."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.over = False

    def say(self, message: Any) -> None:
        self.said.append(message)

    say_soon = say

    def cut_off(self) -> None:
        self.over = True


class NoMoves:
    """No migration is under way here but those from above."""

    def moving(self, player: str) -> bool:  # noqa: ARG002
        return False

    def enter(self, passage: Any) -> None:
        """One begins."""

    def leave(self, passage: Any) -> None:
        """It is over."""


class Zone:
    """One router of a zone, with two game servers; its equal writes to the same ledger."""

    def __init__(self, record: Record) -> None:
        self.clock, self.ledger, self.above = Clock(), MemoryLedger({ADA: record}), Told()
        self.members = AttachedMembers(self.clock)
        self.lines = {name: Told() for name in (ONE, TWO)}
        for name, line in self.lines.items():
            told: Any = line
            self.members.admit(name, "gameserver", told)
        timed = TimedLedger(self.ledger, self.clock.seconds, lambda _s: None, self.clock.seconds)

        async def home(player: str) -> Record:
            return await timed.read(player)

        async def nobody(_player: str) -> bool:
            return await succeed(False)

        tools = PassageTools(
            self.clock, self.members, timed, NoMoves(), home, lambda *_: ONE, self.clock.seconds,
            lambda name: f"{name}:1", nobody,
        )  # fmt: skip
        self.passages = Passages(tools, Beats(self.clock), lambda: False)

    def obey(self, order: Any) -> None:
        self.passages.obey(order, self.above)

    @property
    def record(self) -> tuple[str, int, str]:
        return self.ledger.records[ADA].claim


def snapshot(epoch: int) -> Snapshot:
    return Snapshot(player=ADA, epoch=epoch, seq=1, tick=1, x=0.0, y=0.0, holder="")


def own(migration: str, epoch: int) -> Own:
    return Own(migration=migration, player=ADA, epoch=epoch, holder="", snapshot=None)


def test_whom_an_equal_has_brought_to_another_server_meanwhile_is_left_there() -> None:
    zone = Zone(Record(ADA, "", 4))
    zone.obey(Reserve(migration="m", player=ADA, epoch=5, ttl_s=10.0))
    (relay,) = zone.passages.under_way.values()
    relay.hear(ONE, Reserved(migration="m", player=ADA))
    zone.ledger.records[ADA] = Record(ADA, TWO, 5, "n")
    zone.obey(own("m", 5))
    assert zone.record == (TWO, 5, "n")
    assert not any(isinstance(each, Own) for each in zone.lines[ONE].said)


@pytest.mark.parametrize("times", [1, 3])
def test_a_word_that_is_said_again_gives_no_new_epoch(times: int) -> None:
    zone = Zone(Record(ADA, ABOVE, 4, "l"))
    waits = Entry(ADA, 0, "arriving", "m", 0.0, 0.0)
    zone.members.listed(zone.members[ONE], Roster([waits], last=True))
    for _ in range(times):
        zone.obey(own("m", 5))
    assert zone.record == (ONE, 5, "m")
    assert [each.epoch for each in zone.lines[ONE].said] == [5] * times


def test_an_old_word_about_a_player_who_has_gone_on_is_not_followed() -> None:
    zone = Zone(Record(ADA, TWO, 6, "n"))
    waits = Entry(ADA, 0, "arriving", "m", 0.0, 0.0)  # an old roster
    zone.members.listed(zone.members[ONE], Roster([waits], last=True))
    zone.obey(own("m", 5))
    assert zone.record == (TWO, 6, "n")
    assert zone.lines[ONE].said == []


def test_who_plays_there_and_came_by_another_door_keeps_its_epoch_by_an_equals_word_too() -> None:
    """The router that had been told stood still: its equal knew nothing of the visit."""
    zone = Zone(Record(ADA, ONE, 1, "before", snapshot(1)))
    waits = Entry(ADA, 1, "arriving", "m", 0.0, 0.0)
    zone.members.listed(zone.members[ONE], Roster([waits], last=True))
    zone.obey(own("m", 1))
    assert zone.record == (ONE, 1, "before")
    assert [each.epoch for each in zone.lines[ONE].said] == [1]


def test_whom_a_member_has_that_is_away_is_waited_for_each_time_that_it_is_said() -> None:
    """The one above took its silence for a sign that the player plays there: the source let go."""
    zone = Zone(Record(ADA, "leaf", 5, "m", snapshot(4)))
    for _ in range(2):
        zone.obey(own("m", 5))
        assert [each.state for each in zone.passages.entries()] == ["arriving"]


def test_who_was_given_up_since_is_not_begun_with_by_an_old_word() -> None:
    """A router above said again what one of its equals had done, before it was killed."""
    zone = Zone(Record(ADA, ABOVE, 4, "later", snapshot(4)))
    waited = Entry(ADA, 0, "arriving", "m", 0.0, 0.0, heard_s=0.1)  # as of an old roster
    zone.members.listed(zone.members[ONE], Roster([waited], last=True))
    zone.obey(own("m", 4))
    assert zone.record == (ABOVE, 4, "later")
    assert zone.lines[ONE].said == []
    zone.obey(own("m", 5))
    assert zone.record == (ONE, 5, "m")


def test_who_was_given_up_since_is_not_given_back_by_an_old_word() -> None:
    zone = Zone(Record(ADA, ABOVE, 6, "later", snapshot(6)))
    zone.obey(Retain(migration="earlier", player=ADA, epoch=5))
    assert zone.record == (ABOVE, 6, "later")
    assert [each.migration for each in zone.passages.entries()] == ["later"], "it asks above"
    zone.obey(Retain(migration="later", player=ADA, epoch=7))
    assert zone.record == ("", 7, "later")


def test_a_release_holds_though_an_equal_has_just_moved_the_player_within() -> None:
    zone = Zone(Record(ADA, ONE, 5))
    written = zone.ledger.change

    def change(players: Any, changes: Any) -> Any:
        answer = written(players, changes)
        zone.ledger.change = written  # type: ignore[method-assign]
        zone.ledger.records[ADA] = Record(ADA, TWO, 6, "n")  # after what was read
        return answer

    zone.ledger.change = change  # type: ignore[method-assign]
    zone.obey(Release(player=ADA, epoch=6))
    assert zone.record[:2] == (ABOVE, 6)


def test_who_was_let_go_is_not_given_back_when_the_move_is_called_off_once_more() -> None:
    zone = Zone(Record(ADA, ABOVE, 4, "m", snapshot(4)))
    zone.members.listed(zone.members[ONE], Roster([Entry(ADA, 4, "frozen", "m", 0.0, 0.0)], True))
    zone.obey(Release(player=ADA, epoch=5))
    zone.obey(Cancel(migration="m", player=ADA, reason="router restarted"))
    assert zone.record == (ABOVE, 5, "")
    assert not any(isinstance(each, Retain) for each in zone.lines[ONE].said)


def test_what_is_called_off_routers_below_hear_though_they_have_asked_only_once() -> None:
    zone = Zone(Record(ADA, ABOVE, 4, "l"))
    below: Any = Told()
    zone.members.admit("leaf", "router", below)
    called_off = Cancel(migration="m", player=ADA, reason="it is over")
    zone.obey(called_off)
    assert below.said == [called_off]
    assert zone.lines[ONE].said == []


# The links of equals, as the router above has them.


def test_whose_target_is_lost_while_the_ledger_is_told_is_waited_for() -> None:
    """The one above is to have the source show the world on: it asks for whom nobody waits."""
    zone = Zone(Record(ADA, "", 4))
    zone.obey(Reserve(migration="m", player=ADA, epoch=5, ttl_s=10.0))
    (relay,) = zone.passages.under_way.values()
    relay.hear(ONE, Reserved(migration="m", player=ADA))
    ledger: Any = zone.ledger
    change = ledger.change

    def lost(*asked: Any) -> Any:
        zone.members.lose(zone.members[ONE])
        return change(*asked)

    ledger.change = lost
    zone.obey(own("m", 5))
    assert zone.record == (ONE, 5, "m")
    (listed,) = zone.passages.entries()
    assert (listed.state, listed.migration, listed.heard_s) == ("arriving", "m", 0.0)


def test_of_equals_one_is_spoken_to_and_another_one_when_it_is_lost() -> None:
    clock = Clock()
    members = AttachedMembers(clock)
    lines: list[Any] = [Told(), Told()]
    first, second = (members.admit("east", "router", line, LIFE) for line in lines)
    assert members["east"] is first
    for link, deputy, heeded in (
        (first, False, first),
        (second, True, first),
        (second, False, second),
    ):
        members.reported(link, deputy=deputy)
        assert members["east"] is heeded
    members.drain("east", Drain(on=True))
    assert [len(line.said) for line in lines] == [1, 1]
    assert not members.lose(second)
    assert members["east"] is first
    third = members.admit("east", "router", lines[1], LIFE)
    members.remind(third)
    assert len(lines[1].said) == 2
    assert members.still(first)
    assert members.still(third)
    assert not members.still(second)
    assert not members.lose(first)
    assert members.lose(third)
    assert not members


def test_an_equal_that_does_not_report_is_cut_off_if_another_does_and_never_the_only_one() -> None:
    clock = Clock()
    members = AttachedMembers(clock)
    lines: list[Any] = [Told(), Told()]
    _, second = (members.admit("east", "router", line, LIFE) for line in lines)
    clock.advance(QUIET_S - 0.1)
    members.reported(second, deputy=True)
    assert [each.over for each in lines] == [False, False]
    clock.advance(QUIET_S)
    members.reported(second, deputy=True)
    assert [each.over for each in lines] == [True, False]
