"""`twistd -n status`: its flags, and how the status daemon is put together from them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from twisted.application import strports
from twisted.application.service import IService

from clientmigration.net.addresses import check_url
from clientmigration.net.beats import Beats
from clientmigration.net.daemon import Daemon
from clientmigration.net.descriptors import provide
from clientmigration.net.door import InOrder, with_backlog
from clientmigration.net.graphite import Series, render
from clientmigration.net.operator import watching
from clientmigration.net.routers import dialled_in_turn
from clientmigration.net.settings import GRAPHITE, Common, positive, served
from clientmigration.net.tickets import Proofs
from clientmigration.status.assets import static_files
from clientmigration.status.board import Board
from clientmigration.status.history import BACK_S, TARGETS, History
from clientmigration.status.limits import Allowed, RateLimits
from clientmigration.status.sample import SampleFeed
from clientmigration.status.scaling import AutoscalerWebhook
from clientmigration.status.service import StatusService
from clientmigration.status.site import PublicPages, StatusSite
from clientmigration.status.sse import EventStreams
from clientmigration.status.watcher import Watcher
from clientmigration.wire.operators import Watch

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
            "endpoint of a router's member door, again for each; or sample",
        ),
        ("watch-key", None, "", "file with the watchers' key; none: it is made from the secret"),
        ("play", None, "", "where browsers play: ws://host:port, or :port of the page's own host"),
        ("graphite", None, GRAPHITE, "graphite-web, for history"),
        ("readers", None, 5000, "event streams at most", positive),
        ("readers-each", None, 30, "event streams of one address at most", positive),
        ("requests-each", None, 20, "requests of one address per second at most", positive),
    )
    doors = ("listen",)
    routers = ("router",)
    urls = ("graphite",)
    keyed = False  # there may be a key for watchers instead, or only the sample

    @property
    def dials(self) -> Sequence[str]:  # type: ignore[override]
        """The sample is no router."""
        return ("carbon",) if self["router"] == "sample" else ("carbon", "router")

    @cached_property
    def proofs(self) -> Proofs:
        """What the router is shown: the watchers' key, or one made from the cluster's secret."""
        key = self["watch-key"]
        return Proofs.from_file(Path(key)) if key else self.seals.proofs("watcher")

    def check(self) -> None:
        """Where browsers play, too; and the key, where there is a router to be shown it."""
        super().check()
        if self["play"]:
            check_url(self["play"], "--play ", ("ws", "wss"), PLAY, or_port=True)
        if self["router"] != "sample":
            _ = self.proofs


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
    service = StatusService(reactor, beats, board, streams, options["play"], webhook.status)
    history = History(reactor, beats, lambda: recalled(reactor, options["graphite"]))
    made = {**service.answers(), "api/v1/history.json": history.answer}
    pages = PublicPages(reactor, RateLimits(allowed), streams, static_files(), made)
    pages.putChild(b"autoscale", webhook)
    site = StatusSite(pages, reactor, 2 * allowed.readers)
    door = strports.service(with_backlog(options["listen"]), site, reactor)
    return InOrder(feed(reactor, options, service), service, door)


def feed(reactor: Any, options: Options, service: StatusService) -> IService:
    """What feeds the service: a router, or the sample."""
    if options["router"] == "sample":
        return SampleFeed(service, reactor)
    endpoint = dialled_in_turn(reactor, options["router"])
    heard = Watcher(service).heard
    return watching(reactor, endpoint, options.proofs, heard, watch=Watch(world=True))


async def recalled(reactor: Any, graphite: str) -> tuple[Series, ...]:
    """What graphite-web remembers."""
    return await render(reactor, graphite, TARGETS, BACK_S)
