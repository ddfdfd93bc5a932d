"""`twistd -n router`: turns flags into values and puts the router together."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.logger import Logger

from clientmigration.core.fleet.territory import METIS
from clientmigration.errors import ConfigurationError
from clientmigration.net.agent import agent_for
from clientmigration.net.carbon import Carbon
from clientmigration.net.daemon import Daemon
from clientmigration.net.descriptors import Descriptors, provide
from clientmigration.net.door import Door, InOrder, listening, steady
from clientmigration.net.events import IN_FLIGHT, Events
from clientmigration.net.guests import Guests
from clientmigration.net.ledgers import Engine, is_engine, kept_in, opened
from clientmigration.net.probe import Probe
from clientmigration.net.settings import (
    GRAPHITE,
    ORIGINS,
    TLS_CA,
    TLS_DOOR,
    Common,
    bounds_flags,
    bounds_of,
    served,
)
from clientmigration.net.web import Reception
from clientmigration.router.outside import RouterOutside, RouterSettings
from clientmigration.router.service import build
from clientmigration.router.warm_start import from_graphite

log = Logger()

VISITORS = 2048  # that come at once when a server of a fair size dies, and some who wait
VISITORS_EACH = 512  # of these, of one address: a school that waits in the queue


class Options(Common):
    """The flags of a router."""

    optParameters: Sequence[Sequence[Any]] = (
        ("name", "n", "router", "name in Graphite"),
        ("players", "p", "tcp:4100:interface=127.0.0.1", "endpoint on which players come in"),
        ("members", "m", "tcp:4101:interface=127.0.0.1", "endpoint on which members come in"),
        (
            "parent",
            None,
            "",
            "member door of the router above, in a tree; none: it is the highest",
        ),
        ORIGINS,
        *TLS_DOOR,
        TLS_CA,
        (
            "tls-client-ca",
            None,
            "",
            "authorities (PEM): who comes to `members` shows a certificate",
        ),
        *bounds_flags(connects=40, strangers=128, joins=10),
        ("ledger", None, "run/ledger.sqlite", "who owns which player: a file, or nats://..."),
        ("graphite", None, GRAPHITE, "graphite-web, for events"),
    )
    doors = ("players", "members")
    urls = ("graphite",)
    optFlags: Sequence[Sequence[Any]] = (
        ("forget", None, "begin without the last seconds, which Graphite would tell"),
    )

    def check(self) -> None:
        """The ledger's file has the same path wherever twistd goes; an engine has none."""
        self.written = () if is_engine(self["ledger"]) else ("ledger",)
        if self["parent"]:
            self.dials = ("carbon", "parent")
            if "," in self["parent"]:
                raise ConfigurationError("--parent: one router is above, not several")
            if self["name"] == "router":
                raise ConfigurationError("--parent needs --name: each router of a tree has its own")
        super().check()
        _ = self.ledger

    @cached_property
    def ledger(self) -> Path | Engine:
        """Where `--ledger` says that records are kept."""
        return kept_in(self["ledger"], "--ledger ")


def makeService(options: Options) -> Daemon:
    """What twistd runs."""
    return served(assemble, options)


def assemble(reactor: Any, options: Options) -> InOrder:
    """Every part of a router, on `reactor`."""
    if not METIS:
        log.warn("METIS is not installed: exchanges are only such moves as pay one by one")
    carbon = Carbon(clientFromString(reactor, options["carbon"]), reactor)
    graphite = options["graphite"].rstrip("/")
    events = Events(agent_for(reactor, IN_FLIGHT), graphite, reactor)
    probe = Probe(reactor)
    ledger = opened(options.ledger, reactor, os.urandom(16).hex())
    outside = RouterOutside(
        clock=reactor,
        ledger=ledger,
        seals=options.seals,
        sink=carbon,
        events=events,
        probe=probe,
        entropy=os.urandom,
        dropped=carbon.take_dropped,
        wall=time.time,
        past=None if options["forget"] else from_graphite(reactor, graphite),
    )
    shared = isinstance(options.ledger, Engine)
    settings = RouterSettings(options["name"], options.policy, shared, bool(options["parent"]))
    router = build(outside, settings)
    descriptors = Descriptors(provide(VISITORS), router.turned_away, reactor)
    origins = options.origins
    reception = Reception(router.player_line, origins, reactor, router.blame, descriptors.left)
    encryption = options.encryption
    bounds, trusted = bounds_of(options, VISITORS_EACH), options.trusted
    visitors, strangers = (Guests(bounds, trusted, reactor) for _ in range(2))
    players_door = listening(reactor, options["players"], encryption)
    players = Door(players_door, reception, guests=visitors)
    members_door = listening(reactor, options["members"], encryption, demanding=True)
    members = Door(members_door, router.member_line, guests=strangers)
    ups = (
        [
            steady(
                options.encryption.dialling(reactor, options["parent"]), router.parent_line, reactor
            )
        ]
        if options["parent"]
        else []
    )
    return InOrder(options.renewals(reactor), ledger, carbon, probe, router, members, players, *ups)
