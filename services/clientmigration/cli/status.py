"""`clientmigration status`: shows the state of the fleet now, or where one player is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from clientmigration.cli import tables
from clientmigration.cli.command import DONE, Command, Output
from clientmigration.cli.router import asked, router_flags, with_router
from clientmigration.net.operator import OperatorClient
from clientmigration.wire.operators import Ended, Find, Found, Overview


def flags(own: ArgumentParser) -> None:
    """Add the flags of `status`."""
    router_flags(own)
    own.add_argument(
        "player",
        nargs="?",
        default="",
        help="show where this player is; the beginning of its name is enough",
    )


def run(given: Namespace, answer: Output) -> int:
    """Ask the router once, and show the answer."""

    async def look(client: OperatorClient) -> Overview | Found | Ended | None:
        return await asked(client, Find(0, given.player)) if given.player else client.overview

    seen = with_router(given, "watcher", look)
    if isinstance(seen, Overview):
        answer.tell(seen, tables.picture(seen))
    elif isinstance(seen, Found):
        answer.tell(seen, tables.found(seen))
    return DONE


COMMAND = Command("status", "Show the state of the fleet, or where one player is.", flags, run)
