"""`clientmigration restart`: restarts all game servers, one after the other, under players.

Each is emptied, told to stop, and waited for until it, or another in its place, serves again; only
then comes the next. What starts it again is whatever started it: systemd, Docker, Kubernetes, the
stack, or `--command`. It can be stopped at any time, and resumed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Any

from twisted.internet.defer import Deferred

from clientmigration.cli import rolling
from clientmigration.cli.command import DONE, Command, Output, seconds, waited
from clientmigration.cli.rolling import Rolling
from clientmigration.cli.router import asked, let_in, router_flags
from clientmigration.cli.times import clock, span
from clientmigration.errors import Away, ClientMigrationError, Refused
from clientmigration.net.line import SILENCE_S
from clientmigration.net.operator import OperatorClient, within
from clientmigration.net.worldclock import monotonic
from clientmigration.wire.operators import Order, Overview

EMPTY_S, BACK_S, GONE_S, ROOM_S = 300.0, 300.0, 60.0, 15.0
ALONE_S = 30.0  # another server may be unhealthy for a moment
RESUME = "clientmigration restart --resume goes on from here"


def _flags(own: ArgumentParser) -> None:
    router_flags(own)
    own.add_argument("servers", nargs="*", metavar="SERVER", help="these only; default: all")
    own.add_argument("--resume", action="store_true", help="go on with the one that was stopped")
    own.add_argument(
        "--command",
        dest="shell",
        default="",
        metavar="COMMAND",
        help="what restarts a server, with {} for its name, instead of telling it to stop:"
        " 'systemctl restart clientmigration-gameserver@{}'",
    )
    own.add_argument(
        "--empty-within",
        type=seconds,
        default=EMPTY_S,
        metavar="SECONDS",
        help=f"how long a server may take to be empty; default {EMPTY_S:g}",
    )
    own.add_argument(
        "--back-within",
        type=seconds,
        default=BACK_S,
        metavar="SECONDS",
        help=f"how long it may take to come back; default {BACK_S:g}",
    )


def _run(given: Namespace, answer: Output) -> int:
    file = rolling.where(os.environ, given.router)
    with rolling.alone(file):
        work = waited(lambda reactor: _work(monotonic(reactor), given, answer, file))
    took = span(time() - work.begun)
    text = f"restarted {len(work.done)} servers in {took}: {', '.join(work.done)}"
    answer.tell({"restarted": work.done, "begun": work.begun}, text)
    return DONE


async def _work(reactor: Any, given: Namespace, answer: Output, file: Path) -> Rolling:
    client = await let_in(reactor, given, "operator")
    try:
        return await Restart(client, given, _teller(answer), file).all(reactor)
    finally:
        client.leave()


def _teller(answer: Output) -> Callable[[str], None]:
    def tell(text: str) -> None:
        line = f"{clock(time())}  {text}"
        if answer.as_json:  # the answer itself comes last, alone
            print(line, file=sys.stderr, flush=True)
        else:
            answer.tell(None, line)

    return tell


class Restart:
    """One restart of many. `tell` says to people what is being done."""

    def __init__(
        self, client: OperatorClient, given: Namespace, tell: Callable[[str], None], file: Path
    ) -> None:
        self._client, self._given, self._tell, self._file = client, given, tell, file
        self._emptying = ""  # who has to be let fill again if we go now
        self._begun: Rolling | None = None  # how far it is, while it runs

    async def all(self, reactor: Any) -> Rolling:
        """Every server, in order; answers what was done."""
        reactor.addSystemEventTrigger("before", "shutdown", self._let_go)
        work = self._plan()
        try:
            while work.left:
                work = await self._one(work)
                self._keep(work)
        except Away as error:
            at_hand = work.left[0]
            raise Away(f"stopped at {at_hand}: {error}; it stays as it is; {RESUME}") from error
        except ClientMigrationError as error:
            await self._undone()
            raise Refused(f"stopped safely at {work.left[0]}: {error}; {RESUME}") from error
        finally:
            self._begun = None
        return work

    def _keep(self, work: Rolling) -> None:
        self._begun = work
        rolling.remember(self._file, work)

    def _plan(self) -> Rolling:
        known, overview = rolling.remembered(self._file), self._overview()
        if self._given.resume:
            if known is None:
                raise Refused("there is nothing to resume")
            done = f"{len(known.done)} are done" if known.done else "none is done"
            self._tell(f"goes on from {clock(known.begun)}: {done}, {len(known.left)} are left")
            return known
        if known is not None:
            self._tell(f"the restart of {clock(known.begun)} did not end: begins anew")
        plan = rolling.planned(overview, self._given.servers)
        self._tell(f"restarts {len(plan)} servers, one after the other: {', '.join(plan)}")
        return Rolling(time(), plan, before=len(rolling.servers(overview)))

    def _overview(self) -> Overview:
        assert self._client.overview is not None
        return self._client.overview

    async def _one(self, work: Rolling) -> Rolling:
        name, number = work.left[0], len(work.done) + 1
        self._keep(work)
        told = f"{number} of {len(work.done) + len(work.left)}: {name}"
        if not work.stopped:
            why = rolling.others_away(self._overview(), name)
            if why:
                self._tell(f"{told} waits: {why}")
                late = f"never two at once, and {why} for {{}}"
                await self._until(lambda seen: not rolling.others_away(seen, name), ALONE_S, late)
            await self._empty(name, told)
            await self._stop(name, told)
            self._emptying = ""
            work = Rolling(work.begun, work.left, work.done, work.before, stopped=True)
            self._keep(work)
            late = f"{name} has not stopped after {{}}"
            await self._until(lambda seen: rolling.gone(seen, name), GONE_S, late)
            self._tell(f"{told} has stopped: waiting until it is back")
        await self._until(lambda seen: rolling.back(seen, work.before), self._given.back_within,
                          f"{name} is not back after {{}}: start it")  # fmt: skip
        self._tell(f"{told} is back")
        return work.advanced()

    async def _empty(self, name: str, told: str) -> None:
        self._emptying = name
        await self._drain(name)
        self._tell(f"{told} is being emptied")
        left: list[int | None] = [-1]

        def emptied(seen: Overview) -> bool:
            players = rolling.empty(seen, name)
            if players != left[0] and players is not None and players > 0:
                self._tell(f"{told} has {players} players left")
            left[0] = players
            return players in (0, None)

        late = f"{name} is not empty after {{}}"
        await self._until(emptied, self._given.empty_within, late)

    async def _drain(self, name: str) -> None:
        """Order it. A server that has just come back takes players some seconds later: so long the
        router may refuse."""
        end = self._client.clock.seconds() + ROOM_S
        while True:
            try:
                await asked(self._client, Order(0, "drain", name))
            except Refused:
                if self._client.clock.seconds() >= end:
                    raise
                await within(SILENCE_S, self._client, self._client.next_overview())
            else:
                return

    async def _stop(self, name: str, told: str) -> None:
        if self._given.shell:
            command = self._given.shell.replace("{}", name)
            self._tell(f"{told} is empty: {command}")
            done = subprocess.run(command, shell=True, check=False, timeout=self._given.back_within)
            if done.returncode:
                raise Refused(f"{command!r} ended with {done.returncode}")
        elif rolling.empty(self._overview(), name) is not None:
            self._tell(f"{told} is empty: it is told to stop")
            await asked(self._client, Order(0, "stop", name))

    async def _until(self, so: Callable[[Overview], bool], within_s: float, late: str) -> None:
        """Look at each overview until it is so. Refused, with `late`, when that takes too long."""
        end = self._client.clock.seconds() + within_s
        while not so(self._overview()):
            if self._client.clock.seconds() >= end:
                raise Refused(late.format(span(within_s)))
            await within(SILENCE_S, self._client, self._client.next_overview())

    async def _undone(self) -> None:
        """Let the server at hand fill again, if it has not been told to stop."""
        name = self._emptying
        if name and self._client.over is None:
            await asked(self._client, Order(0, "undrain", name))
            if self._emptying:  # Ctrl-C may come while this is under way
                self._tell(f"{name} takes players again")
            self._emptying = ""

    def _let_go(self) -> Deferred[None] | None:
        """Ctrl-C: nothing is left half done."""
        if self._begun is None:
            return None
        return Deferred.fromCoroutine(self._leave(self._begun))

    async def _leave(self, work: Rolling) -> None:
        self._tell("stops")
        try:
            await self._undone()
        except ClientMigrationError as error:
            self._tell(f"nobody hears it: {error}")
        self._tell(rolling.standing(work, self._emptying))
        self._tell(RESUME)


COMMAND = Command(
    "restart", "Restart all game servers, one after the other, under players.", _flags, _run
)
