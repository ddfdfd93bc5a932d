"""`twistd -n gameserver`: turns flags into values and puts the game server together."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.internet.endpoints import clientFromString
from twisted.logger import Logger

from clientmigration.core.fleet.policy import Policy
from clientmigration.errors import ConfigurationError
from clientmigration.gameserver.agones import Sidecar, sidecar_url
from clientmigration.gameserver.chosen import chosen
from clientmigration.gameserver.files import Files
from clientmigration.gameserver.service import (
    GameServer,
    ServerOutside,
    ServerParts,
    Setting,
    build,
)
from clientmigration.gameserver.use import UsefulFile, use_of
from clientmigration.gameserver.whereabouts import Asking
from clientmigration.net.addresses import check_address, place_of
from clientmigration.net.agent import agent_for
from clientmigration.net.carbon import Carbon
from clientmigration.net.daemon import Daemon
from clientmigration.net.descriptors import Descriptors, provide
from clientmigration.net.door import Door, InOrder, dialer, listening
from clientmigration.net.games import FLAG, SETTINGS, GameFacts, settings_of
from clientmigration.net.guests import Guests
from clientmigration.net.links import RouterLinks
from clientmigration.net.probe import Probe
from clientmigration.net.prometheus import Scraped
from clientmigration.net.routers import at_most
from clientmigration.net.settings import (
    ORIGINS,
    TLS_CA,
    TLS_DOOR,
    Common,
    bounds_flags,
    bounds_of,
    hertz,
    policy_from,
    positive,
    served,
)
from clientmigration.net.web import Reception

log = Logger()

GAME_FAILED = 70  # EX_SOFTWARE of sysexits.h


class Options(Common):
    """The flags of a game server."""

    optParameters: Sequence[Sequence[Any]] = (
        (
            "router",
            "r",
            "tcp:127.0.0.1:4101",
            "endpoint of a router's member door; again for each, or a name of several",
        ),
        ("name", "n", "", "name in the fleet and in Graphite; none: the router gives one"),
        ("zone", "z", "", "where it stands: servers of one zone are equally far from any player"),
        ("listen", "l", "tcp:0:interface=127.0.0.1", "endpoint on which players come in"),
        (
            "advertise",
            "a",
            "",
            "host:port that players are told, or a URL; none: where it listens",
        ),
        (
            "inner",
            None,
            "",
            "host:port that other servers are told; none: as players, but past a proxy of theirs",
        ),
        ORIGINS,
        *TLS_DOOR,
        TLS_CA,
        *bounds_flags(connects=100, strangers=256),
        ("capacity", "c", 200, "players at most", positive),
        ("rate", None, 20, "ticks per second, 1 to 1000", hertz),
        ("files", "f", "", "folder of files that players may download; none: no files"),
        ("useful", None, "", "file that is written each second in which this server is of use"),
        FLAG,
        SETTINGS,
    )
    optFlags: Sequence[Sequence[Any]] = (
        ("agones", None, "tell Agones' sidecar how this server does"),
        ("burns", None, "let players have this server burn CPU: a test load, as of the crowd"),
    )
    doors = ("listen",)
    dials = ("carbon", "router")
    written = ("useful",)
    routers = ("router",)

    @cached_property
    def game(self) -> GameFacts:
        """What `--game` names."""
        return chosen(self["game"])

    @cached_property
    def game_settings(self) -> dict[str, str]:
        """What `--game-settings` says."""
        return settings_of(self["game-settings"])

    @cached_property
    def sidecar(self) -> str:
        """Where Agones' sidecar is; "" when it is to be told nothing."""
        return sidecar_url(os.environ) if self["agones"] else ""

    @cached_property
    def files(self) -> Files:
        """What `--files` offers."""
        return Files.of_folder(self["files"])

    def announced(self, address: str) -> str:
        """An address with the scheme that is spoken where this server listens, if it has none."""
        scheme = "" if "://" in address else self.encryption.scheme_of(self["listen"])
        return f"{scheme}{address}"

    @property
    def advertised(self) -> str:
        """What players are told, with its scheme; "" if nothing was said."""
        said = self["advertise"]
        return self.announced(str(place_of(said))) if said else ""

    def check(self) -> None:
        """The game, the files and the address that players are told, too."""
        super().check()
        for flag in filter(self.get, ("advertise", "inner")):
            check_address(self[flag], f"--{flag} ")
        if self["useful"] and not Path(self["useful"]).parent.is_dir():
            raise ConfigurationError(f"--useful {self['useful']}: there is no folder for it")
        _ = self.files, self.sidecar
        _ = self.game, self.game_settings


