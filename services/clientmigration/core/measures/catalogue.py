"""Catalogue: the rows of all measures, each with its unit and what it means.

A row is (role, name, unit, fold, text, sparse). Read it through `core.measures.metrics`,
which turns rows into `Measure` values and refuses rows that are wrong. The unit stands last in a
name when it is not obvious; `*_total` counts since the start of the daemon, other counts are per
report interval (1 s).

Folds: rates and levels average; counts per interval add up; totals and settings keep the last;
worst cases, and percentiles above the median, keep the greatest, because the percentile of all
samples of a minute is never above the greatest of its sixty percentiles (an average says nothing).
"""

from collections.abc import Iterator
from typing import Literal

Role = Literal["gameserver", "router", "crowd"]
Fold = Literal["average", "sum", "max", "last"]
Unit = Literal[
    "ratio",  # 0..1
    "grade",  # 0 fit, 1 strained, 2 overloaded
    "flag",  # 0 no, 1 yes
    "ms",
    "ticks",
    "metres",
    "percent",  # of one core, or of the time
    "bytes",
    "bytes_per_s",
    "per_s",
    "days",
    "count",
]
Row = tuple[Role, str, Unit, Fold, str, bool]

FOLDS: tuple[Fold, ...] = ("average", "sum", "max", "last")
SPREAD: dict[Literal["p50", "p95", "p99", "max"], int] = {
    "p50": 50,
    "p95": 95,
    "p99": 99,
    "max": 100,
}
_RANKS = {"p50": "Median", "p95": "95th percentile", "p99": "99th percentile", "max": "Greatest"}


def _row(role: Role, name: str, unit: Unit, fold: Fold, text: str) -> Row:
    return role, name, unit, fold, text, False


def _spread(role: Role, stem: str, unit: Unit, text: str) -> Iterator[Row]:
    for rank, words in _RANKS.items():
        fold: Fold = "average" if rank == "p50" else "max"
        yield role, f"{stem}_{rank}", unit, fold, f"{words} of the interval: {text}", True


def _process(role: Role) -> Iterator[Row]:
    yield _row(role, "cpu_percent", "percent", "average", "CPU time used, of one core.")
    yield _row(
        role,
        "cpu_allowed_percent",
        "percent",
        "average",
        "CPU time it may use, of one core: what quota, throttling and steal leave.",
    )
    yield _row(
        role, "throttled_percent", "percent", "average", "Time its cgroup was held back by a quota."
    )
    yield _row(
        role, "stolen_percent", "percent", "average", "CPU time that the host gave to others."
    )
    yield _row(role, "rss_bytes", "bytes", "max", "Resident memory of the daemon.")
    yield _row(role, "reactor_lag_ms", "ms", "max", "Longest delay of a timer in the interval.")
    yield _row(
        role,
        "carbon_dropped",
        "count",
        "sum",
        "Datapoints dropped because carbon was away or slow.",
    )


def _health(role: Role, of: str) -> Iterator[Row]:
    yield _row(role, "health", "ratio", "average", f"How well {of} keeps up; 1 is perfect.")
    yield _row(role, "load", "ratio", "average", f"Share of the work that {of} can do, in use.")
    yield _row(role, "grade", "grade", "max", f"0 fit, 1 strained, 2 overloaded, for {of}.")
    yield _row(role, "players", "count", "average", f"Players that {of} owns.")
    yield _row(role, "capacity", "count", "last", f"Players that {of} may own.")
    yield _row(role, "draining", "flag", "last", f"1 while {of} sends its players away to stop.")
    yield _row(role, "centre_x_m", "metres", "average", f"Mean x of the players of {of}.")
    yield _row(role, "centre_y_m", "metres", "average", f"Mean y of the players of {of}.")
    yield _row(
        role,
        "spread_m",
        "metres",
        "average",
        f"Mean distance of the players of {of} from its centre.",
    )
    yield _row(
        role, "pairs", "count", "average", f"Others that players of {of} see, added up over them."
    )
    yield _row(
        role,
        "pairs_split",
        "count",
        "average",
        "Of these, those on another server than who sees them.",
    )


