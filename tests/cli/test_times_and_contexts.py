"""Times of the local zone, contexts, and which of several sayings counts."""

from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path

import pytest

from clientmigration.cli import contexts, rolling
from clientmigration.cli.contexts import Contexts
from clientmigration.cli.rolling import Rolling
from clientmigration.cli.router import SECRET, settle
from clientmigration.cli.times import clock, coming, moment, span, zone, zoned
from clientmigration.errors import ConfigurationError, Refused

AT = 1_700_000_000.0


@pytest.fixture(autouse=True)
def own_contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of contexts of this test's own."""
    monkeypatch.setenv(contexts.FILE, str(tmp_path / "contexts.json"))


def test_times_are_local_and_say_their_zone(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    request.addfinalizer(time.tzset)
    request.addfinalizer(monkeypatch.undo)
    assert zoned(AT) == "2023-11-14 23:13:20 CET"
    assert zone(AT + 200 * 86_400) == "CEST"
    assert moment("2023-11-14T23:13:20") == AT
    assert moment("2023-11-14T22:13:20+00:00") == AT
    assert len(clock(time.time())) == len("23:13:20")


def test_a_time_of_day_is_the_next_one() -> None:
    at = coming("03:00")
    assert 0 < at - time.time() <= 86_400
    assert time.localtime(at)[3:6] == (3, 0, 0)
    assert 1790 < coming("+30m") - time.time() <= 1800
    for wrong in ("25:00", "-10m", "2020-01-01T00:00"):
        with pytest.raises(ConfigurationError):
            coming(wrong)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(45, "45 s"), (600, "10 min"), (12_000, "3 h 20 min"), (400_000, "4 days")],
)
def test_spans_are_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


def settled(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, **said: str) -> Namespace:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    flags = Namespace(**{"router": None, "secret_file": None, "context": None, **said})
    settle(flags)
    return flags


def test_a_flag_counts_before_the_environment_and_that_before_the_context(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import os

    assert settled({}, monkeypatch).secret_file == SECRET
    eu = {"router": "tcp:eu:4101", "secret-file": "/k/eu"}
    contexts.write(os.environ, Contexts("eu", {"eu": eu, "us": {"router": "tcp:us:4101"}}))
    of_context = settled({}, monkeypatch)
    assert (of_context.router, of_context.secret_file) == ("tcp:eu:4101", "/k/eu")
    assert settled({}, monkeypatch, context="us").router == "tcp:us:4101"
    assert settled({}, monkeypatch, context="").router == "tcp:127.0.0.1:4101"
    env = {"CLIENTMIGRATION_ROUTER": "tcp:env:4101"}
    assert settled(env, monkeypatch).router == "tcp:env:4101"
    assert settled(env, monkeypatch, router="tcp:flag:1").router == "tcp:flag:1"
    with pytest.raises(ConfigurationError, match="no such context"):
        settled({"CLIENTMIGRATION_CONTEXT": "nowhere"}, monkeypatch)


def test_a_file_of_contexts_that_is_none_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    contexts.where(os.environ).write_text("{")
    with pytest.raises(ConfigurationError, match="contexts"):
        contexts.read(os.environ)


def test_a_restart_is_remembered_until_its_end_and_never_runs_twice(tmp_path: Path) -> None:
    file = tmp_path / "restart.json"
    work = Rolling(AT, ("a", "b"), before=2)
    rolling.remember(file, work)
    assert rolling.remembered(file) == work
    rolling.remember(file, work.advanced().advanced())
    assert rolling.remembered(file) is None
    with rolling.alone(file), pytest.raises(Refused, match="another restart"), rolling.alone(file):
        pass
