"""What every test gets: no logged error and no unhandled Deferred failure goes by unseen."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

from clientmigration.cli.contexts import FILE, NAMED, SETTINGS, variable

# A slow machine is not a fault.
settings.register_profile(
    "on any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("on any machine")


def pytest_configure() -> None:
    """What is started here takes signals as from a shell, even if the tests were begun with nohup,
    or behind a script's `&`."""
    for number, usual in (
        (signal.SIGHUP, signal.SIG_DFL),
        (signal.SIGINT, signal.default_int_handler),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture(autouse=True)
def no_logged_errors() -> Iterator[list[LogEvent]]:
    """Fails a test that leaves a failure in the log. One that provokes errors clears the list."""
    errors: list[LogEvent] = []

    @implementer(ILogObserver)
    def watch(event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            errors.append(event)

    globalLogPublisher.addObserver(watch)
    yield errors
    gc.collect()  # an unhandled failure is logged when its Deferred goes
    gc.freeze()  # what is left will not go: the next look need not see it again
    globalLogPublisher.removeObserver(watch)
    assert not errors, [_text(event) for event in errors]


def _text(event: LogEvent) -> str:
    failure = event.get("log_failure")
    return failure.getTraceback() if failure is not None else str(event.get("log_format"))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through it after each test would take most of it."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[None]:
    """Where nothing may be skipped (CI), a skip is a failure that says what is missing."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if (
        report.skipped
        and os.environ.get("CLIENTMIGRATION_NO_SKIP")
        and not hasattr(report, "wasxfail")
    ):
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped here: {report.longrepr}"


@pytest.fixture(autouse=True, scope="session")
def nobodys_contexts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The command line has neither contexts nor a time zone of whoever runs the tests."""
    for name in (NAMED, *map(variable, SETTINGS)):
        os.environ.pop(name, None)
    os.environ[FILE] = str(tmp_path_factory.mktemp("nobody") / "contexts.json")
    os.environ["TZ"] = "UTC"
    time.tzset()
