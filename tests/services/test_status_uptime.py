"""Ninety days from an answer of graphite-web: up, down, and not known."""

from __future__ import annotations

from clientmigration.net.graphite import Series
from clientmigration.status import uptime

STEP = 600
NOW = 20_000 * uptime.DAY_S + 7_200.0
FIRST = int(NOW) - 6 * STEP


def answered(up: list[float | None], carbon: list[float | None]) -> tuple[Series, ...]:
    """Steps that end now, the oldest first."""
    steps = range(FIRST, FIRST + STEP * len(up), STEP)
    return (
        Series("up", tuple(zip(up, steps, strict=True))),
        Series("carbon", tuple(zip(carbon, steps, strict=True))),
    )


def test_a_step_is_down_only_where_carbon_was_there_to_hear_a_router() -> None:
    series = answered([None, 600, None, None, 480, 594], [1, 1, 1, None, 1, 1])
    known = uptime.spans(series, NOW)
    assert [each.down for each in known] == [0, 600, None, 120, 0]


def test_what_is_not_known_counts_neither_way() -> None:
    series = answered([600, None, None, 600, 300, 600], [1, None, None, 1, 1, 1])
    document = uptime.document(True, series, NOW)
    assert document["up"] == 1 - 300 / (4 * STEP)
    assert document["known_days"] == 1
    assert len(document["days"]) == uptime.DAYS
    assert document["days"][-1] == {"at": 20_000 * uptime.DAY_S, "up": 0.875}
    assert document["days"][-2]["up"] is None


def test_the_latest_incidents_come_first_and_what_is_short_is_none() -> None:
    series = answered([600, None, 300, 600, 560, 400], [1] * 6)
    found = uptime.incidents(uptime.spans(series, NOW))
    assert found == [
        {"at": FIRST + 4 * STEP, "seconds": 240},
        {"at": FIRST + STEP, "seconds": 900},
    ]


def test_without_an_answer_nothing_is_known() -> None:
    document = uptime.document(False, (), NOW)
    assert (document["up"], document["known_days"], document["incidents"]) == (None, 0, [])
    assert uptime.spans((), NOW) == []
