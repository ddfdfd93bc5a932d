"""The daemon `twistd -n crowd`: turns flags into values and puts a crowd together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import clientFromString

from clientmigration.client.crowd import Crowd, Telling
from clientmigration.client.finding import dialer, parse_url, scheme_of
from clientmigration.client.habits import Habits, Idle, MakeBehaviour
from clientmigration.client.loads import Shares
from clientmigration.net.carbon import Carbon
from clientmigration.net.daemon import Daemon
from clientmigration.net.descriptors import provide
from clientmigration.net.door import InOrder
from clientmigration.net.games import FLAG, attribute, facts
from clientmigration.net.probe import Probe
from clientmigration.net.prometheus import Scraped
from clientmigration.net.renewed import Renewals
from clientmigration.net.settings import Common, percent, positive, served

CONNECTIONS = 3  # of each player, while it looks for a server


class Options(Common):
    """The flags of a crowd."""

    optParameters: Sequence[Sequence[Any]] = (
        ("router", "r", "clientmigration://127.0.0.1:4100", "where to play; again for each router"),
        ("tls-ca", None, "", "authorities (PEM) to trust instead of the system's"),
        ("name", "n", "crowd", "name in Graphite"),
        ("players", "p", 300, "how many", positive),
        ("seed", "s", 1, "decides how they behave", int),
        ("burn", "b", 40, "CPU that each usually asks for, microseconds per tick", int),
        ("summary", None, "", "file for an exact summary of what was felt, written at the end"),
        ("party", None, 160, "CPU that each asks for at a party, microseconds per tick", int),
        ("downloads", None, 10, "percent of the players that download files now and then", percent),
        ("subscriptions", None, 20, "percent of the players that follow a topic", percent),
        FLAG,
    )
    routers = ("router",)
    written = ("summary",)
    keyed = False
    optFlags: Sequence[Sequence[Any]] = (
        (
            "hold-coins",
            None,
            "give coins, but lay none down: what lies on a server dies with it",
        ),
    )

    @cached_property
    def behaving(self) -> MakeBehaviour:
        """How the players of this game behave, as the game says."""
        crowd = facts(self["game"]).crowd
        if not crowd:
            return Idle
        behaving: MakeBehaviour = attribute(crowd, f"--game {self['game']}: its crowd {crowd}")
        return behaving

    def check(self) -> None:
        """The address and the game, too."""
        super().check()
        parse_url(self["router"])
        _ = self.behaving


def makeService(options: Options) -> Daemon:
    """What twistd runs: a crowd as the flags say."""
    return served(assemble, options)


def assemble(reactor: Any, options: Options) -> InOrder:
    """Every part of a crowd, on `reactor`, in the order in which they start."""
    provide(CONNECTIONS * options["players"])
    carbon = Carbon(clientFromString(reactor, options["carbon"]), reactor)
    probe = Probe(reactor)
    scraped = Scraped(reactor, options["prometheus"], "crowd")
    habits = Habits(
        options["players"],
        options["seed"],
        options["burn"],
        options["party"],
        Shares(options["downloads"] / 100, options["subscriptions"] / 100),
        not options["hold-coins"],
    )
    file = Path(options["summary"]) if options["summary"] else None
    telling = Telling(
        options["name"], scraped.beside(carbon), probe, carbon.take_dropped, file, time.time
    )
    url, encryption = options["router"], options.encryption
    dial = dialer(reactor, trust=encryption.trust, scheme=scheme_of(url))
    crowd = Crowd(reactor, parse_url(url), dial, habits, telling, options.behaving)
    return InOrder(Renewals(reactor, encryption.files), *scraped.door, carbon, probe, crowd)
