"""Curves: what graphite-web is asked, and how that looks in a panel.

Every name of a measure comes out of the catalogue, and so do its unit and the way in which several
values become one. A panel has fewer points than seconds, so each curve says how its values fold
into one (`consolidateBy`): a rate is averaged, a count added up, a worst case kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from colours import GREEN, GREY, PINK, SKY

from clientmigration.core.measures.metrics import Measure, measures, path

MANY = 12
"""Curves of servers in one panel at most: of more than so many the worst are shown."""

BRIDGED = 5
"""A gap of up to so many seconds is filled: a busy daemon that did not report in a second."""

UNITS = {
    "ratio": "percentunit",
    "ms": "ms",
    "days": "short",
    "metres": "lengthm",
    "square metres": "short",
    "percent": "percent",
    "bytes": "bytes",
    "bytes_per_s": "Bps",
    "per_s": "short",
    "ticks": "short",
    "count": "short",
    "grade": "none",
    "flag": "none",
}
"""As Grafana calls them; what it has no word for stands beside the axis (`panels.BESIDE`)."""

RANKS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("p50", SKY, ()),
    ("p95", GREEN, (12, 4)),
    ("p99", PINK, (6, 4)),
    ("max", GREY, (2, 4)),
)
"""The percentiles of a spread: colour and dashes."""

DRAINING = 10
"""Grade and draining in one number: a server that drains shows its grade and ten."""


@dataclass(frozen=True)
class Curve:
    """A question to graphite-web whose values fold by `fold`, and how it looks.

    Without a `label` there is a curve for each server, named by that `node` of the path, gs-2
    before gs-10. `sparse`: seconds may have no value. `over`: a line over bars.
    """

    asked: str
    fold: str
    kind: str
    label: str = ""
    colour: str = ""
    dash: tuple[int, ...] = ()
    node: int = 2
    below: bool = False
    sparse: bool = False
    over: bool = False

    @property
    def unit(self) -> str:
        """As Grafana calls it."""
        return UNITS[self.kind]

    @property
    def expression(self) -> str:
        """The whole question."""
        folded = f"consolidateBy({self.asked},'{self.fold}')"
        if self.label:
            return f"alias({folded},'{self.label}')"
        return f"sortByName(aliasByNode({folded},{self.node}),true)"


def place(role: str, measure: str, who: str = "*") -> str:
    """The path of a measure, of one (`gs-1`, `$server`) or of all (`*`)."""
    first, role, _, measure = path(role, "any", measure).split(".")
    return f"{first}.{role}.{who}.{measure}"


def kept(expression: str) -> str:
    """Levels, each kept until its server says the next, for at most `BRIDGED` points.

    The newest second has only been reported by some, and a sum, mean or worst of some says nothing.
    Not for counts: one that is kept counts again.
    """
    return f"keepLastValue({expression},{BRIDGED})"


def alive(role: str, measure: str) -> str:
    """Those who have values in this time; who left earlier is not there."""
    return f"removeEmptySeries({place(role, measure)})"


def _curve(known: Measure, asked: str, label: str = "", colour: str = "") -> Curve:
    return Curve(asked, known.fold, known.unit, label, colour, sparse=known.sparse)


def each(role: str, measure: str) -> Curve:
    """One curve for each server."""
    return _curve(measures(role)[measure], alive(role, measure))


def stack(role: str, measure: str) -> Curve:
    """The same of a level, to be stacked: nobody drops out of the newest second."""
    return _curve(measures(role)[measure], kept(alive(role, measure)))


def worst(role: str, measure: str, many: int = MANY) -> Curve:
    """The same, of the servers with the highest values."""
    return _curve(measures(role)[measure], f"highestMax({alive(role, measure)},{many})")


def pressing(curve: Curve, many: int = MANY, lowest: bool = False) -> Curve:
    """Of curves for each server those with the highest (or lowest) values now, by name."""
    function = "lowestCurrent" if lowest else "highestCurrent"
    return replace(curve, asked=f"{function}({curve.asked},{many})")


def one(
    role: str, measure: str, label: str, colour: str = "", dash: Sequence[int] = (), who: str = ""
) -> Curve:
    """The curve of the server or router that is chosen above."""
    chosen = place(role, measure, who or {"gameserver": "$server", "router": "$router"}[role])
    return replace(_curve(measures(role)[measure], chosen, label, colour), dash=tuple(dash))


def together(
    role: str,
    measure: str,
    label: str,
    colour: str = "",
    dash: Sequence[int] = (),
    added: bool = False,
    always: bool = False,
) -> Curve:
    """All of a role as one curve: counts and rates are added, medians and shares averaged, and of
    times and grades it is the worst. `always`: a sparse measure that is there in every second."""
    known = measures(role)[measure]
    level = known.fold != "sum" and (always or not known.sparse)
    places = place(role, measure)
    added = added or known.unit in ("count", "per_s", "bytes", "bytes_per_s", "percent")
    averaged = known.fold == "average"
    function = "sumSeries" if added else "averageSeries" if averaged else "maxSeries"
    several = kept(places) if level else places
    made = _curve(known, f"{function}({several})", label, colour)
    return replace(made, dash=tuple(dash))


def per_second(curve: Curve) -> Curve:
    """A count of the interval as a rate, whatever the interval is."""
    return replace(curve, asked=f"scaleToSeconds({curve.asked},1)", fold="average", kind="per_s")


def below(curve: Curve) -> Curve:
    """Drawn downwards from the middle."""
    return replace(curve, below=True)


def over(curve: Curve) -> Curve:
    """A line over the bars of the same panel."""
    return replace(curve, over=True)


def said(asked: str, kind: str, label: str = "", colour: str = "", fold: str = "average") -> Curve:
    """A question of one's own; paths in it come from `place`."""
    return Curve(asked, fold, kind, label, colour)


