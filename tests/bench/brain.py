"""How fast placement and rebalancing decide, and how well, beside METIS on the same graph.

Players stand around towns and play on the nearest server, so that servers near popular towns are
overloaded. Then: one plan, timed; and plans until nothing is left to do. METIS divides the same
graph of who sees whom from nothing, knowing nobody's server. `python tests/bench/brain.py`, or
`make bench`.
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pymetis
from numpy.typing import NDArray

from clientmigration.core.fleet.choice import Move, choose
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import candidates, place
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.fleet.split import Split
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.metrics import measurements
from clientmigration.core.simulation.server import split_of

SEED, NOW, SECONDS = 1, 1_000_000, 10
TOWNS, SPREAD_M, CELL_M = 5, 220.0, 50.0  # towns per server; how far players stand from theirs
MEAN_LOAD, SEATS = 0.45, 2.5  # of a server; seats as many times the players of an average one
BOLD = {
    "limits": {"moves_per_second": 100_000, "cooldown_s": 0},
    "together": {"share": 1.0, "rest_s": 0},
}  # no bound but the plan's own
EVERY = 30  # rounds at most
ASTRAY = 0.1  # share of the players who are not with those around them, before an exchange

Ints = NDArray[np.int64]


@dataclass
class World:
    """Where players are, on whose server, and which pairs see each other."""

    at: NDArray[np.float64]
    home: Ints
    pairs: Ints  # two rows
    servers: int

    def loads(self) -> NDArray[np.float64]:
        """Each server's load: every player costs the same."""
        each = MEAN_LOAD * self.servers / len(self.home)
        return np.asarray(np.bincount(self.home, minlength=self.servers) * each)

    def centres(self) -> list[list[float]]:
        """Where each server's players are on average."""
        heads = np.maximum(np.bincount(self.home, minlength=self.servers), 1)
        x, y = (np.bincount(self.home, v, minlength=self.servers) / heads for v in self.at.T)
        centres: list[list[float]] = np.stack((x, y), axis=1).tolist()
        return centres

    def splits(self) -> list[Split]:
        """Whom each server's players see on which other."""
        one, other = self.home[self.pairs[0]], self.home[self.pairs[1]]
        pairs = np.bincount(one * self.servers + other, minlength=self.servers**2)
        both = pairs.reshape(self.servers, self.servers)
        return [split_of(n, row) for n, row in enumerate(both + both.T)]

    def cut(self, home: Ints) -> float:
        """Share of the pairs that would be on two servers."""
        return float((home[self.pairs[0]] != home[self.pairs[1]]).mean())


def world(players: int, servers: int, rng: np.random.Generator) -> World:
    """See the module."""
    side = round(servers**0.5)
    size = 1000.0 * side
    towns = rng.uniform(0, size, (TOWNS * servers, 2))
    popular = rng.gamma(2.0, 1.0, len(towns))
    town = rng.choice(len(towns), players, p=popular / popular.sum())
    at = np.clip(towns[town] + rng.normal(0, SPREAD_M, (players, 2)), 0, size - 1)
    column, row = (np.minimum(at / (size / side), side - 1).astype(np.int64)).T
    return World(at, np.minimum(column * side + row, servers - 1), pairs(at), servers)


