"""Reads from Graphite what a replay needs: datapoints by the second, and recorded decisions."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clientmigration.core.decisions.replay import span
from clientmigration.core.decisions.rounds import DecisionRecord
from clientmigration.core.fleet.fleet import HISTORY_S
from clientmigration.core.measures.metrics import Datapoint
from clientmigration.errors import ConfigurationError, Refused
from clientmigration.net.addresses import check_url
from clientmigration.net.encryption import Encryption
from clientmigration.net.history import records, reports
from clientmigration.net.trust import Trust

GRAPHITE = "http://127.0.0.1:8080"
SLICE_S = 120  # of datapoints asked for at a time: an answer stays small, however long the history
WITHIN_S = 30.0


@dataclass(frozen=True)
class GraphiteHistory:
    """`points` at steps of one second, from second `finest` on: what is older is kept less finely,
    or not at all. `records` are those of the whole time asked for."""

    points: Sequence[Datapoint]
    records: Sequence[DecisionRecord]
    finest: int


def graphite_flag(own: ArgumentParser) -> None:
    """Add the flag of a command that reads Graphite."""
    own.add_argument(
        "--graphite",
        type=_graphite,
        metavar="URL",
        help=f"graphite-web; default: where the stack noted that it is, else {GRAPHITE}",
    )
    own.add_argument(
        "--graphite-ca",
        default="",
        metavar="FILE",
        help="authorities (PEM) to trust, not the system's, where that is https",
    )


def web_of(flags: Namespace) -> tuple[str, Trust]:
    """Where `--graphite` says that graphite-web is, and whom to believe there."""
    url = flags.graphite.rstrip("/")
    return url, Encryption().for_web(url, flags.graphite_ca, "--graphite-ca")


def _graphite(word: str) -> str:
    """The flag's value. Names what is allowed."""
    try:
        check_url(word, "", ("http", "https"), GRAPHITE)
    except ConfigurationError as error:
        raise ArgumentTypeError(str(error)) from None
    return word


async def read_history(
    reactor: Any, base: str, since: float, until: float, trust: Trust | None = None
) -> GraphiteHistory:
    """All that a replay from `since` to `until` needs; by https graphite-web convinces `trust`.

    Raises GraphiteAway, or Refused when there is nothing to replay.
    """
    start, end = int(since - HISTORY_S), int(until)
    known = await records(reactor, base, start, end + 1, WITHIN_S, trust)
    first, last = span(known)
    if last < since:
        raise Refused(
            "Graphite has no rounds of that time: did the router run, and reach Graphite?"
        )
    start, end = max(start, int(first - HISTORY_S)), min(end, int(last))
    points, finest = await _by_the_second(reactor, base, start, end, trust)
    return GraphiteHistory(points, known, finest)


async def _by_the_second(
    reactor: Any, base: str, start: int, end: int, trust: Trust | None
) -> tuple[list[Datapoint], int]:
    """The datapoints of these seconds, and from which second on they are all there."""
    points: list[Datapoint] = []
    finest, slice_s = end + 1, SLICE_S
    while finest > start and slice_s:
        first = max(start, finest - slice_s)
        told = await reports(reactor, base, first, finest - 1, WITHIN_S, trust)
        if told is None:  # some of it is too old: try to get nearer to the edge
            slice_s //= 4
        else:
            points += told
            finest = first
    return points, finest
