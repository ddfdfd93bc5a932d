"""Server: everything about one. Its name is chosen at the top."""

from colours import ALARM, BLUE, GREEN, GREY, PINK, SKY, WARNING, YELLOW
from curves import Curve, below, grades, one, over, pairs_split, ranks
from daemons import connections, cpu, memory
from pages import SERVER, Row, page, row
from panels import AGE, CORE, HEALTH, LATE, NEVER, SELDOM, SHARE, STATES, TICK, lines, stat, states


def of(measure: str, label: str, colour: str = SKY) -> Curve:
    """A measure of the server that is chosen."""
    return one("gameserver", measure, label, colour)


def now() -> Row:
    """Eight numbers."""
    return row(
        "$server now",
        stat("Health", "of perfect", "1 is perfect.", of("health", "health"), HEALTH, decimals=2),
        stat("Load", "of its CPU", "CPU time over elapsed time.", of("load", "load"), SHARE),
        stat("Players", "owned", "Players that it owns.", of("players", "players")),
        stat(
            "Grade",
            "grade",
            "fit, strained or overloaded.",
            of("grade", "grade"),
            mappings=STATES,
        ),
        stat(
            "Tick, p99",
            "of 50 ms",
            "Of 50 ms at 20 Hz.",
            of("tick_ms_p99", "tick"),
            TICK,
            decimals=1,
        ),
        stat(
            "Late, p99",
            "after its time",
            "Start of a tick after its world time.",
            of("lateness_ms_p99", "lateness"),
            LATE,
            decimals=1,
        ),
        stat(
            "Checkpoint",
            "old",
            "Age of the newest one: a crash now would cost so much play.",
            of("checkpoint_age_ms", "age"),
            AGE,
        ),
        stat(
            "Skipped",
            "ticks",
            "Ticks, in this time. The goal is 0.",
            of("skipped_ticks", "skipped"),
            NEVER,
            calc="sum",
        ),
    )


def keeping_time() -> Row:
    """Does it keep up?"""
    return row(
        "Keeping time",
        states("Grade, and draining", "Over time.", grades("$server"), width=24, height=4),
        lines("Load", "Broken lines: strained, overloaded.", [of("load", "load")], SHARE, top=1),
        lines("Work time of a tick", "At 20 Hz a tick has 50 ms.", ranks("gameserver", "tick_ms")),
        lines(
            "Lateness of ticks",
            "Start of a tick after its world time.",
            ranks("gameserver", "lateness_ms"),
        ),
        lines(
            "From an input's arrival to its tick",
            "About half a tick, if all is well.",
            ranks("gameserver", "apply_ms"),
        ),
        lines(
            "Skipped ticks, dropped views",
            "Ticks that were never simulated; views not sent to players that read too slowly;"
            " inputs that no player could send again; times that the game failed.",
            [
                of("skipped_ticks", "ticks skipped", ALARM),
                of("dropped_views", "views dropped"),
                of("skipped_inputs", "inputs lost", YELLOW),
                of("game_faults", "faults of the game", WARNING),
            ],
            counted=True,
        ),
        lines(
            "Health",
            "1 is perfect: the worst of load, lateness and lag.",
            [of("health", "health")],
            HEALTH,
            top=1,
        ),
    )


def players() -> Row:
    """Who is on it, and where."""
    return row(
        "Players",
        lines(
            "Players and seats",
            "Those on their way have a seat here already, or still.",
            [
                of("players", "players"),
                of("capacity", "capacity", GREY),
                of("arriving", "arriving", GREEN),
                of("leaving", "leaving", PINK),
            ],
        ),
        lines(
            "Came and went",
            "Players who came with their state (moved, back, or taken over), upwards; those let go"
            " to another server, downwards.",
            [of("moved_in", "came", GREEN), below(of("moved_out", "went", PINK))],
            counted=True,
        ),
        lines(
            "Views and inputs",
            "Per second.",
            [of("views_per_s", "views"), of("inputs_per_s", "inputs", GREEN)],
            width=8,
        ),
        lines(
            "Where they are",
            "Mean position of its players, and their mean distance from it.",
            [
                of("centre_x_m", "x"),
                of("centre_y_m", "y", GREEN),
                of("spread_m", "spread", PINK),
            ],
            width=8,
        ),
        lines("Coins", "That the players here own together.", [of("coins", "coins")], width=8),
    )


