"""Fleet: how is everybody? The page to leave open; its first screen tells the story."""

from colours import ALARM, GREEN, PINK, SKY
from curves import (
    each,
    grades,
    ground_each,
    kept,
    one,
    over,
    pairs_split_each,
    per_second,
    place,
    pressing,
    said,
    seats_taken,
    seats_taken_each,
    stack,
    together,
    worst,
)
from grafanalib.core import Panel
from pages import ROUTER, Row, page, row
from panels import (
    CORE,
    GAP,
    HEALTH,
    LATE,
    NEVER,
    PLAIN,
    SELDOM,
    SHARE,
    STATES,
    TICK,
    bars,
    lines,
    stat,
    states,
)

GAME = "gameserver"
NONE = "no move in this time"


def glance() -> Row:
    """The first screen: eight numbers; who works how hard with how many players; where they are,
    and what players felt of being moved."""
    return row("The fleet at a glance", *_numbers(), *_story())


def _numbers() -> tuple[Panel, ...]:
    return (
        stat(
            "Players",
            "in the fleet",
            "Players that the fleet owns.",
            one("router", "players", "players"),
        ),
        stat("Servers", "attached", "Game servers attached.", one("router", "members", "members")),
        stat(
            "Seats taken",
            "of all seats",
            "Of all that are not on draining servers.",
            seats_taken(),
            SHARE,
        ),
        stat(
            "Worst grade",
            "worst",
            "Of all game servers. Overloaded while others are fit is what the router mends.",
            said(f"maxSeries({kept(place(GAME, 'grade'))})", "grade", "worst grade", fold="max"),
            mappings=STATES,
        ),
        stat(
            "Waiting",
            "in line",
            "Players in line: every seat is taken, or no server is fit.",
            one("router", "waiting", "waiting"),
            SELDOM,
        ),
        stat(
            "Moved",
            "in this time",
            "Players, to another server, in this time.",
            one("router", "moves_settled", "moved"),
            calc="sum",
        ),
        stat(
            "Worst gap",
            "felt at a move",
            "The longest extra wait for a view that any moved player reported, in this time.",
            one("router", "blackout_ms_max", "gap"),
            GAP,
            calc="max",
            none=NONE,
            decimals=1,
        ),
        stat(
            "Missed ticks",
            "in this time",
            "World ticks in this time of which the crowd's players got no view. The goal is 0.",
            together("crowd", "missed_ticks", "missed ticks"),
            NEVER,
            calc="sum",
            none="no crowd",
        ),
    )


def _story() -> tuple[Panel, ...]:
    failed = ",".join(
        place("router", f"moves_{outcome}", "$router")
        for outcome in ("refused", "timed_out", "player_left", "lost")
    )
    return (
        lines(
            "Load of each server",
            "The twelve highest in this time. Broken lines: strained, overloaded. The grey marks"
            " are decisions to move players.",
            [worst(GAME, "load")],
            SHARE,
            top=1,
            height=9,
        ),
        lines(
            "Players of each server",
            "Stacked: the height is the fleet.",
            [stack(GAME, "players")],
            stacked=True,
            height=9,
        ),
        lines(
            "Territory of each server",
            "The ground that its players stand on, stacked: a disk about their centre. It shrinks"
            " where they gather, and grows where servers share a place.",
            [ground_each()],
            stacked=True,
            height=9,
        ),
        lines(
            "Moves, as players felt them",
            "Bars: moves per second. Lines: how much longer than usual a moved player waited for a"
            " view, as each of them reports; on the right, in ms.",
            [
                per_second(one("router", "moves_settled", "moves", SKY)),
                per_second(said(f"sumSeries({failed})", "count", "not moved", ALARM)),
                over(one("router", "blackout_ms_p50", "wait, half of them", GREEN)),
                over(one("router", "blackout_ms_p99", "wait, 99 of 100", PINK, (6, 4))),
            ],
            counted=True,
            height=9,
            none=NONE,
        ),
    )