def ranks(role: str, stem: str, many: bool = False) -> list[Curve]:
    """Median, p95, p99 and the greatest of a spread: the rarer, the more broken the line."""
    pick = together if many else one
    return [pick(role, f"{stem}_{rank}", rank, colour, dash) for rank, colour, dash in RANKS]


def seats_taken() -> Curve:
    """Players, of those that the fleet may own."""
    taken, all_ = (place("router", name, "$router") for name in ("players", "capacity"))
    return said(f"divideSeries({taken},{all_})", "ratio", "seats taken")


def _shares(part: str, whole: str) -> str:
    """Of each server. Both measures are in every report, so they are there in pairs."""
    both = ",".join(alive("gameserver", name) for name in (part, whole))
    return f"reduceSeries(mapSeries(group({both}),2),'divideSeries',3,'{part}','{whole}')"


def seats_taken_each() -> Curve:
    """The same of each server."""
    return Curve(_shares("players", "capacity"), "average", "ratio")


def pairs_split(role: str, who: str) -> Curve:
    """Of the pairs of players who see each other, those on two servers: of one."""
    apart, all_ = (place(role, name, who) for name in ("pairs_split", "pairs"))
    return said(f"divideSeries({apart},{all_})", "ratio", "pairs split")


def pairs_split_each() -> Curve:
    """The same of each server."""
    return Curve(_shares("pairs_split", "pairs"), "average", "ratio")


def ground_each() -> Curve:
    """The ground that each server's players stand on: a disk in which they would be as far from
    its centre, on average, as they are (two thirds of its radius)."""
    spread = kept(alive("gameserver", "spread_m"))
    return Curve(f"scale(pow({spread},2),7.0686)", "average", "square metres")


def grades(who: str = "*", role: str = "gameserver") -> Curve:
    """Grade of each server, and ten more while it drains."""
    grade, draining = (kept(place(role, name, who)) for name in ("grade", "draining"))
    both = f"removeEmptySeries(group({grade},scale({draining},{DRAINING})))"
    return Curve(f"groupByNode({both},2,'sum')", "max", "grade", node=0)