def sees() -> Row:
    """Whom its players see, and where those are."""
    most = ((1, SKY), (2, GREEN), (3, PINK), (4, YELLOW))
    return row(
        "Whom its players see",
        lines(
            "Pairs",
            "Others whom its players see, added up; of these, those on other servers.",
            [of("pairs", "all"), of("pairs_split", "split", PINK)],
            width=6,
        ),
        lines("Pairs split", "As a share.", [pairs_split("gameserver", "$server")], width=6),
        lines(
            "With whom most are shared",
            "Pairs with the four servers with which it shares most.",
            [of(f"split_{n}_pairs", f"rank {n}", colour) for n, colour in most],
            width=6,
        ),
        lines(
            "Which those are",
            "Their numbers in the fleet, and its own: `clientmigration status --json` has them as"
            " `owner`.",
            [
                *(of(f"split_{n}_number", f"rank {n}", colour) for n, colour in most),
                of("number", "its own", GREY),
            ],
            width=6,
        ),
    )


def work() -> Row:
    """Traffic, letters and pretend load."""
    return row(
        "Traffic and work",
        lines(
            "Traffic",
            "With players upwards out and downwards in; files are part of it.",
            [
                of("sent_bytes_per_s", "to players"),
                of("file_bytes_per_s", "of it files", BLUE),
                below(of("received_bytes_per_s", "from players", GREEN)),
            ],
        ),
        lines(
            "Traffic with other servers",
            "Who is near a player is seen across servers.",
            [
                of("neighbour_sent_bytes_per_s", "sent"),
                below(of("neighbour_received_bytes_per_s", "received", GREEN)),
            ],
        ),
        lines(
            "Workloads",
            "What runs for its players: CPU burns, file transfers, subscriptions. Burns that were"
            " asked for where none is allowed. Records of the game that are no player's.",
            [
                of("records", "records", GREY),
                of("workload_burns", "burns"),
                of("burns_refused", "refused", YELLOW),
                of("workload_files", "files", GREEN),
                of("workload_feeds", "subscriptions", PINK),
            ],
            width=8,
        ),
        lines(
            "Letters",
            "Between players, each delivered once. Waiting ones should come down.",
            [
                of("mail_posted", "posted"),
                below(of("mail_delivered", "delivered", GREEN)),
                over(of("mail_waiting", "waiting", YELLOW)),
            ],
            counted=True,
            width=8,
        ),
        lines(
            "Neighbours",
            "Other servers linked; fewer than there are: two do not reach each other.",
            [of("neighbours", "neighbours")],
            width=8,
        ),
    )


def process() -> Row:
    """The daemon itself."""
    return row(
        "The process",
        cpu(of, CORE),
        memory(of),
        lines(
            "Reactor lag, checkpoint's age, clock",
            "A timer's longest delay; how old the newest checkpoint is; how far the clock is off.",
            [
                of("reactor_lag_ms", "lag"),
                of("checkpoint_age_ms", "age", PINK),
                of("clock_off_ms", "clock", GREEN),
            ],
            width=6,
        ),
        lines(
            "Refusals and drops",
            "Tickets refused, connections closed for a fault or turned away, datapoints dropped,"
            " work that failed and goes on.",
            [
                of("refused_tickets", "tickets"),
                of("closed_connections", "connections", YELLOW),
                of("turned_away", "turned away", GREEN),
                of("carbon_dropped", "datapoints", PINK),
                of("failures", "failures", ALARM),
            ],
            SELDOM,
            width=6,
            counted=True,
        ),
        connections(of, width=24),
    )


dashboard = page(
    "server",
    "Everything about one game server.",
    [now(), keeping_time(), players(), sees(), work(), process()],
    variables=[SERVER],
)
