"""A game server lists thousands bit by bit, and no tick waits for that; a router sees one list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from twisted.internet.task import Clock

from clientmigration.core.player.standing import Arriving, Held, Playing, Standing
from clientmigration.gameserver.listing import entry
from clientmigration.gameserver.rosters import PART, ROSTER_S, RosterRounds
from clientmigration.router.attached import AttachedMembers
from clientmigration.wire.messages import Entry, Roster


@dataclass
class Life:
    now: Standing


class Seat:
    """A seat, as far as a roster reads it."""

    entered, ping_ms, group, heard_at = False, None, "", None

    def __init__(self, player: str, now: Standing) -> None:
        self.player, self.life, self.session = player, Life(now), self

    def state(self) -> str:
        return type(self.life.now).__name__.lower()


class Seats(dict[str, Seat]):
    """Those who are here."""

    def everything(self) -> list[Seat]:
        return list(self.values())

    @property
    def by_name(self) -> dict[str, Seat]:
        return self

    def roster(self) -> list[Entry]:
        return [entry(cast(Any, seat)) for seat in self.values()]

    def tell_left(self) -> None:
        """Nobody has."""


@dataclass
class Telling:
    """A server that lists its players, and a router that hears it."""

    clock: Clock = field(default_factory=Clock)
    seats: Seats = field(default_factory=Seats)
    said: list[tuple[float, Roster]] = field(default_factory=list)
    life = primary = ""

    def __post_init__(self) -> None:
        self.line = self
        self.lines = {"": self}
        self.rosters = RosterRounds(cast(Any, self), cast(Any, self.seats), self.clock.seconds)
        self.members = AttachedMembers(self.clock)
        self.link = self.members.admit("gs-1", "gameserver", cast(Any, self))

    def come(self, *players: str) -> None:
        for player in players:
            self.seats[player] = Seat(player, Playing(1))

    def say(self, roster: Roster) -> None:
        self.said.append((self.clock.seconds(), roster))
        self.members.listed(self.link, roster)

    def until(self, at: float) -> None:
        """As the beats of the server do it."""
        while self.clock.seconds() < at - 0.05:
            self.clock.advance(0.1)
            if round(self.clock.seconds() * 10) % 20 == 0:
                self.rosters.begin()
            self.rosters.go_on()


def crowd(count: int) -> Telling:
    there = Telling()
    there.come(*(f"p{n:04}" for n in range(count)))
    return there


def test_few_are_listed_at_once() -> None:
    there = crowd(PART)
    there.until(4.0)
    assert [(round(at, 1), len(each.entries), each.last) for at, each in there.said] == [
        (2.0, PART, True),
        (4.0, PART, True),
    ]


def test_many_are_listed_bit_by_bit_and_each_once() -> None:
    there = crowd(10 * PART)
    there.until(2.0 + ROSTER_S - 0.1)
    assert [len(each.entries) for _, each in there.said] == [PART] * 10
    assert [round(at, 1) for at, _ in there.said] == [n / 10 for n in range(20, 40, 2)]
    assert [each.last for _, each in there.said] == [False] * 9 + [True]
    assert list(there.link.roster) == list(there.seats)
    assert there.link.listed_at == there.said[0][0]  # no older than it says


def test_thousands_are_listed_before_the_next_interval_begins() -> None:
    there = crowd(30 * PART)
    there.until(2.0 + ROSTER_S - 0.1)
    assert list(there.link.roster) == list(there.seats)
    assert max(len(each.entries) for _, each in there.said) <= 2 * PART


def test_who_is_on_the_move_is_listed_last_as_it_is_then() -> None:
    there = crowd(4 * PART)
    there.seats["p0300"].life.now = Arriving("m1")
    there.until(2.0)
    assert "p0001" in there.link.listing
    there.seats["p0001"].life.now = Held(1, "m2", "", "")
    there.seats["p0100"].life.now = Playing(1, "m3")
    there.until(3.0)
    there.seats["p0100"].life.now = Playing(1)  # that was when its part was due
    there.until(3.9)
    listed = there.link.roster
    assert (listed["p0300"].state, listed["p0300"].migration) == ("arriving", "m1")
    assert (listed["p0001"].state, listed["p0001"].migration) == ("held", "m2")
    assert set(listed) == set(there.seats)
    last = {each.player for each in there.said[-1][1].entries}
    assert {"p0300", "p0001"} <= last


def test_who_comes_meanwhile_is_listed_and_who_goes_home_is_not() -> None:
    there = crowd(4 * PART)
    there.until(2.0)
    there.come("new")
    del there.seats["p0001"], there.seats["p0399"]
    there.members.went_home(there.link, "p0001")
    there.until(3.9)
    assert set(there.link.roster) == set(there.seats)


def test_when_something_has_happened_all_are_listed_at_once_and_nothing_is_left_to_tell() -> None:
    there = crowd(4 * PART)
    there.until(2.5)
    there.rosters.tell_all()
    assert set(there.link.roster) == set(there.seats)
    said = len(there.said)
    there.until(3.9)
    assert len(there.said) == said
    there.until(5.9)
    assert set(there.link.roster) == set(there.seats)


def test_an_interval_that_begins_late_closes_the_list_before() -> None:
    there = crowd(4 * PART)
    there.rosters.begin()
    there.clock.advance(9.0)
    there.rosters.begin()
    assert [each.last for _, each in there.said] == [False, True, False]
    assert set(there.link.roster) == set(there.seats)
