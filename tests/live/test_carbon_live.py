"""A real carbon-cache, run from the shipped configuration, stores exactly what was emitted.

Its environment is the folder named by CLIENTMIGRATION_GRAPHITE_ENV, else `.venv-graphite` here.
"""

import json
import os
import signal
import socket
import string
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import pytest
import pytest_twisted
from real_parts import PATIENCE_S
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutput

from clientmigration.core.measures.metrics import CATALOGUE, Datapoint, datapoints, measures, parse
from clientmigration.net.carbon import BACKLOG, Carbon

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = Path(os.environ.get("CLIENTMIGRATION_GRAPHITE_ENV") or ROOT / ".venv-graphite")

pytestmark = pytest.mark.skipif(
    not (ENVIRONMENT / "bin" / "carbon-cache.py").exists(),
    reason="no carbon: neither CLIENTMIGRATION_GRAPHITE_ENV nor .venv-graphite has carbon-cache.py",
)

READ_BACK = """
import json, os, sys, whisper
root, start, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
series = {}
for folder, _, names in os.walk(os.path.join(root, "clientmigration")):
    for file in (os.path.join(folder, name) for name in names):
        try:
            info = whisper.info(file)
            (first, _, step), values = whisper.fetch(file, start - 1, end)
        except whisper.WhisperException:  # carbon is making it just now
            continue
        points = [[first + n * step, v] for n, v in enumerate(values) if v is not None]
        path = os.path.relpath(file, root)[:-4].replace(os.sep, ".")
        series[path] = dict(
            fold=info["aggregationMethod"], x_files_factor=info["xFilesFactor"], points=points
        )
print(json.dumps(series))
"""


