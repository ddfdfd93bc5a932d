"""What a member may say to its router and what it may not, and what a router does that stops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from clientmigration.client.player import Player
from clientmigration.core.measures.metrics import Datapoint, MemorySink, datapoints
from clientmigration.core.player.migration import Outcome
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.errors import OutOfTurn
from clientmigration.net.door import Lines
from clientmigration.net.line import Line, LineTerms
from clientmigration.net.tickets import Seals
from clientmigration.router.attached import AttachedMembers
from clientmigration.router.move import MoveAnswer
from clientmigration.testing import Arena
from clientmigration.wire.connection import ROUTER_TO_MEMBER
from clientmigration.wire.messages import (
    Arrived,
    Attach,
    Attached,
    Challenge,
    Copied,
    Declined,
    Entry,
    Frozen,
    Goodbye,
    Neighbours,
    Prepared,
    Report,
    Reserved,
    Roster,
    Settled,
    Waived,
)

NONCE = "0123456789abcdef"


class Stranger:
    """A member that says whatever a test wants it to say: the `Listener` of its line."""

    def __init__(self, arena: Arena, name: str, seals: Seals | None = None) -> None:
        self.name, self.seals, self.proves = name, seals or arena.seals, True
        self.heard_so_far: list[Any] = []
        clock = arena._host(name or "stranger")
        self.line = Line("gameserver", LineTerms(ROUTER_TO_MEMBER, (5e3, 5e3)), self, clock)
        dial = arena.network.dial(name or "stranger", clock)
        dial("router:4101").connect(Lines(lambda: self.line))

    def opened(self, line: Line) -> None:
        pass

    def heard(self, message: Any) -> None:
        self.heard_so_far.append(message)
        if isinstance(message, Challenge) and self.proves:
            self.line.say(self.attach(message.nonce))

    def attach(self, challenge: str) -> Attach:
        address = f"{self.name}:1"
        parts = (challenge, NONCE, self.name, "gameserver", address)
        proof = self.seals.proof("member", *parts)
        return Attach(name=self.name, role="gameserver", address=address, nonce=NONCE, proof=proof)

    def closed(self, reason: str) -> None:
        pass

    def said_last(self, arena: Arena, message: msgspec.Struct | None = None) -> str:
        """Say it; answers why the router has closed the link, "" if it has not."""
        if message is not None:
            self.line.say(message)
        arena.run(0.1)
        over = [each for each in self.heard_so_far if isinstance(each, Goodbye)]
        return f"{over[0].code}: {over[0].text}" if over else ""


def playing() -> tuple[Arena, Player, str, str]:
    """An arena with two servers and one player; answers where it is and where it is not."""
    arena = Arena()
    arena.start_router()
    for name in ("eu", "us"):
        arena.start_server(name)
    arena.run(2.0)
    ada = arena.start_player()
    arena.run_until(lambda: ada.state == "playing")
    home = arena.home_of(ada)
    return arena, ada, home, "us" if home == "eu" else "eu"


def snapshot(player: str) -> Snapshot:
    return Snapshot(player=player, epoch=9, seq=9, tick=1, x=0.0, y=0.0, holder="ff" * 32)


def answers(migration: str, player: str) -> list[MoveAnswer]:
    """Everything that a source or a target may say about a migration."""
    named: list[MoveAnswer] = [
        kind(migration=migration, player=player)
        for kind in (Reserved, Prepared, Arrived, Settled, Waived)
    ]
    shown: list[MoveAnswer] = [
        kind(migration=migration, snapshot=snapshot(player)) for kind in (Copied, Frozen)
    ]
    return [*named, *shown, Declined(migration=migration, player=player, reason="no")]


FROM_SOURCE = (Copied, Frozen)
KINDS = (*FROM_SOURCE, Reserved, Prepared, Arrived, Settled, Waived, Declined)

# How a member comes in.


def test_who_proves_itself_is_told_its_name_first_and_then_who_else_there_is() -> None:
    arena = Arena()
    arena.start_router()
    stranger = Stranger(arena, "x")
    assert stranger.said_last(arena) == ""
    assert [type(each) for each in stranger.heard_so_far] == [Challenge, Attached, Neighbours]
    assert list(arena.router.members) == ["x"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("eu", "not_authentic: there is a member called eu already"),
        ("E U", "not_authentic: a member may not be called 'E U'"),
    ],
)
def test_a_member_has_a_clean_name_of_its_own(name: str, why: str) -> None:
    arena, *_ = playing()
    assert Stranger(arena, name).said_last(arena) == why
    assert sorted(arena.router.members) == ["eu", "us"]


def test_who_does_not_know_the_secret_is_no_member() -> None:
    arena, *_ = playing()
    stranger = Stranger(arena, "x", Seals("another secret of 32 characters."))
    why = "not_authentic: the member does not know the cluster secret"
    assert stranger.said_last(arena) == why
    assert "x" not in arena.router.members


def test_nothing_is_heard_before_the_proof_and_no_second_one() -> None:
    arena, *_ = playing()
    early = Stranger(arena, "x")
    early.proves = False
    arena.run(0.1)
    why = "out_of_turn: Report before the link is attached"
    assert early.said_last(arena, Report(datapoints=[])) == why
    twice = Stranger(arena, "y")
    arena.run(0.1)
    assert twice.said_last(arena, twice.attach("any")) == "out_of_turn: attached already"


def test_a_link_that_is_gone_is_not_the_link_of_the_member_that_came_back() -> None:
    arena = Arena()
    members = AttachedMembers(arena.clock)
    line = arena.start_router().member_line()
    before = members.admit("eu", "gameserver", line)
    assert members.still(before)
    assert members.lose(before)
    after = members.admit("eu", "gameserver", line)
    assert not members.still(before)
    assert not members.lose(before)
    assert members.still(after)
    assert not members.still(None)


def test_a_roster_counts_when_its_last_part_is_here() -> None:
    arena = Arena()
    members = AttachedMembers(arena.clock)
    link = members.admit("eu", "gameserver", arena.start_router().member_line())
    ada, bob = (Entry(player, 1, "playing", "", 0.0, 0.0) for player in ("ada", "bob"))
    assert not members.listed(link, Roster([ada], last=False))
    assert link.roster == {}
    assert members.listed(link, Roster([bob], last=True))
    assert link.roster == {"ada": ada, "bob": bob}
    assert members.listed(link, Roster([bob], last=True))
    assert link.roster == {"bob": bob}


# What it reports.


def reported(name: str, **measures: float) -> Report:
    points = datapoints("gameserver", name, measures, 1_700_000_002)
    return Report(datapoints=[(path, value, when) for path, value, when in points])


def test_a_member_that_reports_for_somebody_else_is_not_believed() -> None:
    arena, _, home, _ = playing()
    liar = Stranger(arena, "x")
    arena.run(0.1)
    before = arena.router.fleet.member(home)
    why = "malformed_frame: x reports for somebody else"
    assert liar.said_last(arena, reported(home, load=0.0, health=1.0, players=0, capacity=9)) == why
    assert arena.router.fleet.member("x") is None
    after = arena.router.fleet.member(home)
    assert before is not None
    assert after is not None
    assert after.history[: len(before.history)] == before.history
    assert all(each.capacity == 200 for each in after.history)
    assert arena.router.meter.totals["closed_connections"] == 1


@pytest.mark.parametrize("name", ["x.load", "gameserver.x.nonsense", "gameserver.X.load"])
def test_a_report_of_what_is_not_in_the_catalogue_is_malformed(name: str) -> None:
    arena, *_ = playing()
    stranger = Stranger(arena, "x")
    arena.run(0.1)
    message = Report(datapoints=[(f"clientmigration.{name}", 0.5, 1_700_000_002)])
    assert stranger.said_last(arena, message).startswith("malformed_frame: ")


def test_a_report_of_its_own_is_noted_with_its_measures() -> None:
    arena, *_ = playing()
    stranger = Stranger(arena, "x")
    arena.run(0.1)
    assert stranger.said_last(arena, reported("x", load=0.25, cpu_percent=12.0)) == ""
    assert arena.router.members["x"].measures == {"load": 0.25, "cpu_percent": 12.0}


# What it answers.


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_that_answers_a_migration_in_which_it_has_no_part_is_sent_off(kind: type) -> None:
    arena, ada, home, away = playing()
    forger = Stranger(arena, "x")
    arena.run(0.1)
    ended: list[Any] = []
    arena.move(ada, away).addCallback(ended.append)
    (migration,) = arena.router.moves.by_id
    (forged,) = [each for each in answers(migration, ada.name) if type(each) is kind]
    why = "out_of_turn: an answer to a migration in which it has another part, or none"
    assert forger.said_last(arena, forged) == why
    arena.run(2.0)
    assert ended == [Outcome.SETTLED]
    assert arena.homes_of(ada) == [away] != [home]
    assert (ada.tally.missed, ada.tally.lost, ada.tally.doubled) == (0, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_source_and_target_answer_only_what_is_theirs(kind: type) -> None:
    arena, ada, home, away = playing()
    ended: list[Any] = []
    arena.move(ada, away).addCallback(ended.append)
    (move,) = arena.router.moves.by_id.values()
    (answer,) = [each for each in answers(move.terms.id, ada.name) if type(each) is kind]
    for member in {home, away}:
        theirs = kind is Declined or (member == home) == (kind in FROM_SOURCE)
        if not theirs:
            with pytest.raises(OutOfTurn):
                arena.router.moves.answer(member, answer)
    arena.run(2.0)
    assert ended == [Outcome.SETTLED]


def test_what_is_said_about_a_migration_that_has_ended_is_not_heard() -> None:
    arena, ada, home, away = playing()
    ended: list[Any] = []
    arena.move(ada, away).addCallback(ended.append)
    (migration,) = arena.router.moves.by_id
    arena.run(2.0)
    assert ended == [Outcome.SETTLED]
    forger = Stranger(arena, "x")
    arena.run(0.1)
    for answer in answers(migration, ada.name):
        assert forger.said_last(arena, answer) == ""
    assert arena.homes_of(ada) == [away] != [home]


# A router that stops.


def stopped_in_the_middle() -> tuple[Arena, int]:
    """A router that stops while it levels two servers, and how many players had been moved."""
    arena = Arena(seed=5, cost=0.02)
    arena.start_router()
    arena.start_server("a")
    arena.run(2.0)
    for _ in range(16):
        arena.start_player()
        arena.run(0.05)
    arena.start_server("b")
    arena.run_until(lambda: bool(arena.router.cooldowns.moved_at))
    arena.router.stopService()
    return arena, int(arena.router.meter.totals["planned_moves"])


def test_a_router_that_stops_begins_no_move_and_ends_those_that_it_began() -> None:
    arena, planned = stopped_in_the_middle()
    arena.run(3.0)
    moved = sum(player.moves for player in arena.players)
    assert 0 < moved < planned
    arena.run(5.0)
    assert sum(player.moves for player in arena.players) == moved
    assert arena.router.moves.count() == 0
    assert all(len(arena.homes_of(player)) == 1 for player in arena.players)
    assert [player.tally.missed for player in arena.players] == [0] * len(arena.players)


def test_a_router_that_stops_reports_decides_and_shows_nothing_more() -> None:
    arena, _ = stopped_in_the_middle()
    reports = [point for point in arena.sink.seen if ".router." in point.path]
    posted = len(arena.events.posted)
    assert reports
    arena.run(5.0)
    assert [point for point in arena.sink.seen if ".router." in point.path] == reports
    assert len(arena.events.posted) == posted


def test_a_router_that_stops_posts_the_rounds_that_it_has_kept() -> None:
    arena, *_ = playing()
    arena.run(6.0)
    before = list(arena.events.posted)
    arena.router.stopService()
    (kept,) = arena.events.posted[len(before) :]
    assert "rounds in which nobody was moved" in kept[0]


def test_a_router_that_stopped_and_starts_again_reports_and_decides_again() -> None:
    arena, _ = stopped_in_the_middle()
    arena.run(2.0)
    arena.router.startService()
    seen = len(arena.sink.seen)
    arena.run(20.0)
    again = [point for point in arena.sink.seen[seen:] if point.path.endswith("router.members")]
    assert len(again) >= 19
    homes = [arena.home_of(player) for player in arena.players]
    assert abs(homes.count("a") - homes.count("b")) <= 4


class FailingOnce(MemorySink):
    """A sink that fails at the first report of a router."""

    failed = False

    def emit(self, datapoints: Sequence[Datapoint]) -> None:
        if not self.failed and ".router." in datapoints[0].path:
            self.failed = True
            raise ValueError("a sink that fails once")
        super().emit(datapoints)


def test_what_fails_in_a_report_does_not_end_the_reports(no_logged_errors: list[Any]) -> None:
    arena = Arena()
    arena.sink = FailingOnce()
    arena.start_router()
    arena.run(4.5)
    assert arena.router.beats.failed == {"the router's report": 1}
    assert len([1 for point in arena.sink.seen if point.path.endswith("router.members")]) == 3
    assert len(no_logged_errors) == 1
    no_logged_errors.clear()


class FailingAtServers(MemorySink):
    """A sink that fails at the reports of game servers, once it is told to."""

    fails = False

    def emit(self, datapoints: Sequence[Datapoint]) -> None:
        if self.fails and ".gameserver." in datapoints[0].path:
            raise OSError("no descriptors are left")
        super().emit(datapoints)


def test_a_server_whose_report_fails_when_it_stops_still_has_its_players_moved_away(
    no_logged_errors: list[Any],
) -> None:
    arena = Arena()
    arena.sink = sink = FailingAtServers()
    arena.start_router()
    arena.start_server("a")
    arena.run(3.0)
    players = [arena.start_player() for _ in range(4)]
    arena.run(3.0)
    arena.start_server("b")
    arena.run(3.0)
    sink.fails = True
    ended: list[object] = []
    arena.drain("a").addBoth(ended.append)
    arena.run(10.0)
    assert ended == [None]
    assert {arena.home_of(player) for player in players} == {"b"}
    assert [player.rejoins for player in players] == [0] * 4
    no_logged_errors.clear()
