"""THE catalogue of measures, and the only way from a number to a datapoint.

Code, dashboards, alerts, docs and tests take every path from here; what is not in `CATALOGUE`
cannot be emitted. A datapoint is made once and never rewritten: carbon and the router get the same
path, the same value and the same timestamp, letter for letter, which is why every value is a float
(5 and 5.0 are one number but two spellings). Nothing here knows the time, a socket or Graphite.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Literal, NamedTuple, Protocol

from clientmigration.core.measures.catalogue import FOLDS, SPREAD, TABLE, Fold, Role, Unit
from clientmigration.errors import ClientMigrationError

__all__ = [
    "CATALOGUE",
    "FOLDS",
    "PREFIX",
    "SPREAD",
    "Datapoint",
    "Fold",
    "Measure",
    "MemorySink",
    "NotADatapoint",
    "Role",
    "Sink",
    "Unit",
    "aggregation_rules",
    "check",
    "clean",
    "datapoints",
    "measures",
    "parse",
    "path",
    "spread_as",
    "spread_of",
]

PREFIX = "clientmigration"
NAME_LIMIT = 64
_CLEAN_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,62}[a-z0-9_])?")
_MEASURE_NAME = re.compile(r"[a-z][a-z0-9_]*")


class NotADatapoint(ClientMigrationError, ValueError):
    """A path, value or timestamp that may not be emitted. Whoever said it is at fault."""


class Datapoint(NamedTuple):
    """One value (a finite float, unit as in the catalogue) of one path at one whole Unix second."""

    path: str
    value: float
    timestamp: int


@dataclass(frozen=True)
class Measure:
    """One row of the catalogue.

    `fold` is how several values become one when history gets coarser (carbon's aggregation);
    `sparse` measures are left out of a second in which nothing happened, all others never are.
    """

    role: Role
    name: str
    unit: Unit
    fold: Fold
    text: str
    sparse: bool = False

    def __post_init__(self) -> None:
        if not _MEASURE_NAME.fullmatch(self.name):
            raise NotADatapoint(f"measure name {self.name!r} is not snake_case")
        if self.fold not in FOLDS:
            raise NotADatapoint(f"{self.name}: fold {self.fold!r} is none of {FOLDS}")
        if not self.text.endswith("."):
            raise NotADatapoint(f"{self.name}: text is not a sentence")


def _index(catalogue: Iterable[Measure]) -> dict[str, dict[str, Measure]]:
    rows: dict[str, dict[str, Measure]] = {}
    for measure in catalogue:
        if rows.setdefault(measure.role, {}).setdefault(measure.name, measure) is not measure:
            raise NotADatapoint(f"{measure.role} has {measure.name} twice")
    return rows


CATALOGUE: tuple[Measure, ...] = tuple(Measure(*row) for row in TABLE)
_BY_ROLE = _index(CATALOGUE)


def measures(role: str) -> dict[str, Measure]:
    """The catalogue of one role by measure name, in catalogue order. A fresh dict at each call."""
    return dict(_rows(role))


def _rows(role: str) -> dict[str, Measure]:
    try:
        return _BY_ROLE[role]
    except KeyError:
        raise NotADatapoint(f"role {role!r} is none of {', '.join(_BY_ROLE)}") from None


def clean(name: str) -> str:
    """The spelling of a member's name that may stand in a path: `EU.West 1` becomes `eu-west-1`.

    Letters a-z, digits, `_` and inner `-`, at most 64; cleaning twice changes nothing. Different
    names can clean to the same one, so whoever hands out names compares them cleaned. Raises
    NotADatapoint when nothing is left.
    """
    cleaned = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:NAME_LIMIT].rstrip("-")
    if not cleaned:
        raise NotADatapoint(f"nothing is left of the name {name!r} in a metric path")
    return cleaned


def path(role: str, name: str, measure: str) -> str:
    """`clientmigration.<role>.<name>.<measure>`; NotADatapoint unless all three may stand there."""
    if not _CLEAN_NAME.fullmatch(name):
        raise NotADatapoint(f"{name!r} may not stand in a metric path: pass it through clean()")
    if measure not in _rows(role):
        raise NotADatapoint(f"{role} has no measure {measure!r} in the catalogue")
    return f"{PREFIX}.{role}.{name}.{measure}"


def parse(path_: str) -> tuple[str, str, str]:
    """(role, name, measure) of a path that `path` could have made; otherwise NotADatapoint."""
    parts = path_.split(".")
    if len(parts) != 4 or parts[0] != PREFIX:
        raise NotADatapoint(f"{path_!r} is not {PREFIX}.<role>.<name>.<measure>")
    role, name, measure = parts[1:]
    path(role, name, measure)
    return role, name, measure


def _number(value: object, of: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise NotADatapoint(f"{of} is not a number: {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise NotADatapoint(f"{of} is not finite: {value!r}")
    return number + 0.0  # turns -0.0, which has a spelling of its own, into 0.0


def _second(timestamp: object) -> int:
    if isinstance(timestamp, bool) or not isinstance(timestamp, int) or timestamp <= 0:
        raise NotADatapoint(f"not a whole Unix second: {timestamp!r}")
    return timestamp


def datapoints(
    role: str, name: str, values: Mapping[str, float], timestamp: int
) -> tuple[Datapoint, ...]:
    """The datapoints of one member (`name` clean) at one whole Unix second, in order of `values`.

    `values` maps measure names to finite numbers in the catalogue's unit. Raises NotADatapoint,
    before any is made, for a measure that is not in the catalogue, a bool, a NaN or an infinity.
    """
    when = _second(timestamp)
    return tuple(
        Datapoint(path(role, name, measure), _number(value, measure), when)
        for measure, value in values.items()
    )


def check(datapoint: Datapoint) -> Datapoint:
    """The same datapoint, if `datapoints` could have made it; otherwise NotADatapoint.

    For whatever came over a wire: the value must already be spelled as a float.
    """
    checked(datapoint)
    return datapoint


def checked(datapoint: Datapoint) -> tuple[str, str, str]:
    """(role, name, measure) of a datapoint that passes `check`."""
    named = parse(datapoint.path)
    _second(datapoint.timestamp)
    number = _number(datapoint.value, datapoint.path)
    if repr(number) != repr(datapoint.value):
        raise NotADatapoint(f"{datapoint.path}: {datapoint.value!r} is not spelled {number!r}")
    return named


def spread_of(samples: Sequence[float]) -> dict[Literal["p50", "p95", "p99", "max"], float]:
    """Nearest-rank p50, p95, p99 and max: each a value that occurred. No samples give no values."""
    if not samples:
        return {}
    ranked = sorted(samples)
    return {name: ranked[-(-len(ranked) * percent // 100) - 1] for name, percent in SPREAD.items()}


def spread_as(stem: str, samples: Sequence[float]) -> dict[str, float]:
    """`spread_of` under measure names: stem `tick_ms` gives `tick_ms_p50` and so on."""
    return {f"{stem}_{name}": value for name, value in spread_of(samples).items()}


class Sink(Protocol):
    """Where datapoints go. Never blocks, never raises because of what is behind it."""

    def emit(self, datapoints: Sequence[Datapoint]) -> None: ...


@dataclass
class MemorySink:
    """A sink that remembers the latest `limit` datapoints, oldest first."""

    limit: int = 100_000
    seen: list[Datapoint] = field(default_factory=list)

    def emit(self, datapoints: Sequence[Datapoint]) -> None:
        self.seen.extend(datapoints)
        del self.seen[: max(0, len(self.seen) - self.limit)]


def aggregation_rules(catalogue: Iterable[Measure] = CATALOGUE) -> str:
    """carbon's storage-aggregation.conf for the catalogue: one rule per fold, then an average.

    xFilesFactor is 0: a server that lived for three seconds of a minute still has a point in it.
    Raises NotADatapoint if two roles fold measures of one name differently.
    """
    folds: dict[str, Fold] = {}
    for measure in catalogue:
        if folds.setdefault(measure.name, measure.fold) != measure.fold:
            raise NotADatapoint(f"{measure.name} folds in two ways")
    rules = [_rule(fold, [name for name in folds if folds[name] == fold]) for fold in FOLDS]
    return "\n".join([*rules, _section("default", ".*", "average")])


def _rule(fold: Fold, names: Sequence[str]) -> str:
    pattern = rf"^{PREFIX}\.[^.]+\.[^.]+\.({'|'.join(sorted(names))})$"
    return _section(f"{PREFIX}_{fold}", pattern, fold)


def _section(name: str, pattern: str, fold: Fold) -> str:
    return f"[{name}]\npattern = {pattern}\nxFilesFactor = 0\naggregationMethod = {fold}\n"
