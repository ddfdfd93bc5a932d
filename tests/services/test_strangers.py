"""Strangers cost nobody anything: what their connections hold, what the log says of them, and who
gets the last descriptors."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from test_line import Transport, line_and_parts
from test_web_door import HI, House, welcomed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.client.player import Player
from clientmigration.core.player.believable import PING_MS
from clientmigration.net.burden import Burden
from clientmigration.net.complaints import TEXTS, Complaints
from clientmigration.net.descriptors import Descriptors, allowed, provide
from clientmigration.net.door import Lines
from clientmigration.net.straight import unread
from clientmigration.net.web import SURPLUS, Doorway, Reception
from clientmigration.testing import Arena
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Felt, Input, Ping, Pong
from clientmigration.wire.web import Origins


@pytest.fixture
def logged() -> Iterator[list[str]]:
    lines: list[str] = []

    @implementer(ILogObserver)
    def keep(event: LogEvent) -> None:
        lines.append(formatEvent(event))

    globalLogPublisher.addObserver(keep)
    yield lines
    globalLogPublisher.removeObserver(keep)


def test_what_a_browser_sends_after_our_goodbye_is_not_kept_and_soon_cut_off() -> None:
    house = House()
    page = welcomed(house)
    browser = house.doorway._inside
    assert browser is not None
    house.lines[0].hang_up("bye", "")
    page.socket.send_binary(encode(Input(1, bytes(200)))[4:])
    (said,) = page.socket.data_to_send()
    for _ in range(SURPLUS // len(said)):
        house.doorway.dataReceived(said)
        assert browser.socket.held == 0  # type: ignore[union-attr]
    assert not house.transport.disconnected
    house.doorway.dataReceived(said)
    assert house.transport.disconnected


def test_what_is_not_complete_is_held_until_the_end() -> None:
    line, _, _, _ = line_and_parts()
    line.dataReceived(encode(Ping(1))[:-1])
    assert line.held == len(encode(Ping(1))) - 1
    line.hang_up("bye", "")
    assert line.held == 0
    line.dataReceived(bytes(1000))
    assert line.held == 0


class Slow(Transport):
    """A socket whose peer does not read, as Twisted keeps it."""

    dataBuffer, offset = b"", 0

    @property
    def _tempDataLen(self) -> int:
        return len(self.value())


def test_a_peer_that_does_not_read_is_cut_off_when_too_much_waits_for_it() -> None:
    line, _, _, _ = line_and_parts()
    line.transport = slow = Slow()
    slow.registerProducer(line, True)
    line._send = slow.write
    line.unread = 1000
    line.pauseProducing()
    for n in range(1000):
        line.say(Pong(n))
    assert slow.disconnected
    assert unread(slow) < 1200


class Heavy:
    """A line of so much weight."""

    def __init__(self, held: int, tells: bool = False) -> None:
        self._held, self.over, self.tells, self.looked = held, False, tells, 0

    @property
    def held(self) -> int:
        self.looked += 1
        return self._held

    def fail(self, fault: Exception) -> None:
        self.over = "holds more" in str(fault)

    def cut_off(self) -> None:
        assert self.over


def test_when_all_lines_hold_too_much_whoever_holds_most_goes() -> None:
    burden, lines = Burden(most=100), [Heavy(10), Heavy(80), Heavy(60), Heavy(20)]
    for each in lines:
        burden.take_up(each)
    assert burden.measures() == {"held_bytes": 90.0}
    assert [each.over for each in lines] == [False, True, False, False]
    burden.lay_down(lines[1])
    burden.lay_down(lines[2])
    assert burden.measures() == {"held_bytes": 30.0}


def test_who_holds_nothing_is_looked_at_again_when_it_tells() -> None:
    burden, light, heavy, mute = Burden(), Heavy(0, tells=True), Heavy(7, tells=True), Heavy(0)
    for each in (light, heavy, mute):
        burden.take_up(each)
    for _ in range(3):
        assert burden.measures() == {"held_bytes": 7.0}
    assert [each.looked for each in (light, heavy, mute)] == [1, 3, 3]
    burden.take_up(light)
    burden.measures()
    assert light.looked == 2


def gone_without_a_collection(house: House) -> bool:
    """Whether a connection is freed as soon as it is over."""
    doorway = house.doorway
    parts = [weakref.ref(each) for each in (doorway, doorway._inside, *house.lines) if each]
    doorway.connectionLost(Failure(ConnectionDone()))
    house.lines.clear()
    house.guests.clear()
    house.clock = Clock()
    house.transport.producer = None  # as a real one does it
    del doorway, house.doorway
    return all(each() is None for each in parts)


@pytest.mark.parametrize("said", ["nothing", "a greeting", "a web page", "bad bytes", "a goodbye"])
def test_a_connection_that_is_over_waits_for_no_collection_of_garbage(said: str) -> None:
    gc.collect()
    gc.disable()
    try:
        house = House()
        if said == "a greeting":
            house.doorway.dataReceived(HI)
        elif said == "bad bytes":
            house.doorway.dataReceived(bytes(range(7, 200)))
        elif said != "nothing":
            page = welcomed(house)
            page.house = None  # type: ignore[assignment]
            if said == "a goodbye":
                house.lines[0].hang_up("bye", "")
        assert gone_without_a_collection(house)
    finally:
        gc.enable()


def test_one_line_a_second_of_each_kind_says_how_many_were_not_shown(logged: list[str]) -> None:
    clock = Clock()
    complaints = Complaints(clock)
    for n in range(100):
        clock.advance(0.03)
        complaints.say("door", f"peer-{n}", "too_fast", "more than 5 a second")
    complaints.say("other door", "somebody", "too_fast", "more than 5 a second")
    shown = [line for line in logged if "peer-" in line]
    assert 3 <= len(shown) <= 4
    assert shown[0] == "closing peer-0: too_fast: more than 5 a second"
    assert shown[1].endswith("(and 33 more for too_fast that were not shown)")
    assert "closing somebody: too_fast: more than 5 a second" in logged


def test_lines_share_their_patience_by_clock(logged: list[str]) -> None:
    house = House()
    for _ in range(50):
        house.doorway = Doorway(Reception(house.line, Origins(), house.clock, house.blame))
        house.doorway.makeConnection(Transport())
        house.doorway.dataReceived(bytes(range(7, 200)))
    assert house.blamed == ["not_our_protocol"] * 50
    assert sum("closing" in line for line in logged) == 1


def test_the_last_descriptors_are_not_for_strangers(logged: list[str]) -> None:
    turned_away, clock = list[int](), Clock()
    with ExitStack() as open_files:
        first = os.open(os.devnull, os.O_RDONLY)
        open_files.callback(os.close, first)
        room = Descriptors(first + 40, lambda: turned_away.append(1), clock).left
        house = House()
        door = Lines(Reception(house.line, Origins(), house.clock, house.blame, room))
        let_in = 0
        for _ in range(100):
            if door.buildProtocol(None) is None:
                break
            let_in += 1
            open_files.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        assert 0 < let_in < 40
        assert (room(), room()) == (False, False)
    assert room()
    assert len(turned_away) == 3
    assert sum("turning strangers away" in line for line in logged) == 1


def test_what_a_daemon_needs_is_said_at_its_start(logged: list[str]) -> None:
    assert provide(10) == allowed() > 10
    assert logged == []
    provide(10**9)
    assert any("are needed for 1000000000 connections" in line for line in logged)


def fleet_with(players: int) -> tuple[Arena, list[Player]]:
    """Two servers; everybody plays on the first."""
    arena = Arena(cost=0.001)
    arena.start_router()
    arena.start_server("eu")
    arena.run(2.0)
    everybody = [arena.start_player() for _ in range(players)]
    arena.run(2.0)
    arena.start_server("us")
    arena.run(3.0)
    return arena, everybody


def made_up(player: Player, times: int) -> None:
    home = player.traveller.home
    assert home is not None
    for _ in range(times):
        home.say(Felt(missed=4_000_000_000, gap_ms=1e9, stall_ms=1e9))
        home.say(Ping(n=1, rtt_ms=1e9))


def test_what_players_make_up_counts_once_for_each_move_and_never_more_than_can_be_true() -> None:
    arena, (ada,) = fleet_with(1)
    made_up(ada, 5)
    arena.run(1.0)
    assert not [value for path, value, _ in arena.sink.seen if ".blackout_ms" in path]
    arena.move(ada, "us")
    arena.run(0.2)
    made_up(ada, 5)
    arena.run(2.5)
    longest = [value for path, value, _ in arena.sink.seen if path.endswith(".blackout_ms_max")]
    assert len(longest) == 1
    assert 0 < longest[0] < 5000
    made_up(ada, 1)
    arena.run(0.01)
    assert arena.servers["us"].seats[ada.name].ping_ms == PING_MS


def test_who_ignores_its_redirects_is_asked_less_and_less_and_keeps_nobody_waiting() -> None:
    arena, players = fleet_with(5)
    stubborn, honest = players[:3], players[3:]
    for player in stubborn:
        player.traveller.redirected = lambda *_: None  # type: ignore[method-assign]
    arena.servers["eu"].drain(True)
    asked = list[int]()
    for _ in range(2):
        before = arena.router.meter.totals["moves_timed_out"]
        arena.run(195.0)
        asked.append(int(arena.router.meter.totals["moves_timed_out"] - before))
    assert {arena.home_of(player) for player in honest} == {"us"}
    assert asked[0] > asked[1], asked
    assert sum(asked) <= 5 * len(stubborn)  # in six minutes and a half


def test_peers_who_vary_their_faults_get_no_more_than_a_few_lines_a_second(
    logged: list[str],
) -> None:
    complaints = Complaints(Clock())
    for size in range(100):
        complaints.say("door", "somebody", "frame_too_large", f"a frame of {size} bytes")
    assert len([line for line in logged if "a frame of" in line]) == TEXTS
