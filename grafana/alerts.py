"""The alerts: a question to Graphite, a number from its answer, and the value from which it rings.

In the shape of Grafana's alerting provisioning; the one of grafanalib's alerts it refuses.
Each rule has one dashboard on which to look first.
"""

from dataclasses import dataclass
from typing import Any

import yaml
from panels import DATASOURCE, place

EXPRESSIONS = {"type": "__expr__", "uid": "__expr__"}
MINUTE = 60

HEAD = """\
# Made by `make dashboards` from grafana/alerts.py: change it there.
# A rule asks Graphite (A), makes one number of its answer (B), and compares (C).
"""


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
    above: float | None = None
    below: float | None = None
    back_s: int = 60
    lasting: str = "0s"
    severity: str = "warning"
    silence: str = "OK"


def _nobody_fit() -> str:
    """The worst grade and ten times the best: 12 and more is somebody overloaded, nobody fit."""
    grade = place("gameserver", "grade")
    return f"sumSeries(maxSeries({grade}),scale(minSeries({grade}),10))"


def _drops() -> str:
    places = [place(role, "carbon_dropped") for role in ("gameserver", "router", "crowd")]
    return f"sumSeries(group({','.join(places)}))"


def _unseen() -> str:
    missed, skipped = place("crowd", "missed_ticks"), place("gameserver", "skipped_ticks")
    return f"sumSeries(group({missed},{skipped}))"


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
        lasting="1m",
        severity="critical",
    ),
    Alert(
        name="missed-ticks",
        title="Ticks were missed",
        text="In the last minute players got no view of some world ticks, or a server did not"
        " simulate some. Look at lateness and at dropped views of that moment.",
        target=_unseen(),
        reducer="sum",
        above=0,
        look_at="players",
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
    ),
    Alert(
        name="carbon-drops",
        title="Datapoints are dropped",
        text="carbon is away or slow for longer than the daemons remember: panels have gaps. Play"
        " and decisions are not concerned.",
        target=_drops(),
        reducer="sum",
        above=0,
        look_at="decisions",
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
        severity="critical",
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
        lasting="10s",
        severity="critical",
        silence="Alerting",
    ),
)


def _step(ref: str, source: dict[str, str], back_s: int, **model: Any) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": back_s, "to": 0},
        "datasourceUid": source["uid"],
        "model": {"refId": ref, "datasource": dict(source), **model},
    }


def _data(alert: Alert) -> list[dict[str, Any]]:
    """The question, one number of its answer, and the comparison, which is the condition."""
    kind, value = ("gt", alert.above) if alert.above is not None else ("lt", alert.below)
    question = {"target": alert.target, "textEditor": True, "intervalMs": 1000}
    number = {"type": "reduce", "expression": "A", "reducer": alert.reducer}
    rings = {"evaluator": {"type": kind, "params": [value]}}
    return [
        _step("A", DATASOURCE, alert.back_s, **question, maxDataPoints=43200),
        _step("B", EXPRESSIONS, 0, **number, settings={"mode": "dropNN"}),
        _step("C", EXPRESSIONS, 0, type="threshold", expression="B", conditions=[rings]),
    ]


def rule(alert: Alert) -> dict[str, Any]:
    """One rule as the file provisioner reads it."""
    return {
        "uid": f"cm-{alert.name}",
        "title": alert.title,
        "condition": "C",
        "data": _data(alert),
        "for": alert.lasting,
        "noDataState": alert.silence,
        "execErrState": "Error",
        "annotations": {
            "summary": alert.title,
            "description": alert.text,
            "__dashboardUid__": f"cm-{alert.look_at}",
        },
        "labels": {"severity": alert.severity, "service": "clientmigration"},
        "isPaused": False,
    }


def written() -> str:
    """The file of all rules."""
    group = {
        "orgId": 1,
        "name": "clientmigration",
        "folder": "ClientMigration",
        "interval": "10s",
        "rules": [rule(alert) for alert in ALERTS],
    }
    whole = {"apiVersion": 1, "groups": [group]}
    text: str = yaml.safe_dump(whole, sort_keys=False, width=100, allow_unicode=True)
    return HEAD + text
