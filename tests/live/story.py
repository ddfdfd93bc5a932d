"""A quarter of an hour of a fleet, made up, and written as Graphite keeps it.

For looking at panels: any number of servers, all that a dashboard has a place for happens, and it
is the same each time. Players gather at one server, its load rises, the router moves some of them
to others; a server attaches; one drains. The numbers obey each other (players add up, counts fit to
what is counted); how fast anything is, is made up. Nothing here is a measurement of ours.
"""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from clientmigration.core.measures.metrics import CATALOGUE, SPREAD, path

EACH_S = 120
"""A crowd gathers at one server for so long, then at the next."""

PER_SERVER, CAPACITY = 90, 150
STRAINED, OVERLOADED = 0.6, 0.8
Series = dict[str, list[float | None]]

REFUSED = (
    *("refused_tickets", "closed_connections", "turned_away"),
    *("connections", "strangers", "crowded_connects", "crowded_joins"),
)


@dataclass(frozen=True)
class Mark:
    """One event: `when` is a second of the story."""

    when: int
    kind: str
    what: str


@dataclass
class Story:
    """`servers` for `seconds`. `series` has a value for each second, by path. Of many servers it is
    enough to tell what a dashboard asks of all of them: `only` these measures, if any."""

    servers: int
    only: frozenset[str] = frozenset()
    seconds: int = 900
    series: Series = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(f"story {self.servers}")
        self.names = [f"gs-{n + 1}" for n in range(self.servers)]
        self._late = self.names[-1] if self.servers > 2 else ""
        self._drains = self.names[1] if self.servers > 2 else ""
        self._lived: dict[str, float] = dict.fromkeys(self.names, 0.0)
        for name in self.names:
            self._lived[name] = 0.0 if name == self._late else float(PER_SERVER)
        for second in range(self.seconds):
            self._second(second)

    # What happens.

    def _alive(self, name: str, second: int) -> bool:
        if name == self._late:
            return second >= self.seconds * 0.45
        return not (name == self._drains and self.seconds * 0.72 <= second < self.seconds * 0.78)

    def _draining(self, name: str, second: int) -> bool:
        return name == self._drains and self.seconds * 0.68 <= second < self.seconds * 0.72

    def _weight(self, name: str, second: int) -> float:
        """What a player there costs, of the server's CPU: more where a crowd gathers."""
        turn = second // EACH_S % self.servers
        here = self.names.index(name) == turn
        swell = math.sin(math.pi * (second % EACH_S) / EACH_S) ** 2
        return (0.0042 + 0.0048 * swell * here) * (1 + 0.02 * self._random.uniform(-1, 1))

    def _second(self, second: int) -> None:
        alive = [name for name in self.names if self._alive(name, second)]
        loads = {name: self._lived[name] * self._weight(name, second) for name in alive}
        before = [name for name in self.names if self._alive(name, second - 1)] if second else alive
        for name in set(alive) - set(before):
            self.marks.append(Mark(second, "join", f"{name} attached"))
        for name in set(before) - set(alive):
            self.marks.append(Mark(second, "leave", f"{name} is gone: empty"))
        moves = self._moves(second, alive, loads)
        came, went = dict.fromkeys(alive, 0), dict.fromkeys(alive, 0)
        for source, target in moves:
            self._lived[source] -= 1
            self._lived[target] += 1
            went[source] += 1
            came[target] += 1
        for name in alive:
            self._server(second, name, loads[name], came[name], went[name])
        self._router(second, alive, loads, moves)
        self._crowd(second, alive, len(moves))

    def _moves(
        self, second: int, alive: list[str], loads: dict[str, float]
    ) -> list[tuple[str, str]]:
        leaving = [name for name in alive if self._draining(name, second)]
        fit = [name for name in alive if name not in leaving]
        if leaving and fit:
            if second == math.ceil(self.seconds * 0.68):
                n = round(self._lived[leaving[0]])
                self.marks.append(Mark(second, "drain", f"{leaving[0]} sends its {n} players away"))
            least = sorted(fit, key=lambda name: loads[name])
            many = min(6, round(self._lived[leaving[0]]))
            return [(leaving[0], least[n % min(3, len(least))]) for n in range(many)]
        if len(fit) < 2 or second % 2:
            return []
        mean = sum(loads.values()) / len(loads)
        high, low = max(fit, key=loads.__getitem__), min(fit, key=loads.__getitem__)
        if loads[high] < 1.25 * mean or loads[high] < mean + 0.05:
            return []
        many = max(1, min(6, round((loads[high] - loads[low]) * 12)))
        why = f"load {loads[high]:.2f} is high for a mean of {mean:.2f}"
        if second % 16 == 0:
            self.marks.append(Mark(second, "decision", f"move {many} {high} to {low}: {why}"))
        return [(high, low)] * many

    # What is told of it.

    def _tell(self, role: str, name: str, second: int, **values: float) -> None:
        for measure, value in values.items():
            if self.only and role == "gameserver" and measure not in self.only:
                continue
            told = self.series.setdefault(path(role, name, measure), [None] * self.seconds)
            told[second] = float(value)

    def _spread(self, middle: float, wide: float) -> dict[str, float]:
        """Median and so on, of something that is rarely long."""
        noise = abs(self._random.gauss(0, wide))
        shares = {"p50": 0.0, "p95": 0.5, "p99": 0.8, "max": 1.0}
        return {rank: round(middle + noise * shares[rank] * 3, 2) for rank in SPREAD}

    def _spreads(self, **stems: tuple[float, float]) -> dict[str, float]:
        return {
            f"{stem}_{rank}": value
            for stem, (middle, wide) in stems.items()
            for rank, value in self._spread(middle, wide).items()
        }

    def _server(self, second: int, name: str, load: float, came: int, went: int) -> None:
        index, count, chance = self.names.index(name), self._lived[name], self._random
        load = min(1.0, load + 0.004 * chance.uniform(-1, 1) + 0.01)
        angle = 2 * math.pi * index / max(3, self.servers) + second / 900
        far = 120 if self.servers > 1 else 0
        grade = 2 if load > OVERLOADED else 1 if load > STRAINED else 0
        pairs = count * 7
        split = pairs * (0.06 + 0.02 * math.sin(second / 70 + index)) * (self.servers > 1)
        if grade == 2 and second % 40 == 0:
            self.marks.append(Mark(second, "overload", f"{name} is overloaded: load {load:.2f}"))
        self._tell(
            "gameserver",
            name,
            second,
            **{"health": max(0.0, min(1.0, 1.02 - load * 0.6)), "load": load, "grade": grade},
            **{"players": count, "capacity": CAPACITY, "number": index + 1},
            draining=self._draining(name, second),
            centre_x_m=300 + far * math.cos(angle),
            centre_y_m=300 + far * math.sin(angle),
            spread_m=60 + 8 * math.sin(second / 90 + index),
            **{"pairs": pairs, "pairs_split": split, "moved_in": came, "moved_out": went},
            **{"arriving": came, "leaving": went, "coins": 40 * count + second},
            **{f"split_{n}_number": (index + n) % max(1, self.servers) + 1 for n in range(1, 5)},
            **{f"split_{n}_pairs": split / 2**n for n in range(1, 5)},
            **self._spreads(tick_ms=(2 + load * 22, 0.7), lateness_ms=(0.4, 0.8), apply_ms=(24, 6)),
            **dict.fromkeys(("skipped_ticks", "dropped_views", "skipped_inputs", "game_faults"), 0),
            sent_bytes_per_s=count * 9_000 * chance.uniform(0.97, 1.03),
            received_bytes_per_s=count * 300,
            views_per_s=count * 20,
            inputs_per_s=count * 4,
            neighbours=max(0, self.servers - 1),
            neighbour_sent_bytes_per_s=split * 700,
            neighbour_received_bytes_per_s=split * 690,
            mail_posted=chance.random() < 0.3,
            mail_delivered=chance.random() < 0.3,
            mail_waiting=0,
            workload_burns=count * 0.1,
            workload_files=count * 0.05,
            workload_feeds=count * 0.2,
            file_bytes_per_s=count * 1_500,
            checkpoint_age_ms=500 + 700 * chance.random(),
            **self._process(18 + load * 70, 52e6 + 90_000 * count),
            held_bytes=2_000 * count * chance.random(),
            **dict.fromkeys((*REFUSED, "failures"), 0),
            clock_off_ms=abs(chance.gauss(0, 2)),
            certificate_days=60 - second / 86_400,
        )

    def _process(self, cpu: float, rss: float) -> dict[str, float]:
        return {
            **{"cpu_percent": cpu, "cpu_allowed_percent": 100, "throttled_percent": 0},
            **{"stolen_percent": self._random.choice((0, 0, 0, 0.4)), "rss_bytes": rss},
            **{"reactor_lag_ms": abs(self._random.gauss(0, 2)) + 0.4, "carbon_dropped": 0},
        }

    def _router(
        self, second: int, alive: list[str], loads: dict[str, float], moves: list[tuple[str, str]]
    ) -> None:
        players, chance = sum(self._lived[name] for name in alive), self._random
        mean = sum(loads.values()) / len(loads)
        felt: dict[str, tuple[float, float]] = {"ledger_ms": (0.4, 0.3)}
        if moves:
            felt |= {"move_ms": (38, 9), "blackout_ms": (7, 3), "stall_ms": (11, 4)}
        self._tell(
            "router",
            "router",
            second,
            **{"health": 1 - mean * 0.5, "load": mean, "grade": 0, "draining": 0},
            **{"players": players, "capacity": CAPACITY * len(alive), "members": len(alive)},
            **{"centre_x_m": 300, "centre_y_m": 300, "spread_m": 130},
            **{"pairs": players * 7, "pairs_split": players * 0.42 * (self.servers > 1)},
            **dict.fromkeys(("members_lost", "recovered", "failed_arrivals", "unreachable"), 0),
            joins_per_s=chance.choice((0, 0, 1)),
            placements_settled=chance.choice((0, 0, 1)),
            **{"placements_waiting": 0, "placements_refused": 0, "waiting": 0},
            **{"placed_by_ping": second % 9 == 0, "placed_by_load": second % 7 == 0},
            **{"placed_by_position": second % 5 == 0, "placed_by_group": second % 31 == 0},
            placed_by_lot=0,
            decision_ms=0.6 + 0.3 * chance.random(),
            **{"flows": bool(moves), "exchanges": 0, "planned_moves": len(moves)},
            planned_exchanges=0,
            moves_settled=len(moves) - bool(moves and second == 300),
            moves_refused=bool(moves and second == 300),
            **dict.fromkeys(("moves_timed_out", "moves_player_left", "moves_lost"), 0),
            moving=len(moves),
            events_dropped=0,
            held_bytes=90_000 * chance.random(),
            **self._spreads(**felt),
            **self._process(9 + players / 60, 61e6),
            **({f"blackout_ticks_{rank}": 0 for rank in SPREAD} if moves else {}),
            **dict.fromkeys((*REFUSED, "failures"), 0),
            clock_off_ms=abs(chance.gauss(0, 2)),
            certificate_days=60 - second / 86_400,
        )

    def _crowd(self, second: int, alive: list[str], moved: int) -> None:
        players = sum(self._lived[name] for name in alive)
        felt: dict[str, tuple[float, float]] = {"ping_ms": (1.4, 0.8), "idle_gap_ms": (0.6, 1.2)}
        if moved:
            felt |= {"gap_ms": (7.5, 2.5), "stall_ms": (12, 4)}
        totals = ("missed_ticks_total", "lost_inputs_total", "doubled_inputs_total")
        self._tell(
            "crowd",
            "crowd",
            second,
            **{"players": players, "playing": players, "views_per_s": 20 * players},
            **{
                "missed_ticks": 0,
                "moves": moved,
                "moves_total": second,
                "inputs_per_s": 4 * players,
            },
            **dict.fromkeys(totals, 0),
            **self._spreads(**felt),
            **{"files": players * 0.05, "files_finished": second % 4 == 0, "files_bad": 0},
            **{"files_finished_total": second // 4, "files_bad_total": 0, "rejoins_total": 0},
            file_bytes_per_s=players * 1_500,
            feeds=players * 0.2,
            feed_entries_per_s=players * 0.4,
            **{"feed_gaps_total": 0, "feed_duplicates_total": second // 60},
            **self._process(40, 180e6),
        )


WRITER = """
import json, os, sys, whisper
for line in sys.stdin:
    name, fold, first, values = json.loads(line)
    path = os.path.join(sys.argv[1], *name.split(".")) + ".wsp"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path):
        whisper.create(path, [(1, 7200)], 0, fold, sparse=True)
    points = [(first + n, value) for n, value in enumerate(values) if value is not None]
    whisper.update_many(path, points)
"""


def write(python: Path, storage: Path, series: Series, until: int) -> None:
    """Files as carbon would have written them, the last second being `until` (Unix). By a `python`
    that has whisper."""
    folds = {(m.role, m.name): m.fold for m in CATALOGUE}
    lines = []
    for name, values in series.items():
        _, role, _, measure = name.split(".")
        fold = folds[role, measure]  # type: ignore[index]
        lines.append(json.dumps([name, fold, until - len(values) + 1, values]))
    argv = [str(python), "-c", WRITER, str(storage / "whisper")]
    subprocess.run(argv, input="\n".join(lines), text=True, check=True, timeout=600)
