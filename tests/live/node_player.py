"""The JavaScript player in a process of its own, as a test sees it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

PLAY = Path(__file__).with_name("play.mjs")


def node() -> list[str]:
    """The command that runs a script which uses WebSockets. Before node 20 there are none."""
    command = shutil.which("node")
    if command is None:
        pytest.skip("needs node")
    version = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    major = int(version.stdout.lstrip("v").partition(".")[0])
    if major < 20:
        pytest.skip("needs node 20 or later")
    return [command, *(() if major >= 22 else ("--experimental-websocket",)), "--no-warnings"]


class NodePlayer(ProcessProtocol):
    """What it has said so far: `told` of one kind, newest last; `said` is all of it."""

    transport: Any

    def __init__(self, reactor: Any, router: str, environ: dict[str, str] | None = None) -> None:
        self.said: list[dict[str, Any]] = []
        self.errors = ""
        self.over = False
        self._rest = b""
        argv = [*node(), str(PLAY), router]
        reactor.spawnProcess(self, argv[0], argv, env=environ)

    def outReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.said += [json.loads(line) for line in lines]

    def errReceived(self, data: bytes) -> None:
        self.errors += data.decode()

    def processEnded(self, reason: Failure) -> None:  # noqa: ARG002
        self.over = True

    def told(self, kind: str) -> list[Any]:
        assert not self.errors, self.errors
        return [each[kind] for each in self.said if kind in each]

    @property
    def name(self) -> str:
        return str(self.last("name"))

    @property
    def member(self) -> str:
        return str(self.last("member"))

    def last(self, kind: str) -> Any:
        return (self.told(kind) or [""])[-1]

    def landed(self, there: str) -> bool:
        """Whether its newest move has brought it there, and is over."""
        moves = self.told("move")
        return self.member == there and bool(moves) and moves[-1]["target"] == there

    def order(self, line: str) -> None:
        self.transport.write(f"{line}\n".encode())
