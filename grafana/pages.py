"""Pages: how panels become rows and a dashboard, with its choices and the router's events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from colours import ALARM, BLUE, GREEN, GREY, PINK, SKY, WARNING, YELLOW
from curves import place
from grafanalib.core import (
    Annotations,
    Dashboard,
    DashboardLink,
    GridPos,
    Panel,
    RowPanel,
    Template,
    Templating,
    Time,
)
from panels import DATASOURCE, TAG, WIDTH


@dataclass(frozen=True)
class Row:
    """Panels under one title, from left to right; what does not fit goes on below."""

    title: str
    panels: tuple[Panel, ...]


def row(title: str, *panels: Panel) -> Row:
    """See `Row`."""
    return Row(title, panels)


def _placed(rows: Sequence[Row]) -> list[Panel]:
    placed: list[Panel] = []
    top = 0
    for each_ in rows:
        placed.append(RowPanel(title=each_.title, gridPos=GridPos(1, WIDTH, 0, top)))
        left, top, tallest = 0, top + 1, 0
        for panel in each_.panels:
            if left + panel.gridPos.w > WIDTH:
                left, top, tallest = 0, top + tallest, 0
            panel.gridPos.x, panel.gridPos.y = left, top
            left, tallest = left + panel.gridPos.w, max(tallest, panel.gridPos.h)
            placed.append(panel)
        top += tallest
    return placed


def variable(name: str, label: str, role: str, measure: str, text: str) -> Template:
    """A choice among those that have values in this time; not among all that ever had."""
    names = f"aliasByNode(removeEmptySeries({place(role, measure)}),2)"
    query = {"queryType": "Metric Name", "refId": name, "target": names, "datasource": DATASOURCE}
    made = Template(name=name, label=label, query=query, dataSource=DATASOURCE, refresh=2, sort=7)
    made.description = text
    return made


SOURCE = Template(
    name="datasource", label="Data source", type="datasource", query="graphite", refresh=1
)
SOURCE.description = "The Graphite that carbon writes to."

SERVER = variable("server", "Game server", "gameserver", "players", "Whose numbers are shown.")
ROUTER = variable("router", "Router", "router", "moving", "Whose numbers are shown.")

EVENTS = {
    "join": ("A server or router attached", GREEN),
    "leave": ("It left, empty", BLUE),
    "drain": ("It sends its players away", PINK),
    "decision": ("The router decided to move players", GREY),
    "overload": ("A server became overloaded", WARNING),
    "crash": ("A server went without having drained", ALARM),
    "unreachable": ("Players cannot connect to a server", ALARM),
    "reachable": ("Players are sent to that server again", GREEN),
    "recovery": ("Players came back from a lost server", YELLOW),
    "moves": ("A run of moves ended", SKY),
}
"""The router's events in graphite-web, what each says, and its colour."""


DECIDED = (
    "Load of each server",
    "Moves, as players felt them",
    "Moves per second, by outcome",
    "Load of the servers",
    "Flows, moves planned",
)
"""Panels that show decisions. There are many of them: elsewhere their marks would hide the rest."""


def _annotation(tag: str, shown: bool, panels: Sequence[Panel]) -> dict[str, Any]:
    text, colour = EVENTS[tag]
    ids = [panel.id for panel in panels if panel.title in DECIDED]
    only = {"filter": {"exclude": False, "ids": ids}} if tag == "decision" else {}
    shown = shown and (tag != "decision" or bool(ids))
    query = {"queryType": "tags", "fromAnnotations": True, "refId": tag, "tags": [f"{TAG}:{tag}"]}
    return {
        "name": f"{tag}: {text.lower()}",
        "datasource": DATASOURCE,
        "enable": shown,
        "iconColor": colour,
        "target": query,
        **only,
    }


def page(
    name: str,
    text: str,
    rows: Sequence[Row],
    *,
    variables: Sequence[Template] = (),
    events: Sequence[str] = ("join", "leave", "drain", "decision", "overload", "crash", "recovery"),
) -> Dashboard:
    """One page. Its address is `/d/cm-NAME`; every event can be switched on, `events` are.

    It is made here, so it is not changed there: who wants another makes a copy of it.
    """
    made = Dashboard(
        uid=f"cm-{name}",
        title=name.capitalize(),
        description=text,
        tags=[TAG],
        panels=_placed(rows),
        templating=Templating([SOURCE, *variables]),
        links=[DashboardLink(tags=[TAG], title="ClientMigration", includeVars=True)],
        time=Time("now-15m", "now"),
        refresh="5s",
        timezone="browser",
        graphTooltip=1,
        editable=False,
    ).auto_panel_ids()
    marks = [_annotation(tag, tag in events, made.panels) for tag in EVENTS]
    made.annotations = Annotations(marks)
    return made
