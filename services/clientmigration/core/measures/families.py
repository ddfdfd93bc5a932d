"""Families: the catalogue as Prometheus names it, with its types and in its base units.

Values and names only. What is counted in each interval becomes a counter that grows, what is a
level stays a gauge, the ranks of a spread are the quantiles of one summary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clientmigration.core.measures.metrics import PREFIX, SPREAD, Measure, measures

Kind = Literal["counter", "gauge", "summary"]

BASE: Mapping[str, tuple[str, str, float]] = {
    "ms": ("_ms", "_seconds", 0.001),
    "percent": ("_percent", "_ratio", 0.01),
    "ratio": ("", "_ratio", 1.0),
    "metres": ("_m", "_meters", 1.0),
    "bytes_per_s": ("_per_s", "", 1.0),
    "per_s": ("_per_s", "", 1.0),
}
"""Of a unit of ours: how names end by it, how they end there, and what values are multiplied by."""
QUANTILES = {f"_{rank}": str(percent / 100) for rank, percent in SPREAD.items() if rank != "max"}
MAX = "_max"


@dataclass(frozen=True)
class Family:
    """One metric there: `name` as it is written, without `_total`, which counters end by."""

    name: str
    kind: Kind
    text: str


@dataclass(frozen=True)
class FamilyPlace:
    """Where a measure's value goes. `adds`: it is the count of one interval and is added up;
    `lasting`: it is told of a whole minute, the greatest of it (`max`) or the latest."""

    family: Family
    factor: float = 1.0
    quantile: str = ""
    adds: bool = False
    lasting: bool = False


def places(role: str) -> dict[str, FamilyPlace]:
    """Where each measure of a role goes, in catalogue order. What the catalogue has both of one
    interval and as a total (`moves`, `moves_total`) goes there once, as the total."""
    known = measures(role)
    return {
        name: _place(role, measure)
        for name, measure in known.items()
        if f"{name}_total" not in known
    }


def _place(role: str, measure: Measure) -> FamilyPlace:
    if measure.sparse:
        return _of_spread(role, measure)
    counted = measure.fold == "sum" or measure.unit in ("per_s", "bytes_per_s")
    total = measure.name.endswith("_total")
    stem, factor = _in_base(measure.name.removesuffix("_total"), measure.unit)
    kind: Kind = "counter" if counted or total else "gauge"
    return FamilyPlace(Family(_named(role, stem), kind, measure.text), factor, adds=counted)


def _of_spread(role: str, measure: Measure) -> FamilyPlace:
    """A rank of a spread. The greatest is no quantile there, but a gauge beside the summary."""
    stem, _, rank = measure.name.rpartition("_")
    base, factor = _in_base(stem, measure.unit)
    text = measure.text.partition(": ")[2]
    said = text[0].upper() + text[1:]
    if rank != "max":
        family = Family(_named(role, base), "summary", said)
        return FamilyPlace(family, factor, QUANTILES[f"_{rank}"], lasting=True)
    short, unit = (
        (base.removesuffix("_seconds"), "_seconds") if measure.unit == "ms" else (base, "")
    )
    text = f"{said.removesuffix('.')}: the greatest of the last minute."
    return FamilyPlace(
        Family(_named(role, f"{short}{MAX}{unit}"), "gauge", text), factor, lasting=True
    )


def _in_base(name: str, unit: str) -> tuple[str, float]:
    ours, base, factor = BASE.get(unit, ("", "", 1.0))
    return name.removesuffix(ours) + base, factor


def _named(role: str, name: str) -> str:
    return f"{PREFIX}_{role}_{name}"
