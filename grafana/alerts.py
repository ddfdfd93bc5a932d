"""The alerts: a question to Graphite, a number from its answer, and the value from which it rings.

In the shape of Grafana's alerting provisioning; the one of grafanalib's alerts it refuses.
Each rule has one panel at which to look first, which Grafana marks with how the rule stands, and a
section of docs/alerts.md that says what to do. Its words are in the alert itself, too: who is
woken by it may have no other page at hand.

A rule that goes by the last value keeps each server's for some seconds (`panels.kept`), or it would
ring by the moment at which it is asked. One that adds up a minute needs no such care, and must not:
what is kept counts again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from curves import kept, place
from panels import PROVISIONED

EXPRESSIONS = {"type": "__expr__", "uid": "__expr__"}
FOLDER = "ClientMigration"
DAEMONS = ("gameserver", "router")

HEAD = """\
# Made by `make dashboards` from grafana/alerts.py: change it there.
# A rule asks Graphite (A), makes one number of its answer (B), and compares (C).
"""


@dataclass(frozen=True)
class Grafana:
    """The Grafana that the rules are for: they cannot choose, as dashboards can.

    `source` is the uid of its Graphite data source. `docs` stands before `alerts.md` in links.
    With a `receiver` every rule names that contact point itself, and no policy is asked.
    """

    source: str = PROVISIONED
    docs: str = "docs/"
    receiver: str = ""


@dataclass(frozen=True)
class Alert:
    """Rings while a number has been `above` (or `below`) a value for `lasting`.

    The number is made by `reducer` of what Graphite answers for the last `back_s` seconds.
    `silence` is what no data means: OK, or Alerting where silence is the trouble itself.
    """

    name: str
    title: str
    text: str
    target: str
    reducer: str
    look_at: str
    panel: str
    above: float | None = None
    below: float | None = None
    back_s: int = 60
    lasting: str = "0s"
    severity: str = "warning"
    silence: str = "OK"


def _nobody_fit() -> str:
    """The worst grade and ten times the best: 12 and more is somebody overloaded, nobody fit."""
    grade = kept(place("gameserver", "grade"))
    return f"sumSeries(maxSeries({grade}),scale(minSeries({grade}),10))"


def _all(*places: str) -> str:
    return f"group({','.join(places)})"


def _everywhere(measure: str, *roles: str) -> str:
    """Of all daemons of these roles, added up."""
    return f"sumSeries({_all(*(place(role, measure) for role in roles))})"


def _crowded() -> str:
    measures = ("crowded_connects", "crowded_joins")
    return _all(*(place(role, each) for role in DAEMONS for each in measures))


def _clocks() -> str:
    return _all(*(kept(place(role, "clock_off_ms")) for role in DAEMONS))


def _held() -> str:
    return _all(*(place(role, "held_bytes") for role in DAEMONS))


def _unsent() -> str:
    """The views that were not sent, for each that was. Real players' too: nobody asks them."""
    dropped, sent = place("gameserver", "dropped_views"), place("gameserver", "views_per_s")
    return f"divideSeries(sumSeries({dropped}),sumSeries({sent}))"


def _unseen() -> str:
    """Of bots in every second, of everybody at a move, and of servers."""
    missed, felt = place("crowd", "missed_ticks"), place("router", "blackout_ticks_max")
    return f"sumSeries({_all(missed, felt, place('gameserver', 'skipped_ticks'))})"


