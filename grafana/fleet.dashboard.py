"""Fleet: how is everybody? The page to leave open."""

from pages import ROUTER, Row, page, row
from panels import (
    CORE,
    GREEN,
    HEALTH,
    LATE,
    NEVER,
    ORANGE,
    SELDOM,
    SHARE,
    SKY,
    STATES,
    TICK,
    bars,
    each,
    grades,
    kept,
    lines,
    one,
    pairs_split_each,
    place,
    said,
    seats_taken,
    stack,
    stat,
    states,
    together,
    worst,
)

GAME = "gameserver"


def now() -> Row:
    """Eight numbers of the whole fleet."""
    return row(
        "The fleet now",
        stat("Players", "Players that the fleet owns.", one("router", "players", "players")),
        stat("Game servers", "Members attached.", one("router", "members", "members")),
        stat("Seats taken", "Of all that are not on draining servers.", seats_taken(), SHARE),
        stat(
            "Worst grade",
            "Of all game servers. Overloaded while others are fit is what the router mends.",
            said(f"maxSeries({kept(place(GAME, 'grade'))})", "grade", "worst grade"),
            mappings=STATES,
        ),
        stat(
            "Draining",
            "Servers that send their players away to stop.",
            together(GAME, "draining", "draining", added=True),
            SELDOM,
        ),
        stat(
            "Waiting players",
            "In line: every seat is taken, or no server is fit.",
            one("router", "waiting", "waiting"),
            SELDOM,
        ),
        stat(
            "Players moved",
            "To another server, in this time.",
            one("router", "moves_settled", "moved"),
            calc="sum",
        ),
        stat(
            "Missed ticks",
            "World ticks in this time of which the crowd's players got no view. The goal is 0.",
            together("crowd", "missed_ticks", "missed ticks"),
            NEVER,
            calc="sum",
            none="no crowd",
        ),
    )


def servers() -> Row:
    """One bar for each server and measure: as good with one server as with fifty."""
    return row(
        "Each server now",
        bars(
            "Health",
            "1 is perfect: the worst of load, lateness and lag.",
            each(GAME, "health"),
            HEALTH,
            top=1,
            decimals=2,
        ),
        bars("Load", "CPU time over elapsed time.", each(GAME, "load"), SHARE, top=1),
        bars("Players", "Players that it owns.", each(GAME, "players")),
        bars(
            "Tick, p99",
            "Work time of a tick. At 20 Hz it may have 50 ms.",
            each(GAME, "tick_ms_p99"),
            TICK,
            top=50,
            decimals=1,
        ),
        bars("CPU", "Of one core, the whole process.", each(GAME, "cpu_percent"), CORE, top=100),
        bars("Memory", "Resident memory.", each(GAME, "rss_bytes")),
    )


def over_time() -> Row:
    """Who worked how hard, and who was late."""
    return row(
        "Load and time",
        lines(
            "Load",
            "The twelve highest in this time. Broken lines: strained, overloaded.",
            [worst(GAME, "load")],
            SHARE,
            top=1,
        ),
        lines(
            "Players by server",
            "Stacked: the height is the fleet.",
            [stack(GAME, "players")],
            stacked=True,
        ),
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
    )


def sees() -> Row:
    """Who stands together plays together."""
    return row(
        "Who sees whom",
        bars(
            "Pairs split",
            "Of all whom its players see, those who play on another server.",
            pairs_split_each(),
            top=1,
            width=6,
            height=8,
        ),
        lines(
            "Pairs split by server",
            "It rises where a crowd gathers that one server cannot take.",
            [pairs_split_each()],
            width=9,
        ),
        lines(
            "Pairs of players who see each other",
            "All servers. Each pair counts twice, once from each side.",
            [together(GAME, "pairs", "all", SKY), together(GAME, "pairs_split", "split", ORANGE)],
            width=9,
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
                together(GAME, "neighbour_sent_bytes_per_s", "between servers", ORANGE),
            ],
            width=8,
        ),
    )


dashboard = page(
    "fleet",
    "Every server's health, load, players, tick, CPU and memory; its grade over time; who drains.",
    [
        now(),
        servers(),
        row(
            "Grades",
            states(
                "Grade of each server, and who drains",
                "fit, strained (load from 60 %), overloaded (80 %), draining. A gap: not there.",
                grades(),
            ),
        ),
        over_time(),
        sees(),
        machines(),
    ],
    variables=[ROUTER],
)
