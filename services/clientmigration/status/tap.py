"""`twistd -n status`: its flags, and how the status daemon is put together from them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from twisted.application.service import IService

from clientmigration.net.addresses import check_url
from clientmigration.net.beats import Beats
from clientmigration.net.daemon import Daemon
from clientmigration.net.descriptors import provide
from clientmigration.net.door import InOrder, SiteDoor, listening
from clientmigration.net.games import FLAG, GameFacts, facts
from clientmigration.net.graphite import Series, render
from clientmigration.net.guests import Guests
from clientmigration.net.operator import watching
from clientmigration.net.prometheus import Scraped
from clientmigration.net.renewed import Renewable, Renewing
from clientmigration.net.routers import dialled_in_turn
from clientmigration.net.settings import (
    GRAPHITE,
    GRAPHITE_CA,
    TLS_CA,
    TLS_DOOR,
    Common,
    bounds_flags,
    bounds_of,
    positive,
    served,
)
from clientmigration.net.tickets import Proofs, keys_in
from clientmigration.status import uptime
from clientmigration.status.answers import PublicAnswer
from clientmigration.status.assets import files_below, static_files
from clientmigration.status.board import Board
from clientmigration.status.history import BACK_S, TARGETS, History
from clientmigration.status.limits import Allowed, RateLimits
from clientmigration.status.sample import SampleFeed
from clientmigration.status.scaling import AutoscalerWebhook
from clientmigration.status.service import StatusService
from clientmigration.status.site import PublicPages, StatusSite
from clientmigration.status.sse import EventStreams
from clientmigration.status.watcher import Watcher
from clientmigration.status.wishes import LatestLink, WishDesk
from clientmigration.wire.operators import Watch

LINKS = ("docs", "grafana")
LINK = "https://docs.example.org/"
PLAY = "ws://play.example.org:4100 or :4100"
BURST_S = 5  # seconds of requests that may come at once


class Options(Common):
    """The flags of a status daemon."""

    optParameters: Sequence[Sequence[Any]] = (
        ("listen", "l", "tcp:8000:interface=127.0.0.1", "endpoint on which browsers connect"),
        (
            "router",
            "r",
            "tcp:127.0.0.1:4101",
            "endpoint of a router's member door, again for each; or sample, or sample:12",
        ),
        *TLS_DOOR,
        TLS_CA,
        ("watch-key", None, "", "file with the watchers' key; none: it is made from the secret"),
        (
            "play",
            None,
            "",
            "where browsers play: wss://host:port, or :port of the page's own host",
        ),
        ("docs", None, "", "where the documentation is, for a link: https://... or :port"),
        ("grafana", None, "", "where Grafana is, for a link: https://... or :port"),
        FLAG,
        ("graphite", None, GRAPHITE, "graphite-web, for history"),
        GRAPHITE_CA,
        ("readers", None, 5000, "event streams at most", positive),
        ("readers-each", None, 30, "event streams of one address at most", positive),
        *bounds_flags(connects=40, strangers=200),
        ("requests-each", None, 20, "requests of one address per second at most", positive),
    )
    doors = ("listen",)
    routers = ("router",)
    urls = ("graphite",)
    read_again = ("secret-file", "watch-key")
    keyed = False  # there may be a key for watchers instead, or only the sample

    @property
    def sample(self) -> int:
        """How many servers the pretended fleet has; 0: there is a router."""
        word, _, servers = self["router"].partition(":")
        return int(servers or SampleFeed.servers) if word == "sample" else 0

    @property
    def links(self) -> dict[str, str]:
        """What else there is to see, by name."""
        return {name: self[name] for name in LINKS if self[name]}

    @property
    def dials(self) -> Sequence[str]:  # type: ignore[override]
        """The sample is no router."""
        return ("carbon",) if self.sample else ("carbon", "router")

    @cached_property
    def proofs(self) -> Proofs:
        """What the router is shown: the watchers' key, or one made from the cluster's secret."""
        return Proofs(lambda: self.watch_keys) if self.watch_keys else self.seals.proofs("watcher")

    @cached_property
    def watch_keys(self) -> list[bytes]:
        """The watchers' keys of the file that `--watch-key` names, if it names one."""
        return [*keys_in(Path(self["watch-key"]))] if self["watch-key"] else []

    @property
    def renewable(self) -> list[Renewable]:
        """The watchers' key, or the cluster's secret; the sample has none; and TLS's files."""
        if not self.watch_keys:
            return [*self.encryption.files] if self.sample else super().renewable

        def take() -> str:
            self.watch_keys[:] = keys_in(Path(self["watch-key"]))
            return f"{len(self.watch_keys)} shown from now on"

        key = self["watch-key"]
        return [Renewing(f"watchers' key {key}", [key], take), *self.encryption.files]

    @cached_property
    def game(self) -> GameFacts:
        """What `--game` names."""
        return facts(self["game"])

    @property
    def page(self) -> str:
        """Where the files of the game's page are; "" if it has none."""
        return f"games/{self.game.name}/" if self.game.page else ""

    @property
    def offered(self) -> dict[str, Any]:
        """What the status document says of what is played, where, and what else there is to see."""
        game = {"name": self.game.name, "page": self.page and f"{self.page}page.js"}
        beside = {"play": self["play"], "links": self.links}
        return {"game": game, **{name: each for name, each in beside.items() if each}}

    def check(self) -> None:
        """The game, where browsers play, and the key, where there is a router to be shown it."""
        super().check()
        if self["play"]:
            schemes = ("ws", "wss", "clientmigration", "clientmigrations")
            check_url(self["play"], "--play ", schemes, PLAY, or_port=True)
        for name in LINKS:
            if self[name]:
                check_url(self[name], f"--{name} ", ("https", "http"), LINK, or_port=True)
        if not self.sample:
            _ = self.proofs
        _ = self.game


