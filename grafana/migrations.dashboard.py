"""Migrations: how many moves, how they ended, how long they took, and what players felt."""

from colours import ALARM, BLUE, GREY, PINK, SKY, WARNING
from curves import Curve, below, each, one, over, per_second, place, ranks, said, stack, together
from grafanalib.core import Panel
from pages import ROUTER, Row, page, row
from panels import GAP, NEVER, lines, stat

NONE = "no move in this time"
OUTCOMES = (
    ("settled", SKY),
    ("refused", WARNING),
    ("timed_out", PINK),
    ("player_left", GREY),
    ("lost", ALARM),
)


def of(measure: str, label: str, colour: str = SKY) -> Curve:
    """A measure of the router that is chosen."""
    return one("router", measure, label, colour)


def went_well() -> Curve:
    """Share of the moves that settled, over the whole time."""
    places = [place("router", f"moves_{outcome}", "$router") for outcome, _ in OUTCOMES]
    settled, ended = f"integral({places[0]})", f"integral(sumSeries({','.join(places)}))"
    return said(f"divideSeries({settled},{ended})", "ratio", "settled")


def of_inputs(title: str, under: str, text: str, which: str) -> Panel:
    """How many inputs of the crowd's players were `which`."""
    curve = together("crowd", f"{which}_inputs_total", which)
    return stat(title, under, text, curve, NEVER, none="no crowd")


def now() -> Row:
    """What it came to in this time."""
    return row(
        "In this time",
        stat(
            "Moved",
            "in this time",
            "Players whose move settled.",
            of("moves_settled", "moves"),
            calc="sum",
        ),
        stat("Settled", "of the moves", "Share of the moves.", went_well(), none=NONE, decimals=1),
        stat(
            "Moves lost",
            "in this time",
            "Ended with the loss of a server. Their players come back from a checkpoint.",
            of("moves_lost", "lost"),
            NEVER,
            calc="sum",
        ),
        stat(
            "Worst gap",
            "felt at a move",
            "How much longer than a tick a player waited for its first view after a move.",
            together("crowd", "gap_ms_max", "gap"),
            GAP,
            calc="max",
            none=NONE,
            decimals=1,
        ),
        stat(
            "Missed ticks",
            "in this time",
            "World ticks of which the crowd's players got no view. The goal is 0.",
            together("crowd", "missed_ticks", "missed"),
            NEVER,
            calc="sum",
            none="no crowd",
        ),
        of_inputs("Inputs lost", "in all", "Since the crowd began. It must be 0.", "lost"),
        of_inputs(
            "Doubled",
            "inputs, in all",
            "Inputs applied twice since the crowd began. It must be 0.",
            "doubled",
        ),
        stat(
            "Taken over",
            "in this time",
            "Players who came back from a server that was gone.",
            of("recovered", "taken over"),
            NEVER,
            calc="sum",
        ),
    )


def rate() -> Row:
    """How many, and how they ended."""
    return row(
        "Moves",
        lines(
            "Moves per second, by outcome",
            "Every move ends in one of these. All but 'settled' leave the player where it was,"
            " or, after a crash, bring it back from a checkpoint.",
            [
                per_second(of(f"moves_{outcome}", outcome.replace("_", " "), colour))
                for outcome, colour in OUTCOMES
            ],
            counted=True,
        ),
        lines(
            "Planned and under way",
            "Moves planned by decisions, in bars; moves being carried out, at most, in a line.",
            [of("planned_moves", "planned"), over(of("moving", "under way", PINK))],
            counted=True,
        ),
    )


def durations() -> Row:
    """The router's and the players' side."""
    return row(
        "As players felt it",
        lines(
            "Gap at a move",
            "Extra wait for the first view after a move, as the crowd's players measured it.",
            ranks("crowd", "gap_ms", many=True),
            GAP,
            width=8,
            none=NONE,
        ),
        lines(
            "Gap without a move",
            "The same, of players who were not moved: what the machine itself costs.",
            ranks("crowd", "idle_gap_ms", many=True),
            GAP,
            width=8,
        ),
        lines(
            "Inputs stalled at a move",
            "Time without an input acknowledged, as the crowd's players measured it.",
            ranks("crowd", "stall_ms", many=True),
            width=8,
            none=NONE,
        ),
        lines(
            "Blackout",
            "What every moved player reports to its server: extra wait for a view.",
            ranks("router", "blackout_ms"),
            GAP,
            width=8,
            none=NONE,
        ),
        lines(
            "Blackout in ticks",
            "Ticks of which a moved player got no view. The goal is 0.",
            ranks("router", "blackout_ticks"),
            width=8,
            none=NONE,
        ),
        lines(
            "Inputs stalled",
            "What every moved player reports: time in which its inputs were not applied.",
            ranks("router", "stall_ms"),
            width=8,
            none=NONE,
        ),
        lines(
            "Duration of a move",
            "From asking the target for a place to settling. The player plays on meanwhile.",
            ranks("router", "move_ms"),
            none=NONE,
        ),
        lines(
            "Ledger",
            "Time of a call: each move claims its player there.",
            ranks("router", "ledger_ms"),
        ),
    )


def flows() -> Row:
    """From where to where."""
    return row(
        "From where to where",
        lines(
            "Players let go, by server",
            "To another server. The marks of 'decision' say from where to where, and why.",
            [each("gameserver", "moved_out")],
            counted=True,
            stacked=True,
        ),
        lines(
            "Players who came, by server",
            "With their state: moved, back after a pause, or taken over from a lost server.",
            [each("gameserver", "moved_in")],
            counted=True,
            stacked=True,
        ),
        lines(
            "Players by server",
            "What the moves did. Stacked: the height is the fleet.",
            [stack("gameserver", "players")],
            stacked=True,
        ),
        lines(
            "Moves felt, players back",
            "Moves that the crowd's players went through; players taken over, downwards.",
            [
                together("crowd", "moves", "moves felt", BLUE),
                below(of("recovered", "taken over", ALARM)),
            ],
            counted=True,
        ),
    )


dashboard = page(
    "migrations",
    "Moves of players between servers: how many, how they ended, and what players felt.",
    [now(), rate(), durations(), flows()],
    variables=[ROUTER],
    events=("join", "leave", "drain", "decision", "overload", "crash", "recovery", "moves"),
)
