"""Five minutes of a stack with an overload, an attach, a drain, a server and a router killed, and
then its replay.

    .venv/bin/python tests/bench/replayed.py --players 100 --seconds 300

Everything is processes of their own in a temporary folder, on free ports. The crowd gathers on one
server every 40 s; the policy's thresholds are low, so that this is an overload on any machine. At
the end `clientmigration replay` and `explain` are run against the stack's Graphite. Prints what
they say; exits 1 when a decision differs.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

BIN = Path(sys.executable).parent
READY_S = 180.0
EARLY = "[health]\nstrained = 0.1\noverloaded = 0.15\nhysteresis = 0.03\n"
OTHERS = {
    "bold": "[rebalance]\ndamping = 1.0\n",
    "lazy": "[rebalance]\nimbalance = 3.0\nmargin = 0.3\n",
}


class Staged:
    """One stack, and what is done to it."""

    def __init__(self, folder: Path, players: int) -> None:
        self.folder = folder
        (folder / "policy.toml").write_text(EARLY)
        free = [flag for name in ("carbon", "carbon-query", "graphite", "members", "players")
                for flag in (f"--{name}-port", "0")]  # fmt: skip
        flags = ["--state", str(folder), "--players", str(players), *free]
        argv = [str(BIN / "twistd"), "-n", "--pidfile=", "stack", *flags]
        self.log = folder / "stack.out"
        self.stack = subprocess.Popen(
            [*argv, "--policy", str(folder / "policy.toml")], stdout=self.log.open("wb")
        )
        self.more: list[subprocess.Popen[bytes]] = []

    def said(self, pattern: str) -> str:
        """What the stack said after these words, once it has."""
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.stack.poll() is None:
            found = re.search(pattern, self.log.read_text(), re.MULTILINE)
            if found:
                return found[1]
            time.sleep(0.2)
        raise SystemExit(f"the stack did not say {pattern!r}:\n{self.log.read_text()}")

    def attach(self) -> None:
        """One more server, as the stack says it is done."""
        argv = self.said(r"^one more game server +(.+)$").split()
        out = (self.folder / "more.out").open("wb")
        self.more.append(subprocess.Popen([*argv, "--name", "extra"], stdout=out, stderr=out))

    def drain(self) -> None:
        """It stops, and sends its players away before."""
        self.more[0].send_signal(signal.SIGTERM)

    def kill(self, *words: str) -> None:
        """kill -9 of the process with these words; the stack starts it again."""
        for process in psutil.Process(self.stack.pid).children(recursive=True):
            if {*words} <= {*process.cmdline()}:
                process.kill()

    def asked(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What the command line answers."""
        graphite = self.said(r"^Graphite +(\S+)$")
        argv = [str(BIN / "clientmigration"), *words, "--graphite", graphite]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    def explained(self, subject: str) -> str:
        """Why this is as it is."""
        members = self.said(r"^game servers attach to +(\S+)$")
        secret = str(self.folder / "cluster.secret")
        asked = ("explain", subject, "--router", members, "--secret-file", secret)
        return self.asked(*asked).stdout

    def end(self) -> None:
        """Everything stops."""
        for process in (*self.more, self.stack):
            process.terminate()
            process.wait(60)


def run(asked: argparse.Namespace, folder: Path) -> int:
    """The whole of it."""
    staged = Staged(folder, asked.players)
    try:
        staged.said(r"(\d+) servers, [1-9]")
        began, share = time.time(), asked.seconds / 300
        acts = (
            (80, staged.attach),
            (150, staged.drain),
            (200, lambda: staged.kill("gameserver", "gs-2")),
            (245, lambda: staged.kill("router", "--ledger")),
        )
        for at, act in acts:
            time.sleep(max(0.0, began + at * share - time.time()))
            act()
        time.sleep(max(0.0, began + asked.seconds - time.time()))
        return report(staged, began, asked.plot)
    finally:
        staged.end()


def report(staged: Staged, began: float, plot: str) -> int:
    """What replay and explain say."""
    started = time.monotonic()
    again = staged.asked("replay", "--from", str(began), "--json")
    took = time.monotonic() - started
    told = json.loads(again.stdout)
    words = Counter(
        flow["reason"].partition(":")[0] for each in told["rounds"] for flow in each["then"]
    )
    print(staged.log.read_text().splitlines()[-1])
    print("flows by reason:", dict(words))
    print(*re.findall(r"has \d+ reports of .*", (staged.folder / "log/router.log").read_text()))
    print(f"replay took {took:.1f} s:", told["summary"], told["notes"])
    print([each for each in told["rounds"] if each["verdict"] != "same"][:5])
    drawn = ["--plot", plot] if plot else []
    for name, text in OTHERS.items():
        (staged.folder / f"{name}.toml").write_text(EARLY + text)
        policy = ["--policy", str(staged.folder / f"{name}.toml")]
        other = staged.asked("replay", "--from", str(began), "--json", *policy, *drawn)
        print(name, json.dumps(json.loads(other.stdout)["summary"]))
    explained = staged.explained("extra")
    print("\n".join(explained.splitlines()[:6]))
    player = re.search(r"([0-9a-f]{16})(?:'s move| is moved)", explained)
    if player:
        print(staged.explained(player[1]))
    return again.returncode


def main(argv: list[str] | None = None) -> Any:
    """Read the flags, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--players", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--plot", default="", help="an SVG of the last policy that is tried")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="clientmigration-replayed-") as folder:
        return run(asked, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
