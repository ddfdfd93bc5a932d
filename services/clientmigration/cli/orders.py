"""`clientmigration drain`, `undrain` and `migrate`: give an order, and show what came of it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from time import time
from typing import Any

from twisted.internet.task import deferLater

from clientmigration.cli import tables
from clientmigration.cli.command import DONE, NO, Command, Output, seconds, waited
from clientmigration.cli.router import asked, let_in, router_flags, with_router
from clientmigration.cli.times import coming, span, zoned
from clientmigration.errors import Refused
from clientmigration.net.line import SILENCE_S
from clientmigration.net.operator import OperatorClient, within
from clientmigration.net.worldclock import monotonic
from clientmigration.wire.operators import Ended, Find, Found, MemberStatus, Moved, Order

WAIT_S = 60.0  # how long `drain` waits for a server to be empty
FELT_OVERVIEWS = 3  # a player says within a second what its move cost it


def _member_flags(own: ArgumentParser) -> None:
    router_flags(own)
    own.add_argument("member", metavar="SERVER", help="its name in the fleet")


def _drain_flags(own: ArgumentParser) -> None:
    _member_flags(own)
    own.add_argument(
        "--wait",
        type=seconds,
        default=WAIT_S,
        metavar="SECONDS",
        help=f"how long to wait for it to be empty; 0: do not wait; default {WAIT_S:g}",
    )
    own.add_argument(
        "--at",
        default="",
        metavar="TIME",
        help="wait until then: 03:00, +30m, or a date and time; Ctrl-C calls it off",
    )
    own.add_argument(
        "--force",
        action="store_true",
        help="even when no other server has room for its players",
    )


def _migrate_flags(own: ArgumentParser) -> None:
    router_flags(own)
    own.add_argument("player", metavar="PLAYER", help="its name, or the beginning of it")
    own.add_argument("member", metavar="SERVER", help="the server to move it to")


def drain(given: Namespace, answer: Output) -> int:
    """Drain the server, now or later, and wait until it is empty."""
    at = coming(given.at) if given.at else 0.0

    async def work(reactor: Any) -> tuple[str, int]:
        clock = monotonic(reactor)
        if at:
            await _later(clock, given, at, answer)
        client = await let_in(clock, given, "operator")
        try:
            await asked(client, Order(0, "drain", given.member, force=given.force))
            return await _emptied(client, given.member, given.wait, answer)
        finally:
            client.leave()

    word, players = waited(work)
    text = {
        "told": f"{given.member} hands over its {players} players and takes no new ones",
        "empty": f"{given.member} is empty and takes no players",
        "left": f"{given.member} has left the fleet",
        "late": f"{given.member} goes on draining: {players} players left after {given.wait:g} s",
    }[word]
    answer.tell({"member": given.member, "outcome": word, "players": players}, text)
    return DONE if word in ("told", "empty") else NO


async def _later(clock: Any, given: Namespace, at: float, answer: Output) -> None:
    """Wait until the time has come, if there is such a server now. The date is looked at again and
    again: clocks are set."""
    client = await let_in(clock, given, "operator")
    known = _member(client, given.member)
    client.leave()
    if known is None:
        raise Refused(f"no game server is called {given.member!r}")
    if not answer.as_json:
        away = span(max(0.0, at - time()))
        said = f"{given.member} is drained at {zoned(at)}, in {away}; Ctrl-C calls it off"
        answer.console.print(said, style="dim", soft_wrap=True)
    while (left := at - time()) > 0:
        await deferLater(clock, min(left, 1.0), lambda: None)


async def _emptied(
    client: OperatorClient, name: str, wait_s: float, answer: Output
) -> tuple[str, int]:
    until, told = client.clock.seconds() + wait_s, -1
    while True:
        member = _member(client, name)
        sample = member.sample if member else None
        players = sample.players if sample else 0
        if wait_s <= 0:
            return "told", players
        if member is None:
            return "left", 0
        if sample and sample.draining and not players:
            return "empty", 0
        if client.clock.seconds() >= until:
            return "late", players
        if players != told and not answer.as_json:
            answer.console.print(f"{players} players are left", style="dim")
        told = players
        await within(SILENCE_S, client, client.next_overview())


def _member(client: OperatorClient, name: str) -> MemberStatus | None:
    members = client.overview.members if client.overview else []
    return next((each for each in members if each.name == name), None)


def undrain(given: Namespace, answer: Output) -> int:
    """Let the server take players again."""

    async def work(client: OperatorClient) -> Any:
        return await asked(client, Order(0, "undrain", given.member))

    with_router(given, "operator", work)
    answer.tell({"member": given.member, "outcome": "done"}, f"{given.member} takes players again")
    return DONE


def _zone_flags(own: ArgumentParser) -> None:
    router_flags(own)
    own.add_argument("zone", metavar="NAME", help="its name in the fleet of the router above it")


def forget_zone(given: Namespace, answer: Output) -> int:
    """Have the players of a router that never comes back be nobody's."""

    async def work(client: OperatorClient) -> Any:
        return await asked(client, Order(0, "forget", given.zone))

    ended = with_router(given, "operator", work)
    answer.tell({"zone": given.zone, "outcome": "done", "text": ended.text}, ended.text)
    return DONE


def migrate(given: Namespace, answer: Output) -> int:
    """Move the player, and show what the move cost it."""

    async def work(client: OperatorClient) -> Moved:
        found = await asked(client, Find(0, given.player))
        assert isinstance(found, Found)
        ended = await asked(client, Order(0, "move", given.member, found.player))
        assert isinstance(ended, Ended)
        return await _felt(client, found.player, ended)

    moved = with_router(given, "operator", work)
    answer.tell(moved, tables.moves([moved]))
    return DONE if moved.outcome == "settled" else NO


async def _felt(client: OperatorClient, player: str, ended: Ended) -> Moved:
    """The move as the router remembers it, with what it cost the player if it says so in time."""
    moved = None
    for _ in range(FELT_OVERVIEWS):
        found = await asked(client, Find(0, player))
        moved = found.moves[0] if isinstance(found, Found) and found.moves else None
        if moved is None or moved.gap_ms is not None or ended.outcome != "settled":
            break
        await within(SILENCE_S, client, client.next_overview())
    if moved is None:
        raise Refused(
            f"the move ended ({ended.outcome} {ended.text}), and nothing more is known of it"
        )
    return moved


DRAIN = Command(
    "drain", "Move all players off a server, and send nobody there.", _drain_flags, drain
)
UNDRAIN = Command("undrain", "Let a drained server take players again.", _member_flags, undrain)
FORGET_ZONE = Command(
    "zones forget",
    "Give up a router of a tree that never comes back: its players may play elsewhere.",
    _zone_flags,
    forget_zone,
)
MIGRATE = Command("migrate", "Move a player to a server now.", _migrate_flags, migrate)
