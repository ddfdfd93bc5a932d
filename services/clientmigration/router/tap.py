"""`twistd -n router`: turns flags into values and puts the router together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.internet.endpoints import clientFromString
from twisted.logger import Logger

from clientmigration.core.fleet.territory import METIS
from clientmigration.core.player.names import GROUPS, SUBJECTS, NamePattern
from clientmigration.errors import ConfigurationError
from clientmigration.net.agent import agent_for
from clientmigration.net.carbon import Carbon
from clientmigration.net.daemon import Daemon
from clientmigration.net.descriptors import Descriptors, provide
from clientmigration.net.door import Door, InOrder, listening
from clientmigration.net.events import IN_FLIGHT, Events
from clientmigration.net.guests import Guests
from clientmigration.net.key_sets import (
    KeySetFile,
    KeySetURL,
    LoginKeys,
    authorities_in,
    check_key_url,
    key_agent,
)
from clientmigration.net.ledgers import NatsAddress, is_engine, kept_in, opened
from clientmigration.net.links import RouterLinks
from clientmigration.net.logins import LoginRules, Logins
from clientmigration.net.named_keys import NamedKeys
from clientmigration.net.probe import Probe
from clientmigration.net.prometheus import Scraped
from clientmigration.net.renewed import Renewable, Renewing
from clientmigration.net.routers import at_most
from clientmigration.net.settings import (
    GRAPHITE,
    GRAPHITE_CA,
    ORIGINS,
    TLS_CA,
    TLS_DOOR,
    Common,
    bounds_flags,
    bounds_of,
    check_name,
    positive,
    served,
)
from clientmigration.net.web import Reception
from clientmigration.router.identities import Admission
from clientmigration.router.outside import RouterOutside, RouterSettings
from clientmigration.router.service import build
from clientmigration.router.warm_start import from_graphite

log = Logger()

VISITORS = 2048  # that come at once when a server of a fair size dies, and some who wait
VISITORS_EACH = 512  # of these, of one address: a school that waits in the queue


class Options(Common):
    """The flags of a router."""

    optParameters: Sequence[Sequence[Any]] = (
        ("name", "n", "router", "name in Graphite, and among equal routers"),
        ("players", "p", "tcp:4100:interface=127.0.0.1", "endpoint on which players come in"),
        ("members", "m", "tcp:4101:interface=127.0.0.1", "endpoint on which members come in"),
        (
            "parent",
            None,
            "",
            "member door of the router above, in a tree; again for each, or a name of several",
        ),
        (
            "zone-name",
            None,
            "",
            "what equal routers are called together by the router above; none: --name",
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
        (
            "login-keys",
            None,
            "",
            "key set (JWKS) of the game's own backend, a file or https://...: players may log in",
        ),
        ("login-issuer", None, "", "whom logins have to be from (iss)"),
        ("login-audience", None, "", "what logins have to be for (aud)"),
        ("login-names", None, SUBJECTS, "what the subject of a login (sub) has to match"),
        ("login-hours", None, 12, "how long one who has logged in comes back without", positive),
        ("login-ca", None, "", "authorities (PEM) to trust for that URL, not the system's"),
        ("group-names", None, GROUPS, "what the name of a group has to match"),
        ("operators", None, "", "file with the keys of operators who have names"),
        GRAPHITE_CA,
    )
    doors = ("players", "members")
    routers = ("parent",)
    urls = ("graphite",)
    read_again: Sequence[str] = ("secret-file", "operators")
    optFlags: Sequence[Sequence[Any]] = (
        ("forget", None, "begin without the last seconds, which Graphite would tell"),
        ("logins-only", None, "nobody plays without a login"),
    )

    def check(self) -> None:
        """The ledger's file has the same path wherever twistd goes; an engine has none. So has a
        key set that is a file."""
        self.written = () if is_engine(self["ledger"]) else ("ledger",)
        if self["login-keys"] and "://" not in self["login-keys"]:
            self.read_again = (*self.read_again, "login-keys")
        if self["parent"]:
            self.dials = ("carbon", "parent")
            if self["name"] == "router":
                raise ConfigurationError("--parent needs --name: each router of a tree has its own")
        if zone := self["zone-name"]:
            check_name(zone, "--zone-name")
            if not self["parent"] or not is_engine(self["ledger"]):
                raise ConfigurationError(
                    "--zone-name is for equal routers (--ledger nats://...) with a --parent"
                )
        super().check()
        _ = self.ledger, self.operators, self.login_rules, self.login_file, self.groups
        if "://" in self["login-keys"]:
            check_key_url(self["login-keys"])
        _ = self.login_trust

    @cached_property
    def operators(self) -> NamedKeys:
        """The keys of operators who have names."""
        path = self["operators"]
        return NamedKeys.from_file(Path(path)) if path else NamedKeys()

    @cached_property
    def groups(self) -> NamePattern:
        """What groups may be called."""
        return _pattern("group", self["group-names"], "--group-names ")

    @cached_property
    def login_rules(self) -> LoginRules | None:
        """What logins have to say, if there are any."""
        told = [name for name in ("login-issuer", "login-audience") if self[name]]
        if not self["login-keys"]:
            if told or self["logins-only"]:
                raise ConfigurationError(
                    f"--{[*told, 'logins-only'][0]} without --login-keys: nobody could log in"
                )
            return None
        if len(told) < 2:
            raise ConfigurationError("--login-keys needs --login-issuer and --login-audience")
        subjects = _pattern("subject of a login", self["login-names"], "--login-names ")
        return LoginRules(self["login-issuer"], self["login-audience"], subjects)

    @cached_property
    def login_file(self) -> KeySetFile | None:
        """The key set, if it is a file."""
        path = self["login-keys"]
        return KeySetFile(Path(path)) if path and "://" not in path else None

    @cached_property
    def login_trust(self) -> Any:
        """Whom to believe that the URL of a key set is what it says; None: as the system does."""
        return authorities_in(self["login-ca"]) if self["login-ca"] else None

    @property
    def renewable(self) -> list[Renewable]:
        """And the keys of operators and logins."""
        more: list[Renewable] = []
        if path := self["operators"]:
            read = partial(self.operators.read, Path(path))
            more.append(Renewing(f"keys of operators {path}", [path], read))
        if self.login_file is not None:
            path = self["login-keys"]
            more.append(Renewing(f"key set {path}", [path], self.login_file.read))
        return [*super().renewable, *more]

    @cached_property
    def ledger(self) -> Path | NatsAddress:
        """Where `--ledger` says that records are kept."""
        return kept_in(self["ledger"], "--ledger ")


def _pattern(what: str, pattern: str, flag: str) -> NamePattern:
    try:
        return NamePattern(what, pattern)
    except ValueError as error:
        raise ConfigurationError(f"{flag}{error}") from error


def makeService(options: Options) -> Daemon:
    """What twistd runs."""
    return served(assemble, options)


def assemble(reactor: Any, options: Options) -> InOrder:
    """Every part of a router, on `reactor`."""
    if not METIS:
        log.warn("METIS is not installed: exchanges are only such moves as pay one by one")
    carbon = Carbon(clientFromString(reactor, options["carbon"]), reactor)
    graphite = options["graphite"].rstrip("/")
    trust = options.graphite_trust
    events = Events(agent_for(reactor, IN_FLIGHT, trust), graphite, reactor)
    probe = Probe(reactor)
    scraped = Scraped(reactor, options["prometheus"], "router")
    ledger = opened(options.ledger, reactor, os.urandom(16).hex())
    keys, fetching = login_keys(reactor, options)
    outside = RouterOutside(
        clock=reactor,
        ledger=ledger,
        seals=options.seals,
        sink=scraped.beside(carbon),
        events=events,
        probe=probe,
        entropy=os.urandom,
        dropped=carbon.take_dropped,
        wall=time.time,
        past=None if options["forget"] else from_graphite(reactor, graphite, trust=trust),
        operators=options.operators,
        admission=admission(options, keys),
        login_keys=measured(keys),
    )
    shared = isinstance(options.ledger, NatsAddress)
    parents = at_most(options["parent"]) if options["parent"] else 0
    settings = RouterSettings(
        options["name"], options.policy, shared, options["policy"], parents, options["zone-name"]
    )
    router = build(outside, settings)
    options.again.append(router.governing.read_again)
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
    below = [options.renewals(reactor), *scraped.door, *fetching, ledger, carbon, probe]
    dialling = partial(encryption.dialling, reactor)
    upward = (
        [RouterLinks(reactor, dialling, options["parent"], router.parent_line)] if parents else []
    )
    return InOrder(*below, router, members, players, *upward)


def login_keys(reactor: Any, options: Options) -> tuple[LoginKeys | None, list[IService]]:
    """Where the keys of logins are had from, if there are any, and what has to run for that."""
    if options.login_rules is None or options.login_file is not None:
        return options.login_file, []
    agent = key_agent(reactor, options.login_trust)
    fetched = KeySetURL(agent, options["login-keys"], reactor)
    return fetched, [fetched]


def admission(options: Options, keys: LoginKeys | None) -> Admission:
    """Who may play."""
    rules = options.login_rules
    backend = Logins(keys, rules, time.time) if keys is not None and rules is not None else None
    anonymous = not options["logins-only"]
    return Admission(backend, anonymous, options["login-hours"], options.groups)


def measured(keys: LoginKeys | None) -> Callable[[], Mapping[str, float]]:
    """What is measured of a key set."""
    return dict if keys is None else keys.measures
