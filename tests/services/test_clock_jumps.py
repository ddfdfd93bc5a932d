"""Somebody sets a clock, on one host or on all: nobody is disconnected, and play goes on."""

from __future__ import annotations

import time

import pytest
from twisted.internet.base import ReactorBase
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from clientmigration.client.player import Player
from clientmigration.errors import TicketRefused
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.tickets import TICKET_TTL_S, Ticket, hashed
from clientmigration.net.worldclock import monotonic
from clientmigration.testing import Arena

WHO = {
    "a server": ["eu"],
    "the router": ["router"],
    "a player": ["player 0"],
    "all": ["router", "eu", "us", "player 0", "player 1"],
}
JUMPS = (-30.0, 30.0, -7200.0)


class World:
    """Two servers with a player each, for a while already."""

    def __init__(self) -> None:
        self.arena = Arena()
        self.router = self.arena.start_router()
        self.servers = {name: self.arena.start_server(name) for name in ("eu", "us")}
        self.players = [self.arena.start_player() for _ in range(2)]
        self.arena.run(8.0)
        self.rejoins = [player.rejoins for player in self.players]

    def jump(self, hosts: list[str], seconds: float) -> None:
        for host in hosts:
            self.arena.jump(host, seconds)

    def moves(self, player: Player) -> bool:
        """Whether it can be moved to the other server."""
        source = self.arena.home_of(player)
        target = next(name for name in self.servers if name != source)
        self.arena.move(player, target)
        self.arena.run(3.0)
        return player.member == target and self.arena.home_of(player) == target


@pytest.fixture
def world() -> World:
    return World()


def views_of(world: World, seconds: float) -> list[int]:
    """How many views each player got in so many seconds."""
    before = [player.counts.views for player in world.players]
    world.arena.run(seconds)
    return [player.counts.views - had for player, had in zip(world.players, before, strict=True)]


def skipped(world: World) -> float:
    """Ticks that the servers said they skipped, so far."""
    points = world.arena.sink.seen
    return sum(each.value for each in points if each.path.endswith(".skipped_ticks"))


def apart(world: World, seconds: int) -> int:
    """How many ticks the two servers are apart in so many seconds, at most."""
    most = 0
    for _ in range(seconds):
        world.arena.run(1.0)
        eu, us = (server.ticks.tick for server in world.servers.values())
        most = max(most, abs(eu - us))
    return most


@pytest.mark.parametrize("seconds", JUMPS)
@pytest.mark.parametrize("who", WHO)
def test_play_goes_on_and_nobody_is_disconnected(world: World, who: str, seconds: float) -> None:
    world.jump(WHO[who], seconds)
    assert min(views_of(world, 1.0)) >= 18
    assert apart(world, 12) <= 2
    for player in world.players:
        player.act(meadow.move(1.0, 0.0))
        assert world.moves(player)
    assert [player.rejoins for player in world.players] == world.rejoins
    assert skipped(world) == 0
    for player in world.players:
        assert player.counts.longest_gap_ms < 300
        assert (player.counts.missed, player.counts.lost, player.counts.doubled) == (0, 0, 0)
    newcomer = world.arena.start_player()
    world.arena.run_until(lambda: newcomer.state == "playing", within=5.0)


def test_all_servers_have_the_same_tick_while_a_router_makes_up_for_a_jump(world: World) -> None:
    world.jump(WHO["all"], -30.0)
    assert apart(world, 100) <= 2
    assert skipped(world) == 0


def test_two_hours_ahead_everywhere_are_stepped_and_said(world: World) -> None:
    world.jump(WHO["all"], 7200.0)
    before = world.servers["eu"].ticks.tick
    world.arena.run(15.0)
    assert world.servers["eu"].ticks.tick - before >= 7200 * 20
    assert skipped(world) >= 2 * 7190 * 20
    assert min(views_of(world, 2.0)) >= 36
    assert world.moves(world.players[0])


@pytest.mark.parametrize("seconds", [-30.0, 30.0, -7200.0, 7200.0])
def test_a_router_that_starts_again_after_a_jump_has_its_fleet_back(seconds: float) -> None:
    world = World()
    arena = world.arena
    arena.kill("router")
    skew, arena.skew = arena.skew, lambda host: seconds if host == "router" else 0.0
    arena.run(0.5)
    router = arena.start_router()
    arena.skew = skew
    arena.run(10.0)
    fleet = router.fleet.members()
    assert [member.closed(router.settings.policy, router.now()) for member in fleet] == ["", ""]
    assert world.moves(world.players[0])
    assert [player.rejoins for player in world.players] == world.rejoins


@pytest.mark.parametrize("seconds", [-7200.0, -30.0, 30.0, 7200.0])
def test_a_server_whose_clock_is_wrong_from_its_start_serves_like_any_other(
    seconds: float,
) -> None:
    world = World()
    arena = world.arena
    arena.skew = lambda host: seconds if host == "wrong" else 0.0
    world.servers["wrong"] = arena.start_server("wrong")
    arena.run(8.0)
    assert abs(world.servers["wrong"].ticks.tick - world.servers["eu"].ticks.tick) <= 2
    player = world.players[0]
    arena.move(player, "wrong")
    arena.run(3.0)
    assert arena.home_of(player) == "wrong"
    assert player.rejoins == world.rejoins[0]


def test_a_ticket_that_is_too_old_says_that_a_clock_may_be_the_reason() -> None:
    seals = Arena().seals
    token = seals.ticket(Ticket("m", "ada", "eu", 1, hashed("own")), 1000.0)
    with pytest.raises(TicketRefused, match=r"20\.0 s ago by this server's clock.*clock is wrong"):
        seals.redeemed(token, "eu", "own", 1000.0 + TICKET_TTL_S + 20)


class Reactor(ReactorBase):
    """A real reactor, as far as its timers go."""

    def installWaker(self) -> None:
        """Nobody wakes it."""


def test_timers_of_a_real_reactor_do_not_care_who_sets_the_clock() -> None:
    reactor, done = Reactor(), list[str]()
    reactor.callLater(0, done.append, "planned before")
    planned = reactor.callLater(30, done.append, "planned for later")
    assert monotonic(reactor) is monotonic(reactor) is reactor
    assert abs(reactor.seconds() - time.time()) < 1.0
    reactor.callLater(0, done.append, "planned after")
    reactor.runUntilCurrent()
    assert done == ["planned before", "planned after"]
    assert 29 < planned.getTime() - reactor.seconds() <= 30
    assert "seconds" in vars(reactor)


def test_what_is_said_of_a_clock_is_said_once(world: World) -> None:
    said: list[str] = []

    @provider(ILogObserver)
    def hear(event: LogEvent) -> None:
        if "clock" in str(event.get("log_format")):
            said.append(str(formatEvent(event)))

    globalLogPublisher.addObserver(hear)
    world.jump(["eu"], -30.0)
    world.arena.run(20.0)
    world.jump(["eu"], 30.0)
    world.arena.run(20.0)
    globalLogPublisher.removeObserver(hear)
    assert said == [
        "this host's clock is -30.0 s off the world's time, which goes on evenly",
        "this host's clock agrees with the world's time again",
    ]
