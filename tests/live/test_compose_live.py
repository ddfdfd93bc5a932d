"""The containers as a person runs them: `make up`, scaled, with one killed, and `make down`.

A real Docker engine and real images; everything runs but Grafana, whose image nobody here can
pull. Each wait is for a condition, and bounded generously: a slow machine is no fault of ours, so
missed ticks are told and not judged. It is skipped where no engine can be reached.
"""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from containers_here import MAKES_IMAGES, OURS, PATIENCE_S, PLAYERS, Containers, compose, lacking
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

pytestmark = MAKES_IMAGES
PLAYER = 4100  # the user in our images


@pytest.fixture(scope="module")
def engine() -> None:
    """One that runs, or all of these are skipped: what is not async can say so to each of them."""
    if lack := lacking():
        pytest.skip(lack)


@pytest_twisted.async_yield_fixture(scope="module")
async def containers(engine: None) -> AsyncIterator[Containers]:
    """Two game servers, a crowd, and all around them; gone afterwards, without a trace."""
    from twisted.internet import reactor

    project = Containers(reactor)
    try:
        await project.up(2)
        yield project
    finally:
        await project.run("make", "down", "DOWN=--volumes --timeout 60")
    assert not await project.everything_left()


@pytest_twisted.ensureDeferred
async def test_game_servers_in_containers_attach_by_themselves(containers: Containers) -> None:
    assert await containers.playing(2) == PLAYERS


@pytest_twisted.ensureDeferred
async def test_the_homepage_shows_them_and_tells_an_autoscaler_how_many(
    containers: Containers,
) -> None:
    await containers.all_shown()
    question = {"request": {"uid": "7", "status": {"replicas": 2}}, "response": None}
    answer = await deferToThread(posted, f"{containers.home}/autoscale", question)
    assert answer["request"] == question["request"]
    assert answer["response"]["uid"] == "7"
    assert answer["response"]["replicas"] > 0


def posted(url: str, body: dict[str, Any]) -> Any:
    """The answer to a POST of JSON."""
    with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=60) as answer:
        return json.loads(answer.read())


@pytest_twisted.ensureDeferred
async def test_no_container_of_ours_runs_as_root(containers: Containers) -> None:
    processes = await containers.each(".State.Pid")
    assert {service for service, _ in processes} == set(OURS)
    for service, process in processes:
        assert Path("/proc", process).stat().st_uid == PLAYER, service


@pytest_twisted.ensureDeferred
async def test_the_engine_holds_every_container_to_its_limits(containers: Containers) -> None:
    asked = "json .HostConfig"
    for service, told in await containers.each(asked):
        limits = json.loads(told)
        assert limits["PidsLimit"] == 256, service
        assert 0 < limits["Memory"] <= 2**30, service
        assert limits["ReadonlyRootfs"], service
        assert limits["CapDrop"] == ["ALL"], service
        assert limits["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "5"}, service


@pytest_twisted.ensureDeferred
async def test_everybody_is_healthy(containers: Containers) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        told = await containers.each("if .State.Health}}{{.State.Health.Status}}{{end")
        if all(health in ("", "healthy") for _, health in told):
            return
        assert time.monotonic() < until, told
        await deferLater(containers.reactor, 1.0)


@pytest_twisted.ensureDeferred
async def test_a_server_without_a_router_is_of_no_use_to_anybody_new(
    containers: Containers,
) -> None:
    probe = ("exec", "-T", "--index=1", "gameserver", "sh", "-c", "knock 4200 && fresh /tmp/useful")
    asked = (*compose().split(), *probe)
    await containers.run(*asked)
    await containers.run(*compose().split(), "pause", "router")
    until = time.monotonic() + PATIENCE_S
    while await containers.answers(*asked):
        assert time.monotonic() < until
        await deferLater(containers.reactor, 1.0)
    await containers.run(*compose().split(), "unpause", "router")
    while not await containers.answers(*asked):
        assert time.monotonic() < until
        await deferLater(containers.reactor, 1.0)
    assert await containers.playing(2) == PLAYERS


@pytest_twisted.ensureDeferred
async def test_a_player_outside_of_the_containers_plays(containers: Containers) -> None:
    assert await containers.visited(containers.ports.players) >= 10


@pytest_twisted.ensureDeferred
async def test_players_are_moved_to_a_container_that_is_added(containers: Containers) -> None:
    before = sum((await containers.latest("crowd", "moves_total")).values())
    await containers.up(3)
    await containers.seen("gameserver", "players", lambda v: len(v) == 3 and min(v.values()) > 0)
    await containers.seen("crowd", "moves_total", lambda v: sum(v.values()) > before)
    assert await containers.playing(3) == PLAYERS
    await told(containers)


@pytest_twisted.ensureDeferred
async def test_a_killed_container_is_replaced_and_its_players_come_back(
    containers: Containers,
) -> None:
    victims = [pid for name, pid in await containers.each(".State.Pid") if name == "gameserver"]
    before = sum((await containers.latest("crowd", "rejoins_total")).values())
    os.kill(int(victims[0]), signal.SIGKILL)
    await containers.seen("crowd", "rejoins_total", lambda v: sum(v.values()) > before)
    assert await containers.playing(3) == PLAYERS
    restarts = [times for _, times in await containers.each(".RestartCount") if int(times)]
    assert restarts == ["1"]
    await told(containers)


@pytest_twisted.ensureDeferred
async def test_containers_that_are_told_to_stop_end_by_themselves(containers: Containers) -> None:
    # Who still starts, as process 1, does not hear it: everybody serves, seen by all who play.
    await containers.up(3)
    assert await containers.playing(3) == PLAYERS
    await containers.all_shown()
    await containers.run("sh", "-c", f"{compose()} stop --timeout 120")
    ends = await containers.each(".State.ExitCode")
    assert {service for service, _ in ends} == set(OURS)
    assert [end for end in ends if end[1] != "0"] == []


async def told(containers: Containers) -> None:
    """Say what the players felt so far. No input may be lost; ticks depend on the machine."""
    felt = {
        name: sum((await containers.latest("crowd", name)).values())
        for name in ("moves_total", "missed_ticks_total", "rejoins_total")
    }
    print("players felt:", felt)
    for fault in ("lost_inputs_total", "doubled_inputs_total"):
        assert sum((await containers.latest("crowd", fault)).values()) == 0, fault
