"""`clientmigration status`: how a fleet stands now, or where one player is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from clientmigration.cli import tables
from clientmigration.cli.command import DONE, Command, Output
from clientmigration.cli.router import asked, at_desk, router_flags
from clientmigration.net.operator import Desk
from clientmigration.wire.operators import Ended, Find, Found, Overview


def flags(own: ArgumentParser) -> None:
    """See `Command`."""
    router_flags(own)
    own.add_argument(
        "player", nargs="?", default="", help="where this player is; the beginning is enough"
    )


def run(given: Namespace, answer: Output) -> int:
    """See `Command`."""

    async def look(desk: Desk) -> Overview | Found | Ended | None:
        return await asked(desk, Find(0, given.player)) if given.player else desk.overview

    seen = at_desk(given, "watcher", look)
    if isinstance(seen, Overview):
        answer.tell(seen, tables.picture(seen))
    elif isinstance(seen, Found):
        answer.tell(seen, tables.found(seen))
    return DONE


COMMAND = Command("status", "Show how the fleet stands, or where one player is.", flags, run)
