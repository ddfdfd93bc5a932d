"""What a router counts, by the names of the catalogue. Each is 0 until it happens."""

from __future__ import annotations

from clientmigration.net.logins import WHYS

COUNTED = (
    "joins",
    "placements_settled",
    "placements_waiting",
    "placements_refused",
    "placed_by_ping",
    "placed_by_load",
    "placed_by_position",
    "placed_by_group",
    "placed_by_lot",
    "flows",
    "exchanges",
    "planned_moves",
    "planned_exchanges",
    "moves_settled",
    "moves_refused",
    "moves_timed_out",
    "moves_player_left",
    "moves_lost",
    "members_lost",
    "recovered",
    "failed_arrivals",
    "refused_tickets",
    "closed_connections",
    "turned_away",
    "logins",
    *(f"logins_refused_{why}" for why in WHYS),
    "logins_missing",
    "logins_later",
    "banned_joins",
    "expelled",
)
