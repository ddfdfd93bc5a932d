"""Decisions: what the policy saw, and what it did. The router decides from these very numbers."""

from colours import ALARM, BLUE, GREEN, GREY, PINK, SKY, WARNING, YELLOW
from curves import (
    Curve,
    grades,
    kept,
    one,
    over,
    pairs_split,
    place,
    ranks,
    said,
    seats_taken,
    stack,
    together,
    worst,
)
from grafanalib.core import Panel
from pages import ROUTER, Row, page, row
from panels import SELDOM, SHARE, STATES, lines, stat, states

LOAD = kept(place("gameserver", "load"))
DAYS = "certificate_days"
IMBALANCE = ((0, GREEN), (1.25, WARNING))
"""From so many times the mean on, a server is clearly high: `imbalance` of the policy."""


def of(measure: str, label: str, colour: str = SKY) -> Curve:
    """A measure of the router that is chosen."""
    return one("router", measure, label, colour)


def above_mean() -> Curve:
    """The highest load as a multiple of the mean."""
    return said(f"divideSeries(maxSeries({LOAD}),averageSeries({LOAD}))", "count", "above the mean")


def now() -> Row:
    """Eight numbers."""
    return row(
        "The fleet as the router sees it",
        stat("Load", "on average", "Mean, by capacity.", of("load", "load"), SHARE),
        stat("Health", "on average", "Mean, by capacity.", of("health", "health"), decimals=2),
        stat("Grade", "grade", "The best of all.", of("grade", "grade"), mappings=STATES),
        stat(
            "Imbalance",
            "highest / mean",
            "Highest load over the mean. From 1.25 on a server is clearly high.",
            above_mean(),
            IMBALANCE,
            decimals=2,
        ),
        stat(
            "Seats taken",
            "of all seats",
            "Of all that are not on draining servers.",
            seats_taken(),
            SHARE,
        ),
        stat("Flows", "in this time", "Decided in this time.", of("flows", "flows"), calc="sum"),
        stat(
            "Planned", "moves", "Moves, in this time.", of("planned_moves", "planned"), calc="sum"
        ),
        stat(
            "Decided in",
            "at most",
            "The longest of this time.",
            of("decision_ms", "decision"),
            calc="max",
            decimals=2,
        ),
    )


def saw() -> Row:
    """The inputs."""
    return row("What it saw", *_loads(), *_players())


def _loads() -> tuple[Panel, ...]:
    return (
        lines(
            "Load of the servers",
            "The twelve highest. Broken lines: strained, overloaded.",
            [worst("gameserver", "load")],
            SHARE,
            top=1,
        ),
        lines(
            "Highest, mean, lowest load",
            "Moves bring the highest and the lowest towards the mean.",
            [
                said(f"maxSeries({LOAD})", "ratio", "highest", PINK),
                said(f"averageSeries({LOAD})", "ratio", "mean", SKY),
                said(f"minSeries({LOAD})", "ratio", "lowest", GREEN),
                of("load", "mean by capacity", GREY),
            ],
        ),
        states("Grades", "As the servers reported them.", grades(), width=12),
        lines(
            "Highest load over the mean",
            "From 1.25 on (and 5 % of load away from it) somebody is moved.",
            [above_mean()],
            IMBALANCE,
            height=7,
        ),
    )


def _players() -> tuple[Panel, ...]:
    return (
        lines(
            "Players by server",
            "Stacked.",
            [stack("gameserver", "players")],
            stacked=True,
            width=8,
        ),
        lines(
            "The fleet",
            "Who is there, who plays, how many could.",
            [
                of("members", "members", GREEN),
                of("unreachable", "unreachable for players", ALARM),
                of("players", "players"),
                of("capacity", "capacity", GREY),
            ],
            width=8,
        ),
        lines(
            "Where players are",
            "Mean position of all, and mean distance from it: neighbours stay together.",
            [of("centre_x_m", "x"), of("centre_y_m", "y", GREEN), of("spread_m", "spread", PINK)],
            width=8,
        ),
        lines(
            "Pairs split",
            "Of the pairs of players who see each other, those on two servers. Exchanges bring it"
            " down.",
            [pairs_split("router", "$router")],
        ),
        lines(
            "Pairs of players who see each other",
            "Each counts twice, once from each side.",
            [of("pairs", "all"), of("pairs_split", "split", PINK)],
        ),
    )


def did() -> Row:
    """The outputs."""
    return row(
        "What it did",
        lines(
            "Flows, moves planned",
            "Moves in bars, flows in a line. The marks say from where to where, and why.",
            [of("planned_moves", "moves planned"), over(of("flows", "flows", PINK))],
            counted=True,
        ),
        lines(
            "Planned, settled",
            "The line: what was planned. The bars: what came of it.",
            [
                of("moves_settled", "settled"),
                of("moves_refused", "refused", WARNING),
                of("moves_timed_out", "timed out", PINK),
                of("moves_player_left", "player left", GREY),
                of("moves_lost", "lost", ALARM),
                over(of("planned_moves", "planned", BLUE)),
            ],
            counted=True,
        ),
        lines(
            "Exchanges",
            "Of flows and moves, those of two servers that give each other as many players, so that"
            " those who see each other play together.",
            [of("planned_exchanges", "moves planned"), over(of("exchanges", "flows", PINK))],
            width=24,
            height=6,
            counted=True,
        ),
        lines(
            "Health of the fleet",
            "As a parent router would see it.",
            [of("health", "health")],
            top=1,
            width=6,
        ),
        states(
            "Grade of the fleet, and draining",
            "As a parent router would see it: the best grade of all.",
            grades("$router", "router"),
            width=6,
            height=8,
        ),
        lines("Time to decide", "Each second's longest.", [of("decision_ms", "decision")], width=6),
        lines("Ledger", "Time of a call.", ranks("router", "ledger_ms"), width=6),
    )


