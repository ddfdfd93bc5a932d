"""What the router's recovery tells a server of players that are being moved, or that go home."""

from __future__ import annotations

from typing import Any, cast

import pytest
from twisted.internet.task import Clock

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.migration import Outcome
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.net.beats import Beats
from clientmigration.net.ledger import MemoryLedger, TimedLedger
from clientmigration.net.line import Line
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.move import MoveEnded, MoveTerms
from clientmigration.router.recovery import BEGUN_S, Recovery
from clientmigration.wire.messages import Checkpoint, Entry, Left, Release, Retain, Stored
from clientmigration.wire.shared import Shared

ADA, OURS, OTHERS = "ada", "a", "b"


class Moved:
    """A player that is being moved between `ways`; what the ledger said when it had left."""

    def __init__(self, ledger: MemoryLedger, *ways: str) -> None:
        self.ledger, self.ways = ledger, ways
        self.owners_then: list[str] = []
        self.dead: set[str] = set()
        self.heard: list[tuple[str, str]] = []

    def moving(self, player: str) -> bool:  # noqa: ARG002
        return bool(self.ways)

    def concerns(self, player: str, member: str) -> bool:  # noqa: ARG002
        return member in self.ways

    def known(self, migration: str) -> bool:
        return bool(self.ways) and migration not in self.dead

    def player_left(self, player: str, source: str) -> None:  # noqa: ARG002
        self.owners_then.append(self.ledger.records[player].owner)

    def waived(self, migration: str, source: str) -> None:
        self.heard.append((migration, source))

    def turned_down(self, player: str, target: str) -> None:
        """Nobody was."""


class Told:
    """A link's line: what is said over it."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def say(self, message: Any) -> None:
        self.said.append(message)

    say_soon = say


def snapshot(epoch: int) -> Snapshot:
    return Snapshot(player=ADA, epoch=epoch, seq=1, tick=1, x=0.0, y=0.0, holder="")


def between(*ways: str, owner: str = OTHERS) -> tuple[Recovery, MemberLink, Told, Moved]:
    """The ledger says that she is `owner`'s, at epoch 2; the link is `OURS`."""
    clock, ledger, told = Clock(), MemoryLedger(), Told()
    ledger.records[ADA] = Record(ADA, owner=owner, epoch=2)
    members, moved = AttachedMembers(clock), Moved(ledger, *ways)
    timed = TimedLedger(ledger, clock.seconds, lambda _seconds: None, clock.seconds)
    recovery = Recovery(members, moved, timed, Beats(clock))
    line: Any = told
    return recovery, members.admit(OURS, "gameserver", line), told, moved


def over(record: Record) -> MoveEnded:
    """A move away from `OURS` was refused."""
    terms = MoveTerms("its own", record, OURS, "c", "", "", 0.0, None)
    return MoveEnded(terms, Outcome.REFUSED, "the player is not playing here", 0.0)


@pytest.mark.parametrize(
    ("ways", "let_go"), [((), True), (("b", "c"), True), (("a", "b"), False), (("b", "a"), False)]
)
def test_whose_checkpoint_is_refused_lets_go_unless_it_is_part_of_the_move(
    ways: tuple[str, ...], let_go: bool
) -> None:
    recovery, link, told, _ = between(*ways)
    recovery.store(link, Checkpoint(n=7, snapshots=[snapshot(1)]))
    fenced = [Release(player=ADA, epoch=2)] if let_go else []
    assert told.said == [Stored(n=7, refused=[ADA]), *fenced]


@pytest.mark.parametrize(("ways", "let_go"), [(("b", "c"), True), (("a", "b"), False)])
def test_who_lists_anothers_player_lets_go_while_others_move_it(
    ways: tuple[str, ...], let_go: bool
) -> None:
    recovery, link, told, _ = between(*ways)
    link.roster = {ADA: Entry(ADA, 1, "playing", "", 0.0, 0.0)}
    recovery.listed(link)
    assert told.said == ([Release(player=ADA, epoch=2)] if let_go else [])


def test_who_is_being_taken_over_is_judged_again_when_that_has_ended() -> None:
    recovery, link, told, moved = between("", "c", owner=OURS)
    link.roster = {ADA: Entry(ADA, 2, "playing", "", 0.0, 0.0)}
    recovery.listed(link)
    moved.ledger.records[ADA] = Record(ADA, owner="c", epoch=3)
    recovery.listed(link)
    assert told.said == [Release(player=ADA, epoch=3)]


def test_whom_a_move_kept_from_being_judged_is_judged_when_that_is_over() -> None:
    """A router began to move a player whom a dead one had left frozen: its source said no."""
    recovery, link, told, moved = between("a", "c", owner=OURS)
    recovery.listed(link)
    moved.dead = {"dead"}
    link.roster = {ADA: Entry(ADA, 2, "frozen", "dead", 0.0, 0.0)}
    recovery.listed(link)
    assert told.said == []
    moved.ways = ()
    recovery.ended(over(moved.ledger.records[ADA]))
    assert told.said == [Retain(migration="dead", player=ADA, epoch=3)]


@pytest.mark.parametrize(("heard_s", "let_go"), [(None, False), (0.5, True)])
def test_a_source_shows_the_world_on_until_the_target_below_is_heard_to_have_begun(
    heard_s: float | None, let_go: bool
) -> None:
    """A router that comes back lists everybody whom its ledger has: perhaps its server is away."""
    clock, ledger, told = Clock(), MemoryLedger(), Told()
    ledger.records[ADA] = Record(ADA, owner=OTHERS, epoch=2, migration="m")
    members = AttachedMembers(clock)
    timed = TimedLedger(ledger, clock.seconds, lambda _seconds: None, clock.seconds)
    recovery = Recovery(members, Moved(ledger), timed, Beats(clock))
    zone = members.admit(OTHERS, "router", cast(Line, Told()))
    link = members.admit(OURS, "gameserver", cast(Line, told))
    recovery.listed(zone)
    clock.advance(2 * BEGUN_S)
    zone.roster = {ADA: Entry(ADA, 2, "playing", "", 0.0, 0.0, heard_s=heard_s)}
    link.roster = {ADA: Entry(ADA, 1, "frozen", "m", 0.0, 0.0)}
    link.shared = {ADA: Shared("", BEGUN_S)}
    zone.listed_at = link.listed_at = clock.seconds()
    recovery.listed(link)
    assert told.said == ([Release(player=ADA, epoch=2)] if let_go else [])


def test_that_a_target_has_waived_a_player_its_source_may_say() -> None:
    """The line to the target was broken: it could not, and what was played meanwhile not stored."""
    recovery, link, _, moved = between("a", "b")
    link.roster = {ADA: Entry(ADA, 1, "playing", "", 0.0, 0.0, waived="m")}
    recovery.listed(link)
    assert moved.heard == [("m", OURS)]


def test_the_ledger_knows_that_a_player_has_left_before_its_move_ends() -> None:
    recovery, link, told, moved = between("a", "b", owner=OURS)
    recovery.free(link, Left(snapshot=snapshot(2)))
    assert moved.owners_then == [""]
    assert told.said == [Release(player=ADA, epoch=2)]
