"""Fixtures of the live tests: see real_parts.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from real_parts import Cluster, Running, made_ready
from twisted.internet.defer import Deferred, maybeDeferred

from clientmigration.stack import processes
from clientmigration.stack.graphite import Graphite
from clientmigration.stack.service import Stack, Surroundings

HERE = Path(__file__).parent

LONG = [
    f"test_{name}_live.py"
    for name in (
        *("panels", "command_line", "starts", "replay", "stack", "page", "compose", "logins"),
        *("equal_routers", "ends", "clock", "tls", "agones", "phases", "queries", "engine"),
        *("router_on_engine", "new_secret", "units", "cli", "tls_proxy", "pods", "attach"),
        *("distance", "hurt_graphite", "alerts"),
    )
]
"""The files that take longest come first, so that no process is left alone with one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is not here keeps its place before; a file stays together."""

    def turn(item: pytest.Item) -> int:
        if item.path.parent != HERE:
            return -1
        return LONG.index(item.path.name) if item.path.name in LONG else len(LONG)

    items.sort(key=turn)


LIMIT_S = pytest.StashKey[float]()


def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    """How long a test may take before it is cancelled: pytest-timeout would end the process."""
    item.stash[LIMIT_S] = 0.75 * settings.timeout


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """A test that waits for ever is cancelled: it shows where it stood, and cleans up."""
    from twisted.internet import reactor

    run, limit_s = pyfuncitem.obj, pyfuncitem.stash.get(LIMIT_S, 0.0)
    if not limit_s:
        return

    @wraps(run)
    def limited(**given: Any) -> Deferred[Any]:
        ended = maybeDeferred(run, **given)
        hangs = reactor.callLater(limit_s, ended.cancel)

        def over(value: Any) -> Any:
            if hangs.active():
                hangs.cancel()
            return value

        return ended.addBoth(over)

    pyfuncitem.obj = limited


@pytest.fixture(scope="session")
def graphite(tmp_path_factory: pytest.TempPathFactory) -> Graphite:
    """Both, made ready, or whatever needs them is skipped."""
    return made_ready(tmp_path_factory.mktemp("graphite"))


@pytest.fixture(scope="module")
def empty_graphite(tmp_path_factory: pytest.TempPathFactory) -> Graphite:
    """The same once more."""
    return made_ready(tmp_path_factory.mktemp("empty-graphite"))


@pytest.fixture(scope="session")
def live(graphite: Graphite) -> Iterator[Running]:
    """Both, for all who tell their series from those of others by name. Not async: pytest-twisted
    has no such fixtures for a whole session."""
    both = begun(graphite)
    running: Running = pytest_twisted.blockon(Deferred.fromCoroutine(both.__aenter__()))
    yield running
    pytest_twisted.blockon(Deferred.fromCoroutine(both.__aexit__(None, None, None)))


@pytest_twisted.async_yield_fixture(scope="module")
async def empty(empty_graphite: Graphite) -> AsyncIterator[Running]:
    """Both, without a series of anybody else, for those who ask about all that there are."""
    async with begun(empty_graphite) as running:
        yield running


async def unasked() -> str:
    """The line of truth of a stack that nobody looks at."""
    return ""


@asynccontextmanager
async def begun(graphite: Graphite) -> AsyncIterator[Running]:
    """Both, started and stopped as the stack does it."""
    from twisted.internet import reactor

    said = [""]
    running = Running(graphite, reactor)
    around = Surroundings(
        reactor=reactor,
        say=said.append,
        accepts=partial(processes.accepts, reactor),
        truth=unasked,
        give_up=lambda: said.append("given up"),
        welcome=("it runs",),
    )

    async def started() -> bool:
        assert said[-1] != "given up", said
        return said[-1] == "it runs"

    stack = Stack(around, [[program] for program in graphite.programs({})])
    stack.startService()
    await running.eventually(started)
    try:
        yield running
    finally:
        await stack.stopService()
    assert not await processes.accepts(reactor, graphite.ports.carbon)
    assert not await processes.accepts(reactor, graphite.ports.graphite)


@pytest_twisted.async_yield_fixture()
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A router without servers, yet."""
    running = Cluster(tmp_path)
    running.start()
    yield running
    await running.stop()