class Series(TypedDict):
    """What one whisper file says of itself, and its points of the asked seconds."""

    fold: str
    x_files_factor: float
    points: list[tuple[int, float]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Cache:
    """One carbon-cache that can be started, frozen, killed and read."""

    folder: Path
    port: int = field(default_factory=free_port)
    running: subprocess.Popen[bytes] | None = None

    def configure(self) -> None:
        (self.folder / "conf").mkdir()
        words = {
            "storage": self.folder,
            "interface": "127.0.0.1",
            "line_port": self.port,
            "query_port": free_port(),
        }
        for name in ("carbon.conf", "storage-schemas.conf", "storage-aggregation.conf"):
            text = (ROOT / "graphite" / name).read_text()
            if name == "carbon.conf":
                text = string.Template(text).safe_substitute(words)
            (self.folder / "conf" / name).write_text(text)

    def start(self) -> None:
        program = [ENVIRONMENT / "bin" / "python", ENVIRONMENT / "bin" / "carbon-cache.py"]
        config = f"--config={self.folder / 'conf' / 'carbon.conf'}"
        with (self.folder / "output").open("ab") as output:
            self.running = subprocess.Popen(
                [*program, config, "--nodaemon", "start"],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )

    def tell(self, what: signal.Signals) -> None:
        assert self.running is not None
        self.running.send_signal(what)

    def kill(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.running.wait()
        self.running = None
        for left in self.folder.glob("*.pid"):
            left.unlink()

    async def read(self, start: int, end: int) -> dict[str, Series]:
        arguments = ["-c", READ_BACK, str(self.folder / "whisper"), str(start), str(end)]
        python = str(ENVIRONMENT / "bin" / "python")
        stored: dict[str, Series] = json.loads(await getProcessOutput(python, arguments))
        return stored


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    made = Cache(tmp_path)
    made.configure()
    yield made
    made.kill()


def clock() -> IReactorTime:
    from twisted.internet import reactor

    return IReactorTime(reactor)


@asynccontextmanager
async def sink_to(cache: Cache) -> AsyncIterator[Carbon]:
    endpoint = clientFromString(IReactorTCP(clock()), f"tcp:127.0.0.1:{cache.port}")
    sink = Carbon(endpoint, clock(), retry=lambda _attempt: 0.1)
    sink.startService()
    try:
        yield sink
    finally:
        await sink.stopService()


async def until(true: Callable[[], bool]) -> None:
    """Wait for the real world; AssertionError when it takes longer than PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "carbon did not get there in time"
        await pause()


def pause() -> Deferred[None]:
    return deferLater(clock(), 0.1, lambda: None)


async def stored_by(cache: Cache, emitted: Sequence[Datapoint]) -> dict[str, Series]:
    """What carbon stored, once there are as many points as were emitted."""
    seconds = [datapoint.timestamp for datapoint in emitted]
    deadline = time.monotonic() + PATIENCE_S
    while True:
        stored = await cache.read(min(seconds), max(seconds))
        if sum(len(series["points"]) for series in stored.values()) >= len(emitted):
            return stored
        assert time.monotonic() < deadline, f"carbon stored only {stored}"
        await pause()


def as_datapoints(stored: dict[str, Series]) -> set[Datapoint]:
    return {
        Datapoint(path, value, second)
        for path, series in stored.items()
        for second, value in series["points"]
    }


def everything(second: int) -> list[Datapoint]:
    """One datapoint of every measure of every role, with values that need all their digits."""
    made: list[Datapoint] = []
    for role in ("gameserver", "router", "crowd"):
        values = {name: (second + len(name)) / 7.0 for name in measures(role)}
        made += datapoints(role, "one", values, second)
    return made


def loads(first: int, count: int) -> list[Datapoint]:
    return [
        datapoint
        for second in range(first, first + count)
        for datapoint in datapoints("gameserver", "gs-1", {"load": second / 3.0}, second)
    ]


@pytest_twisted.ensureDeferred
async def test_carbon_stores_every_measure_letter_for_letter_and_folds_it_as_the_catalogue_says(
    cache: Cache,
) -> None:
    now = int(time.time())
    emitted = [datapoint for second in range(now - 4, now + 1) for datapoint in everything(second)]
    cache.start()
    async with sink_to(cache) as sink:
        sink.emit(emitted)
        stored = await stored_by(cache, emitted)
    assert as_datapoints(stored) == set(emitted)
    assert len(stored) == len(CATALOGUE)
    for path, series in stored.items():
        role, _, measure = parse(path)
        assert series["fold"] == measures(role)[measure].fold
        assert series["x_files_factor"] == 0


@pytest_twisted.ensureDeferred
async def test_what_was_emitted_while_carbon_was_away_fills_the_gap_when_it_is_back(
    cache: Cache,
) -> None:
    now = int(time.time())
    before, during = loads(now - 20, 10), loads(now - 10, 10)
    async with sink_to(cache) as sink:
        sink.emit(before)
        cache.start()
        await stored_by(cache, before)
        cache.kill()
        await until(lambda: not sink.connected)
        sink.emit(during)
        cache.start()
        stored = await stored_by(cache, [*before, *during])
        assert sink.take_dropped() == 0
    assert as_datapoints(stored) == {*before, *during}


@pytest_twisted.ensureDeferred
async def test_a_frozen_carbon_delays_nobody_and_costs_a_bounded_backlog(cache: Cache) -> None:
    batch = everything(int(time.time()))
    cache.start()
    async with sink_to(cache) as sink:
        await until(lambda: sink.connected)
        cache.tell(signal.SIGSTOP)
        longest = await emit_until_full(sink, batch)
        assert sink.waiting == BACKLOG
        assert sink.take_dropped() > 0
        assert longest < 2.0  # who waits for it waits for ever
        cache.tell(signal.SIGCONT)
        await until(lambda: sink.waiting == 0)
        stored = await stored_by(cache, batch)
    assert as_datapoints(stored) == set(batch)


async def emit_until_full(sink: Carbon, batch: Sequence[Datapoint]) -> float:
    """Emit until lines are dropped, past what the kernel buffers; the longest call in seconds."""
    longest = 0.0
    while sink.waiting < BACKLOG:
        began = time.perf_counter()
        sink.emit(batch)
        longest = max(longest, time.perf_counter() - began)
        await deferLater(clock(), 0.0, lambda: None)
    sink.emit(batch)
    return longest
