"""Two routers and NATS in containers, as `make up` starts them with docker-compose.routers.yml.

NATS's own image cannot be pulled here: the server of the tests runs in a stand-in for it.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest
import pytest_twisted
from containers_here import MAKES_IMAGES, OURS, PATIENCE_S, PLAYERS, Containers, lacking
from twisted.internet.task import deferLater

from clientmigration.stack.ports import Ports, settled

pytestmark = MAKES_IMAGES
NATS = "clientmigration-test-nats"
DOCKERFILE = """FROM python:3.11-slim-bookworm
COPY nats-server nc /usr/local/bin/
"""
NC = """#!/usr/bin/env python3
import socket, sys
socket.create_connection((sys.argv[-2], int(sys.argv[-1])), 5)
"""
DOCTOR = (
    "clientmigration doctor --router tcp:router:4101 --secret-file /run/secrets/cluster"
    " --ledger nats://nats:4222?credentials=/run/secrets/ledger --graphite http://graphite:8080"
)


@pytest.fixture(scope="module")
def engine() -> None:
    """One that runs."""
    if lack := lacking():
        pytest.skip(lack)


async def image_of_nats(containers: Containers, folder: Path) -> None:
    """A stand-in for the official one: the same server, and a shell."""
    shutil.copy(Path(sys.executable).with_name("nats-server"), folder)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "nc").write_text(NC)
    (folder / "nc").chmod(0o755)
    await containers.run("docker", "build", "-q", "-t", NATS, str(folder))


async def attached(containers: Containers, times: int) -> None:
    """The game servers have said so often that a router took them in."""
    until = time.monotonic() + PATIENCE_S
    word = "attached to the router as"
    while (found := (await containers.output("logs", "gameserver")).count(word)) < times:
        assert time.monotonic() < until, found
        await deferLater(containers.reactor, 1.0)


async def answering(containers: Containers, *routers: str) -> None:
    """Exactly these are found behind the name `router`, and let in who asks."""
    until = time.monotonic() + PATIENCE_S
    while True:
        told = await containers.output("exec", "-T", "router-2", *DOCTOR.split())
        found = {each for each in ("router-1", "router-2") if f"{each} at tcp:router" in told}
        if found == {*routers}:
            return
        assert time.monotonic() < until, told
        await deferLater(containers.reactor, 1.0)


async def felt(containers: Containers, measure: str) -> float:
    """By the crowd, since it began."""
    return sum((await containers.latest("crowd", measure)).values())


@pytest_twisted.ensureDeferred
async def test_one_of_two_routers_is_killed_and_comes_back_and_everybody_plays_on(
    engine: None, tmp_path: Path
) -> None:
    from twisted.internet import reactor

    second = settled(Ports(0, 0, 0, 0, 0, 0)).players
    project = Containers(
        reactor,
        (*OURS, "router-2", "nats"),
        COMPOSE_FILE="docker-compose.yml:docker-compose.routers.yml",
        NATS_IMAGE=NATS,
        PLAYERS_PORT_2=str(second),
    )
    try:
        await image_of_nats(project, tmp_path)
        await project.up(2)
        await project.playing(2)
        await attached(project, 4)
        await answering(project, "router-1", "router-2")
        before = await felt(project, "rejoins_total")

        await project.output("kill", "router")
        assert await project.visited(second) >= 10
        await answering(project, "router-2")
        assert await project.playing(2) == PLAYERS
        await project.all_shown()

        await project.up(2)
        await attached(project, 6)
        await answering(project, "router-1", "router-2")
        assert await project.visited(project.ports.players) >= 10
        assert await felt(project, "rejoins_total") == before
        for fault in ("lost_inputs_total", "doubled_inputs_total"):
            assert await felt(project, fault) == 0, fault
        print("ticks missed:", await felt(project, "missed_ticks_total"))
    finally:
        await project.run("make", "down", "DOWN=--volumes --timeout 60")
    assert not await project.everything_left()
