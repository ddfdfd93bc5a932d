"""Draws players and load of each server over time, as one SVG file, for one or two replays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from clientmigration.core.decisions.replay import name_of
from clientmigration.core.decisions.whatif import Course
from clientmigration.core.fleet.health import Health

# Okabe and Ito's colours: told apart with any kind of colour vision. Dashes tell apart the rest.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
DASHES = ("", "6 3", "2 2", "8 3 2 3")
WIDTH, HEIGHT, GAP, LEFT, TOP = 560, 220, 46, 52, 64
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:13px}"
    ".axis{stroke:#8c959f;stroke-width:1}.grid{stroke:#d0d7de;stroke-width:.5}"
    ".mark{stroke:#6e7781;stroke-width:.7;stroke-dasharray:1 3}"
    "polyline{fill:none;stroke-width:1.8;stroke-linejoin:round}"
)


@dataclass(frozen=True)
class Panel:
    """One pair of axes with its top left corner at `x`, `y`; `most` is the top of the scale."""

    title: str
    x: float
    y: float
    start: int
    end: int
    most: float

    def at(self, second: float, value: float) -> str:
        """Where a value is drawn."""
        across = (second - self.start) / max(1, self.end - self.start)
        return f"{self.x + across * WIDTH:.1f},{self.y + HEIGHT * (1 - value / self.most):.1f}"


def picture(courses: Mapping[str, Course], marks: Sequence[float]) -> str:
    """Players above, load below, a column for each course. `marks` are Unix times of decisions."""
    names = sorted({member for course in courses.values() for member in course.samples})
    width = LEFT + len(courses) * (WIDTH + GAP)
    height = TOP + 2 * (HEIGHT + GAP) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(' and '.join(courses))}</title><style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *_legend(names),
    ]
    for row, (what, value) in enumerate((("players", _players), ("load", _load))):
        most = _top(courses, value)
        for column, (title, course) in enumerate(courses.items()):
            panel = _panel(f"{what}, {title}", course, column, row, most)
            parts += _axes(panel, marks)
            parts += _lines(panel, course, names, value)
    return "\n".join([*parts, "</svg>\n"])


def _players(sample: Health) -> float:
    return sample.players


def _load(sample: Health) -> float:
    return sample.load


def _top(courses: Mapping[str, Course], value: Callable[[Health], float]) -> float:
    values = [
        value(h) for course in courses.values() for each in course.samples.values() for h in each
    ]
    return max(values, default=0) * 1.08 or 1.0


def _panel(title: str, course: Course, column: int, row: int, most: float) -> Panel:
    seconds = [h.timestamp for each in course.samples.values() for h in each] or [0]
    x, y = LEFT + column * (WIDTH + GAP), TOP + row * (HEIGHT + GAP)
    return Panel(title, x, y, min(seconds), max(seconds), most)


def _look(number: int) -> str:
    dash = DASHES[number // len(COLOURS) % len(DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{COLOURS[number % len(COLOURS)]}"{dashed}'


def _legend(names: Sequence[str]) -> Iterator[str]:
    x = LEFT
    for number, member in enumerate(names[:20]):
        name = name_of(member)
        yield f'<line x1="{x}" y1="20" x2="{x + 18}" y2="20" stroke-width="3" {_look(number)}/>'
        yield f'<text x="{x + 23}" y="24">{escape(name)}</text>'
        x += 40 + 7 * len(name)


def _axes(panel: Panel, marks: Sequence[float]) -> Iterator[str]:
    bottom, right = panel.y + HEIGHT, panel.x + WIDTH
    yield f'<text class="title" x="{panel.x}" y="{panel.y - 8}">{escape(panel.title)}</text>'
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = bottom - HEIGHT * share
        yield f'<line class="grid" x1="{panel.x}" y1="{y}" x2="{right}" y2="{y}"/>'
        scale = f"{panel.most * share:.3g}"
        yield f'<text x="{panel.x - 6}" y="{y + 4}" text-anchor="end">{scale}</text>'
    for mark in marks:
        if panel.start <= mark <= panel.end:
            x = panel.at(mark, 0).partition(",")[0]
            yield f'<line class="mark" x1="{x}" y1="{panel.y}" x2="{x}" y2="{bottom}"/>'
    yield f'<line class="axis" x1="{panel.x}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
    for second, anchor, end in ((panel.start, "start", panel.x), (panel.end, "end", right)):
        said = datetime.fromtimestamp(second).astimezone().strftime("%H:%M:%S")
        yield f'<text x="{end}" y="{bottom + 16}" text-anchor="{anchor}">{said}</text>'


def _lines(
    panel: Panel, course: Course, names: Sequence[str], value: Callable[[Health], float]
) -> Iterator[str]:
    for number, member in enumerate(names):
        for some in _unbroken(course.samples.get(member, ())):
            points = " ".join(panel.at(h.timestamp, value(h)) for h in some)
            said = f"<title>{escape(name_of(member))}</title>"
            yield f'<polyline points="{points}" {_look(number)}>{said}</polyline>'


def _unbroken(samples: Sequence[Health]) -> Iterator[list[Health]]:
    """Stretches without a hole of more than five seconds: a server that was gone has no line."""
    stretch: list[Health] = []
    for sample in samples:
        if stretch and sample.timestamp - stretch[-1].timestamp > 5:
            yield stretch
            stretch = []
        stretch.append(sample)
    if stretch:
        yield stretch