def _gameserver() -> Iterator[Row]:
    role: Role = "gameserver"
    yield from _health(role, "the server")
    yield _row(role, "number", "count", "last", "The server's number in its fleet; 0: none yet.")
    for n in range(1, 5):
        rank = "the most" if n == 1 else f"rank {n}"
        yield _row(
            role,
            f"split_{n}_number",
            "count",
            "last",
            f"Which server {rank} of them play on; 0: none.",
        )
        yield _row(
            role, f"split_{n}_pairs", "count", "average", "How many of them play on that one."
        )
    yield from _spread(role, "tick_ms", "ms", "work time of a tick.")
    yield from _spread(role, "lateness_ms", "ms", "start of a tick after its world time.")
    yield _row(role, "skipped_ticks", "count", "sum", "Ticks that were never simulated.")
    yield _row(role, "sent_bytes_per_s", "bytes_per_s", "average", "Bytes sent to players.")
    yield _row(role, "received_bytes_per_s", "bytes_per_s", "average", "Bytes got from players.")
    yield _row(role, "views_per_s", "per_s", "average", "Views sent to players.")
    yield _row(
        role, "dropped_views", "count", "sum", "Views not sent to players that read too slowly."
    )
    yield _row(role, "inputs_per_s", "per_s", "average", "Inputs of players applied.")
    yield _row(role, "skipped_inputs", "count", "sum", "Inputs that no player could send again.")
    yield from _spread(role, "apply_ms", "ms", "time from an input's arrival to its application.")
    yield _row(role, "game_faults", "count", "sum", "Times that the game raised or gave rubbish.")
    yield _row(role, "neighbours", "count", "average", "Other servers linked: players see across.")
    for way, text in (("sent", "sent to"), ("received", "got from")):
        name = f"neighbour_{way}_bytes_per_s"
        yield _row(role, name, "bytes_per_s", "average", f"Bytes {text} other servers.")
    yield _row(role, "mail_posted", "count", "sum", "Letters that players here sent.")
    yield _row(role, "mail_delivered", "count", "sum", "Letters that players here got.")
    yield _row(role, "mail_waiting", "count", "max", "Letters not yet known to be kept.")
    yield _row(role, "workload_burns", "count", "average", "CPU burns running for players.")
    yield _row(role, "burns_refused", "count", "sum", "CPU burns asked for where none is allowed.")
    yield _row(role, "workload_files", "count", "average", "File transfers running to players.")
    yield _row(role, "workload_feeds", "count", "average", "Data subscriptions running to players.")
    yield _row(role, "file_bytes_per_s", "bytes_per_s", "average", "Bytes of files sent.")
    yield _row(
        role,
        "checkpoint_age_ms",
        "ms",
        "max",
        "Age of the newest checkpoint known to be stored.",
    )
    yield _row(role, "arriving", "count", "max", "Players on their way here.")
    yield _row(role, "records", "count", "last", "Records of the game here that are no player's.")
    yield _row(role, "leaving", "count", "max", "Players on their way to another server.")
    yield _row(role, "moved_in", "count", "sum", "Players who came with their state.")
    yield _row(role, "moved_out", "count", "sum", "Players let go to another server.")
    yield _row(role, "coins", "count", "last", "Coins that the players here own together.")
    yield from _refusals(role)
    yield from _process(role)


def _router() -> Iterator[Row]:
    role: Role = "router"
    yield from _health(role, "the fleet")
    yield _row(role, "up", "count", "sum", "1 in a second in which a player could have joined.")
    yield _row(role, "members", "count", "average", "Game servers and routers attached.")
    yield _row(role, "members_lost", "count", "sum", "Members gone that had not said they drain.")
    yield _row(role, "recovered", "count", "sum", "Players taken over from a server that was gone.")
    yield _row(
        role, "failed_arrivals", "count", "sum", "Players that did not arrive where they were sent."
    )
    yield _row(role, "unreachable", "count", "max", "Members that players cannot connect to.")
    yield _row(role, "joins_per_s", "per_s", "average", "Players that asked to join.")
    yield _row(role, "placements_settled", "count", "sum", "Newcomers sent to a server.")
    yield _row(role, "placements_waiting", "count", "sum", "Newcomers that had to begin waiting.")
    yield _row(role, "placements_refused", "count", "sum", "Newcomers turned away.")
    for ground, text in (
        ("ping", "by ping"),
        ("load", "by load"),
        ("position", "to be near others"),
        ("group", "to be with their group"),
        ("lot", "where nothing told servers apart"),
    ):
        yield _row(role, f"placed_by_{ground}", "count", "sum", f"Newcomers placed {text}.")
    yield _row(role, "waiting", "count", "max", "Players waiting for a place.")
    yield _row(role, "decision_ms", "ms", "max", "Time taken to decide flows and choose who moves.")
    yield _row(role, "flows", "count", "sum", "Flows decided.")
    yield _row(
        role, "exchanges", "count", "sum", "Of these, those of servers that exchange players."
    )
    yield _row(role, "planned_moves", "count", "sum", "Moves planned.")
    yield _row(
        role,
        "planned_exchanges",
        "count",
        "sum",
        "Of these, moves of an exchange, to be with those whom a player sees.",
    )
    yield _row(
        role, "moves_settled", "count", "sum", "Moves after which the target owns the player."
    )
    yield _row(
        role, "moves_refused", "count", "sum", "Moves that source, target or ledger refused."
    )
    yield _row(role, "moves_timed_out", "count", "sum", "Moves abandoned for taking too long.")
    yield _row(role, "moves_player_left", "count", "sum", "Moves whose player left before the end.")
    yield _row(role, "moves_lost", "count", "sum", "Moves that ended with the loss of a server.")
    yield _row(role, "moving", "count", "max", "Moves being carried out.")
    yield from _spread(role, "move_ms", "ms", "time from asking for a move to its settling.")
    yield from _spread(role, "blackout_ms", "ms", "time a moved player was nowhere.")
    yield from _spread(role, "blackout_ticks", "ticks", "ticks a moved player was nowhere.")
    yield from _spread(role, "stall_ms", "ms", "time a moved player's inputs were not applied.")
    yield from _spread(role, "ledger_ms", "ms", "time of a ledger call.")
    yield from _admission(role)
    yield _row(role, "events_dropped", "count", "sum", "Events that graphite-web did not take.")
    yield from _refusals(role)
    yield from _process(role)


