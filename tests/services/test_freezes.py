"""Processes that stand still for a while (SIGSTOP): nothing is lost, and everybody is back soon."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from clientmigration.client.player import Player
from clientmigration.core.player.tally import ROOM
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.line import MEMBER_SILENCE_S, Line
from clientmigration.testing import Arena, HostClock, Timeline
from clientmigration.testing.network import Network
from clientmigration.wire.messages import Welcome

BACK_S = 2.0  # after the silence bound a player is back within this


def playing(*servers: str, seed: int = 5) -> tuple[Arena, Player]:
    """An arena in which one player has played for a moment."""
    arena = Arena(seed=seed)
    arena.start_router()
    for name in servers:
        arena.start_server(name)
    arena.run(2.0)
    player = arena.start_player()
    arena.run(3.0)
    return arena, player


def keep_acting(arena: Arena, player: Player, every_s: float = 0.1) -> None:
    def act() -> None:
        if player.member:
            player.act(meadow.move(1.0, 0.0))
        arena.clock.callLater(every_s, act)

    act()


def longest_gap(arena: Arena, player: Player) -> Callable[[], float]:
    """The longest time between two views from now on."""
    gaps, last = [0.0], [arena.clock.seconds()]

    def seen(_view: object) -> None:
        now = arena.clock.seconds()
        gaps.append(now - last[0])
        last[0] = now

    player.on("view", seen)
    return lambda: max(gaps)


def said(words: str) -> tuple[list[str], Callable[[], None]]:
    """Log lines with these words from now on, and how to stop listening."""
    lines: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        text = str(event.get("log_format", "")).format(**event) if "log_format" in event else ""
        if words in text:
            lines.append(text)

    globalLogPublisher.addObserver(observe)
    return lines, lambda: globalLogPublisher.removeObserver(observe)


# A clock that stands still.


def test_what_was_due_while_a_host_was_frozen_happens_when_it_thaws_and_in_order() -> None:
    timeline = Timeline()
    clock, done = HostClock(timeline), list[tuple[str, float]]()
    for name, at in (("second", 2.0), ("first", 1.0), ("late", 9.0)):
        clock.callLater(at, lambda name=name: done.append((name, timeline.seconds())))
    clock.freeze(5.0)
    timeline.advance(10.0)
    assert done == [("first", 5.0), ("second", 5.0), ("late", 9.0)]


def test_who_connects_to_a_host_that_freezes_anew_is_heard_from_its_first_word() -> None:
    timeline, said = Timeline(), list[bytes]()
    clock = HostClock(timeline)

    class Heard(Protocol):
        def dataReceived(self, data: bytes) -> None:
            said.append(data)

    class Speaks(Protocol):
        def connectionMade(self) -> None:
            assert self.transport is not None
            for word, after in ((b"first", 0.0), (b"second", 3.0)):
                timeline.callLater(after, self.transport.write, word)

    network = Network(timeline, lambda _a, _b: 0.1, {"slow": clock})
    network.listen("slow", "slow:1", cast("Callable[[], Line]", Heard))
    clock.freeze(2.0)
    network.dial("caller")("slow:1").connect(Factory.forProtocol(Speaks))
    timeline.callLater(0.25, clock.freeze, 4.0)  # before the first word is there
    timeline.advance(10.0)
    assert said == [b"first", b"second"]


def test_a_call_that_is_reset_to_earlier_and_then_delayed_comes_once_and_when_it_is_due() -> None:
    timeline, done = Timeline(), list[float]()
    call = HostClock(timeline).callLater(5.0, lambda: done.append(timeline.seconds()))
    call.reset(2.5)
    for _ in range(4):
        timeline.advance(1.0)
        call.reset(2.5)
    timeline.advance(10.0)
    assert done == [6.5]


def test_a_host_knows_for_how_long_it_was_frozen_so_far() -> None:
    timeline = Timeline()
    clock = HostClock(timeline)
    clock.freeze(2.0)
    timeline.advance(1.0)
    assert (clock.frozen, clock.frozen_s) == (True, 1.0)
    clock.freeze(0.5)
    clock.freeze(3.0)
    timeline.advance(10.0)
    assert (clock.frozen, clock.frozen_s) == (False, 4.0)


def test_a_frozen_server_uses_no_cpu() -> None:
    arena, ada = playing("eu", "us")
    home = arena.home_of(ada)
    cpu = arena._cpu(home)
    cpu()
    arena.freeze(home, 1.5)
    arena.run(1.4)
    before = cpu()
    arena.run(0.05)
    assert cpu() == pytest.approx(before, abs=1e-4)


# A server that stands still.


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.4, 3.0, 5.0, 5.5, 12.0])
def test_no_input_is_lost_however_long_a_server_stands_still(seconds: float) -> None:
    arena, ada = playing("eu", "us")
    keep_acting(arena, ada)
    arena.run(2.3)
    arena.freeze(arena.home_of(ada), seconds)
    arena.run(seconds + 8.0)
    tally = ada.tally
    assert (tally.lost, tally.doubled, tally.skipped) == (0, 0, 0)
    assert tally.acked >= tally.seq - 2
    done = arena.servers[arena.home_of(ada)].seats.by_name[ada.name].inbox.progress
    assert done.applied == done.last
    assert len(arena.homes_of(ada)) == 1


@pytest.mark.parametrize("seconds", [1.0, 2.2, 2.6, 3.0, 5.0, 12.0, 30.0])
@pytest.mark.parametrize("seed", [5, 6, 7])
def test_who_plays_on_a_server_that_stands_still_is_back_soon(seconds: float, seed: int) -> None:
    arena, ada = playing("eu", "us", seed=seed)
    arena.run(0.13 * seed)
    gap = longest_gap(arena, ada)
    arena.freeze(arena.home_of(ada), seconds)
    arena.run(seconds + 8.0)
    assert gap() < min(seconds + 1.0, MEMBER_SILENCE_S + BACK_S)


def moves_to_one_that_freezes(seed: int) -> tuple[Arena, Player, Callable[[], float]]:
    """A player is being moved, and its target stands still from the claim on."""
    arena, ada = playing("eu", "us", seed=seed)
    target = "us" if arena.home_of(ada) == "eu" else "eu"
    gap = longest_gap(arena, ada)
    arena.move(ada, target)
    arena.run_until(lambda: arena.ledger.records[ada.name].owner == target)
    arena.freeze(target, 20.0)
    arena.run(28.0)
    return arena, ada, gap


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_who_is_moved_to_a_server_that_stands_still_is_back_soon(seed: int) -> None:
    arena, ada, gap = moves_to_one_that_freezes(seed)
    assert gap() < MEMBER_SILENCE_S + BACK_S
    assert (ada.tally.lost, ada.tally.doubled) == (0, 0)
    assert len(arena.homes_of(ada)) == 1


def test_who_is_sent_to_a_server_that_stands_still_by_then_is_back_soon() -> None:
    arena, ada = playing("eu", "us")
    home = arena.home_of(ada)
    other = "us" if home == "eu" else "eu"
    arena.kill(home)
    arena.run_until(lambda: arena.ledger.records[ada.name].owner == other)
    arena.start_server(home)
    frozen_at = arena.clock.seconds()
    arena.freeze(other, 20.0)
    arena.run_until(lambda: ada.member == home)
    assert arena.clock.seconds() - frozen_at < MEMBER_SILENCE_S + BACK_S


def test_all_that_a_player_remembers_is_taken_from_it_in_one_burst() -> None:
    arena, ada = playing("eu", "us")
    home = arena.home_of(ada)
    for n in range(20):
        ada.act(meadow.move(1.0, float(n % 2)))
    arena.run(1.5)
    arena.freeze(home, 9.0)
    for n in range(ROOM - 20):
        ada.act(meadow.move(1.0, float(n % 2)))
    arena.run_until(lambda: arena.home_of(ada) not in ("", home), within=8.0)
    arena.run(3.0)
    assert (ada.tally.acked, ada.tally.lost, ada.tally.doubled) == (ROOM, 0, 0)
    assert ada.rejoins == 1


def test_what_a_player_can_not_send_again_is_counted_and_it_is_told_so() -> None:
    arena, ada = playing("eu", "us")
    home = arena.home_of(ada)
    told: list[bytes] = []
    arena.network.taps.append(
        lambda _end, data: told.append(data) if b'"skipped"' in data else None
    )
    arena.run(1.5)
    arena.freeze(home, 9.0)
    for _ in range(ROOM + 7):  # seven more than it remembers
        ada.act(meadow.move(1.0, 0.0))
    arena.run_until(lambda: arena.home_of(ada) not in ("", home), within=8.0)
    arena.run(3.0)
    counted = sum(each.value for each in arena.sink.seen if each.path.endswith(".skipped_inputs"))
    assert (counted, ada.tally.skipped, ada.tally.lost) == (7, 7, 7)
    assert len(told) == 1
    assert ada.tally.acked == ada.tally.seq


def test_a_server_that_stood_still_says_so_and_whom_it_lost_and_plays_nobody_else() -> None:
    arena, ada = playing("eu", "us")
    home = arena.home_of(ada)
    stood, stop = said("stood still")
    arena.freeze(home, 12.0)
    arena.run(18.0)
    stop()
    assert stood == [
        f"{home} stood still for 12.0 s, with 1 players",
        f"{home} let go of 1 of 1 players since it stood still",
    ]
    assert arena.homes_of(ada) not in ([], [home])
    assert ada.name not in arena.servers[home].seats.by_name


def test_a_server_that_lost_nobody_says_only_that_it_stood_still() -> None:
    arena, ada = playing("eu")
    stood, stop = said("stood still")
    arena.freeze("eu", 1.5)
    arena.run(6.0)
    stop()
    assert stood == ["eu stood still for 1.5 s, with 1 players"]
    assert arena.home_of(ada) == "eu"


# What is said when nothing was skipped.


def test_a_welcome_says_nothing_of_skipped_inputs_when_there_are_none() -> None:
    from clientmigration.wire.connection import encode

    welcome = Welcome(player="ada", member="eu", ack=3, rate=20)
    assert b"skipped" not in encode(welcome)
    assert b'"skipped":2' in encode(Welcome(player="ada", member="eu", ack=3, rate=20, skipped=2))
