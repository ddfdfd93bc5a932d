"""Whatever Grafana will ask is sent to a real graphite-web, fed by a stack that runs: an answer
without data fails, by the name of its panel."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from questions import Query, Sweep, every
from real_parts import ENVIRONMENT, PATIENCE_S
from staged import EARLY, Staged
from twisted.internet.task import deferLater

PLAYERS = 60
# On one machine every server can be reached: these events do not come (see test_unreachable.py).
# And it speaks no TLS.
NEVER = ("clientmigration:unreachable", "clientmigration:reachable", "certificate_days")


def comes(query: Query) -> bool:
    return not any(each in query.text for each in NEVER)


@pytest_twisted.async_yield_fixture
async def staged(tmp_path: Path) -> AsyncIterator[Staged]:
    from twisted.internet import reactor

    if not (ENVIRONMENT / "bin" / "carbon-cache.py").exists():
        pytest.skip("needs the Graphite environment: environments.py graphite")
    flags = ("--servers", "3", "--players", str(PLAYERS), "--every", "1")
    run = Staged(reactor, tmp_path, *flags, policy=EARLY)
    yield run
    await run.stop()


@pytest_twisted.ensureDeferred
async def test_every_query_of_every_dashboard_and_alert_is_answered_with_data(
    staged: Staged,
) -> None:
    await staged.begins()
    await staged.plays(3, PLAYERS)
    staged.attach("extra")
    await staged.plays(4, PLAYERS)
    await staged.has_players("gs-2")  # or it would have nobody to send away
    staged.tell("gs-2", signal.SIGTERM)
    await staged.has_players("extra")
    await staged.crash("extra")
    sweep = Sweep(staged.ask)
    sweep.left = [query for query in sweep.left if comes(query)]
    until = time.monotonic() + PATIENCE_S
    while await sweep.once() and time.monotonic() < until:
        await deferLater(staged.reactor, 0.5)
    assert [query.name for query in sweep.left] == []
    assert len(sweep.answered) == sum(comes(query) for query in every())
    assert await marks_are_words(staged)


async def marks_are_words(staged: Staged) -> bool:
    """What people read at a mark of decisions is no record for machines."""
    posted = json.loads(await staged.ask("/events/get_data?tags=clientmigration:decision"))
    texts = [event[key] for event in posted for key in ("what", "data")]
    return bool(texts) and not any("{" in text for text in texts)