def pairs(at: NDArray[np.float64]) -> Ints:
    """Everybody in the same or touching cells, each pair once."""
    column, row = (at // CELL_M).astype(np.int64).T
    cells: dict[tuple[int, int], list[int]] = {}
    for n, cell in enumerate(zip(column.tolist(), row.tolist(), strict=True)):
        cells.setdefault(cell, []).append(n)
    found = []
    for (x, y), here in cells.items():
        first, second = np.triu_indices(len(here), 1)
        own = np.array(here)
        found.append(np.stack((own[first], own[second])))
        for step in ((1, -1), (1, 0), (1, 1), (0, 1)):
            there = cells.get((x + step[0], y + step[1]))
            if there:
                found.append(np.stack((np.repeat(own, len(there)), np.tile(there, len(own)))))
    return np.concatenate(found, axis=1)


def fleet_of(
    loads: Sequence[float],
    players: Sequence[int],
    seats: int,
    now: int,
    centres: Sequence[Sequence[float]] = (),
    splits: Sequence[Split] = (),
) -> Fleet:
    """A fleet that has reported this for a while."""
    fleet = Fleet()
    for n, (load, here) in enumerate(zip(loads, players, strict=True)):
        name = f"gs-{n}"
        fleet.attach(name, "gameserver", f"{name}:4000")
        values = {"load": load, "health": 1.0, "players": float(here), "capacity": float(seats)}
        if centres:
            values |= {"centre_x_m": centres[n][0], "centre_y_m": centres[n][1]}
        if splits:
            seen = {"pairs": float(splits[n].pairs), "pairs_split": float(splits[n].apart)}
            values |= seen | splits[n].measures()
        for second in range(now - SECONDS, now):
            fleet.observe(measurements("gameserver", name, values, second), now)
    return fleet


def timed(act: Callable[[], Any], times: int) -> tuple[Any, float]:
    """What it answers, and the median of its milliseconds of CPU."""
    took = []
    for _ in range(times):
        began = time.process_time()
        answer = act()
        took.append((time.process_time() - began) * 1000)
    return answer, statistics.median(took)


def placing(members: int, rng: np.random.Generator) -> dict[str, float]:
    """Milliseconds of one placement, which is kept in mind, and of choosing whom to ping."""
    loads = rng.uniform(0.1, 0.8, members).tolist()
    fleet = fleet_of(loads, [round(1000 * load) for load in loads], 1500, NOW)
    pings = {f"gs-{n}": float(rng.uniform(5, 45)) for n in range(0, members, max(1, members // 4))}
    near = {f"gs-{n}": n for n in range(min(members, 8))}
    newcomer, policy = Newcomer("ada", Position(0, 0), pings, near=near), Policy()

    def send() -> None:
        fleet.placed(place(newcomer, fleet, policy, NOW).member or "", NOW)

    _, place_ms = timed(send, 50)
    stranger = Newcomer("ada", Position(0, 0), {})
    _, candidates_ms = timed(lambda: candidates(stranger, fleet, policy, NOW), 50)
    return {"place_ms": place_ms, "candidates_ms": candidates_ms}


def roster_of(here: World) -> list[Resident]:
    """Everybody, as a router knows them."""
    places, homes = here.at.tolist(), here.home.tolist()
    return [
        Resident(f"p{n:06}", f"gs-{home}", Position(x, y), {})
        for n, ((x, y), home) in enumerate(zip(places, homes, strict=True))
    ]


def moved(home: Ints, moves: Sequence[Any]) -> Ints:
    """Homes after these moves."""
    after = home.copy()
    for move in moves:
        after[int(move.player[1:])] = int(move.target[3:])
    return after


def at_random(home: Ints, moves: Sequence[Move], rng: np.random.Generator) -> Ints:
    """As many moves from where to where, of whoever."""
    after = home.copy()
    for (source, target), players in Counter((m.source, m.target) for m in moves).items():
        here = np.flatnonzero(after == int(source[3:]))
        gone = rng.choice(here, min(players, len(here)), replace=False)
        after[gone] = int(target[3:])
    return after


def planning(here: World, times: int, rng: np.random.Generator) -> dict[str, Any]:
    """One plan, timed; then plans until there is nothing left to do."""
    policy, seats = Policy.parse(BOLD), round(SEATS * len(here.home) / here.servers)
    first, whoever, spent = here.home.copy(), here.home.copy(), []
    told: dict[str, Any] = {}
    for step in range(EVERY):
        now = NOW + step * 120
        players = np.bincount(here.home, minlength=here.servers).tolist()
        fleet = fleet_of(here.loads().tolist(), players, seats, now, here.centres(), here.splits())
        decided, flows_ms = timed(lambda: flows(fleet, policy, now), times)  # noqa: B023
        roster, roster_ms = timed(lambda: roster_of(here), 1)
        moves, choose_ms = timed(
            lambda: choose(roster, decided, policy, now, policy.budget),  # noqa: B023
            times,
        )
        if not decided or not moves:
            break
        whoever = at_random(whoever, moves, rng)
        here.home = moved(here.home, moves)
        spent.append(flows_ms + choose_ms)
        if not step:
            told = {"flows": len(decided), "flows_ms": flows_ms, "choose_ms": choose_ms}
            told |= {"plan_ms": flows_ms + choose_ms, "roster_ms": roster_ms}
            told |= {"moves": len(moves), "after_one": balance(here)}
            told["usual"] = usually(fleet, roster, now, times)
        exchange = ways(decided)
        exchanged = sum((move.source, move.target) in exchange for move in moves)
        told["exchanged"] = told.get("exchanged", 0) + exchanged
        times = 1
    ours = {"max_mean": balance(here), "moved": share(first, here.home)}
    told["rounds"] = len(spent)
    told["most_ms"] = max(spent)
    told["ours"] = {**ours, "cut": here.cut(here.home)}
    told["random"] = {**ours, "cut": here.cut(whoever)}
    told["before"] = {"max_mean": balance_of(here, first), "moved": 0.0, "cut": here.cut(first)}
    here.home = first
    return told


def exchanging(here: World, times: int, rng: np.random.Generator) -> dict[str, float]:
    """One exchange by the default policy, where loads are even and a tenth of the players are on a
    server next door."""
    home = here.home.copy()
    astray = rng.random(len(home)) < ASTRAY
    home[astray] = (home[astray] + 1) % here.servers
    there = World(here.at, home, here.pairs, here.servers)
    players = np.bincount(home, minlength=here.servers).tolist()
    loads, seats = [MEAN_LOAD] * here.servers, 2 * max(players)
    fleet = fleet_of(
        loads, [len(home) // here.servers] * here.servers, seats, NOW, (), there.splits()
    )
    policy, roster = Policy(), roster_of(there)
    decided, flows_ms = timed(lambda: flows(fleet, policy, NOW), times)
    act = lambda: choose(roster, decided, policy, NOW, policy.budget)  # noqa: E731
    moves, choose_ms = timed(act, times)
    told = {"flows": len(decided), "moves": len(moves), "plan_ms": flows_ms + choose_ms}
    return {**told, "peak_mb": peak(act)}


def ways(decided: Sequence[Flow]) -> set[tuple[str, str]]:
    """Between which servers players are exchanged."""
    return {(flow.source, flow.target) for flow in decided if flow.exchanges}


def peak(act: Callable[[], Any]) -> float:
    """The most memory that it holds beyond what there is, in MB."""
    tracemalloc.start()
    act()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def usually(fleet: Fleet, roster: Sequence[Resident], now: float, times: int) -> dict[str, float]:
    """The same plan by the default policy, which moves few at a time."""
    policy = Policy()
    decided, flows_ms = timed(lambda: flows(fleet, policy, now), times)
    moves, choose_ms = timed(lambda: choose(roster, decided, policy, now, policy.budget), times)
    return {"moves": len(moves), "plan_ms": flows_ms + choose_ms}


def balance(here: World) -> float:
    """The highest load over the mean."""
    loads = here.loads()
    return float(loads.max() / loads.mean())


def balance_of(here: World, home: Ints) -> float:
    """The same, with other homes."""
    return balance(World(here.at, home, here.pairs, here.servers))


def share(before: Ints, after: Ints) -> float:
    """Of all players, those who are somewhere else."""
    return float((before != after).mean())


def metis(here: World) -> dict[str, float]:
    """METIS's division of the same graph, its parts named so that few would have to move."""
    count = len(here.home)
    ends = np.concatenate((here.pairs[0], here.pairs[1]))
    others = np.concatenate((here.pairs[1], here.pairs[0]))
    order = np.argsort(ends, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(ends, minlength=count))))
    graph = pymetis.CSRAdjacency(starts.tolist(), others[order].tolist())
    (_, parts), ms = timed(lambda: pymetis.part_graph(here.servers, graph), 1)
    home = named(np.array(parts), here.home, here.servers)
    told = {"max_mean": balance_of(here, home), "moved": share(here.home, home)}
    return {**told, "cut": here.cut(home), "ms": ms}


def named(parts: Ints, home: Ints, servers: int) -> Ints:
    """Each part called like the server with which it has most in common, largest first."""
    shared = np.zeros((servers, servers), np.int64)
    np.add.at(shared, (parts, home), 1)
    called = np.full(servers, -1)
    for flat in np.argsort(-shared, axis=None).tolist():
        part, server = divmod(flat, servers)
        if called[part] < 0 and server not in called:
            called[part] = server
    return np.asarray(called[parts])


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=100_000)
    parser.add_argument("--servers", type=int, default=100)
    parser.add_argument("--times", type=int, default=5, help="repeat what is timed (5)")
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    rng = np.random.default_rng(SEED)
    told: dict[str, Any] = {"place": {n: placing(n, rng) for n in (10, 100, 1000)}}
    here = world(flags.players, flags.servers, rng)
    told["plan"] = planning(here, flags.times, rng)
    told["plan"]["metis"] = metis(here)
    told["plan"]["together"] = exchanging(here, flags.times, rng)
    told["pairs"] = here.pairs.shape[1]
    print(msgspec.json.encode(told).decode() if flags.json else picture(told, flags))


def picture(told: dict[str, Any], flags: argparse.Namespace) -> str:
    """The same for people."""
    lines = ["place() and candidates(), median of 50, ms:"]
    for members, each in told["place"].items():
        lines.append(
            f"  {members:>5} members  {each['place_ms']:8.2f}  {each['candidates_ms']:8.2f}"
        )
    plan = told["plan"]
    lines += [
        f"a plan for {flags.players:,} players on {flags.servers} servers, "
        f"{told['pairs']:,} pairs who see each other:",
        f"  flows {plan['flows_ms']:.0f} ms, choose {plan['choose_ms']:.0f} ms, "
        f"together {plan['plan_ms']:.0f} ms ({plan['flows']} flows, {plan['moves']:,} moves); "
        f"max/mean load {plan['before']['max_mean']:.2f} -> {plan['after_one']:.2f}",
        f"  the same by the default policy, {plan['usual']['moves']} moves at a time: "
        f"{plan['usual']['plan_ms']:.0f} ms",
        f"  an exchange by the default policy: {plan['together']['plan_ms']:.0f} ms "
        f"({plan['together']['flows']} flows, {plan['together']['moves']} moves, "
        f"{plan['together']['peak_mb']:.0f} MB beside the roster)",
        f"  the roster that it is chosen from, made beforehand: {plan['roster_ms']:.0f} ms",
        f"plans until there is nothing left to do ({plan['rounds']}), and METIS from nothing "
        f"({plan['metis']['ms']:.0f} ms):",
        "                       max/mean   moved   pairs cut",
    ]
    for name, text in ROWS.items():
        each = plan[name]
        lines.append(
            f"  {text:<20} {each['max_mean']:8.2f} {each['moved']:8.1%} {each['cut']:10.1%}"
        )
    return "\n".join(lines)


ROWS = {
    "before": "before",
    "ours": "ours",
    "random": "same flows, at random",
    "metis": "METIS",
}

if __name__ == "__main__":
    main()
