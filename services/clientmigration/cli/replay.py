"""`clientmigration replay`: repeats the router's decisions from what Graphite has kept.

Without `--policy` the decisions must come out the same. With one, it shows what that policy would
have done instead.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from clientmigration.cli.command import DONE, NO, Command, Output, waited
from clientmigration.cli.history import GraphiteHistory, graphite_flag, read_history, web_of
from clientmigration.cli.picture import picture
from clientmigration.cli.times import moment, zone
from clientmigration.core.decisions.replay import Judged, ReplayCount, count, describe, replay, span
from clientmigration.core.decisions.whatif import Choice, Supposition, suppose
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.policy import Policy
from clientmigration.errors import ConfigurationError
from clientmigration.net.settings import policy_from

STYLES = {"same": "green", "differs": "bold red", "unknown": "yellow"}


def flags(own: ArgumentParser) -> None:
    """Add the flags of `replay`."""
    own._negative_number_matcher = re.compile(r"-\d+[smhd]?")  # so that `--from -1h` is no flag
    own.add_argument(
        "--from",
        dest="since",
        metavar="WHEN",
        default="-10m",
        help="default -10m; or -1h, or a date and time",
    )
    own.add_argument("--until", metavar="WHEN", default="now", help="default now")
    graphite_flag(own)
    own.add_argument(
        "--policy",
        metavar="FILE",
        default="",
        help="policy file: show what it would have done instead",
    )
    own.add_argument(
        "--plot", default="", metavar="FILE.svg", help="draw players and load into this file"
    )


def run(flags: Namespace, answer: Output) -> int:
    """Repeat the decisions, and show where they differ."""
    since, until = moment(flags.since), moment(flags.until)
    if since >= until:
        raise ConfigurationError(f"--from {flags.since} is not before --until {flags.until}")
    policy = policy_from(flags.policy) if flags.policy else None
    base, trust = web_of(flags)
    asked = partial(read_history, base=base, since=since, until=until, trust=trust)
    history = waited(asked)
    if policy is None:
        return _again(history, since, flags, answer)
    return otherwise(history, policy, since, flags, answer)


def clock(at: float) -> str:
    """A moment for people, to the millisecond."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S.%f")[:-3]


# The same policy.


class RoundRow(msgspec.Struct):
    """One round in an answer for programs."""

    now: float
    verdict: str
    then: tuple[Flow, ...]
    again: tuple[Flow, ...]
    text: str


def _again(history: GraphiteHistory, since: float, flags: Namespace, answer: Output) -> int:
    judged = list(replay(history.points, history.records, since))
    summary = count(judged)
    rounds = [RoundRow(j.round.now, j.verdict, j.round.flows, j.flows, j.text) for j in judged]
    notes = _notes(history, since)
    answer.tell(
        {"summary": summary, "notes": notes, "rounds": rounds},
        Group(_table(judged), *notes, _summary(summary)),
    )
    if flags.plot:
        course = suppose(history.points, history.records, Policy(), since).then
        _draw(flags.plot, {"as it was": course}, [j.round.now for j in judged if j.round.flows])
    return NO if summary.differing else DONE


def _table(judged: Sequence[Judged]) -> Table:
    """Every decision, and every round that did not end the same."""
    table = Table(f"when, {zone(moment('now'))}", "decided", "again", box=None, pad_edge=False)
    for each in judged:
        if each.round.flows or each.verdict != "same":
            more = f": {each.text}" if each.text else ""
            again = Text.assemble((each.verdict, STYLES[each.verdict]), more)
            table.add_row(clock(each.round.now), each.round.sentence(), again)
    return table


def _summary(summary: ReplayCount) -> Text:
    quiet = summary.rounds - summary.decisions
    style = STYLES["differs" if summary.differing else "unknown" if summary.unknown else "same"]
    verdict = (
        f"{summary.rounds} rounds: {summary.same} same, {summary.differing} differing,"
        f" {summary.unknown} that cannot be known."
    )
    return Text.assemble(
        (verdict, style),
        f" {summary.decisions} decisions, {summary.alike} of them the same;"
        f" {quiet} rounds in which nobody was moved.",
    )


def _notes(history: GraphiteHistory, since: float) -> list[str]:
    if history.finest <= max(since, span(history.records)[0]):
        return []
    text = "Graphite keeps single seconds only from {} on: no round before that can be known."
    return [text.format(clock(history.finest))]


# Another policy.


def otherwise(
    history: GraphiteHistory, policy: Policy, since: float, flags: Namespace, answer: Output
) -> int:
    """Show what this policy would have done since then."""
    start = max(since, float(history.finest))
    supposed = suppose(history.points, history.records, policy, start)
    notes = _notes(history, since)
    compared = _compared(supposed)
    answer.tell(
        {"summary": compared, "notes": notes, "choices": supposed.choices},
        Group(_choices(supposed.choices), *notes, _figures(compared)),
    )
    if flags.plot:
        courses = {"as it was": supposed.then, f"with {Path(flags.policy).name}": supposed.instead}
        _draw(flags.plot, courses, [c.now for c in supposed.choices if c.then])
    return DONE


def _choices(choices: Sequence[Choice]) -> Table:
    table = Table(
        f"when, {zone(moment('now'))}",
        "as it was",
        "as it would have been",
        box=None,
        pad_edge=False,
    )
    for each in choices:
        if each.then or each.instead:
            same = each.then == each.instead
            instead = Text("the same", "dim") if same else _said(each.instead)
            table.add_row(clock(each.now), _said(each.then), instead)
    return table


def _said(flows: Sequence[Flow]) -> Text:
    if not flows:
        return Text("nobody is moved", "dim")
    return Text("\n".join(describe(flow) for flow in flows))


def _compared(supposed: Supposition) -> dict[str, dict[str, float]]:
    """Figures of both courses; those of `instead` are estimates."""
    then = [flow for choice in supposed.choices for flow in choice.then]
    instead = [flow for choice in supposed.choices for flow in choice.instead]
    return {
        name: {
            "decisions": sum(bool(getattr(choice, name)) for choice in supposed.choices),
            "players_moved": sum(flow.players for flow in flows),
            "highest_load": course.highest(),
            "loads_apart": course.apart(),
        }
        for name, flows, course in (
            ("then", then, supposed.then),
            ("instead", instead, supposed.instead),
        )
    }


def _figures(compared: dict[str, dict[str, float]]) -> RenderableType:
    table = Table("", "as it was", "would have been (estimated)", box=None, pad_edge=False)
    rows = (
        ("decisions", "decisions", "{:.0f}"),
        ("players to be moved", "players_moved", "{:.0f}"),
        ("highest load of any server", "highest_load", "{:.2f}"),
        ("highest less lowest load, on average", "loads_apart", "{:.3f}"),
    )
    for words, name, form in rows:
        table.add_row(words, *(form.format(compared[way][name]) for way in ("then", "instead")))
    return table


def _draw(path: str, courses: dict[str, Any], marks: Sequence[float]) -> None:
    try:
        Path(path).write_text(picture(courses, marks))
    except OSError as error:
        raise ConfigurationError(f"--plot {path}: {error}") from error


COMMAND = Command(
    "replay", "Repeat the router's decisions from what Graphite has kept, and compare.", flags, run
)
