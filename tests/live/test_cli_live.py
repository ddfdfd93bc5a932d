"""The command line as a program, against a router with real game servers and players."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest_twisted
from real_parts import Cluster, eventually, plays_on
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.utils import getProcessOutputAndValue
from twisted.python.failure import Failure

from clientmigration.cli.command import AWAY, DONE, NO, NOT_AUTHENTIC, USAGE

PROGRAM = str(Path(sys.executable).with_name("clientmigration"))
SLOW_S = "60"  # a machine may be slow; a router that is away says so at once


def flags(cluster: Cluster, secret: Path | None = None) -> list[str]:
    """Where the router is, and what opens it."""
    where = ["--router", f"tcp:127.0.0.1:{cluster.ports.members}"]
    return [*where, "--secret-file", str(secret or cluster.secret), "--timeout", SLOW_S]


async def said(cluster: Cluster, *words: str, secret: Path | None = None) -> tuple[int, str, str]:
    """Code, output and complaints of one command."""
    argv = [*words, *flags(cluster, secret)]
    out, err, code = await getProcessOutputAndValue(PROGRAM, argv, env=dict(os.environ))
    return int(code), out.decode(), err.decode()


async def told(cluster: Cluster, *words: str) -> Any:
    """What a command that does well answers in JSON."""
    code, out, err = await said(cluster, *words, "--json")
    assert (code, err) == (DONE, "")
    return json.loads(out)


@pytest_twisted.ensureDeferred
async def test_a_fleet_is_looked_at_and_ordered_from_the_command_line(cluster: Cluster) -> None:
    await cluster.server("one", "two")
    crowd = [await cluster.player() for _ in range(3)]
    situation = cluster.router.situation
    await eventually(
        lambda: situation.fleet.summary(situation.policy, situation.now()).players == 3
    )
    status = await told(cluster, "status")
    assert ([each["name"] for each in status["members"]], status["players"]) == (["one", "two"], 3)

    drained = await told(cluster, "drain", "one", "--wait", "300")
    assert drained == {"member": "one", "outcome": "empty", "players": 0}
    assert all(plays_on(each, "two") for each in crowd)
    code, out, _ = await said(cluster, "status")
    assert (code, "draining" in out) == (DONE, True)
    code, _, err = await said(cluster, "migrate", crowd[0].name, "one")
    assert (code, err) == (NO, f"clientmigration: moving {crowd[0].name} to one: draining\n")

    content = cluster.folder / "content.toml"  # or the balance may be quicker than the order below
    content.write_text("[rebalance]\nmargin = 1.0\nimbalance = 10.0\n")
    assert (await said(cluster, "policy", "load", str(content)))[0] == DONE
    assert (await told(cluster, "undrain", "one"))["outcome"] == "done"
    name = crowd[0].name
    target = "two" if crowd[0].member == "one" else "one"
    moved = await told(cluster, "migrate", name[:10], target)
    assert (moved["player"], moved["target"], moved["outcome"]) == (name, target, "settled")
    assert plays_on(crowd[0], target)
    rosters = cluster.router.members
    await eventually(
        lambda: (entry := rosters[target].roster.get(name)) and entry.state == "playing"
    )
    found = await told(cluster, "status", name[:10])
    assert (found["player"], found["member"], found["state"]) == (name, target, "playing")
    assert all(each.rejoins == 0 for each in crowd)


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_done_is_one_line_and_a_code(cluster: Cluster) -> None:
    await cluster.server("one")
    code, _, err = await said(cluster, "drain", "nine")
    assert (code, err) == (NO, "clientmigration: no game server is called 'nine'\n")
    other = cluster.folder / "other.secret"
    other.write_text("another secret of 32 characters.")
    code, _, err = await said(cluster, "status", secret=other)
    assert (code, "does not know the cluster secret" in err) == (NOT_AUTHENTIC, True)
    code, _, err = await said(cluster, "status", secret=cluster.folder / "none")
    assert (code, err.startswith("clientmigration: no cluster secret in ")) == (USAGE, True)
    code, _, err = await said(cluster, "top")
    assert (code, err.startswith("clientmigration: top needs a terminal")) == (USAGE, True)
    await cluster.parts.stopService()
    code, out, err = await said(cluster, "status")
    assert (code, out) == (AWAY, "")
    assert err.startswith(f"clientmigration: no router at tcp:127.0.0.1:{cluster.ports.members}: ")
    assert err.count("\n") == 1
    cluster.parts = cluster._router()  # for the fixture to stop
    cluster.start()


class Terminal(ProcessProtocol):
    """A terminal with a program in it: what it shows, and how it ended."""

    def __init__(self) -> None:
        self.shown, self.code = "", -1

    def outReceived(self, data: bytes) -> None:
        """It shows something."""
        self.shown += data.decode(errors="replace")

    def processEnded(self, reason: Failure) -> None:
        """It is over."""
        self.code = getattr(reason.value, "exitCode", None) or 0


@pytest_twisted.ensureDeferred
async def test_top_shows_a_fleet_and_takes_keys(cluster: Cluster) -> None:
    await cluster.server("one", "two")
    terminal = Terminal()
    argv = [PROGRAM, "top", *flags(cluster)]
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = cluster.reactor.spawnProcess(terminal, PROGRAM, argv, environ, usePTY=True)
    try:
        await eventually(lambda: "of 400 players on" in terminal.shown)
        process.write(b"d")
        await eventually(lambda: "drain one? y/n" in terminal.shown)
        fleet = cluster.router.fleet
        await eventually(  # a drain is refused as long as the other has just started and lags
            lambda: all(
                len(each.history) >= 5 and min(h.health for h in each.history[-5:]) > 0.5
                for each in fleet.members()
            ),
        )
        process.write(b"y")
        await eventually(lambda: "drain one: one has been told" in terminal.shown)
        await eventually(lambda: "draining" in terminal.shown)
        process.write(b"\x03")  # Ctrl-C
        await eventually(lambda: terminal.code >= 0)
    finally:
        if terminal.code < 0:
            process.signalProcess("KILL")
    assert terminal.code == 0
