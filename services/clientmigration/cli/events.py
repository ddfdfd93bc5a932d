"""`clientmigration events`: what happened to the fleet, as Graphite remembers it, newest last."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text
from twisted.internet.task import deferLater

from clientmigration.cli.command import DONE, Command, Output, waited
from clientmigration.cli.history import graphite_flag
from clientmigration.cli.times import clock, moment, zone
from clientmigration.errors import ConfigurationError
from clientmigration.net.graphite import GraphiteEvent, events

TAG = "clientmigration"
EVERY_S = 2.0
WITHIN_S = 10.0
LATE_S = 10  # an event is posted some seconds after its own
STYLES = {"crash": "bold red", "unreachable": "red", "overload": "red", "drain": "magenta"}


def _flags(own: ArgumentParser) -> None:
    own._negative_number_matcher = re.compile(r"-\d+[smhd]?")  # so that `--from -1h` is no flag
    graphite_flag(own)
    own.add_argument(
        "--from",
        dest="since",
        metavar="WHEN",
        default="-1h",
        help="default -1h; or a date and time",
    )
    own.add_argument("--until", metavar="WHEN", default="now", help="default now")
    own.add_argument(
        "--kind",
        default="",
        metavar="KIND",
        help="only these, such as crash or drain; several with commas",
    )
    own.add_argument("--follow", action="store_true", help="go on, until Ctrl-C")
    own.add_argument("--context", metavar="NAME", help="the fleet that is meant, by its name")


def _run(given: Namespace, answer: Output) -> int:
    since, until = moment(given.since), moment(given.until)
    if since >= until:
        raise ConfigurationError(f"--from {given.since} is not before --until {given.until}")
    kinds = frozenset(filter(None, given.kind.split(",")))
    base = given.graphite.rstrip("/")

    async def ask(reactor: Any, first: float, last: float) -> list[GraphiteEvent]:
        known = await events(reactor, base, [TAG], int(first), int(last) + 1, WITHIN_S)
        return [each for each in known if not kinds or kinds & set(each.tags)]

    async def follow(reactor: Any) -> None:
        seen: set[GraphiteEvent] = set()
        first = since
        while not answer.unheard:
            now = moment("now")
            known = await ask(reactor, first, now)
            fresh = [each for each in known if each not in seen]
            for each in fresh:
                answer.tell(each, _line(each))
            seen = set(known)
            first = max(since, now - LATE_S)
            await deferLater(reactor, EVERY_S, lambda: None)

    if given.follow:
        waited(follow)
        return DONE
    known = waited(lambda reactor: ask(reactor, since, until))
    answer.tell(known, picture(known) if known else "nothing happened in that time")
    return DONE


def kind_of(event: GraphiteEvent) -> str:
    """What it is, in a word."""
    return next((tag for tag in event.tags if tag != TAG), "")


def told(event: GraphiteEvent) -> str:
    """What happened: most have their kind for a title, and say it in their text."""
    text = "; ".join(filter(None, event.data.splitlines()))
    return text if text and event.what == kind_of(event) else event.what


def picture(known: Sequence[GraphiteEvent]) -> Table:
    """A row for each, oldest first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(f"when {zone(known[-1].when)}", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("what")
    for each in known:
        kind = kind_of(each)
        table.add_row(clock(each.when), Text(kind, STYLES.get(kind, "")), told(each))
    return table


def _line(event: GraphiteEvent) -> str:
    return f"{clock(event.when)}  {kind_of(event):<11} {told(event)}"


COMMAND = Command(
    "events", "List what happened to the fleet: joins, crashes, drains, decisions.", _flags, _run
)
