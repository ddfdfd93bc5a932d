"""`twistd -n stack` as a person runs it: started, interrupted, refused, and even killed.

Real processes on free ports of loopback; each wait is for a condition, and bounded.
"""

import os
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = REPOSITORY / ".venv-graphite"
FREE = tuple(
    word
    for name in ("players", "members", "carbon", "carbon-query", "graphite")
    for word in (f"--{name}-port", "0")
)


class Started(ProcessProtocol):
    """A `twistd -n stack` that runs, what it printed, and its exit code once it has one."""

    def __init__(self, reactor: Any, folder: Path, *flags: str) -> None:
        self.reactor, self.state = reactor, folder / "run"
        self.output, self.code = "", -1
        self.family: list[psutil.Process] = []
        self._ended: list[Deferred[None]] = []
        twistd = str(Path(sys.executable).with_name("twistd"))
        environment = ("--state", str(self.state), "--graphite-env", str(ENVIRONMENT))
        argv = (sys.executable, twistd, "-n", "stack", *environment, *FREE, *flags)
        reactor.spawnProcess(self, sys.executable, argv, env=None, path=str(folder))

    def outReceived(self, data: bytes) -> None:
        self.output += data.decode()

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        self.code = getattr(reason.value, "exitCode", 0) or 0
        for each in self._ended:
            each.callback(None)

    async def ends(self, within_s: float = 20) -> int:
        """Its exit code, once it has ended."""
        await self.until(lambda: self.code >= 0, within_s)
        return self.code

    async def until(self, what: Callable[[], object], within_s: float = 40) -> None:
        until = time.monotonic() + within_s
        while not what():
            assert time.monotonic() < until, f"not within {within_s} s; it said:\n{self.output}"
            await deferLater(self.reactor, 0.1)

    async def runs(self) -> None:
        """Wait until it serves, and remember every process that belongs to it."""
        await self.until(lambda: "Ctrl-C stops everything" in self.output or self.code >= 0)
        assert self.code < 0, self.output
        pid = self.transport.pid  # type: ignore[union-attr]
        self.family = psutil.Process(pid).children(recursive=True)

    def told(self, sign: signal.Signals) -> None:
        os.kill(self.transport.pid, sign)  # type: ignore[union-attr]

    def left(self) -> list[str]:
        """The processes of it that are still there."""
        return [name for name in map(_alive, self.family) if name]


def _alive(process: psutil.Process) -> str:
    try:
        dead = process.status() == psutil.STATUS_ZOMBIE
        return "" if dead else " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


Start = Callable[..., Started]


@pytest_twisted.async_yield_fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a stack in a temporary folder; whatever is left of it afterwards is killed."""
    from twisted.internet import reactor

    if not (ENVIRONMENT / "bin" / "carbon-cache.py").exists():
        pytest.skip("needs the Graphite environment: environments.py graphite")
    stacks: list[Started] = []

    def started(*flags: str) -> Started:
        stacks.append(Started(reactor, tmp_path, *flags))
        return stacks[-1]

    yield started
    for each in stacks:
        if each.code < 0:
            each.told(signal.SIGTERM)
            await each.ends()


def sound(database: Path) -> bool:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as opened:
        return bool(opened.execute("PRAGMA integrity_check").fetchone() == ("ok",))


@pytest_twisted.ensureDeferred
async def test_ctrl_c_stops_everything_in_order_and_leaves_nothing_broken(start: Start) -> None:
    stack = start("--servers", "2", "--players", "3", "--every", "1")
    await stack.runs()
    await stack.until(lambda: "2 servers, 3 players" in stack.output)
    assert len(stack.family) == 6, stack.left()
    stack.told(signal.SIGINT)
    assert await stack.ends() == 0
    assert not stack.left()
    stops = [line for line in stack.output.splitlines() if line.startswith("stopping ")]
    assert stops == [
        "stopping crowd",
        "stopping gs-1, gs-2",
        "stopping router",
        "stopping graphite-web",
        "stopping carbon",
    ]
    assert sound(stack.state / "ledger.sqlite")
    assert sound(stack.state / "graphite" / "storage" / "graphite.db")
    assert not list(stack.state.parent.rglob("*.pid"))


@pytest_twisted.ensureDeferred
async def test_a_stop_in_the_middle_of_the_start_is_a_stop(start: Start) -> None:
    stack = start()
    await stack.until(lambda: "starting graphite-web" in stack.output)
    stack.told(signal.SIGTERM)
    assert await stack.ends() == 0
    assert "everything has stopped" in stack.output
    assert "Ctrl-C" not in stack.output


@pytest_twisted.ensureDeferred
async def test_a_killed_stack_leaves_no_process_and_starts_again_in_seconds(start: Start) -> None:
    killed = start("--servers", "1", "--players", "0")
    await killed.runs()
    killed.told(signal.SIGKILL)
    await killed.until(lambda: not killed.left(), within_s=15)
    began = time.monotonic()
    again = start("--servers", "1", "--players", "0")
    await again.runs()
    assert time.monotonic() - began < 15
    assert [each.pid for each in again.family] != [each.pid for each in killed.family]


@pytest_twisted.ensureDeferred
async def test_a_busy_port_is_one_clear_line_and_nothing_is_left(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        stack = start("--graphite-port", port)
        assert await stack.ends() != 0
    (line,) = stack.output.splitlines()
    for words in (f"port {port} is in use", "it is for graphite-web", "--graphite-port"):
        assert words in line
    assert [each.name for each in stack.state.iterdir()] == ["stack.lock"]


@pytest_twisted.ensureDeferred
async def test_a_second_stack_in_the_same_folder_is_refused_and_disturbs_nobody(
    start: Start,
) -> None:
    first = start("--servers", "0", "--players", "0")
    await first.runs()
    second = start("--servers", "0", "--players", "0")
    assert await second.ends() != 0
    assert "another stack (process" in second.output
    assert len(first.left()) == 3