ALERTS = (
    Alert(
        name="overloaded",
        title="Overloaded, and nobody to take over",
        text="A game server is overloaded for a minute and no other one is fit, so moving players"
        " helps nobody. Attach a game server.",
        target=_nobody_fit(),
        reducer="last",
        above=11,
        look_at="fleet",
        panel="Load of each server",
        lasting="1m",
        severity="critical",
    ),
    Alert(
        name="missed-ticks",
        title="Ticks were missed",
        text="In the last minute players got no view of some world ticks (bots at any time, real"
        " players when they were moved), or a server did not simulate some. Look at lateness and at"
        " dropped views of that moment.",
        target=_unseen(),
        reducer="sum",
        above=0,
        look_at="players",
        panel="Missed ticks",
    ),
    Alert(
        name="views-unsent",
        title="Views do not reach players",
        text="For a minute more than one view in a hundred was not sent, because players, real ones"
        " too, read too slowly: their network or their programs, or the servers' own network.",
        target=_unsent(),
        reducer="mean",
        above=0.01,
        look_at="server",
        panel="Skipped ticks, dropped views",
    ),
    Alert(
        name="moves-felt",
        title="Moves are felt",
        text="Half of the players that were moved in the last minute, or more, waited longer than"
        " 100 ms for a view: a game server is slow to take players in, or far from them.",
        target=f"maxSeries(removeEmptySeries({place('router', 'blackout_ms_p50')}))",
        reducer="mean",
        above=100,
        look_at="migrations",
        panel="Blackout",
    ),
    Alert(
        name="recovery",
        title="Players were taken over from a lost server",
        text="Players came back from a game server that was gone, from a checkpoint of about a"
        " second before. They play on; find out why it went.",
        target=f"sumSeries({place('router', 'recovered')})",
        reducer="sum",
        above=0,
        look_at="migrations",
        panel="Moves felt, players back",
    ),
    Alert(
        name="inputs-lost",
        title="Inputs of players are lost",
        text="A game server passed over inputs that no program can send again: a player's program"
        " is a new one, or had sent more than it remembers while its server was away.",
        target=f"sumSeries({place('gameserver', 'skipped_inputs')})",
        reducer="sum",
        above=0,
        look_at="server",
        panel="Skipped ticks, dropped views",
    ),
    Alert(
        name="carbon-drops",
        title="Datapoints are dropped",
        text="carbon is away or slow for longer than the daemons remember: panels have gaps. Play"
        " and decisions are not concerned.",
        target=_everywhere("carbon_dropped", *DAEMONS, "crowd"),
        reducer="sum",
        above=0,
        look_at="decisions",
        panel="Not in Graphite",
    ),
    Alert(
        name="game-faults",
        title="The game fails",
        text="A game raised, or gave a value that it may not give, in the last minute. The log of"
        " its server names its class and method.",
        target=f"sumSeries({place('gameserver', 'game_faults')})",
        reducer="sum",
        above=0,
        look_at="server",
        panel="Skipped ticks, dropped views",
    ),
    Alert(
        name="server-gone",
        title="A game server is gone",
        text="A member's link ended without a drain before it. Its players come back by themselves;"
        " start it again.",
        target=f"sumSeries({place('router', 'members_lost')})",
        reducer="sum",
        above=0,
        look_at="fleet",
        panel="Players of each server",
        severity="critical",
    ),
    Alert(
        name="unreachable",
        title="Players cannot reach a game server",
        text="Several players did not arrive at a game server that the router can reach. It gets no"
        " newcomers; who could not reach it plays elsewhere. See whether its address is the one"
        " that players can connect to.",
        target=f"maxSeries({place('router', 'unreachable')})",
        reducer="max",
        above=0,
        look_at="decisions",
        panel="The fleet",
    ),
    Alert(
        name="unhealthy",
        title="A game server does not keep up",
        text="For half a minute some game server has had a health below 0.05: its ticks do not"
        " come, or come a whole tick late. It gets no newcomers, and is emptied if others keep up.",
        target=f"minSeries({kept(place('gameserver', 'health'))})",
        reducer="last",
        below=0.05,
        look_at="fleet",
        panel="Lateness, p99",
        lasting="30s",
        severity="critical",
    ),
    Alert(
        name="turned-away",
        title="Connections are turned away",
        text="A daemon has no descriptors left for strangers, and turned some away in the last"
        " minute, players among them. Those who play already keep their connections.",
        target=_everywhere("turned_away", *DAEMONS),
        reducer="sum",
        above=0,
        look_at="decisions",
        panel="Refusals and losses",
    ),
    Alert(
        name="crowded",
        title="Too many come from one address",
        text="In the last minute a daemon refused more than a hundred connections or joins, because"
        " too many came from one address, or from all together. Those who play notice nothing. The"
        " daemon's log names addresses.",
        target=f"sumSeries({_crowded()})",
        reducer="sum",
        above=100,
        look_at="decisions",
        panel="Connections",
    ),
    Alert(
        name="held-bytes",
        title="Connections hold too much",
        text="What peers have sent or do not read fills half of the room that a daemon has for it."
        " From all of it on, whoever holds most is cut off.",
        target=f"maxSeries({_held()})",
        reducer="max",
        above=2**27,
        look_at="server",
        panel="Memory",
    ),
    Alert(
        name="clock-off",
        title="A clock is off",
        text="A host's clock has been more than a second off the world's time for half a minute."
        " Play goes on evenly; set the clock right (NTP).",
        target=f"maxSeries({_clocks()})",
        reducer="last",
        above=1000,
        look_at="server",
        panel="Reactor lag, checkpoint's age, clock",
        lasting="30s",
    ),
    Alert(
        name="failures",
        title="Repeated work fails",
        text="Something that a daemon does again and again (reports, decisions, rosters, moves)"
        " failed in the last minute. It goes on; the daemon's log says what and where.",
        target=_everywhere("failures", *DAEMONS),
        reducer="sum",
        above=0,
        look_at="decisions",
        panel="Refusals and losses",
    ),
    Alert(
        name="router-gone",
        title="The router is gone",
        text="It has said nothing for half a minute. Everybody plays on, nobody can join, be moved"
        " or be checkpointed: start it again, with the same ledger.",
        target=f"countSeries(removeEmptySeries({place('router', 'members')}))",
        reducer="last",
        back_s=30,
        below=1,
        look_at="fleet",
        panel="Servers",
        lasting="10s",
        severity="critical",
        silence="Alerting",
    ),
)


