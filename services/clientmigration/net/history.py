"""Reads from Graphite what decisions were made from: datapoints by the second, recorded rounds.

For a replay, and for a router that starts again.
"""

from __future__ import annotations

from collections.abc import Sequence

from clientmigration.core.decisions.replay import ASKED
from clientmigration.core.decisions.rounds import DecisionRecord, NotARecord
from clientmigration.core.measures.metrics import PREFIX, Datapoint
from clientmigration.net.graphite import GraphiteEvent, between, events
from clientmigration.net.reactor import Reactor
from clientmigration.net.trust import Trust

RECORDED = ("decision", "rounds")
"""Decisions had their records as the text of their marks once."""

TARGET = f"{PREFIX}.{{gameserver,router}}.*.{{{','.join(ASKED)}}}"


async def records(
    reactor: Reactor,
    base: str,
    since: int,
    until: int,
    within_s: float,
    trust: Trust | None = None,
) -> list[DecisionRecord]:
    """The rounds on record from second `since` to second `until`. Or GraphiteAway."""
    return records_of(await events(reactor, base, RECORDED, since, until, within_s, trust))


def records_of(posted: Sequence[GraphiteEvent]) -> list[DecisionRecord]:
    """The records among these events; one that cannot be read is left out."""
    found = []
    for event in posted:
        try:
            found.append(DecisionRecord.parse(event.data))
        except NotARecord:
            continue
    return found


async def reports(
    reactor: Reactor,
    base: str,
    since: int,
    until: int,
    within_s: float,
    trust: Trust | None = None,
) -> list[Datapoint] | None:
    """The datapoints of these seconds, both with them; None when they are not kept by the second
    any more. Or GraphiteAway."""
    series = await between(reactor, base, [TARGET], since, until, within_s, trust)
    if any(each.step_s() > 1 for each in series):
        return None
    return [point for each in series for point in each.points()]
