"""The log as JSON: a line for each event, with what readers of logs look for."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from twisted.logger import Logger
from twisted.python.components import Componentized

from clientmigration.net.daemon import Daemon
from clientmigration.net.jsonlog import JsonLines, lines


def told(say: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    observer = JsonLines(out)
    say(Logger("clientmigration.router", observer=observer))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_has_its_words_its_level_and_its_values() -> None:
    (event,) = told(lambda log: log.warn("moving {player} to {to}", player="äda", to="gs-2", n=3))
    assert event["message"] == "moving äda to gs-2"
    assert (event["level"], event["logger"]) == ("warn", "clientmigration.router")
    assert (event["player"], event["to"], event["n"]) == ("äda", "gs-2", 3)
    assert event["time"].endswith("Z")


def test_a_value_of_an_event_never_replaces_what_each_event_has() -> None:
    (event,) = told(lambda log: log.info("{logger}", logger="x", time="y"))
    assert (event["logger"], event["message"]) == ("clientmigration.router", "x")


def test_a_failure_is_one_line_with_its_traceback() -> None:
    def broken(log: Logger) -> None:
        try:
            raise ValueError("two\nlines")
        except ValueError:
            log.failure("{name} failed", name="deciding")

    (event,) = told(broken)
    assert event["message"] == "deciding failed"
    assert "ValueError: two\nlines" in event["traceback"]
    assert event["level"] == "critical"


def test_what_json_cannot_say_is_said_in_words() -> None:
    (event,) = told(lambda log: log.info("x", when=object(), names={"a"}))
    assert event["names"] == "{'a'}"


def test_it_may_go_to_twistds_own_log_file(tmp_path: Any) -> None:
    observer: Any = lines(str(tmp_path / "log"))
    Logger("x", observer=observer).info("said")
    assert json.loads((tmp_path / "log").read_text())["message"] == "said"


@pytest.mark.parametrize("wanted", [True, False])
def test_twistd_is_told_how_to_write_the_log_only_if_it_was_asked_for(wanted: bool) -> None:
    from twisted.application.service import Application
    from twisted.logger import ILogObserver

    def never(_: Any) -> Any:
        raise AssertionError

    observer = JsonLines(io.StringIO())
    application: Componentized = Application("x")
    Daemon(never, observer=(lambda: observer) if wanted else None).setServiceParent(application)
    assert application.getComponent(ILogObserver, None) is (observer if wanted else None)
