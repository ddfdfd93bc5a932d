"""`twistd -n status`: turns flags into values and puts the status daemon together."""

from __future__ import annotations

import os
import resource
from collections.abc import Sequence
from typing import Any

from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import IService
from twisted.internet.endpoints import serverFromString

from clientmigration.errors import ConfigurationError
from clientmigration.net.door import InOrder
from clientmigration.net.settings import Common, positive, served
from clientmigration.status.board import Board
from clientmigration.status.limits import Allowance, Turnstile
from clientmigration.status.readers import Readers
from clientmigration.status.sample import Sample
from clientmigration.status.service import Shown
from clientmigration.status.shelf import shelf
from clientmigration.status.site import Root, Served

SPARE_FILES = 64  # for everything that is not a connection


class Options(Common):
    """The flags of a status daemon."""

    optParameters: Sequence[Sequence[Any]] = (
        ("listen", "l", "tcp:8000:interface=127.0.0.1", "endpoint on which browsers come in"),
        ("router", "r", "sample", "whom to watch; `sample`: a pretended fleet"),
        (
            "play",
            None,
            "",
            "where browsers play, ws://host:port; none: the page has no Play button",
        ),
        ("readers", None, 5000, "event streams at most", positive),
        ("readers-each", None, 30, "event streams of one address at most", positive),
    )


def makeService(options: Options) -> InOrder:
    """See the module."""
    return served(assemble, options)


def assemble(reactor: Any, options: Options) -> InOrder:
    """Every part of a status daemon, on `reactor`."""
    allowance = Allowance(readers=options["readers"], readers_each=options["readers-each"])
    room_for(allowance.readers)
    readers = Readers(reactor)
    shown = Shown(reactor, Board(os.urandom), readers, options["play"])
    root = Root(reactor, Turnstile(allowance), readers, shelf(), shown.answers())
    site = Served(root, reactor, 2 * allowance.readers)
    listening = StreamServerEndpointService(serverFromString(reactor, options["listen"]), site)
    listening._raiseSynchronously = True  # a port that is taken ends the program, as everywhere
    return InOrder(feed(reactor, options, shown), shown, listening)


def feed(reactor: Any, options: Options, shown: Shown) -> IService:
    """Whoever tells it."""
    if options["router"] == "sample":
        return Sample(shown, reactor)
    raise ConfigurationError(f"--router {options['router']}: cannot be watched yet")


def room_for(readers: int) -> None:
    """Let the process have as many open files as that many connections need, if it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * readers + SPARE_FILES
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
