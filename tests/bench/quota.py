"""A game server under a CPU limit, live: some servers, thirty players, and what each one reports.

    python tests/bench/quota.py --cores 0.25 [--services FOLDER]

After `--settle` seconds the first server is put under a quota of so many cores, by a cgroup of
version 1 or 2 that this program makes and removes (so it has to be root). Each line is two seconds
of one server: load, health, usual and 95th percentile lateness, CPU, players. `--services` takes
another checkout's code, to compare. About one core is busy meanwhile.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

SHOWN = ("load", "health", "lateness_ms_p50", "lateness_ms_p95", "cpu_percent", "players")
V1, V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
TWISTD = str(Path(sys.executable).with_name("twistd"))


class Carbon(threading.Thread):
    """Hears datapoints as carbon does, and keeps them by name, measure and second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.known: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))

    def run(self) -> None:
        while True:
            peer, _ = self.door.accept()
            threading.Thread(target=self._hear, args=(peer,), daemon=True).start()

    def _hear(self, peer: socket.socket) -> None:
        for line in peer.makefile():
            path, value, second = line.split()
            *_, name, measure = path.split(".")
            self.known[name][measure][int(float(second))] = float(value)


class Groups:
    """A cgroup for each program, so that a busy machine does not decide what is seen."""

    def __init__(self) -> None:
        self.older = (V1 / "cpu.cfs_quota_us").exists()
        self.made: list[Path] = []

    def of(self, pid: int) -> Path:
        """A new one with the process in it, which comes before others on this machine."""
        group = (V1 if self.older else V2) / f"quota-{pid}"
        group.mkdir()
        self.made.append(group)
        (group / ("cpu.shares" if self.older else "cpu.weight")).write_text("8192")
        (group / "cgroup.procs").write_text(str(pid))
        return group

    def limit(self, group: Path, cores: float) -> None:
        """No more than so many cores from now on."""
        if self.older:
            (group / "cpu.cfs_period_us").write_text("100000")
            (group / "cpu.cfs_quota_us").write_text(str(round(cores * 100_000)))
        else:
            (group / "cpu.max").write_text(f"{round(cores * 100_000)} 100000")

    def remove(self) -> None:
        """Once nobody is in them."""
        time.sleep(0.5)
        for group in self.made:
            group.rmdir()


def main() -> None:
    """Play, limit, show."""
    flags = argparse.ArgumentParser()
    flags.add_argument("--cores", type=float, default=0.25)
    flags.add_argument("--services", default=str(Path(__file__).parents[2] / "services"))
    flags.add_argument("--burn", default="1500", help="microseconds of CPU per player and tick")
    flags.add_argument("--players", default="30")
    flags.add_argument("--settle", type=int, default=20)
    flags.add_argument("--seconds", type=int, default=40)
    flags.add_argument("--servers", type=int, default=3)
    asked = flags.parse_args()
    servers = [f"gs-{n}" for n in range(1, asked.servers + 1)]
    carbon = Carbon()
    carbon.start()
    with tempfile.TemporaryDirectory() as folder:
        children, groups = list[subprocess.Popen[bytes]](), Groups()
        secret = Path(folder) / "secret"
        secret.write_text(os.urandom(32).hex())
        common = ("--secret-file", str(secret), "--carbon", f"tcp:127.0.0.1:{carbon.port}")
        players, members = (_free(), _free())

        def start(*words: str) -> Path:
            log = (Path(folder) / f"{len(children)}.log").open("w")
            children.append(
                subprocess.Popen(
                    [TWISTD, "-n", "--pidfile=", *words],
                    cwd=folder,
                    env={**os.environ, "PYTHONPATH": asked.services},
                    stdout=log,
                    stderr=log,
                )
            )
            return groups.of(children[-1].pid)

        try:
            doors = (f"tcp:{players}:interface=127.0.0.1", f"tcp:{members}:interface=127.0.0.1")
            ledger = ("--ledger", f"{folder}/ledger", "--graphite", "http://127.0.0.1:9")
            start("router", *common, "--players", doors[0], "--members", doors[1], *ledger)
            router = f"tcp:127.0.0.1:{members}"
            places = [
                start("gameserver", "--burns", *common, "--name", n, "-r", router) for n in servers
            ]
            time.sleep(6)
            crowd = ("--players", asked.players, "--burn", asked.burn, "--party", asked.burn)
            heard, url = f"tcp:127.0.0.1:{carbon.port}", f"clientmigration://127.0.0.1:{players}"
            start("crowd", "--carbon", heard, "--router", url, "--downloads", "0", *crowd)
            time.sleep(asked.settle)
            begun = int(time.time())
            show(carbon, servers, begun - 2, begun, -1)
            groups.limit(places[0], asked.cores)
            for second in range(2, asked.seconds + 1, 2):
                time.sleep(max(0.0, begun + second + 1.5 - time.time()))
                show(carbon, servers, begun + second - 1, begun + second, second)
            felt = carbon.known["crowd"]
            for measure in ("missed_ticks", "views_per_s"):
                values = [v for at, v in sorted(felt.get(measure, {}).items()) if at >= begun]
                print(f"players: {measure} {' '.join(f'{v:.0f}' for v in values)}")
        finally:
            for child in reversed(children):
                child.kill()
                child.wait()
            groups.remove()


def show(carbon: Carbon, servers: Sequence[str], first: int, last: int, second: int) -> None:
    """What each server says of these seconds: the latest of each measure."""
    for name in servers:
        row = []
        for measure in SHOWN:
            values = carbon.known[name][measure]
            near = [values[at] for at in range(first - 1, last + 1) if at in values]
            row.append(f"{near[-1]:8.2f}" if near else "       -")
        print(f"{second:4d} s {name} " + " ".join(row), flush=True)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


if __name__ == "__main__":
    main()
