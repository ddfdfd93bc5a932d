"""`clientmigration doctor`: looks a whole fleet over. Each line says good, or what to do.

It asks routers, knocks at every door as players do, asks Graphite and, where it can be asked from
here, the ledger. It changes nothing, and nobody joins.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from time import time
from typing import Any

from rich.table import Table
from rich.text import Text

from clientmigration.cli import findings
from clientmigration.cli.command import DONE, NO, Command, Output, waited
from clientmigration.cli.findings import Checked
from clientmigration.cli.history import graphite_flag
from clientmigration.cli.knocking import knock_at
from clientmigration.cli.router import (
    LEDGER,
    credentials_of,
    dialling,
    router_flags,
    routers_of,
)
from clientmigration.errors import Away, ClientMigrationError, ConfigurationError
from clientmigration.net.encryption import FLAGS, Encryption
from clientmigration.net.graphite import render
from clientmigration.net.ledgers import is_engine, kept_in, opened
from clientmigration.net.operator import OperatorClient, entered
from clientmigration.net.routers import Way
from clientmigration.net.shipped import VERSION
from clientmigration.net.tickets import secrets_in
from clientmigration.net.worldclock import monotonic
from clientmigration.wire.operators import Overview

ANSWER_S = 5.0
NEWEST = "clientmigration.router.*.carbon_dropped"
STYLES = {"good": "green", "look": "yellow", "bad": "bold red"}
WORDS = {"good": "good", "look": "look", "bad": "BAD"}


def _flags(own: ArgumentParser) -> None:
    router_flags(own)
    graphite_flag(own)
    own.add_argument(
        "--ledger",
        metavar="LEDGER",
        help=f"as the router's, if it can be reached from here; default {LEDGER} if there is one",
    )
    own.add_argument(
        "--play",
        metavar="URL",
        help="where players reach the router; default: where the stack noted that it is",
    )


def _run(given: Namespace, answer: Output) -> int:
    found = waited(lambda reactor: look(monotonic(reactor), given))
    bad = sum(each.verdict == "bad" for each in found)
    answer.tell({"good": not bad, "findings": found}, picture(found))
    return NO if bad else DONE


async def look(reactor: Any, given: Namespace) -> list[Checked]:
    """All that can be found."""
    found = [_own_key(given) if given.operator_key else _secret(given)]
    known = list[Overview]()
    routers = await routers_of(reactor, given)
    if found[0].verdict != "bad":
        found += [await _router(reactor, given, each, known) for each in routers]
    if known:
        found += [
            *findings.routers(known),
            findings.versions(VERSION, known),
            *findings.clocks(time(), known),
            *findings.fleet(known[0]),
            *await _doors(reactor, given, known[0]),
            *findings.stored(known[0]),
        ]
    found += await _ledger(reactor, given)
    found.append(await _graphite(reactor, given))
    if known:
        found += findings.dropped(known[0])
    return found


def _secret(given: Namespace) -> Checked:
    path = given.secret_file
    try:
        mode, count, error = Path(path).stat().st_mode, len(secrets_in(Path(path))), ""
        credentials_of(given, "watcher")
    except FileNotFoundError:
        mode, count, error = None, 0, ""
    except (OSError, ConfigurationError) as problem:
        mode, count, error = None, 0, str(problem)
    return findings.secret(path, mode, count, error)


def _own_key(given: Namespace) -> Checked:
    """Who has a key of its own needs no secret."""
    try:
        name = credentials_of(given, "watcher").name
    except ConfigurationError as problem:
        do = "name the file with your key; who has the cluster's secret needs none"
        return Checked("key", "bad", str(problem), do)
    return Checked("key", "good", f"{given.operator_key}, of {name}")


async def _router(reactor: Any, given: Namespace, where: Way, known: list[Overview]) -> Checked:
    """Whether this one lets us in; what it shows is added to what is known."""
    client, began = OperatorClient(reactor, credentials_of(given, "watcher")), reactor.seconds()
    try:
        way = dialling(reactor, given)(where.said, where.at)
        await entered(way, client, str(where), given.timeout)
    except ClientMigrationError as error:
        do = (
            "start the router, or name it with --router; can its member port be reached from here?"
            if isinstance(error, Away)
            else "--secret-file names another cluster's secret, or --tls-ca is missing"
        )
        return Checked("router", "bad", str(error), do)
    client.leave()
    assert client.overview is not None
    known.append(client.overview)
    took_ms = (reactor.seconds() - began) * 1000
    return Checked("router", "good", f"{client.router} at {where} lets us in, {took_ms:.0f} ms")


async def _doors(reactor: Any, given: Namespace, overview: Overview) -> Sequence[Checked]:
    """As players have it: the router's door, if it is known, and that of every server."""
    encryption = Encryption.of({name: getattr(given, name.replace("-", "_"), "") for name in FLAGS})
    doors = {each.name: each.address for each in overview.members if each.role == "gameserver"}
    if given.play:
        doors = {"the router": given.play, **doors}
    knocks = await knock_at(reactor, encryption.trust, doors.values())
    pairs = zip(doors.items(), knocks, strict=True)
    return list(findings.doors({name: (address, each) for (name, address), each in pairs}))


