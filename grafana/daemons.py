"""Panels that every daemon has: what its process costs, and who is at its doors.

`of` makes a curve of a measure of that daemon, with a label and a colour.
"""

from collections.abc import Callable

from colours import BLUE, GREEN, PINK, WARNING, YELLOW
from curves import Curve
from grafanalib.core import Panel
from panels import Steps, lines

CurveOf = Callable[..., Curve]


def cpu(of: CurveOf, steps: Steps = ()) -> Panel:
    """What it uses, and what it may."""
    return lines(
        "CPU",
        "Of one core. Allowed is what quota, throttling and steal leave of it.",
        [
            of("cpu_percent", "CPU"),
            of("cpu_allowed_percent", "allowed", GREEN),
            of("throttled_percent", "throttled", WARNING),
            of("stolen_percent", "stolen", PINK),
        ],
        steps,
        width=6,
    )


def memory(of: CurveOf) -> Panel:
    """All of it, and what waits to be read."""
    return lines(
        "Memory",
        "Resident; and of it what connections hold that nobody has read yet.",
        [of("rss_bytes", "memory"), of("held_bytes", "held", GREEN)],
        width=6,
    )


def connections(of: CurveOf, width: int) -> Panel:
    """Who is at its doors, and who was sent away."""
    return lines(
        "Connections",
        "Open at its doors; strangers have not said who they are. Refused: too many came from"
        " one address, or from all.",
        [
            of("connections", "open"),
            of("strangers", "strangers", YELLOW),
            of("crowded_connects", "refused", PINK),
            of("crowded_joins", "joins refused", BLUE),
        ],
        width=width,
        height=6,
    )