def servers() -> Row:
    """One bar for each server and measure; of many the eight that need a look most."""
    return row(
        "Each server now: of many the eight that need a look most",
        bars(
            "Health",
            "1 is perfect: the worst of load, lateness and lag. The lowest.",
            each(GAME, "health"),
            HEALTH,
            top=1,
            lowest=True,
        ),
        bars("Load", "CPU time over elapsed time.", each(GAME, "load"), SHARE, top=1),
        bars("Seats taken", "Players, of those it may own.", seats_taken_each(), PLAIN, top=1),
        bars(
            "Tick, p99",
            "Work time of a tick. At 20 Hz it may have 50 ms.",
            each(GAME, "tick_ms_p99"),
            TICK,
            top=50,
            decimals=1,
        ),
        bars(
            "Lateness, p99",
            "Start of a tick after its world time.",
            each(GAME, "lateness_ms_p99"),
            LATE,
            top=50,
            decimals=1,
        ),
        bars("CPU", "Of one core, the whole process.", each(GAME, "cpu_percent"), CORE, top=100),
    )


def over_time() -> Row:
    """Who was late, and who stood where."""
    return row(
        "Time and place",
        lines(
            "Tick, p99",
            "Work time of a tick, the twelve highest.",
            [worst(GAME, "tick_ms_p99")],
            TICK,
        ),
        lines(
            "Lateness, p99",
            "Start of a tick after its world time, the twelve highest. High while load is low:"
            " something else has the CPU.",
            [worst(GAME, "lateness_ms_p99")],
            LATE,
        ),
        lines(
            "Where each server's players are, west to east",
            "Mean x of its players. Lines that cross: servers that changed places.",
            [each(GAME, "centre_x_m")],
            height=9,
        ),
        lines(
            "Where each server's players are, north to south",
            "Mean y of its players.",
            [each(GAME, "centre_y_m")],
            height=9,
        ),
    )


def sees() -> Row:
    """Who stands together plays together."""
    return row(
        "Who sees whom",
        bars(
            "Pairs split",
            "Of all whom its players see, those who play on another server.",
            pairs_split_each(),
            PLAIN,
            top=1,
            width=6,
        ),
        lines(
            "Pairs split by server",
            "The twelve highest. It rises where a crowd gathers that one server cannot take.",
            [pressing(pairs_split_each())],
            width=9,
            height=7,
        ),
        lines(
            "Pairs of players who see each other",
            "All servers. Each pair counts twice, once from each side.",
            [together(GAME, "pairs", "all", SKY), together(GAME, "pairs_split", "split", PINK)],
            width=9,
            height=7,
        ),
    )


def machines() -> Row:
    """What it costs."""
    return row(
        "Machines and network",
        lines("CPU", "Of one core, the twelve highest.", [worst(GAME, "cpu_percent")], width=8),
        lines("Memory", "Resident, the twelve highest.", [worst(GAME, "rss_bytes")], width=8),
        lines(
            "Traffic",
            "All game servers: views and files out, inputs in, and what they tell each other.",
            [
                together(GAME, "sent_bytes_per_s", "to players", SKY),
                together(GAME, "received_bytes_per_s", "from players", GREEN),
                together(GAME, "neighbour_sent_bytes_per_s", "between servers", PINK),
            ],
            width=8,
        ),
    )


def zones() -> Row:
    """A tree of routers: the root is everything below it, so its curves and a zone's do not add."""
    return row(
        "Routers of a tree: each with all that is below it",
        lines(
            "Players of each router",
            "The one at the root has all; what is below it is part of that, and adds nothing.",
            [each("router", "players")],
            width=8,
            height=7,
        ),
        lines(
            "Members of each router",
            "Game servers, and routers below.",
            [each("router", "members")],
            width=8,
            height=7,
        ),
        lines(
            "Load of each router's servers",
            "Mean of all below it, weighted by seats.",
            [each("router", "load")],
            SHARE,
            width=8,
            height=7,
        ),
    )


dashboard = page(
    "fleet",
    "The fleet at a glance; each server's health, load, seats, tick and CPU; its grade over time.",
    [
        glance(),
        row(
            "Grades",
            states(
                "Grade of each server, and who drains",
                "fit, strained (load from 60 %), overloaded (80 %), draining. A gap: not there.",
                grades(),
                height=9,
            ),
        ),
        servers(),
        over_time(),
        sees(),
        machines(),
        zones(),
    ],
    variables=[ROUTER],
)
