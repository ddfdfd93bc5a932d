"""A real carbon that is killed while it makes series, and graphite-web beside it.

No file that it leaves may hide another, neither at once nor after a start.
"""

from __future__ import annotations

import json
import shutil
import struct
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest
import pytest_twisted
from real_parts import Running, made_ready
from twisted.internet.task import deferLater

from clientmigration.core.measures.metrics import datapoints
from clientmigration.net.graphite import fetch
from clientmigration.stack import processes
from clientmigration.stack.processes import Child, Program

NEW = 1500
"""Series that are begun before each kill."""

CUTS = {"empty": 0, "header": 9, "archives": 30, "points": 52, "some": 30_000}


class Hurt(Running):
    """carbon, to be killed and begun again, and graphite-web, which runs on."""

    async def begins(self, program: Program) -> Child:
        child = Child(self.reactor, program, lambda *_: None)
        child.startService()
        await child.serving(partial(processes.accepts, self.reactor))
        return child

    async def carbon(self) -> Child:
        """Begun as the stack begins it again."""
        return await self.begins(self.graphite.programs({})[0])

    async def values(self, name: str, measure: str) -> dict[str, float]:
        """The last value of each series of game servers called so, whatever time it takes."""
        words = {"target": f"clientmigration.gameserver.{name}.{measure}", "from": "-10min"}
        url = f"{self.url}/render?{urlencode({**words, 'format': 'json', 'noCache': 'true'})}"
        found = {}
        for each in json.loads(await fetch(self.reactor, url, 60)):
            for value, _ in each["datapoints"]:
                if value is not None:
                    found[each["target"].split(".")[2]] = value
        return found

    @property
    def series(self) -> Path:
        return self.graphite.storage / "whisper" / "clientmigration" / "gameserver"

    def not_whole(self) -> Iterator[Path]:
        return (each for each in self.series.rglob("*.wsp") if each.stat().st_size != 233_332)

    def log(self, name: str) -> str:
        logs = sorted(self.graphite.logs.glob(f"{name}.log*"))
        return "".join(each.read_text() for each in logs)


@pytest_twisted.async_yield_fixture
async def hurt(tmp_path: Path) -> AsyncIterator[Hurt]:
    from twisted.internet import reactor

    running = Hurt(made_ready(tmp_path), reactor)
    web = await running.begins(running.graphite.programs({})[1])
    yield running
    await web.stopService()


async def killed_while_it_creates(hurt: Hurt, number: int) -> None:
    """One life of carbon: it is sent many new series and killed in the middle of them."""
    carbon, now = await hurt.carbon(), int(time.time())
    names = [f"k{number}-{n}" for n in range(NEW)]
    await hurt.send([p for name in names for p in datapoints("gameserver", name, {"load": 1}, now)])

    async def busy() -> bool:
        return sum(1 for _ in hurt.series.glob(f"k{number}-*/load.wsp")) > 40

    await hurt.eventually(busy, every_s=0.02)
    await deferLater(hurt.reactor, 0.013 * number)
    carbon.kill()
    await carbon.stopService()


@pytest.mark.parametrize("kills", [4, pytest.param(12, marks=pytest.mark.soak)])
@pytest_twisted.ensureDeferred
async def test_carbon_killed_while_it_makes_series_hides_none(hurt: Hurt, kills: int) -> None:
    left = set[Path]()
    for number in range(0, 12, 12 // kills):
        await killed_while_it_creates(hurt, number)
        left |= set(hurt.not_whole())
        # Nobody has set aside yet what this kill left; an answer of 500 would raise.
        assert await hurt.values(f"k{number}-*", "load")
    carbon = await hurt.carbon()
    try:
        assert list(hurt.not_whole()) == []
        names = sorted({each.parent.name for each in left} | {"k0-new"})
        for name in names:
            await hurt.send(datapoints("gameserver", name, {"load": 0.25}, int(time.time())))

        async def back() -> bool:
            return await hurt.values(f"{{{','.join(names)}}}", "load") == dict.fromkeys(names, 0.25)

        await hurt.eventually(back)
    finally:
        await carbon.stopService()


@pytest_twisted.ensureDeferred
async def test_a_file_that_is_not_whole_hides_no_other_and_goes_at_the_next_start(
    hurt: Hurt,
) -> None:
    carbon = await hurt.carbon()
    await hurt.send(datapoints("gameserver", "good", {"health": 0.5}, int(time.time())))
    good = hurt.series / "good" / "health.wsp"

    async def kept() -> bool:
        return good.exists() and good.stat().st_size == 233_332

    await hurt.eventually(kept)
    whole = good.read_bytes()
    bad = {name: hurt.series / name / "health.wsp" for name in (*CUTS, "zeros", "wild")}
    for path in bad.values():
        path.parent.mkdir()
    for name, size in CUTS.items():
        bad[name].write_bytes(whole[:size])
    bad["zeros"].write_bytes(bytes(len(whole)))
    bad["wild"].write_bytes(whole[:12] + struct.pack("!L", 0) + whole[16:])
    for _ in range(3):
        assert (await hurt.values("*", "health"))["good"] == 0.5
        for name in bad:
            await hurt.ask(f"/render?target=clientmigration.gameserver.{name}.health&format=json")
    found = await hurt.ask("/metrics/expand?query=clientmigration.gameserver.*.health")
    assert b"good" in found
    said = [line for line in hurt.log("graphite-web").splitlines() if "left out" in line]
    assert len([line for line in said if "/empty/" in line]) == 1  # asked six times, said once
    await carbon.stopService()
    carbon = await hurt.carbon()
    try:
        assert list(hurt.not_whole()) == []
        aside = hurt.graphite.storage / "set-aside" / "clientmigration" / "gameserver"
        assert sorted(each.name for each in aside.iterdir()) == sorted(bad)
        assert hurt.log("carbon").count("set aside") == len(bad)
        assert good.exists()
    finally:
        await carbon.stopService()
        shutil.rmtree(aside)
