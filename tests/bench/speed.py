"""How many players one core carries: our game server beside servers that play no game.

    python tests/bench/speed.py [--players 600] [--seconds 8] [--rounds 3] [--only ours,bare]
    python tests/bench/speed.py --before OTHER_CHECKOUT      # its code, too, in the same rounds
    python tests/bench/speed.py --json run/speed.json --picture run/speed.svg
    python tests/bench/speed.py --most 10            # how many until p99 is later than 10 ms
    python tests/bench/speed.py --most 10 --rhythm   # later than it would come after the last one
    python tests/bench/speed.py --burst 500          # so many more come at once
    python tests/bench/speed.py --among 1,2,4,8      # the same players on several servers
    python tests/bench/speed.py --by 100,300,1000    # by how many there are


Every server runs on one core and its players, in C, on another. Ours is a whole one: the meadow, a
router on SQLite, a carbon that is not there, players who walk. Told are microseconds of the
server's CPU per player and tick, what a view weighs, and how late views come; in turn, round after
round, and the median of the rounds. Needs a C compiler; Colyseus is installed by npm into a
temporary folder, and left out, which is said, where there is no node.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from serving import (
    HERTZ,
    PEERS,
    ROOT,
    Serving,
    colyseus,
    compiled,
    crowd,
    installed,
    ours,
    peer,
    spent,
)

MOST_DROPPED = 0.5  # share of views: more, and a round does not count
SHOWN = ("us", "view_bytes", "kib", "late_p50_ms", "late_p99_ms", "late_p999_ms")


@dataclass
class Figures:
    """Of one server in one round."""

    kind: str
    players: int
    us: float  # of CPU, per player and tick that was shown: a late server leaves some out
    view_bytes: float
    kib: float  # of memory, per player
    late_p50_ms: float
    late_p99_ms: float
    late_p999_ms: float
    late_most_ms: float
    gap_p99_ms: float
    gap_most_ms: float
    dropped: float  # share of views that nobody got
    cut: int


def measured(kind: str, serving: Serving, load: str, n: int, seconds: float) -> Figures:
    """Its players come, play for a while, and say how it was."""
    process, before = serving.process, serving.process.memory_info().rss
    with crowd(load, serving.port, seconds, serving.speaks) as players:
        for opening in serving.openings(n):
            players.come(opening)
        players.play()
        grown = process.memory_info().rss - before
        began, used = time.monotonic(), spent(process)
        views, size, _inputs, *late, cut = players.told()
        used, took = spent(process) - used, time.monotonic() - began
    dropped = max(0.0, 1 - views / (took * HERTZ * n))
    us, size = used / max(1, views) * 1e6, size / max(1, views)
    lateness: tuple[Any, ...] = (*late, dropped, int(cut))
    return Figures(kind, n, us, size, grown / n / 1024, *lateness)


def servers(asked: argparse.Namespace, folder: Path) -> dict[str, Callable[[], Any]]:
    """How each kind is started."""
    size, epoll = str(asked.bytes), compiled(folder, "epoll")
    every: dict[str, Callable[[], Any]] = {
        "epoll": lambda: peer([epoll, size]),
        "bare": lambda: peer([sys.executable, str(PEERS / "bare.py"), size]),
    }
    for name, root in _roots(asked).items():
        every[f"{name} tcp"] = partial(ours, root, False)
        every[f"{name} websocket"] = partial(ours, root, True)
    if "colyseus" in (asked.only or "colyseus") and installed(folder / "npm"):
        every["colyseus"] = partial(colyseus, folder / "npm")
    words = asked.only.split(",") if asked.only else list(every)
    return {kind: start for kind, start in every.items() if any(word in kind for word in words)}


@dataclass
class Table:
    """All rounds in one table, and as a picture. `kinds` is in the order of the rows."""

    told: list[Figures]
    kinds: list[str]

    def __post_init__(self) -> None:
        """A round in which a server was so late that most of its views were left out says nothing
        of what they cost, and is not counted: the machine had too much else to do."""
        known = {each.kind for each in self.told if each.dropped < MOST_DROPPED}
        self.kinds = [kind for kind in self.kinds if kind in known]

    def rounds(self, kind: str) -> list[Figures]:
        """Those of one server that count."""
        return [x for x in self.told if x.kind == kind and x.dropped < MOST_DROPPED]

    def median(self, kind: str, figure: str) -> float:
        """The median of the rounds of one server."""
        return float(statistics.median(getattr(each, figure) for each in self.rounds(kind)))

    def beside(self, kind: str, other: str) -> str:
        """How many times as many players as that one this one would carry."""
        if other not in self.kinds:
            return "-"
        return f"{self.median(other, 'us') / self.median(kind, 'us'):.2f}"

    def __str__(self) -> str:
        rows = [
            "| server | us | times bare | times Colyseus | bytes | KiB a player |"
            " late p50, p99, p99.9 ms |",
            "|---|---:|---:|---:|---:|---:|---:|",
        ]
        for kind in self.kinds:
            us, size, kib, *late = (self.median(kind, figure) for figure in SHOWN)
            ratios = [self.beside(kind, other) for other in ("bare", "colyseus")]
            said = ", ".join(f"{each:.1f}" for each in late)
            rows.append(
                f"| {kind} | {us:.1f} | {' | '.join(ratios)} | {size:.0f} | {kib:.0f} | {said} |"
            )
        return "\n".join(rows)

    def picture(self) -> str:
        """Bars of microseconds, and thin lines from the least to the most of the rounds, as SVG."""
        most = max((each.us for kind in self.kinds for each in self.rounds(kind)), default=1.0)
        across = lambda us: 170 + 400 * us / most  # noqa: E731
        drawn = [
            f'<text x="10" y="24" class="t">Microseconds of the server\'s CPU per player and tick,'
            f" {self.told[0].players} players</text>"
        ]
        for n, kind in enumerate(self.kinds):
            y, us = 44 + 30 * n, self.median(kind, "us")
            rounds = [each.us for each in self.rounds(kind)]
            low, high = across(min(rounds)), across(max(rounds))
            color = "#3f51b5" if kind.startswith("ours") else "#9e9e9e"
            drawn += [
                f'<text x="160" y="{y + 15}" text-anchor="end">{kind}</text>',
                f'<path d="M170 {y + 10}H{across(us):.0f}" stroke="{color}" stroke-width="20"/>',
                f'<path d="M{low:.0f} {y + 10}H{high:.0f}" stroke="#ff9800" stroke-width="2"/>',
                f'<text x="{high + 8:.0f}" y="{y + 15}">{us:.1f}</text>',
            ]
        height = 54 + 30 * len(self.kinds)
        style = "text{font:14px sans-serif;fill:#212121}.t{font-weight:bold}"
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {height}" width="640">'
        ground = f'<rect width="640" height="{height}" fill="#ffffff"/>'
        return f"{head}<style>{style}</style>{ground}{''.join(drawn)}</svg>\n"


def growth(asked: argparse.Namespace) -> None:
    """What becomes of it when there are more: see growth.py."""
    from growth import among, burst, by, most

    with tempfile.TemporaryDirectory() as made:
        load = compiled(Path(made), "load")
        every = servers(asked, Path(made))
        round_of = lambda kind, start, n: _round(kind, start, load, n, asked.seconds)  # noqa: E731
        told: list[dict[str, Any]] = []
        if asked.by:
            told += by(every, round_of, [int(each) for each in asked.by.split(",")])
        if asked.most:
            told += most(every, round_of, asked.players, asked.most, asked.rhythm)
        if asked.burst:
            told += burst(_roots(asked), load, asked.players, asked.burst, asked.seconds)
        if asked.among:
            numbers = [int(each) for each in asked.among.split(",")]
            told += among(_roots(asked), load, asked.players, numbers, asked.seconds)
        if asked.json:
            asked.json.write_text(json.dumps(told, indent=1))


def _round(
    kind: str, start: Callable[[], Any], load: str, n: int, seconds: float
) -> dict[str, Any]:
    """One round with so many players."""
    with start() as serving:
        return asdict(measured(kind, serving, load, n, seconds))


def _roots(asked: argparse.Namespace) -> dict[str, Path]:
    """Our checkouts."""
    return {"ours": ROOT} | ({"before": asked.before.resolve()} if asked.before else {})


def main() -> None:
    """Every server in every round; then the medians."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--players", type=int, default=600)
    flags.add_argument("--seconds", type=float, default=8.0)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--bytes", type=int, default=385, help="of a view where there is no game")
    flags.add_argument("--only", default="", help="kinds that contain one of these words")
    flags.add_argument("--before", type=Path, help="another checkout, to be compared with")
    flags.add_argument("--json", type=Path, help="a file for all figures")
    flags.add_argument("--picture", type=Path, help="a file for a picture, SVG")
    flags.add_argument("--most", type=float, default=0, help="search: until p99 is so late, ms")
    flags.add_argument("--rhythm", action="store_true", help="late after the view before, there")
    flags.add_argument("--burst", type=int, default=0, help="so many come while others play")
    flags.add_argument("--among", default="", help="numbers of servers for the same players")
    flags.add_argument("--by", default="", help="numbers of players")
    asked = flags.parse_args()
    if asked.most or asked.burst or asked.among or asked.by:
        growth(asked)
        return
    told: list[Figures] = []
    with tempfile.TemporaryDirectory() as made:
        load = compiled(Path(made), "load")
        every = servers(asked, Path(made))
        for _ in range(asked.rounds):
            for kind, start in every.items():
                with start() as serving:
                    told.append(measured(kind, serving, load, asked.players, asked.seconds))
                print(asdict(told[-1]), flush=True)
                if asked.json:  # anew each time: it may be stopped
                    asked.json.write_text(json.dumps([asdict(each) for each in told], indent=1))
    told_of = Table(told, [*every])
    print(f"\n{asked.players} players, median of {asked.rounds} rounds of {asked.seconds:g} s\n")
    print(told_of)
    if asked.picture:
        asked.picture.write_text(told_of.picture())


if __name__ == "__main__":
    main()