def section(alert: Alert) -> str:
    """The name of its section in docs/alerts.md, as links have it."""
    return re.sub(r"[^a-z0-9 -]", "", alert.title.lower()).replace(" ", "-")


@cache
def _page() -> str:
    return (Path(__file__).resolve().parents[1] / "docs" / "alerts.md").read_text()


def runbook(alert: Alert) -> str:
    """What its section says. Raises LookupError where there is none."""
    found = re.search(rf"^### {re.escape(alert.title)}\n\n((?:.+\n)+)", _page(), re.MULTILINE)
    if not found:
        raise LookupError(f"docs/alerts.md has no section {alert.title!r}")
    return found[1].strip()


def _step(ref: str, source: dict[str, str], back_s: int, **model: Any) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": back_s, "to": 0},
        "datasourceUid": source["uid"],
        "model": {"refId": ref, "datasource": dict(source), **model},
    }


def _data(alert: Alert, source: str) -> list[dict[str, Any]]:
    """The question, one number of its answer, and the comparison, which is the condition."""
    kind, value = ("gt", alert.above) if alert.above is not None else ("lt", alert.below)
    question = {"target": alert.target, "textEditor": True, "intervalMs": 1000}
    number = {"type": "reduce", "expression": "A", "reducer": alert.reducer}
    graphite = {"type": "graphite", "uid": source}
    rings = {"evaluator": {"type": kind, "params": [value]}}
    return [
        _step("A", graphite, alert.back_s, **question, maxDataPoints=43200),
        _step("B", EXPRESSIONS, 0, **number, settings={"mode": "dropNN"}),
        _step("C", EXPRESSIONS, 0, type="threshold", expression="B", conditions=[rings]),
    ]


Panels = Mapping[tuple[str, str], int]
"""The number of each panel, by its dashboard and title."""


def rule(alert: Alert, grafana: Grafana, panels: Panels) -> dict[str, Any]:
    """One rule as the file provisioner reads it."""
    direct = {"notification_settings": {"receiver": grafana.receiver}} if grafana.receiver else {}
    return {
        "uid": f"cm-{alert.name}",
        "title": alert.title,
        "condition": "C",
        "data": _data(alert, grafana.source),
        "for": alert.lasting,
        "noDataState": alert.silence,
        "execErrState": "Error",
        "annotations": {
            "summary": alert.title,
            "description": alert.text,
            "runbook": runbook(alert),
            "runbook_url": f"{grafana.docs}alerts.md#{section(alert)}",
            "__dashboardUid__": f"cm-{alert.look_at}",
            "__panelId__": str(panels[alert.look_at, alert.panel]),
        },
        "labels": {"severity": alert.severity, "service": "clientmigration"},
        "isPaused": False,
        **direct,
    }


def written(grafana: Grafana, panels: Panels) -> str:
    """The file of all rules. The folder is found by its title, as that of the dashboards is."""
    group = {
        "orgId": 1,
        "name": "clientmigration",
        "folder": FOLDER,
        "interval": "10s",
        "rules": [rule(alert, grafana, panels) for alert in ALERTS],
    }
    whole = {"apiVersion": 1, "groups": [group]}
    text: str = yaml.safe_dump(whole, sort_keys=False, width=100, allow_unicode=True)
    return HEAD + text