def makeService(options: Options) -> Daemon:
    """A game server as twistd runs it."""
    return served(assemble, options)


def assemble(reactor: Any, options: Options) -> InOrder:
    """Every part of a game server, on `reactor`."""
    carbon = Carbon(clientFromString(reactor, options["carbon"]), reactor)
    probe = Probe(reactor)
    scraped = Scraped(reactor, options["prometheus"], "gameserver")
    setting = Setting(
        options["name"],
        options.advertised,
        options["capacity"],
        options["rate"],
        options.policy,
        options["zone"],
        options["inner"],
        at_most(options["router"]),
        bool(options["burns"]),
        options.game_settings,
    )
    outside = ServerOutside(
        clock=reactor,
        seals=options.seals,
        sink=scraped.beside(carbon),
        probe=probe,
        cpu=time.process_time,
        entropy=os.urandom,
        dial=dialer(reactor, options.encryption.trust),
        dropped=carbon.take_dropped,
        end=lambda why: end(reactor, why),
        stop=reactor.stop,
        wall=time.time,
    )
    parts = ServerParts(options.game.make, options.files)
    server = build(outside, setting, parts)
    options.again.append(partial(judge_again, options["policy"], server.govern))
    encryption = options.encryption
    listen = listening(reactor, options["listen"], encryption)
    descriptors = Descriptors(provide(2 * setting.capacity), server.turned_away, reactor)
    origins = options.origins
    reception = Reception(server.player_line, origins, reactor, server.blame, descriptors.left)

    def found_at(address: str) -> None:
        server.found_at(options.announced(address))
        encryption.suits(server.attachment.address)

    guests = Guests(bounds_of(options, 2 * setting.capacity), options.trusted, reactor)
    door = Door(listen, reception, found_at, guests)
    dialling = partial(encryption.dialling, reactor)
    links: IService = RouterLinks(reactor, dialling, options["router"], server.router_line)
    if options.sidecar and not options["advertise"]:
        told = server.attachment.advertise
        links = Asking(agent_for(reactor), options.sidecar, told, links, reactor)
    lookers = looking(reactor, options, server)
    below = [options.renewals(reactor), *scraped.door, carbon, probe, *lookers]
    return InOrder(*below, door, links, server)


def judge_again(file: str, govern: Callable[[Policy], None]) -> None:
    """SIGHUP: the file that `--policy` names may be another now."""
    if not file:
        log.info("SIGHUP: there is no --policy to read again")
        return
    try:
        govern(policy_from(file))
    except ConfigurationError as error:
        log.warn("policy {file} not taken, the old one holds: {error}", file=file, error=str(error))
    else:
        log.info("policy {file} read again", file=file)


def looking(reactor: Any, options: Options, server: GameServer) -> list[IService]:
    """Those who tell whoever started this server how it does, to its very end."""
    use = partial(use_of, server, options["capacity"])
    lookers: list[IService] = []
    if options["useful"]:
        lookers.append(UsefulFile(Path(options["useful"]), use, reactor))
    if options.sidecar:
        lookers.append(Sidecar(agent_for(reactor, kept=1), options.sidecar, use, reactor))
    return lookers


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
