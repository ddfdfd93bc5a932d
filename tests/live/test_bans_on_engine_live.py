"""Bans of two routers that share a real NATS server: each knows what the other has ordered."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_twisted
from real_engine import ENGINES, Engine, engine
from twisted.internet.task import deferLater

from clientmigration.core.player.bans import Ban
from clientmigration.net.jetstream import JetStream
from clientmigration.net.ledger import TimedLedger
from clientmigration.net.ledgers import kept_in, opened
from clientmigration.router.bans import LOOK_S, Bans

ADA, BOB = "ada" + "0" * 13, "b0b" + "0" * 13


class Told:
    """Who was put out, and who may come again."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def banned(self, ban: Ban) -> None:
        self.heard.append(("banned", ban.player))

    def unbanned(self, player: str) -> None:
        self.heard.append(("unbanned", player))


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Engine]:
    server = engine(next(iter(ENGINES)), tmp_path)
    server.start()
    yield server
    server.stop()


@pytest_twisted.ensureDeferred
async def test_a_ban_by_one_router_is_the_others_within_a_second_and_kept(nats: Engine) -> None:
    from twisted.internet import reactor

    ledgers: list[JetStream] = []

    def router() -> tuple[Bans, Told]:
        ledger = opened(kept_in(nats.address()), reactor, os.urandom(8).hex())
        assert isinstance(ledger, JetStream)
        ledgers.append(ledger)
        ledger.startService()
        told = Told()
        timed = TimedLedger(ledger, time.time, lambda _: None, time.monotonic)
        return Bans(timed, time.time, told), told

    try:
        (one, _), (other, told) = router(), router()
        for each in (one, other):
            await each.known()
        await one.ban(Ban(ADA, "it cheats", by="ada", at=time.time()))
        await other.ban(Ban(BOB, by="bob", at=time.time()))
        began = time.monotonic()
        while other.of(ADA) is None or one.of(BOB) is None:
            for each in (one, other):
                await each.look()
            assert time.monotonic() - began < 1.0
            await deferLater(reactor, LOOK_S)
        assert set(told.heard) == {("banned", ADA), ("banned", BOB)}
        assert await one.unban(ADA)
        await other.look()
        assert told.heard[-1] == ("unbanned", ADA)
        third, _ = router()
        await third.known()
        assert [ban.player for ban in third.listed()] == [BOB]
    finally:
        for each_ledger in ledgers:
            await each_ledger.stopService()
