"""Players: how they come in, what they feel, and what they do."""

from colours import ALARM, BLUE, GREEN, GREY, PINK, SKY, WARNING, YELLOW
from curves import Curve, below, one, over, per_second, ranks, seats_taken, together
from pages import ROUTER, Row, page, row
from panels import NEVER, SELDOM, lines, stat

NOBODY = "no crowd"
REASONS = (("ping", SKY), ("load", YELLOW), ("position", GREEN), ("group", PINK), ("lot", GREY))


def at_router(measure: str, label: str, colour: str = SKY) -> Curve:
    """A measure of the router that is chosen."""
    return one("router", measure, label, colour)


def felt(measure: str, label: str, colour: str = SKY) -> Curve:
    """What the players of all crowds measured."""
    return together("crowd", measure, label, colour)


def served(measure: str, label: str, colour: str = SKY) -> Curve:
    """A measure of all game servers together."""
    return together("gameserver", measure, label, colour)


def now() -> Row:
    """Eight numbers."""
    return row(
        "Players now",
        stat(
            "Owned", "by the fleet", "Players that the fleet owns.", at_router("players", "players")
        ),
        stat(
            "Playing",
            "in this second",
            "Got a view in this second.",
            felt("playing", "playing"),
            none=NOBODY,
        ),
        stat("Waiting", "in line", "In line for a place.", at_router("waiting", "waiting"), SELDOM),
        stat(
            "Seats taken", "of all seats", "Of all that are not on draining servers.", seats_taken()
        ),
        stat(
            "Ping, p99",
            "round trip",
            "Round trip between a player and its server.",
            together("crowd", "ping_ms_p99", "ping", SKY, always=True),
            none=NOBODY,
            decimals=1,
        ),
        stat(
            "Missed ticks",
            "in all",
            "Since the crowd began.",
            felt("missed_ticks_total", "missed"),
            NEVER,
            none=NOBODY,
        ),
        stat(
            "Came back",
            "in all",
            "Times that a player had to come back, since the crowd began.",
            felt("rejoins_total", "came back"),
            SELDOM,
            none=NOBODY,
        ),
        stat(
            "Turned away",
            "in this time",
            "Newcomers whom no server would take, in this time.",
            at_router("placements_refused", "turned away"),
            NEVER,
            calc="sum",
        ),
    )


def coming_in() -> Row:
    """Joins and placements."""
    return row(
        "Coming in",
        lines(
            "Joins per second",
            "Players that asked the router for a place.",
            [at_router("joins_per_s", "joins")],
        ),
        lines(
            "Placements per second, by outcome",
            "Sent to a server; put in line first; turned away.",
            [
                per_second(at_router("placements_settled", "placed")),
                per_second(at_router("placements_waiting", "had to wait", WARNING)),
                per_second(at_router("placements_refused", "turned away", ALARM)),
            ],
            counted=True,
        ),
        lines(
            "Placements per second, by reason",
            "In what the chosen server was most ahead of the best other one. 'lot': in nothing, or"
            " there was no other.",
            [
                per_second(at_router(f"placed_by_{reason}", reason, colour))
                for reason, colour in REASONS
            ],
            counted=True,
        ),
        lines(
            "Players, seats, and who waits",
            "Seats on draining servers do not count.",
            [
                at_router("players", "players"),
                at_router("capacity", "seats", GREEN),
                at_router("waiting", "waiting", WARNING),
            ],
        ),
    )


def feeling() -> Row:
    """What only players know."""
    return row(
        "What the crowd's players measured",
        lines("Ping", "Round trip to their server.", ranks("crowd", "ping_ms", many=True)),
        lines(
            "Views, inputs",
            "Views that players got and inputs that they sent, per second.",
            [felt("views_per_s", "views"), felt("inputs_per_s", "inputs", GREEN)],
        ),
        lines(
            "Players",
            "Started, and those that got a view in the second.",
            [felt("players", "started", BLUE), felt("playing", "playing")],
        ),
        lines(
            "Missed ticks",
            "Ticks of which players got no view. Look at lateness and dropped views beside it.",
            [
                felt("missed_ticks", "missed", ALARM),
                served("dropped_views", "views dropped", WARNING),
            ],
            counted=True,
        ),
    )


def work() -> Row:
    """What they ask of the servers."""
    return row(
        "What they do",
        lines(
            "Workloads",
            "What runs for players on all servers.",
            [
                served("workload_burns", "burns"),
                served("workload_files", "files", GREEN),
                served("workload_feeds", "subscriptions", PINK),
            ],
            width=8,
        ),
        lines(
            "Downloads",
            "Running, in a line; in bars those that finished with their right SHA-256, and others.",
            [
                felt("files_finished", "finished", GREEN),
                felt("files_bad", "wrong", ALARM),
                over(felt("files", "running", SKY)),
            ],
            counted=True,
            width=8,
        ),
        lines(
            "Bytes of files",
            "Sent by servers; arrived at players.",
            [served("file_bytes_per_s", "sent"), felt("file_bytes_per_s", "arrived", GREEN)],
            width=8,
        ),
        lines(
            "Subscriptions",
            "Topics followed; entries that arrived, per second.",
            [felt("feeds", "topics"), felt("feed_entries_per_s", "entries per second", GREEN)],
            width=8,
        ),
        lines(
            "Must stay at zero",
            "Since the crowd began: inputs lost or doubled, files wrong, entries left out.",
            [
                felt("lost_inputs_total", "inputs lost", ALARM),
                felt("doubled_inputs_total", "inputs doubled", YELLOW),
                felt("files_bad_total", "files wrong", PINK),
                felt("feed_gaps_total", "entries left out", BLUE),
            ],
            width=8,
        ),
        lines(
            "Totals",
            "Since the crowd began. Entries sent twice were dropped by their player.",
            [
                felt("moves_total", "moves"),
                felt("files_finished_total", "files", GREEN),
                felt("feed_duplicates_total", "entries sent twice", PINK),
                felt("rejoins_total", "came back", YELLOW),
            ],
            width=8,
        ),
    )


def process() -> Row:
    """The crowd's own process: when it is short of CPU, its players measure that."""
    return row(
        "The crowd's process",
        lines(
            "CPU",
            "Of one core. Allowed is what quota, throttling and steal leave of it.",
            [
                felt("cpu_percent", "CPU"),
                felt("cpu_allowed_percent", "allowed", GREEN),
                felt("throttled_percent", "throttled", WARNING),
                felt("stolen_percent", "stolen", PINK),
            ],
            width=6,
        ),
        lines("Memory", "Resident.", [felt("rss_bytes", "memory")], width=6),
        lines("Reactor lag", "Seen as gaps.", [felt("reactor_lag_ms", "lag")], width=6),
        lines(
            "Letters",
            "Between players, on all servers.",
            [
                served("mail_posted", "posted"),
                below(served("mail_delivered", "delivered", GREEN)),
            ],
            counted=True,
            width=6,
        ),
    )


dashboard = page(
    "players",
    "How players come in, what they feel, and what they do.",
    [now(), coming_in(), feeling(), work(), process()],
    variables=[ROUTER],
)
