"""`clientmigration explain`: says why a player is where it is, or why a move was made.

Asked for a server, it lists what was decided about it. Players and moves are in the router's
memory, decisions are events in Graphite, which has those of earlier runs as well: they are told
when they are asked for. If one of the two is away, the answer is what the other knows.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from clientmigration.cli.command import DONE, NO, Command, Output, waited
from clientmigration.cli.history import graphite_flag, web_of
from clientmigration.cli.router import credentials_of, dialling, router_flags, routers_of
from clientmigration.cli.times import clock, moment, zone
from clientmigration.core.decisions.rounds import DecisionRecord, Round
from clientmigration.core.fleet.flow import Flow, ways
from clientmigration.core.player.fact import Fact
from clientmigration.errors import Away
from clientmigration.net import history
from clientmigration.net.operator import OperatorClient, entered, within
from clientmigration.net.routers import Way
from clientmigration.wire.operators import Because, Explain

SHOWN = 20  # facts, and as many decisions, at most: the latest
WORDS = {
    "draining": "the source empties itself",
    "unhealthy": "the source has not kept up for long: its players feel it",
    "overloaded": "the source is overloaded, and the target is not even strained",
    "high": "the source is clearly fuller than the level at which all would be even",
    "low": "the target is clearly emptier than the level at which all would be even",
    "together": "both exchange players, so that those who see each other play together",
}
WITHIN_S = 10.0


@dataclass(frozen=True)
class Decided:
    """A decision that touches a server: what it was, and by the reports of which seconds."""

    now: float
    flows: tuple[Flow, ...]
    first: int
    last: int


@dataclass(frozen=True)
class Explanation:
    """What was found. `since` is how far back the router remembers; `notes` say what is missing."""

    facts: Sequence[Fact]
    since: float
    decisions: Sequence[Decided]
    notes: Sequence[str]


def flags(own: ArgumentParser) -> None:
    """Add the flags of `explain`."""
    router_flags(own)
    graphite_flag(own)
    own.add_argument(
        "subject", help="the name of a player or a move (its beginning is enough), or of a server"
    )
    own.add_argument(
        "--earlier",
        action="store_true",
        help="decisions from before the router was started, too, within the last hour",
    )


def run(given: Namespace, answer: Output) -> int:
    """Find what the router and Graphite know, and tell it."""

    async def ask(reactor: Any) -> Explanation:
        return await _told(reactor, given)

    told = waited(ask)
    answer.tell(told, picture(given.subject, told))
    return DONE if told.facts or told.decisions else NO


async def _told(reactor: Any, given: Namespace) -> Explanation:
    """From both, or from the one that answers; `Away` when neither does."""
    notes: list[str] = []
    because: Because | None = None
    decisions: list[Decided] = []
    try:
        because = await _remembered(reactor, given)
    except Away as error:
        notes.append(f"without the router's memory: {error}")
    try:
        decisions = await _decided(reactor, given)
    except Away as error:
        if because is None:
            raise Away("; ".join([*notes, str(error)])) from error
        notes.append(f"without Graphite's events: {error}")
    facts, since = (because.facts, because.since) if because else ([], 0.0)
    if because is None and decisions:
        notes.append("decisions may be of an earlier run: the router would say since when it runs")
    started = because.started if because is not None else 0.0
    shown, note = of_this_run(decisions, started, given.earlier)
    return Explanation(facts[:SHOWN], since, shown[:SHOWN], [*notes, *note])


def of_this_run(
    decisions: Sequence[Decided], started: float, earlier: bool
) -> tuple[list[Decided], list[str]]:
    """The decisions to be told, and what to say of those of earlier runs of the router, which was
    `started` then (Unix seconds; 0: unknown)."""
    before = [each for each in decisions if each.now < started]
    if not before:
        return list(decisions), []
    since = clock(started)
    if earlier:
        return list(decisions), [f"the router was started at {since}: what is older was before"]
    note = f"{len(before)} older decisions are of before the router was started at {since}: "
    return list(decisions[: len(decisions) - len(before)]), [f"{note}--earlier shows them"]


async def _remembered(reactor: Any, given: Namespace) -> Because:
    """What any router remembers: of several, each knows what it did itself."""
    known, away = list[Because](), list[Away]()
    for where in await routers_of(reactor, given):
        try:
            known.append(await _remembered_by(reactor, given, where))
        except Away as error:
            away.append(error)
    if not known:
        raise away[0]
    facts = sorted((fact for each in known for fact in each.facts), key=lambda fact: -fact.at)
    return Because(n=known[0].n, since=max(each.since for each in known), facts=facts)


async def _remembered_by(reactor: Any, given: Namespace, where: Way) -> Because:
    client = OperatorClient(reactor, credentials_of(given, "watcher"))
    way = dialling(reactor, given)(where.said, where.at)
    await entered(way, client, str(where), given.timeout)
    try:
        because: Because = await within(WITHIN_S, client, client.ask(Explain(0, given.subject)))
        return because
    finally:
        client.leave()


async def _decided(reactor: Any, given: Namespace) -> list[Decided]:
    """The latest decisions of the last hour that touch a server of this name, newest first."""
    since, until = int(moment("-1h")), int(moment("now")) + 1
    base, trust = web_of(given)
    known = await history.records(reactor, base, since, until, WITHIN_S, trust)
    return touching(given.subject, known)


def touching(name: str, records: Sequence[DecisionRecord]) -> list[Decided]:
    """The decisions of these records that touch a server, newest first."""
    rounds = sorted((r for record in records for r in record.rounds), key=lambda r: -r.now)
    found = [(each, _of(name, each)) for each in rounds]
    return [Decided(each.now, flows, each.first, each.last) for each, flows in found if flows]


def _of(name: str, round_: Round) -> tuple[Flow, ...]:
    return tuple(flow for flow in round_.flows if name in (flow.source, flow.target))


def picture(subject: str, told: Explanation) -> RenderableType:
    """Decisions and facts in one list, newest last, and what the words mean."""
    dated = [(each.now, _decision(each)) for each in told.decisions]
    dated += [(each.at, _fact(each)) for each in told.facts]
    dated.sort(key=lambda each: each[0])
    lines = [line for _, line in dated]
    if dated:
        lines.insert(0, Text(f"times are {zone(dated[-1][0])}, newest last", "dim"))
    else:
        back = f" since {clock(told.since)}" if told.since else ""
        lines.append(Text(f"nothing is remembered of {subject!r}{back}"))
    said = "\n".join(str(line) for line in lines)
    legend = [Text(f"{word}: {text}", "dim") for word, text in WORDS.items() if f"{word}:" in said]
    return Group(*lines, *legend, *(Text(note, "yellow") for note in told.notes))


def _fact(fact: Fact) -> Text:
    what = {
        "placed": f" was placed on {fact.target}: ",
        "begun": f" is moved from {fact.source} to {fact.target} (move {fact.migration}): ",
        "ended": f"'s move from {fact.source} to {fact.target} ({fact.migration}) ended: ",
    }[fact.what]
    return Text.assemble((clock(fact.at), "dim"), "  ", (fact.player, "bold"), what, fact.text)


def _decision(decided: Decided) -> Text:
    said = "; ".join(f"{way}: {flow.reason}" for flow, way in ways(decided.flows))
    seconds = f", by the reports of {clock(decided.first)} to {clock(decided.last)}"
    return Text.assemble((clock(decided.now), "dim"), "  ", (said, "bold"), (seconds, "dim"))


COMMAND = Command(
    "explain",
    "Say why a player is on its server, why a move was made, or what was decided about a server.",
    flags,
    run,
)
