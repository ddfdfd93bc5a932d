"""`clientmigration announce`: tell everybody what is planned, or what is wrong."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from datetime import datetime, timedelta

from rich.table import Table

from clientmigration.cli.command import DONE, Command, Output
from clientmigration.cli.router import asked, router_flags, with_router
from clientmigration.core.player.notices import LONGEST, Announcement
from clientmigration.errors import ConfigurationError
from clientmigration.net.operator import OperatorClient
from clientmigration.wire.operators import Announce

SPELLED = "22:00, +30m, or 2026-12-01T22:00 with or without an offset such as +01:00"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def date(text: str, now: float, what: str) -> float:
    """The Unix second that `text` means at `now`; a time of day is the next one here."""
    try:
        if text.startswith("+"):
            return now + float(text[1:-1]) * _UNITS[text[-1]]
        if len(text) <= 5:
            clock = datetime.strptime(text, "%H:%M").time()
            at = datetime.combine(datetime.fromtimestamp(now).date(), clock)
            return (at if at.timestamp() > now else at + timedelta(days=1)).timestamp()
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, KeyError, IndexError, OverflowError):
        raise ConfigurationError(f"{what} {text} is no time, such as {SPELLED}") from None


def flags(own: ArgumentParser) -> None:
    """Add the flags of `announce`."""
    router_flags(own)
    own.add_argument(
        "text", nargs="?", default="", help="what to tell; without it, what is told now is listed"
    )
    own.add_argument("--from", dest="start", default="", metavar="WHEN", help=SPELLED)
    own.add_argument(
        "--until", dest="end", default="", metavar="WHEN", help="the same; + counts from --from"
    )
    own.add_argument(
        "--incident", action="store_true", help="something is wrong; else: maintenance is planned"
    )
    own.add_argument("--over", default="", metavar="NAME", help="the notice of this name is over")


def _message(given: Namespace, now: float) -> Announce:
    if given.over:
        return Announce(0, over=given.over)
    if len(given.text) > LONGEST:
        raise ConfigurationError(f"a notice has at most {LONGEST} letters, not {len(given.text)}")
    start = date(given.start, now, "--from") if given.start else 0.0
    end = date(given.end, max(now, start), "--until") if given.end else 0.0
    return Announce(0, given.text, "incident" if given.incident else "maintenance", start, end)


def announce(given: Namespace, answer: Output) -> int:
    """Tell it, or that it is over; or list what is told."""
    if not given.text and not given.over:
        return _listed(given, answer)
    message = _message(given, time.time())

    async def work(client: OperatorClient) -> str:
        return (await asked(client, message)).text  # type: ignore[union-attr]

    name = with_router(given, "operator", work)
    word = "is over" if given.over else "is told to everybody"
    answer.tell({"notice": name, "outcome": word}, f"{name} {word}")
    return DONE


def _listed(given: Namespace, answer: Output) -> int:
    async def work(client: OperatorClient) -> tuple[Announcement, ...]:
        return client.overview.notices if client.overview else ()

    notices = with_router(given, "watcher", work)
    table = Table(box=None, pad_edge=False)
    for head in ("name", "kind", "from", "until", "text"):
        table.add_column(head)
    for each in notices:
        table.add_row(each.id, each.kind, _clock(each.start), _clock(each.end), each.text)
    answer.tell(list(notices), table if notices else "nothing is announced")
    return DONE


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M %Z") if at else "-"


COMMAND = Command(
    "announce", "Tell players of planned maintenance or of a problem.", flags, announce
)
