"""`clientmigration players`, `kick`, `ban`, `unban`, `bans`, `audit`: who plays, who ordered what.

A player is meant by the beginning of its name, if only one that plays begins so, or by `login:` and
the subject of its login. Who is banned need not play, and then its name has to be whole.
"""

from __future__ import annotations

import re
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from rich.table import Table

from clientmigration.cli.command import DONE, NO, Command, Output
from clientmigration.cli.router import asked, router_flags, with_router
from clientmigration.cli.times import moment, zoned
from clientmigration.core.player.bans import Ban
from clientmigration.core.player.given import Given
from clientmigration.errors import ConfigurationError, Refused
from clientmigration.net.operator import ANSWER_S, OperatorClient, within
from clientmigration.wire.operators import (
    AskBans,
    AskOrders,
    Banned,
    Find,
    Found,
    Listed,
    Listing,
    Order,
    OrdersGiven,
    Players,
    Verb,
)

PAGE = 500
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LOGIN = "login:"
_span = re.compile(r"([1-9][0-9]{0,8})([smhdw])").fullmatch
_whole = re.compile(r"[0-9a-f]{16}").fullmatch


def span(word: str) -> float:
    """A flag's value: how long, in seconds, such as 30m or 7d."""
    found = _span(word)
    if not found:
        raise ArgumentTypeError(f"{word!r} is not how long: write 30m, 12h, 7d or 2w")
    return float(int(found[1]) * UNITS[found[2]])


def _time(word: str) -> float:
    try:
        return moment(word)
    except ConfigurationError as error:
        raise ArgumentTypeError(str(error)) from error


# What there is.


def _players_flags(own: ArgumentParser) -> None:
    router_flags(own)
    own.add_argument(
        "beginning",
        nargs="?",
        default="",
        metavar="PLAYER",
        help="only those whose name begins so, or whose login is login:SUBJECT",
    )
    own.add_argument("--on", default="", metavar="SERVER", help="only those of this server")


def players(given: Namespace, answer: Output) -> int:
    """List who plays."""

    missing = set[str]()

    async def work(client: OperatorClient) -> list[Listed]:
        found: list[Listed] = []
        after, more = "", True
        while more:
            page = await _asked(client, Listing(0, given.on, after, PAGE))
            assert isinstance(page, Players)
            found += page.players
            missing.update(page.missing)
            more, after = page.more, page.players[-1].player if page.players else ""
        return found

    found = [each for each in with_router(given, "watcher", work) if _meant(given.beginning, each)]
    counted = f"{len(found)} player{'' if len(found) == 1 else 's'}"
    answer.tell(found, _player_table(found) if found else counted)
    if missing:
        named = ", ".join(sorted(missing))
        print(f"clientmigration: without the players of {named}: no answer", file=sys.stderr)
    return DONE if found or not given.beginning else NO


def _meant(beginning: str, player: Listed) -> bool:
    if beginning.startswith(LOGIN):
        return player.login == beginning.removeprefix(LOGIN)
    return player.player.startswith(beginning)


def _player_table(listed: list[Listed]) -> Table:
    table = _table("player", "server", "state", "ping", "at", "group", "login")
    for each in listed:
        ping = "" if each.ping_ms is None else f"{each.ping_ms:.1f} ms"
        at = f"{each.x:.0f}, {each.y:.0f}"
        table.add_row(each.player, each.member, each.state, ping, at, each.group, each.login)
    return table


def bans(given: Namespace, answer: Output) -> int:
    """List who is banned."""

    async def work(client: OperatorClient) -> list[Ban]:
        found: list[Ban] = []
        after, more = "", True
        while more:
            page = await _asked(client, AskBans(0, after, PAGE))
            assert isinstance(page, Banned)
            found += page.bans
            more, after = page.more, page.bans[-1].player if page.bans else ""
        return found

    found = with_router(given, "watcher", work)
    table = _table("player", "until", "by", "since", "reason")
    for ban in found:
        until = zoned(ban.until) if ban.until else "for ever"
        table.add_row(ban.player, until, ban.by, zoned(ban.at), ban.reason)
    answer.tell(found, table if found else "nobody is banned")
    return DONE