def _admission(role: Role) -> Iterator[Row]:
    yield _row(role, "logins", "count", "sum", "Logins of the game's backend that were good.")
    for why, text in (
        ("time", "it had expired, or was of the future"),
        ("issuer", "it came from somebody else"),
        ("audience", "it was for something else"),
        ("subject", "its subject may not be one"),
        ("signature", "its signature, key or algorithm was not good"),
        ("format", "it was no such token, or none are taken"),
    ):
        name = f"logins_refused_{why}"
        yield _row(role, name, "count", "sum", f"Logins refused because {text}.")
    yield _row(role, "logins_missing", "count", "sum", "Joins refused because they had no login.")
    yield _row(
        role, "logins_later", "count", "sum", "Logins put off because their key was not here."
    )
    yield _row(role, "login_keys", "count", "last", "Keys by which logins may be signed now.")
    yield _row(
        role, "login_keys_failed", "count", "sum", "Times that the key set could not be had."
    )
    yield _row(role, "bans", "count", "last", "Players who are banned.")
    yield _row(role, "banned_joins", "count", "sum", "Joins refused because of a ban.")
    yield _row(role, "expelled", "count", "sum", "Players put out by an order: kicks and bans.")


def _refusals(role: Role) -> Iterator[Row]:
    yield _row(role, "refused_tickets", "count", "sum", "Tickets refused.")
    yield _row(
        role, "closed_connections", "count", "sum", "Connections closed for the peer's fault."
    )
    yield _row(role, "turned_away", "count", "sum", "Connections closed for want of descriptors.")
    yield _row(role, "connections", "count", "max", "Connections open at its doors.")
    yield _row(role, "strangers", "count", "max", "Of these, who have not said who they are.")
    yield _row(
        role, "crowded_connects", "count", "sum", "Connections refused: too many of an address."
    )
    yield _row(role, "crowded_joins", "count", "sum", "Joins refused: too many of an address.")
    yield _row(role, "held_bytes", "bytes", "max", "Bytes that all connections hold unread.")
    yield _row(role, "failures", "count", "sum", "Repeated work that failed, and goes on.")
    yield _row(
        role, "clock_off_ms", "ms", "max", "How far the host's clock is from the world's time."
    )
    yield (
        role,
        "certificate_days",
        "days",
        "last",
        "For how long its certificate is still good; below 0 it has expired. Only with TLS.",
        True,
    )


def _crowd() -> Iterator[Row]:
    role: Role = "crowd"
    yield _row(role, "players", "count", "average", "Players started.")
    yield _row(role, "playing", "count", "average", "Players that got a view in the interval.")
    yield from _spread(role, "ping_ms", "ms", "round trip between a player and its server.")
    yield _row(role, "views_per_s", "per_s", "average", "Views that players got.")
    yield _row(role, "missed_ticks", "count", "sum", "Ticks of which players got no view.")
    yield _row(
        role, "missed_ticks_total", "count", "last", "Ticks of which players got no view, ever."
    )
    yield _row(role, "moves", "count", "sum", "Moves that players went through.")
    yield _row(role, "moves_total", "count", "last", "Moves that players went through, ever.")
    yield from _spread(role, "gap_ms", "ms", "extra wait for the first view after a move.")
    yield from _spread(role, "idle_gap_ms", "ms", "extra wait for any view without a move.")
    yield from _spread(role, "stall_ms", "ms", "time in a move without an input acknowledged.")
    yield _row(role, "lost_inputs_total", "count", "last", "Inputs that were never applied.")
    yield _row(role, "doubled_inputs_total", "count", "last", "Inputs that were applied twice.")
    yield _row(role, "inputs_per_s", "per_s", "average", "Inputs that players sent.")
    yield _row(role, "files", "count", "average", "Downloads running.")
    yield _row(role, "files_finished", "count", "sum", "Downloads complete, with their SHA-256.")
    yield _row(role, "files_bad", "count", "sum", "Downloads that ended in anything else.")
    yield _row(role, "files_finished_total", "count", "last", "Downloads complete, ever.")
    yield _row(role, "files_bad_total", "count", "last", "Downloads that went wrong, ever.")
    yield _row(role, "file_bytes_per_s", "bytes_per_s", "average", "Bytes of files that arrived.")
    yield _row(role, "feeds", "count", "average", "Topics followed.")
    yield _row(role, "feed_entries_per_s", "per_s", "average", "Entries of topics that arrived.")
    yield _row(role, "feed_gaps_total", "count", "last", "Entries that were left out, ever.")
    yield _row(
        role,
        "feed_duplicates_total",
        "count",
        "last",
        "Entries sent again after a move or a crash, and dropped by their player, ever.",
    )
    yield _row(role, "rejoins_total", "count", "last", "Times that a player had to come back.")
    yield from _process(role)


TABLE: tuple[Row, ...] = (*_gameserver(), *_router(), *_crowd())
