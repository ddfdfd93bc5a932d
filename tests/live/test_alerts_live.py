"""Every alert is rung, one after the other: its question goes to a real graphite-web over a history
in which what it is for happens, and is judged as Grafana judges it.

Each case is two stretches of `LASTS_S`: one in which it nearly happens, or something beside it, and
the alert must be silent, and one in which it does. At the end of that no other alert may ring.
Grafana itself is not there: that it asks every 10 s, drops what is no number, reduces, compares and
waits for `for`, is its documentation's word.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_twisted
from questions import alerts
from real_parts import ENVIRONMENT, Running
from story import Series, write
from twisted.internet.threads import deferToThread

from clientmigration.core.measures.metrics import path

EVERY_S = 10
LASTS_S = 130
SERVERS = ("gs-1", "gs-2", "gs-3")
CALM: Mapping[str, Mapping[str, float]] = {
    "gameserver": {
        **{"grade": 0, "players": 30, "health": 0.9, "held_bytes": 1000, "clock_off_ms": 3},
        **{"dropped_views": 0, "views_per_s": 600, "skipped_ticks": 0, "skipped_inputs": 0},
        **{"game_faults": 0, "carbon_dropped": 0, "turned_away": 0, "failures": 0},
        **{"crowded_connects": 0, "crowded_joins": 0, "certificate_days": 60},
    },
    "router": {
        **{"members": 3, "recovered": 0, "members_lost": 0, "unreachable": 0, "failures": 0},
        **{"carbon_dropped": 0, "turned_away": 0, "held_bytes": 1000, "clock_off_ms": 3},
        **{"blackout_ms_p50": 8, "blackout_ticks_max": 0},
        **{"crowded_connects": 0, "crowded_joins": 0, "logins": 5},
        **{"logins_refused_signature": 0, "logins_missing": 0, "logins_later": 0},
    },
    "crowd": {"missed_ticks": 0, "carbon_dropped": 0},
}
Changes = Mapping[tuple[str, str], float | None]
"""What is said instead: by name and measure, `*` any; None is silence."""


@dataclass(frozen=True, eq=False)
class Case:
    """What nearly makes an alert ring, and what does: all the time, or in one second, `once`."""

    uid: str
    name: str
    loud: Changes
    near: Changes
    once: bool = False


def once(uid: str, name: str, *what: tuple[str, str]) -> Case:
    """One is enough, in one second."""
    return Case(uid, name, dict.fromkeys(what, 1.0), {}, once=True)


CASES = (
    Case(
        "cm-overloaded", "one overloaded, the others strained",
        {("gs-1", "grade"): 2, ("gs-2", "grade"): 1, ("gs-3", "grade"): 1},
        {("gs-1", "grade"): 2, ("gs-2", "grade"): 1},
    ),
    once("cm-missed-ticks", "a bot missed one", ("crowd", "missed_ticks")),
    once("cm-missed-ticks", "a moved player missed one", ("router", "blackout_ticks_max")),
    once("cm-missed-ticks", "a server skipped one", ("gs-2", "skipped_ticks")),
    Case(
        "cm-views-unsent", "more than one in a hundred",
        {("*", "dropped_views"): 7}, {("*", "dropped_views"): 5},
    ),
    Case(
        "cm-moves-felt", "half waited longer than 100 ms",
        {("router", "blackout_ms_p50"): 110}, {("router", "blackout_ms_p50"): 95},
    ),
    once("cm-recovery", "one came back", ("router", "recovered")),
    once("cm-inputs-lost", "one lost", ("gs-3", "skipped_inputs")),
    once("cm-carbon-drops", "of the router", ("router", "carbon_dropped")),
    once("cm-carbon-drops", "of a crowd", ("crowd", "carbon_dropped")),
    once("cm-game-faults", "one fault", ("gs-1", "game_faults")),
    once("cm-server-gone", "one gone", ("router", "members_lost")),
    once("cm-unreachable", "one unreachable", ("router", "unreachable")),
    Case(
        "cm-unhealthy", "one does not keep up",
        {("gs-2", "health"): 0.04}, {("gs-2", "health"): 0.06},
    ),
    once("cm-turned-away", "by a server", ("gs-1", "turned_away")),
    once("cm-turned-away", "by the router", ("router", "turned_away")),
    Case(
        "cm-crowded", "connections, two a second",
        {("gs-1", "crowded_connects"): 2}, {("gs-1", "crowded_connects"): 1},
    ),
    Case(
        "cm-crowded", "joins, two a second",
        {("router", "crowded_joins"): 2}, {("router", "crowded_joins"): 1},
    ),
    Case(
        "cm-logins-refused", "a key that is not in the set",
        {("router", "logins_refused_signature"): 0.3, ("router", "logins_later"): 0.1},
        {("router", "logins_refused_signature"): 0.2, ("router", "logins_later"): 0.1},
    ),
    Case(
        "cm-logins-refused", "none shown",
        {("router", "logins_missing"): 1}, {("router", "logins"): 500},
    ),
    Case(
        "cm-held-bytes", "more than half the room",
        {("gs-1", "held_bytes"): 2**27 + 1}, {("gs-1", "held_bytes"): 2**27},
    ),
    Case(
        "cm-clock-off", "one clock",
        {("gs-3", "clock_off_ms"): 1001}, {("gs-3", "clock_off_ms"): 1000},
    ),
    Case(
        "cm-certificate-expires", "of one server",
        {("gs-2", "certificate_days"): 6.9}, {("gs-2", "certificate_days"): 7.1},
    ),
    once("cm-failures", "of a server", ("gs-2", "failures")),
    once("cm-failures", "of the router", ("router", "failures")),
    Case("cm-router-gone", "silent", {("router", "*"): None}, {("gs-1", "*"): None}),
)  # fmt: skip


def changed(changes: Changes, name: str, measure: str, value: float) -> float | None:
    """What is said of a measure where these changes hold."""
    for who, what in ((name, measure), ("*", measure), (name, "*")):
        if (who, what) in changes:
            return changes[who, what]
    return value


def history() -> Series:
    """All cases, one after the other. What happens once does so in the middle of its stretch."""
    series: Series = {}
    for role, calm in CALM.items():
        for name in SERVERS if role == "gameserver" else (role,):
            for measure, value in calm.items():
                said: list[float | None] = []
                for case in CASES:
                    loud = changed(case.loud, name, measure, value)
                    near = changed(case.near, name, measure, value)
                    said += [near] * LASTS_S
                    ring = [loud] * LASTS_S
                    if case.once:
                        ring = [value] * (LASTS_S - 30) + [loud] + [value] * 29
                    said += ring
                series[path(role, name, measure)] = said
    return series


REDUCERS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "max": max,
    "last": lambda values: values[-1],
    "mean": lambda values: sum(values) / len(values),
}


class Judge:
    """Asks and judges as Grafana does, at moments of the past."""

    def __init__(self, running: Running, rule: Any) -> None:
        self.running, self.rule = running, rule
        self.question, self.number, self.condition = (step["model"] for step in rule["data"])
        self.back_s = rule["data"][0]["relativeTimeRange"]["from"]

    async def true(self, at: int) -> bool:
        """Whether its condition holds at a second (Unix)."""
        words = {"target": self.question["target"], "from": at - self.back_s, "until": at}
        words |= {"format": "json", "maxDataPoints": self.question["maxDataPoints"]}
        answer = json.loads(await self.running.ask(f"/render?{urlencode(words)}"))
        known = [[v for v, _ in each["datapoints"] if v is not None] for each in answer]
        numbers = [REDUCERS[self.number["reducer"]](each) for each in known if each]
        if not numbers:
            return bool(self.rule["noDataState"] == "Alerting")
        (evaluator,) = (each["evaluator"] for each in self.condition["conditions"])
        (limit,) = evaluator["params"]
        over = evaluator["type"] == "gt"
        return any(number > limit if over else number < limit for number in numbers)

    async def rings(self, since: int, until: int) -> bool:
        """Whether it is ringing at the end of these seconds, or was before."""
        number, unit = int(self.rule["for"][:-1]), self.rule["for"][-1]
        lasting = number * {"s": 1, "m": 60}[unit]
        began = 0
        for at in range(since, until + 1, EVERY_S):
            if not await self.true(at):
                began = 0
            elif not began:
                began = at
            if began and at - began >= lasting:
                return True
        return False


@pytest_twisted.async_yield_fixture(scope="module")
async def stretches(empty: Running) -> Any:
    """The first second (Unix) of each case."""
    now = int(time.time()) - 2
    whole = 2 * LASTS_S * len(CASES)
    assert whole < 7000, "whisper keeps two hours by the second"
    python = ENVIRONMENT / "bin" / "python"
    await deferToThread(write, python, empty.graphite.storage, history(), now)
    yield {case: now - whole + 1 + 2 * LASTS_S * n for n, case in enumerate(CASES)}


def test_there_is_a_case_for_each_alert() -> None:
    assert {case.uid for case in CASES} == {rule["uid"] for rule in alerts()}
    assert len({(case.uid, case.name) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.uid[3:]}: {case.name}")
@pytest_twisted.ensureDeferred
async def test_it_rings_when_it_happens_and_not_when_it_nearly_does(
    empty: Running, stretches: dict[Case, int], case: Case
) -> None:
    judges = {rule["uid"]: Judge(empty, rule) for rule in alerts()}
    first = stretches[case]
    # What it looks back at belongs to the case before.
    assert not await judges[case.uid].rings(first + 60, first + LASTS_S - 1)
    assert await judges[case.uid].rings(first + LASTS_S, first + 2 * LASTS_S - 1)
    ringing = {uid for uid, each in judges.items() if await each.true(first + 2 * LASTS_S - 1)}
    assert ringing == {case.uid}
