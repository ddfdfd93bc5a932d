"""What becomes of a server's cost when there are more: players, servers, or all at once.

Used by speed.py. Everything is printed as it is measured, and answered for a file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from serving import HERTZ, admitted, crowd, fleet, spent

Start = Callable[[], Any]
Told = dict[str, Any]
Round = Callable[[str, Start, int], Told]
NEAR = 1.1  # the search ends when what is too much is within so many times what is not
DROPPED = 0.01  # share of views that may be left out


def by(every: Mapping[str, Start], round_of: Round, numbers: list[int]) -> list[Told]:
    """What a player costs by how many there are."""
    told = []
    print("| server | players | us | bytes | KiB a player | late p99, p99.9 ms |")
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    for kind, start in every.items():
        for n in numbers:
            it = round_of(kind, start, n)
            told.append(it)
            late = f"{it['late_p99_ms']:.1f}, {it['late_p999_ms']:.1f}"
            row = (kind, n, f"{it['us']:.1f}", f"{it['view_bytes']:.0f}", f"{it['kib']:.0f}", late)
            print(f"| {' | '.join(map(str, row))} |", flush=True)
    return told


def most(
    every: Mapping[str, Start], round_of: Round, begin: int, late_ms: float, rhythm: bool
) -> list[Told]:
    """How many players each server carries until more than one view of a hundred is so late, or
    left out, or somebody is cut off: by doubling, and then by halves. Late is a view after the
    moment of its tick; by `rhythm` it is one that comes so long after the player's view before it,
    beyond the time between two ticks."""
    told, late = [], "rhythm_p99_ms" if rhythm else "late_p99_ms"
    for kind, start in every.items():
        rounds: list[Told] = []

        def well(
            n: int, kind: str = kind, start: Start = start, rounds: list[Told] = rounds
        ) -> bool:
            it = round_of(kind, start, n)
            it["rhythm_p99_ms"] = it["gap_p99_ms"] - 1000 / HERTZ
            rounds.append(it)
            good: bool = it[late] < late_ms and it["dropped"] < DROPPED and not it["cut"]
            word = "well" if good else "too many"
            print(f"{kind}: {n} players, p99 {it[late]:.1f} ms: {word}", flush=True)
            return good

        low, high = 0, begin
        while well(high):
            low, high = high, 2 * high
        while high > NEAR * low and high - low > 10:
            middle = (low + high) // 2
            low, high = (middle, high) if well(middle) else (low, middle)
        print(f"{kind}: {low} players with p99 under {late_ms:g} ms\n", flush=True)
        told.append(
            {"kind": kind, "most": low, "late_ms": late_ms, "rhythm": rhythm, "rounds": rounds}
        )
    return told


def burst(
    roots: Mapping[str, Path], load: str, players: int, more: int, seconds: float
) -> list[Told]:
    """What those who play feel of so many who come at once."""
    told = []
    for name, root in roots.items():
        for coming in (0, more):
            with fleet(root) as there:
                port = there.ports[0]
                with crowd(load, port, seconds) as playing, crowd(load, port, 1.0) as others:
                    for _, opening in admitted(players, there.door, False):
                        playing.come(opening)
                    playing.play()
                    began = time.monotonic()
                    for _, opening in admitted(coming, there.door, False):
                        others.come(opening)
                    took = time.monotonic() - began
                    views, _size, _inputs, p50, p99, p999, worst, _gap99, gap, cut = playing.told()
            left_out = max(0.0, 1 - views / (seconds * HERTZ * players))
            print(
                f"{name}: {players} play, {coming} come within {took:.1f} s: late p50 {p50:.1f},"
                f" p99 {p99:.1f}, p99.9 {p999:.1f}, most {worst:.1f} ms; longest wait for a view"
                f" {gap:.0f} ms; {left_out:.1%} of the views left out",
                flush=True,
            )
            told.append(
                {"kind": name, "players": players, "coming": coming, "took_s": took,
                 "late_p50_ms": p50, "late_p99_ms": p99, "late_p999_ms": p999,
                 "late_most_ms": worst, "gap_most_ms": gap, "left_out": left_out, "cut": cut}
            )  # fmt: skip
    return told


def among(
    roots: Mapping[str, Path], load: str, players: int, numbers: list[int], seconds: float
) -> list[Told]:
    """What the same players cost on several servers that are neighbours, all together."""
    told = []
    print("| | servers | us, all servers | router, % of a core | late p99 of the worst, ms |")
    print("|---|---:|---:|---:|---:|", flush=True)
    for number in numbers:
        for name, root in roots.items():
            with fleet(root, number) as there, ExitStack() as stack:
                time.sleep(3.0)  # they meet
                crowds = {
                    port: stack.enter_context(crowd(load, port, seconds)) for port in there.ports
                }
                at = dict.fromkeys(crowds, 0)
                for port, opening in admitted(players, there.door, False):
                    crowds[port].come(opening)
                    at[port] += 1
                here = [crowds[port] for port, n in at.items() if n]
                for each in here:
                    each.come("")
                for each in here:
                    each.begun()
                used, routers = spent(*there.servers), spent(there.router)
                began = time.monotonic()
                said = [each.told() for each in here]
                took = time.monotonic() - began
                used, routers = spent(*there.servers) - used, spent(there.router) - routers
            it = {
                "kind": name, "servers": number, "players": players, "at": [*at.values()],
                "us": used / sum(each[0] for each in said) * 1e6, "router": routers / took,
                "late_p99_ms": max(each[4] for each in said),
            }  # fmt: skip
            told.append(it)
            print(
                f"| {name} | {number} | {it['us']:.1f} | {it['router']:.1%} |"
                f" {it['late_p99_ms']:.1f} |",
                flush=True,
            )
    return told
