"""A game server under Agones: a real process, and a sidecar on a real port that checks what it is
told against the published interface."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_twisted
from agones_sidecar import AgonesDouble
from real_parts import PATIENCE_S, TWISTD
from twisted.internet.task import deferLater

from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.stack.ports import LOOPBACK, Ports, settled


class Pod:
    """A game server with its sidecar, and a router to be started."""

    def __init__(self, reactor: Any, folder: Path) -> None:
        self.reactor, self.folder = reactor, folder
        self.sidecar = AgonesDouble()
        self.port = self.sidecar.listen(reactor)
        self.ports = settled(Ports(0, 0, 0, 0, 0))
        self.useful = folder / "useful"
        self.gate = self.ports.graphite  # a free one
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "secret").write_text("s" * 64)

    def start(self, daemon: str, *flags: str) -> None:
        """Start a daemon."""
        nowhere = ("--carbon", f"tcp:{LOOPBACK}:9", "--secret-file", str(self.folder / "secret"))
        with (self.folder / daemon).open("ab") as log:
            self.started[daemon] = subprocess.Popen(
                [sys.executable, TWISTD, "-n", "--pidfile=", daemon, *nowhere, *flags],
                cwd=self.folder,
                env={**os.environ, "AGONES_SDK_HTTP_PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )

    def start_server(self, *flags: str) -> None:
        """Start the game server."""
        router = f"tcp:{LOOPBACK}:{self.ports.members}"
        here = f"tcp:{self.gate}:interface={LOOPBACK}"
        told = ("--agones", "--useful", str(self.useful), *flags)
        self.start("gameserver", *told, "--listen", here, "--router", router)

    def start_router(self) -> None:
        """Start the router."""
        here = f"interface={LOOPBACK}"
        ledger = str(self.folder / "ledger")
        players = f"tcp:{self.ports.players}:{here}"
        members = f"tcp:{self.ports.members}:{here}"
        self.start(
            *("router", "--players", players, "--members", members, "--ledger", ledger),
            *("--graphite", f"http://{LOOPBACK}:9"),
        )

    async def until(self, true: Callable[[], Any]) -> None:
        """It becomes true, in time."""
        end = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < end, (self.sidecar.told[-9:], self.sidecar.refused)
            await deferLater(self.reactor, 0.05)

    def said(self, path: str) -> int:
        """How often it was told that."""
        return self.sidecar.paths().count(path)


@pytest_twisted.async_yield_fixture()
async def pod(tmp_path: Path) -> AsyncIterator[Pod]:
    """Gone afterwards."""
    from twisted.internet import reactor

    running = Pod(reactor, tmp_path)
    yield running
    for process in running.started.values():
        process.kill()
        process.wait()
    await running.sidecar.close()


@pytest_twisted.ensureDeferred
async def test_a_server_is_healthy_then_ready_then_labelled_then_over(pod: Pod) -> None:
    pod.start_router()
    pod.start_server()
    await pod.until(lambda: pod.said("/health") >= 3)
    assert pod.said("/ready") == 0  # nobody knows yet where it is
    assert not pod.useful.exists()
    pod.sidecar.found_at(LOOPBACK, pod.gate)
    await pod.until(lambda: pod.said("/ready"))
    assert f"gs-1 at {LOOPBACK}:{pod.gate}" in (pod.folder / "router").read_text()
    await pod.until(lambda: pod.sidecar.labels().get("member") == "gs-1")
    await pod.until(lambda: pod.useful.exists() and pod.useful.read_text() == "gs-1 0/200\n")
    ada = Player(pod.reactor, f"{LOOPBACK}:{pod.ports.players}", dialer(pod.reactor), Random(1), "")
    ada.start()
    await pod.until(lambda: pod.sidecar.labels().get("players") == "1")
    ada.stop()
    await pod.until(lambda: pod.sidecar.labels().get("players") == "0")
    pod.started["gameserver"].terminate()
    await pod.until(lambda: pod.started["gameserver"].poll() is not None)
    assert pod.started["gameserver"].returncode in (0, -signal.SIGTERM)
    assert pod.sidecar.paths()[-1] == "/shutdown"
    assert (pod.said("/ready"), pod.said("/shutdown")) == (1, 1)
    assert pod.sidecar.refused == []
    assert not pod.useful.exists()


@pytest_twisted.ensureDeferred
async def test_a_router_that_goes_does_not_make_a_server_unhealthy(pod: Pod) -> None:
    pod.sidecar.found_at(LOOPBACK, pod.gate)
    pod.start_router()
    pod.start_server()
    await pod.until(lambda: pod.said("/ready") and pod.useful.exists())
    pod.started["router"].kill()
    await pod.until(lambda: time.time() - pod.useful.stat().st_mtime > 3)
    before = pod.said("/health")
    await pod.until(lambda: pod.said("/health") >= before + 3)
    assert pod.said("/shutdown") == 0


@pytest.mark.parametrize("status", [0, 500])
@pytest_twisted.ensureDeferred
async def test_a_sidecar_that_is_ill_costs_no_player_a_tick(pod: Pod, status: int) -> None:
    pod.sidecar.status = status
    pod.start_router()
    pod.start_server("--advertise", f"{LOOPBACK}:{pod.gate}")
    ada = Player(pod.reactor, f"{LOOPBACK}:{pod.ports.players}", dialer(pod.reactor), Random(1), "")
    ada.start()
    await pod.until(lambda: ada.tally.views > 100)
    ada.stop()
    began = time.monotonic()
    pod.started["gameserver"].send_signal(signal.SIGTERM)
    await pod.until(lambda: pod.started["gameserver"].poll() is not None)
    print(f"missed {ada.tally.missed} ticks, ended after {time.monotonic() - began:.1f} s")
    assert pod.started["gameserver"].returncode in (0, -signal.SIGTERM)
    pod.sidecar.status = 200


@pytest_twisted.ensureDeferred
async def test_a_server_that_hangs_is_not_healthy(pod: Pod) -> None:
    pod.sidecar.found_at(LOOPBACK, pod.gate)
    pod.start_router()
    pod.start_server()
    await pod.until(lambda: pod.said("/ready"))
    pod.started["gameserver"].send_signal(signal.SIGSTOP)
    await deferLater(pod.reactor, 0.5)  # what was under way
    before = pod.said("/health")
    await deferLater(pod.reactor, 3.0)
    assert pod.said("/health") == before
    pod.started["gameserver"].send_signal(signal.SIGCONT)
    await pod.until(lambda: pod.said("/health") > before)