def makeService(options: Options) -> Daemon:
    """The status daemon that these flags ask for."""
    return served(assemble, options)


def assemble(reactor: Any, options: Options) -> InOrder:
    """Every part of a status daemon, on `reactor`."""
    allowed = Allowed(
        per_s=options["requests-each"],
        burst=BURST_S * options["requests-each"],
        readers=options["readers"],
        readers_each=options["readers-each"],
    )
    provide(2 * allowed.readers)
    beats, streams, board = Beats(reactor), EventStreams(reactor), Board(os.urandom)
    webhook = AutoscalerWebhook(reactor, options.policy.autoscale)
    service = StatusService(reactor, beats, board, streams, options.offered, webhook.status)
    graphite, link = options["graphite"].rstrip("/"), LatestLink()
    history = History(reactor, beats, partial(recalled, reactor, options))
    days = History(
        reactor,
        beats,
        lambda: render(
            reactor,
            graphite,
            uptime.TARGETS,
            uptime.BACK_S,
            uptime.ANSWERS_WITHIN_S,
            options.graphite_trust,
        ),
        lambda available, series: uptime.answer(available, series, reactor.seconds()),
        uptime.KEPT_S,
    )
    made = {
        **service.answers(),
        "api/v1/history.json": history.answer,
        "api/v1/uptime.json": days.answer,
    }
    trusted, limits = options.trusted, RateLimits(allowed)
    pages = PublicPages(reactor, limits, streams, pages_of(options), made, trusted)
    pages.post("api/v1/move", WishDesk(reactor, link.wish).take)
    pages.putChild(b"autoscale", webhook)
    guests = Guests(bounds_of(options, 0), trusted, reactor)
    site = StatusSite(pages, reactor, 2 * allowed.readers, guests)
    door = SiteDoor(listening(reactor, options["listen"], options.encryption), site)
    scraped = Scraped(reactor, options["prometheus"], "status")
    watched = feed(reactor, options, service, link)
    parts = [options.renewals(reactor), *scraped.door, watched, service, door]
    return InOrder(*parts)


def pages_of(options: Options) -> dict[str, PublicAnswer]:
    """The site's files, and those of the game's page."""
    folder = options.game.page
    return {**static_files(), **(files_below(folder, options.page) if folder else {})}


def feed(reactor: Any, options: Options, service: StatusService, link: LatestLink) -> IService:
    """What feeds the service: a router, or the sample."""
    if options.sample:
        return SampleFeed(service, reactor, servers=options.sample)
    dialling = partial(options.encryption.dialling, reactor)
    endpoint = dialled_in_turn(reactor, dialling, options["router"])
    heard = Watcher(service, options.game.side_m, options.game.cell_m).heard
    return watching(
        reactor, endpoint, options.proofs, heard, watch=Watch(world=True), made=link.made
    )


async def recalled(reactor: Any, options: Options) -> tuple[Series, ...]:
    """What graphite-web remembers."""
    graphite = options["graphite"].rstrip("/")
    return await render(reactor, graphite, TARGETS, BACK_S, trust=options.graphite_trust)
