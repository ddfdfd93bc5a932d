"""Draws the state of a fleet as tables: for `status` once, for `top` again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from clientmigration.cli.times import of_day, zone
from clientmigration.wire.operators import Found, MemberSample, MemberStatus, Moved, Overview

GRADES = (("fit", "green"), ("strained", "yellow"), ("overloaded", "red"))
BAR = 8  # characters of a load bar
GOLDEN_DEG = 137.508  # hues of neighbouring owner numbers lie far apart


def picture(overview: Overview) -> RenderableType:
    """A whole overview."""
    parts: list[RenderableType] = [headline(overview), servers(overview.members)]
    if overview.recent:
        parts.append(moves(overview.recent))
    return Group(*parts)


def headline(overview: Overview) -> Text:
    """The fleet in a line or two."""
    ended = sum(overview.moves.values())
    failed = ended - overview.moves.get("settled", 0)
    return Text.assemble(
        (overview.router, "bold"), f"  {of_day(overview.now)} {zone(overview.now)}  ",
        (f"{overview.players}", "bold"), f" of {overview.capacity} players on ",
        (f"{_count(overview.members)}", "bold"), " servers, ",
        f"{overview.waiting} wait, {overview.moving} being moved\n",
        (f"since {of_day(overview.started)}: {overview.joins} joins, {ended} moves", "dim"),
        (f", {failed} of them failed" if failed else "", "red"),
        (_split(overview.members), "dim"),
    )  # fmt: skip


def _split(members: Sequence[MemberStatus]) -> str:
    """How many of the pairs of players who see each other play on two servers."""
    samples = [each.sample.measures for each in members if each.sample]
    pairs, apart = (sum(each.get(n, 0.0) for each in samples) for n in ("pairs", "pairs_split"))
    return f"; {apart / pairs:.0%} of pairs are split" if pairs else ""


COLUMNS = ("players", "load", "health", "tick ms", "late ms", "cpu %")
"""What of a server is a number; `tick` and `late` are 95th percentiles."""


def servers(members: Sequence[MemberStatus], chosen: str = "", sorted_by: str = "") -> Table:
    """A row for each member; the chosen one stands out."""
    zones = any(member.zone not in ("", member.name) for member in members)
    table = _table("server", *(["zone"] if zones else []), "state")
    for title in COLUMNS:
        mark = "▾" if title == sorted_by else ""
        table.add_column(title + mark, justify="right", no_wrap=True)
    for depth, member in _tree(members):
        name = Text.assemble("  " * depth, ("● ", colour(member.owner)), member.name)
        if member.routers > 1:
            name.append(f" ({member.routers} routers)", "dim")
        zone = [member.zone] if zones else []
        first: list[RenderableType] = [name, *zone, state_of(member)]
        style = "reverse" if member.name == chosen else ""
        table.add_row(*first, *_numbers(member.sample), style=style)
    return table


def _tree(members: Sequence[MemberStatus], depth: int = 0) -> Iterator[tuple[int, MemberStatus]]:
    """Each with how deep it is; below a router come those of its fleet."""
    for member in members:
        yield depth, member
        yield from _tree(member.under, depth + 1)


def _count(members: Sequence[MemberStatus]) -> int:
    """The game servers of all routers."""
    return sum(each.servers if each.role == "router" else 1 for each in members)


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in titles:
        table.add_column(title, no_wrap=True)
    return table


def _numbers(sample: MemberSample | None) -> tuple[RenderableType, ...]:
    if sample is None:
        return ("",) * len(COLUMNS)
    names = ("tick_ms_p95", "lateness_ms_p95", "cpu_percent")
    measured = (f"{sample.measures[name]:.1f}" if name in sample.measures else "" for name in names)
    players = f"{sample.players}/{sample.capacity}"
    return (players, bar(sample.load), f"{sample.health:.2f}", *measured)


def state_of(member: MemberStatus) -> Text:
    """Its grade in a word, or why nobody is sent there."""
    if member.closed or member.sample is None:
        return Text(member.closed or "silent", "magenta")
    word, style = GRADES[min(max(member.sample.grade, 0), 2)]
    return Text(word, style)


def bar(load: float) -> Text:
    """A load as a bar and percent; full at 100 %."""
    filled = min(BAR, round(load * BAR))
    style = "green" if load < 0.6 else "yellow" if load < 0.8 else "red"
    return Text.assemble(("█" * filled, style), ("░" * (BAR - filled), "dim"), f" {load:4.0%}")


def colour(owner: int) -> str:
    """The colour of a server by its number in views; the same everywhere, grey without one."""
    if not owner:
        return "grey50"
    degrees = owner * GOLDEN_DEG % 360
    red, green, blue = (_channel(degrees, turn) for turn in (0, 8, 4))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _channel(degrees: float, turn: int) -> int:
    # HSL with 65 % saturation and 55 % lightness.
    k = (turn + degrees / 30) % 12
    return round(255 * (0.55 - 0.65 * 0.45 * max(-1.0, min(k - 3, 9 - k, 1.0))))


def moves(listed: Iterable[Moved]) -> Table:
    """A row for each move, as the player felt it."""
    listed = list(listed)
    table = _table(
        f"moved {zone(listed[0].at)}" if listed else "moved", "player", "from", "to", "outcome"
    )
    for title in ("took", "gap", "missed"):
        table.add_column(title, justify="right", no_wrap=True)
    for move in listed:
        table.add_row(
            of_day(move.at),
            move.player,
            move.source,
            move.target,
            _outcome(move),
            f"{move.took_ms:.0f} ms",
            "" if move.gap_ms is None else f"{move.gap_ms:.1f} ms",
            "" if move.missed is None else str(move.missed),
        )
    return table


def _outcome(move: Moved) -> Text:
    if move.outcome == "settled":
        return Text("settled", "green")
    return Text(f"{move.outcome}: {move.reason}", "red")


def found(player: Found) -> RenderableType:
    """Where one player is, and its last moves."""
    ping = "" if player.ping_ms is None else f", ping {player.ping_ms:.1f} ms"
    since = "" if player.since is None else f" since {of_day(player.since)}"
    place = f"{player.state or 'not listed'} at {player.x:.0f}, {player.y:.0f} m{ping}"
    where = Text.assemble(
        (player.player, "bold"), " is on ", (player.member or "no server", "bold"),
        f"{since} ({place}), epoch {player.epoch}, stored {of_day(player.stored_at)}",
    )  # fmt: skip
    return Group(where, moves(player.moves)) if player.moves else where