def process() -> Row:
    """The router itself, and what did not reach Graphite."""
    return row(
        "The router's process",
        lines(
            "CPU",
            "Of one core. Allowed is what quota, throttling and steal leave of it.",
            [
                of("cpu_percent", "CPU"),
                of("cpu_allowed_percent", "allowed", GREEN),
                of("throttled_percent", "throttled", WARNING),
                of("stolen_percent", "stolen", PINK),
            ],
            width=6,
        ),
        lines(
            "Memory",
            "Resident; and of it what connections hold that nobody has read yet.",
            [of("rss_bytes", "memory"), of("held_bytes", "held", GREEN)],
            width=6,
        ),
        lines(
            "Reactor lag, clock",
            "Longest delay of a timer; how far the host's clock is off the world's time.",
            [of("reactor_lag_ms", "lag"), of("clock_off_ms", "clock", GREEN)],
            width=6,
        ),
        lines(
            "Refusals and losses",
            "Tickets refused, connections closed or turned away, members gone undrained,"
            " players that did not arrive where they were sent, work that failed and goes on.",
            [
                of("refused_tickets", "tickets"),
                of("closed_connections", "connections", YELLOW),
                of("turned_away", "turned away", GREY),
                of("members_lost", "members lost", ALARM),
                of("failed_arrivals", "did not arrive", PINK),
                of("failures", "failures", BLUE),
            ],
            SELDOM,
            width=6,
            counted=True,
        ),
        lines(
            "Connections",
            "Open at its doors; strangers have not said who they are. Refused: too many came from"
            " one address, or from all.",
            [
                of("connections", "open"),
                of("strangers", "strangers", YELLOW),
                of("crowded_connects", "refused", PINK),
                of("crowded_joins", "joins refused", BLUE),
            ],
            width=12,
            height=6,
        ),
        lines(
            "Open",
            "1 in a second in which a player could have joined: what the homepage's 90 days count.",
            [of("up", "open", GREEN)],
            counted=True,
            width=12,
            height=6,
        ),
        lines(
            "Certificates",
            "For how many days the first of them to expire is still good, where TLS is spoken.",
            [
                said(f"minSeries({kept(place('router', DAYS))})", "days", "routers", fold="last"),
                said(
                    f"minSeries({kept(place('gameserver', DAYS))})",
                    "days",
                    "servers",
                    GREEN,
                    fold="last",
                ),
            ],
            width=12,
            height=6,
        ),
        lines(
            "Not in Graphite",
            "Datapoints that daemons dropped because carbon was away; events not taken.",
            [
                of("carbon_dropped", "router"),
                together("gameserver", "carbon_dropped", "game servers", GREEN),
                together("crowd", "carbon_dropped", "crowd", PINK),
                of("events_dropped", "events", ALARM),
            ],
            SELDOM,
            width=24,
            height=6,
            counted=True,
        ),
    )


def admitted() -> Row:
    """Who may play."""
    return row(
        "Who may play",
        lines(
            "Logins refused",
            "Of the game's own backend. Time: expired, or of the future; issuer, audience, subject:"
            " what it says is not ours; signature: or its key or algorithm; no token: or none are"
            " taken here.",
            [
                of("logins_refused_time", "time"),
                of("logins_refused_issuer", "issuer", GREEN),
                of("logins_refused_audience", "audience", PINK),
                of("logins_refused_subject", "subject", YELLOW),
                of("logins_refused_signature", "signature", BLUE),
                of("logins_refused_format", "no token", GREY),
            ],
            SELDOM,
            width=6,
            counted=True,
        ),
        lines(
            "Logins",
            "Those that were good; those put off, because their key is not here; joins without one"
            " where one is demanded; times that the key set could not be had.",
            [
                of("logins", "good", GREEN),
                of("logins_later", "put off", YELLOW),
                of("logins_missing", "none shown", PINK),
                of("login_keys_failed", "no key set", BLUE),
            ],
            SELDOM,
            width=6,
            counted=True,
        ),
        lines(
            "Kicks and bans",
            "Players put out by an order; joins refused because of a ban.",
            [of("expelled", "put out", PINK), of("banned_joins", "refused", YELLOW)],
            SELDOM,
            width=6,
            counted=True,
        ),
        lines(
            "Bans, and keys of logins",
            "Players who are banned now; keys by which logins may be signed now.",
            [of("bans", "banned"), of("login_keys", "keys", GREEN)],
            width=6,
        ),
    )


dashboard = page(
    "decisions",
    "What the policy saw and did: the router decides from these very numbers.",
    [now(), saw(), did(), admitted(), process()],
    variables=[ROUTER],
    events=("join", "leave", "drain", "decision", "overload", "crash", "unreachable", "reachable"),
)