def _audit_flags(own: ArgumentParser) -> None:
    router_flags(own)
    own.add_argument(
        "--last", type=int, default=50, choices=range(1, 501), metavar="N", help="how many; 50"
    )


def audit(given: Namespace, answer: Output) -> int:
    """List the latest orders, a line each, the newest last."""

    async def work(client: OperatorClient) -> list[Given]:
        told = await _asked(client, AskOrders(0, given.last))
        assert isinstance(told, OrdersGiven)
        return told.orders

    found = with_router(given, "watcher", work)
    lines = "\n".join(f"{zoned(each.at)}  {each.line}" for each in found)
    answer.tell(found, lines or "no orders are known")
    return DONE


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title in ("until", "since"))
    return table


async def _asked(client: OperatorClient, question: Any) -> Any:
    return await within(ANSWER_S, client, client.ask(question))


# What is ordered.


def _one(own: ArgumentParser) -> None:
    router_flags(own)
    own.add_argument(
        "player", metavar="PLAYER", help="its name, the beginning of it, or login:SUBJECT"
    )


def _with_reason(own: ArgumentParser) -> None:
    _one(own)
    own.add_argument("--reason", default="", metavar="TEXT", help="what the player is told")


def _ban_flags(own: ArgumentParser) -> None:
    _with_reason(own)
    ends = own.add_mutually_exclusive_group()
    ends.add_argument("--for", dest="lasts", type=span, metavar="TIME", help="30m, 12h, 7d, 2w")
    ends.add_argument(
        "--until",
        type=_time,
        metavar="TIME",
        help="2026-12-24T18:00, of your time zone; default: for ever",
    )


def kick(given: Namespace, answer: Output) -> int:
    """Put a player out; it may come back."""
    return _order(given, answer, "kick", given.reason, 0.0)


def ban(given: Namespace, answer: Output) -> int:
    """Put a player out, and let it not come back."""
    until = time.time() + given.lasts if given.lasts else given.until or 0.0
    return _order(given, answer, "ban", given.reason, until)


def unban(given: Namespace, answer: Output) -> int:
    """Let a player come back."""
    return _order(given, answer, "unban", "", 0.0)


def _order(given: Namespace, answer: Output, do: Verb, reason: str, until: float) -> int:
    if len(reason) > 200:
        raise ConfigurationError(f"--reason has {len(reason)} characters, 200 are allowed")

    async def work(client: OperatorClient) -> tuple[str, str]:
        player = await _named(client, given.player)
        order = Order(0, do, player=player, reason=reason, until=until)
        ended: Any = await asked(client, order)
        return player, ended.text

    player, text = with_router(given, "operator", work)
    answer.tell({"player": player, "outcome": "done", "text": text}, text)
    return DONE


async def _named(client: OperatorClient, said: str) -> str:
    """The whole name. Who is not known to the router may be meant all the same."""
    if _whole(said) or said.startswith(LOGIN):
        return said
    found = await asked(client, Find(0, said))
    if not isinstance(found, Found):
        raise Refused(f"no player is called {said!r}")
    return found.player


COMMANDS = (
    Command("players", "List who plays, and where.", _players_flags, players),
    Command("kick", "Put a player out now. It may come back.", _with_reason, kick),
    Command("ban", "Put a player out now, and let it not come back.", _ban_flags, ban),
    Command("unban", "Let a banned player come back.", _one, unban),
    Command("bans", "List who is banned, until when and why.", router_flags, bans),
    Command(
        "audit",
        "List the latest orders: who gave which, and what came of it.",
        _audit_flags,
        audit,
    ),
)
