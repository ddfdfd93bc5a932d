"""`twistd -n gameserver`: turns flags into values and puts the game server together."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.python.reflect import namedAny

from clientmigration.gameserver.files import Files
from clientmigration.gameserver.service import ServerOutside, ServerParts, Setting, build
from clientmigration.net.carbon import Carbon
from clientmigration.net.door import Door, InOrder, dialer, listening, steady
from clientmigration.net.probe import Probe
from clientmigration.net.settings import ORIGINS, Common, hertz, positive, served
from clientmigration.net.web import Reception


class Options(Common):
    """The flags of a game server."""

    optParameters: Sequence[Sequence[Any]] = (
        ("router", "r", "tcp:127.0.0.1:4101", "endpoint of the router's member door"),
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


def makeService(options: Options) -> InOrder:
    """A game server as twistd runs it."""
    return served(assemble, options)


def assemble(reactor: Any, options: Options) -> InOrder:
    """Every part of a game server, on `reactor`."""
    carbon = Carbon(clientFromString(reactor, options["carbon"]), reactor)
    probe = Probe(reactor)
    setting = Setting(
        options["name"],
        options["advertise"],
        options["capacity"],
        options["rate"],
        options.read_policy(),
        options["zone"],
    )
    outside = ServerOutside(
        clock=reactor,
        seals=options.seals(),
        sink=carbon,
        probe=probe,
        cpu=time.process_time,
        entropy=os.urandom,
        dial=dialer(reactor),
        dropped=carbon.take_dropped,
        wall=time.time,
    )
    parts = ServerParts(namedAny(options["game"]), Files.of_folder(options["files"]))
    server = build(outside, setting, parts)
    listen = listening(reactor, options["listen"])
    reception = Reception(server.player_line, options.origins(), reactor, server.blame)
    door = Door(listen, reception, server.found_at)
    router = clientFromString(reactor, options["router"])
    link = steady(router, server.router_line, reactor)
    return InOrder(carbon, probe, door, link, server)