async def _ledger(reactor: Any, given: Namespace) -> list[Checked]:
    """The file or the engine itself, where it is to be found from here; and the file's disk."""
    name = given.ledger.partition("?")[0]
    if not is_engine(given.ledger) and not Path(given.ledger).exists():
        if given.ledger == LEDGER:
            return []
        return [findings.kept(name, (), "there is no such file")]
    try:
        wrong, error = await _asked(reactor, given.ledger)
    except ConfigurationError as problem:
        wrong, error = [], str(problem)
    found = [findings.kept(name, wrong, error)]
    if not is_engine(given.ledger):
        disk = os.statvfs(Path(given.ledger).absolute().parent)
        found += findings.room(name, disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize)
    return found


async def _asked(reactor: Any, where: str) -> tuple[list[str], str]:
    """What is wrong in it, and why it cannot be asked."""
    ledger = opened(kept_in(where, "--ledger "), reactor, os.urandom(16).hex(), ANSWER_S)
    ledger.startService()
    try:
        return await ledger.check().addTimeout(2 * ANSWER_S, reactor), ""
    except Exception as problem:  # whatever it says of itself is what is to be told
        said = str(problem) or type(problem).__name__
        return ([], said) if is_engine(where) else ([said], "")
    finally:
        await (ledger.stopService() or _nothing())
        ledger.close()


async def _nothing() -> None:
    """There was nothing to wait for."""


async def _graphite(reactor: Any, given: Namespace) -> Checked:
    base = given.graphite.rstrip("/")
    newest: float | None = None
    try:
        series = await render(reactor, base, [NEWEST], 120)
        points = [when for each in series for value, when in each.datapoints if value is not None]
        newest, error = max(points, default=None), ""
    except Away as problem:
        error = str(problem)
    return findings.graphite(base, newest, time(), error)


def picture(found: Sequence[Checked]) -> Table:
    """A row for each; what there is to do stands below what is not good."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for width in (5, 16, None):
        table.add_column(min_width=width, no_wrap=width is not None)
    for each in found:
        said = Text(each.said)
        if each.do:
            said.append(f"\n→ {each.do}", "bold")
        table.add_row(Text(WORDS[each.verdict], STYLES[each.verdict]), each.what, said)
    bad = sum(each.verdict == "bad" for each in found)
    looks = sum(each.verdict == "look" for each in found)
    verdict = f"{bad} bad, {looks} to look at" if bad or looks else "all is good"
    table.add_row("", "", Text(verdict, "bold red" if bad else "bold green"))
    return table


COMMAND = Command(
    "doctor", "Look the whole fleet over: each line says good, or what to do.", _flags, _run
)
