"""Keeps one program of the stack running, by Twisted's process monitor, until it is stopped.

It adds what `twisted.runner.procmon` leaves out: output goes straight into a log file, the end of
a program is reported, and one can wait until it serves and until it has stopped.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectError, ProcessExitedAlready
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.runner.procmon import ProcessMonitor

from clientmigration.errors import ClientMigrationError, ConfigurationError
from clientmigration.net.reactor import Reactor
from clientmigration.stack import logs
from clientmigration.stack.ports import LOOPBACK
from clientmigration.stack.spawner import Spawner

KILL_AFTER_S = 5
RESTART_WITHIN_S = 30
LOOK_EVERY_S = 0.1
SERVES_WITHIN_S = 60.0


@dataclass(frozen=True)
class Program:
    """What to run, where its output goes, and how to tell that it serves.

    `environment` is the whole environment of the program; it serves once each of `ports` (TCP on
    loopback) accepts a connection, at once if there are none.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    ports: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.argv or not os.access(self.argv[0], os.X_OK):
            raise ConfigurationError(f"{self.name}: there is no program {' '.join(self.argv[:1])}")


class NotServing(ClientMigrationError):
    """A program ended, or took too long, before it served. The text has its last words."""

    def __init__(self, program: Program, how: str) -> None:
        super().__init__(f"{program.name} {how}.{quoted(program)}")


def quoted(program: Program) -> str:
    """A program's last words, for a message."""
    words = logs.last_words(program.log)
    return f" Its last words (all are in {program.log}):\n{words}" if words else ""


class Child(Service):
    """A program while it is wanted: started again when it ends by itself, gone once stopped.

    `on_end(program, how)` is called when it ends without having been told to.
    """

    def __init__(
        self, reactor: Reactor, program: Program, on_end: Callable[[Program, str], None]
    ) -> None:
        self.program = program
        self._reactor, self._on_end = reactor, on_end
        self._waiting: list[Deferred[None]] = []
        self._monitor = ProcessMonitor(Spawner(reactor, program.log, self._ended))
        self._monitor.maxRestartDelay = RESTART_WITHIN_S
        folder = str(program.folder) if program.folder else None
        self._monitor.addProcess(
            program.name, list(program.argv), env=dict(program.environment), cwd=folder
        )

    @property
    def alive(self) -> bool:
        """Whether a process of the program exists now."""
        return self.program.name in self._monitor.protocols

    def startService(self) -> None:
        super().startService()
        logs.begin(self.program.log)
        self._monitor.startService()

    def stopService(self, patience_s: int = KILL_AFTER_S) -> Deferred[None]:
        """Tell it to end, kill it `patience_s` later; fires when it is gone."""
        super().stopService()
        self._monitor.killTime = patience_s
        self._monitor.stopService()
        gone: Deferred[None] = Deferred()
        self._waiting.append(gone)
        self._released()
        return gone

    def kill(self) -> None:
        """End it at once, without asking. A child that still runs as a service begins anew."""
        self.tell("KILL")

    def tell(self, signal: str | int) -> None:
        """Send it a signal ("KILL", "TERM", ..., or a number), if it is there."""
        for protocol in self._monitor.protocols.values():
            with suppress(ProcessExitedAlready):
                protocol.transport.signalProcess(signal)  # type: ignore[union-attr]

    def _ended(self, reason: Failure) -> None:
        if self.running:
            self._on_end(self.program, _how(reason))
        self._released()

    def _released(self) -> None:
        if self.running or self.alive:
            return
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    async def serving(
        self, accepts: Callable[[int], Awaitable[bool]], within_s: float = SERVES_WITHIN_S
    ) -> None:
        """Return once each of its ports accepts, or once it is stopped. Raises NotServing."""
        until = self._reactor.seconds() + within_s
        for port in self.program.ports:
            while self.running and not await accepts(port):
                if not self.alive:
                    raise NotServing(self.program, "ended while it was starting")
                if self._reactor.seconds() > until:
                    raise NotServing(self.program, f"does not serve after {within_s:.0f} s")
                await deferLater(self._reactor, LOOK_EVERY_S)


def _how(reason: Failure) -> str:
    code, sent = getattr(reason.value, "exitCode", None), getattr(reason.value, "signal", None)
    return f"by signal {sent}" if sent else f"with exit code {code}"


async def accepts(reactor: Reactor, port: int) -> bool:
    """Whether something listens on a TCP port of loopback."""
    knock = Factory.forProtocol(Protocol)
    knock.noisy = False
    try:
        visit = await TCP4ClientEndpoint(reactor, LOOPBACK, port, timeout=2).connect(knock)
    except ConnectError:
        return False
    transport = cast(Protocol, visit).transport
    if transport is not None:
        transport.loseConnection()
    return True
