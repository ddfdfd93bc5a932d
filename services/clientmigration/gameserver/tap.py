"""`twistd -n gameserver`: turns flags into values and puts the game server together."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from twisted.internet.endpoints import clientFromString

from clientmigration.gameserver.chosen import chosen
from clientmigration.gameserver.files import Files
from clientmigration.gameserver.game import MakeGame
from clientmigration.gameserver.service import ServerOutside, ServerParts, Setting, build
from clientmigration.net.addresses import check_address
from clientmigration.net.carbon import Carbon
from clientmigration.net.daemon import Daemon
from clientmigration.net.descriptors import Descriptors, provide
from clientmigration.net.door import Door, InOrder, dialer, listening, steady
from clientmigration.net.probe import Probe
from clientmigration.net.routers import each_of
from clientmigration.net.settings import ORIGINS, Common, hertz, positive, served
from clientmigration.net.web import Reception

GAME_FAILED = 70  # EX_SOFTWARE of sysexits.h


class Options(Common):
    """The flags of a game server."""

    optParameters: Sequence[Sequence[Any]] = (
        (
            "router",
            "r",
            "tcp:127.0.0.1:4101",
            "endpoint of a router's member door; again for each",
        ),
        ("name", "n", "", "name in the fleet and in Graphite; none: the router gives one"),
        ("zone", "z", "", "where it stands: servers of one zone are equally far from any player"),
        ("listen", "l", "tcp:0:interface=127.0.0.1", "endpoint on which players come in"),
        ("advertise", "a", "", "host:port that players are told; none: where it listens"),
        ORIGINS,
        ("capacity", "c", 200, "players at most", positive),
        ("rate", None, 20, "ticks per second, 1 to 1000", hertz),
        ("files", "f", "", "folder of files that players may download; none: no files"),
        ("game", "g", "clientmigration.gameserver.meadow.Meadow", "what is played: dotted name"),
    )
    doors = ("listen",)
    dials = ("carbon", "router")
    routers = ("router",)

    @cached_property
    def game(self) -> MakeGame:
        """What `--game` names."""
        return chosen(self["game"])

    @cached_property
    def files(self) -> Files:
        """What `--files` offers."""
        return Files.of_folder(self["files"])

    def check(self) -> None:
        """The game, the files and the address that players are told, too."""
        super().check()
        if self["advertise"]:
            check_address(self["advertise"], "--advertise ")
        _ = self.game, self.files


def makeService(options: Options) -> Daemon:
    """A game server as twistd runs it."""
    return served(assemble, options)


def assemble(reactor: Any, options: Options) -> InOrder:
    """Every part of a game server, on `reactor`."""
    carbon = Carbon(clientFromString(reactor, options["carbon"]), reactor)
    probe = Probe(reactor)
    routers = each_of(options["router"])
    setting = Setting(
        options["name"],
        options["advertise"],
        options["capacity"],
        options["rate"],
        options.policy,
        options["zone"],
        len(routers),
    )
    outside = ServerOutside(
        clock=reactor,
        seals=options.seals,
        sink=carbon,
        probe=probe,
        cpu=time.process_time,
        entropy=os.urandom,
        dial=dialer(reactor),
        dropped=carbon.take_dropped,
        end=lambda why: end(reactor, why),
        wall=time.time,
    )
    parts = ServerParts(options.game, options.files)
    server = build(outside, setting, parts)
    listen = listening(reactor, options["listen"])
    descriptors = Descriptors(provide(2 * setting.capacity), server.turned_away, reactor)
    origins = options.origins
    reception = Reception(server.player_line, origins, reactor, server.blame, descriptors.left)
    door = Door(listen, reception, server.found_at)
    links = [
        steady(clientFromString(reactor, each), server.router_line, reactor) for each in routers
    ]
    return InOrder(carbon, probe, door, *links, server)


def end(reactor: Any, why: str) -> None:
    """Stop as a signal would, and end with a last line and the exit code `GAME_FAILED`. twistd ends
    with 0 whatever happened, so this comes after everything that it puts away."""
    atexit.register(_exit, why)
    reactor.stop()


def _exit(why: str) -> None:
    for each in filter(None, (sys.__stdout__, sys.__stderr__)):  # twistd has replaced sys.stderr
        each.flush()
    if sys.__stderr__ is not None:
        print(f"clientmigration: {why}", file=sys.__stderr__, flush=True)
    os._exit(GAME_FAILED)
