"""When a time is, and how much of it Graphite still has by the second."""

import time

import pytest

from clientmigration.cli.times import moment
from clientmigration.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "unix"),
    [
        ("1700000000", 1_700_000_000.0),
        ("1700000000.5", 1_700_000_000.5),
        ("2023-11-14T22:13:20", 1_700_000_000.0),
        ("2023-11-14 23:13:20+01:00", 1_700_000_000.0),
    ],
)
def test_a_moment_may_be_unix_seconds_or_a_date_and_time(text: str, unix: float) -> None:
    assert moment(text) == unix


@pytest.mark.parametrize(
    ("text", "back_s"), [("now", 0), ("-90s", 90), ("-10m", 600), ("-1h", 3600), ("-2d", 172_800)]
)
def test_a_moment_may_be_so_long_ago(text: str, back_s: int) -> None:
    before = time.time() - back_s
    assert before <= moment(text) <= time.time() - back_s


@pytest.mark.parametrize("text", ["", "yesterday", "-1y", "25:00"])
def test_what_is_no_moment_is_named_with_what_would_be_one(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write -10m, -1h, now"):
        moment(text)
