"""Stands between the process monitor and the reactor, so that programs write straight to log files.

`twisted.runner.procmon` would read every program's output itself, and tell nobody when a program
ends. With this in between, output costs the stack nothing and survives it, and ends are reported.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import (
    IDelayedCall,
    IProcessProtocol,
    IProcessTransport,
    IReactorProcess,
    IReactorTime,
)
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.net.reactor import Reactor
from clientmigration.stack import launcher


class _EndReporter(ProcessProtocol):
    """Passes everything on to procmon's protocol, and tells `ended` of the end."""

    def __init__(self, inner: IProcessProtocol, ended: Callable[[Failure], None]) -> None:
        self._inner, self._ended = inner, ended

    def makeConnection(self, transport: Any) -> None:
        self._inner.makeConnection(transport)

    def processExited(self, reason: Failure) -> None:
        self._inner.processExited(reason)

    def processEnded(self, reason: Failure) -> None:
        self._inner.processEnded(reason)
        self._ended(reason)


@implementer(IReactorProcess, IReactorTime)
class Spawner:
    """A reactor for procmon: what it starts goes through the launcher and writes to `log`."""

    def __init__(self, reactor: Reactor, log: Path, ended: Callable[[Failure], None]) -> None:
        self._reactor, self._log, self._ended = reactor, log, ended

    def spawnProcess(
        self,
        processProtocol: IProcessProtocol,
        executable: bytes | str,  # noqa: ARG002
        args: Sequence[bytes | str] = (),
        env: Mapping[Any, Any] | None = None,
        path: bytes | str | None = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: bool = False,
        childFDs: Mapping[int, int | str] | None = None,  # noqa: ARG002
    ) -> IProcessTransport:
        launch = (sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()))
        reporter = _EndReporter(processProtocol, self._ended)
        with open(os.devnull, "rb") as quiet, self._log.open("ab") as log:
            files = {0: quiet.fileno(), 1: log.fileno(), 2: log.fileno()}
            argv = (*launch, *args)
            started: IProcessTransport = self._reactor.spawnProcess(
                reporter, launch[0], argv, env, path, uid, gid, usePTY, files
            )
            return started

    def seconds(self) -> float:
        return float(self._reactor.seconds())

    def callLater(self, delay: float, callable: Any, *args: object, **kw: object) -> IDelayedCall:
        later: IDelayedCall = self._reactor.callLater(delay, callable, *args, **kw)
        return later

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        calls: Sequence[IDelayedCall] = self._reactor.getDelayedCalls()
        return calls
