"""Overviews for tests: what a router could have said."""

from __future__ import annotations

from typing import Any

from clientmigration.wire.operators import MemberSample, MemberStatus, Moved, Overview

NOW = 1_700_000_000.0
ADA = "a1b2c3d4e5f60718"


def member(
    name: str, players: int = 10, load: float = 0.25, pairs: tuple[int, int] = (0, 0), **more: Any
) -> MemberStatus:
    """A member that has reported; of so many `pairs` some are split."""
    measures = {"tick_ms_p95": 4.5, "lateness_ms_p95": 1.25, "cpu_percent": 100 * load}
    measures |= {"pairs": float(pairs[0]), "pairs_split": float(pairs[1])}
    sample = MemberSample(
        at=int(NOW), health=1.0 - load, load=load, grade=int(load > 0.6) + int(load > 0.8),
        players=players, capacity=200, draining=more.get("closed") == "draining",
        x=500.0, y=500.0, spread_m=100.0, measures=measures,
    )  # fmt: skip
    return MemberStatus(name, "gameserver", "192.0.2.7:4100", owner=7, sample=sample, **more)


def moved(outcome: str = "settled", **more: Any) -> Moved:
    """A move of Ada."""
    return Moved(NOW - 1.0, ADA, "gs-1", "gs-2", outcome, more.pop("reason", ""), 212.5, **more)


def overview(
    *members: MemberStatus, recent: list[Moved] | None = None, failed: int = 0
) -> Overview:
    """How things could stand."""
    return Overview(
        router="router", now=NOW, started=NOW - 60.0, members=list(members),
        players=sum(each.sample.players for each in members if each.sample), capacity=400,
        waiting=1, moving=2, joins=30, moves={"settled": 12, "refused": failed},
        recent=recent or [],
    )  # fmt: skip
