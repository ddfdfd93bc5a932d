"""`twistd -n stack` as a person runs it: started, interrupted, refused, and even killed.

Real processes on free ports of loopback; each wait is for a condition, and bounded.
"""

import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
import pytest_twisted
from real_engine import ENGINES, MISSING
from real_parts import ENVIRONMENT, Started

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
    assert len(stack.family) == 7, stack.left()
    stack.told(signal.SIGINT)
    assert await stack.ends() == 0
    assert not stack.left()
    stops = [line for line in stack.output.splitlines() if line.startswith("stopping ")]
    assert stops == [
        "stopping crowd",
        "stopping gs-1, gs-2",
        "stopping status",
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
async def test_a_killed_stack_leaves_no_process_and_starts_again(start: Start) -> None:
    killed = start("--servers", "1", "--players", "0")
    await killed.runs()
    killed.told(signal.SIGKILL)
    await killed.until(lambda: not killed.left())
    again = start("--servers", "1", "--players", "0")
    await again.runs()
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
    assert len(first.left()) == 4


@pytest_twisted.ensureDeferred
async def test_with_two_routers_one_may_be_killed_and_the_line_of_truth_goes_on(
    start: Start,
) -> None:
    if not os.access(ENGINES["nats-current"], os.X_OK):
        pytest.skip(MISSING["nats-current"])
    stack = start("--routers", "2", "--servers", "2", "--players", "6", "--every", "1")
    await stack.runs()
    await stack.until(lambda: "2 servers, 6 players" in stack.output)
    (planner,) = [each for each in stack.family if is_router(each, "router")]
    planner.kill()
    said = len(stack.output)
    await stack.until(lambda: "router ended by signal 9" in stack.output[said:])
    killed = len(stack.output)
    await stack.until(lambda: stack.output[killed:].count("2 servers, 6 players") > 8)
    lines = [line for line in stack.output.splitlines() if "players |" in line]
    assert not [line for line in lines if "4 servers" in line or "12 players" in line]
    assert "0 missed ticks" in lines[-1]


def is_router(process: psutil.Process, name: str) -> bool:
    words = process.cmdline()
    return "router" in words and words[-2:] == ["--name", name]
