"""A flood from one address, at real doors: it costs its author, and others play and join.

The whole of it, with figures, is `tests/bench/flood.py`.
"""

from __future__ import annotations

import random
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest_twisted
from real_parts import PATIENCE_S, eventually
from showing import Fleet
from twisted.internet.threads import deferToThread

from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.stack.ports import LOOPBACK
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Greeting, Hello, Pings

FROM = "127.66.0.1"
GREETING = encode(Greeting(role="player"))
JOIN = GREETING + encode(Hello(holder="0" * 64)) + encode(Pings(pings={}))


def flood(port: int, said: bytes, times: int) -> list[bytes | None]:
    """So many who come from one address, and say this: what each has heard 3 s later, None if its
    connection stands and nothing but a greeting came."""
    visitors = []
    for _ in range(times):
        visitor = socket.create_connection((LOOPBACK, port), PATIENCE_S, (FROM, 0))
        visitor.setblocking(False)
        with suppress(OSError):  # closed at once
            visitor.send(said)
        visitors.append(visitor)
    time.sleep(3.0)
    return [heard(each) for each in visitors]


def heard(visitor: socket.socket) -> bytes | None:
    """All that came, if the other side has closed the connection or said more than its greeting."""
    said = b""
    with visitor:
        try:
            while data := visitor.recv(65536):
                said += data
        except BlockingIOError:
            return said if b"goodbye" in said or b"redirect" in said else None
        except OSError:
            pass
    return said


@pytest_twisted.ensureDeferred
async def test_a_flood_from_one_address_is_bounded_and_others_play_and_join(
    tmp_path: Path,
) -> None:
    fleet, players = Fleet(tmp_path), list[Player]()

    async def comes() -> Player:
        address = f"{LOOPBACK}:{fleet.ports.players}"
        player = Player(fleet.reactor, address, dialer(fleet.reactor), random.Random())
        players.append(player)
        player.start()
        await eventually(lambda: player.counts.views > 0)
        return player

    try:
        await fleet.router()
        await fleet.server("one")
        desk = await fleet.desk()
        await fleet.told(desk, servers=1)
        first = await comes()

        held = deferToThread(flood, fleet.ports.players, GREETING, 400)
        await comes()
        answers = await held
        assert answers.count(None) <= 128  # --strangers-each
        assert any(each is not None and b"crowded" in each for each in answers)

        joining = deferToThread(flood, fleet.ports.players, JOIN, 400)
        await comes()
        answers = await joining
        joined = sum(each is not None and b"redirect" in each for each in answers)
        assert joined <= 100 + 10 * 20  # --joins-each, however long that took
        assert joined < 400

        assert sum(each.counts.missed for each in players) == 0
        assert first.counts.rejoins == 0
        lines = (tmp_path / "router.log").read_text().splitlines()
        crowded = [line for line in lines if "crowded" in line]
        assert 0 < len(crowded) < 100  # of 800
    finally:
        for each in players:
            each.stop()
        await fleet.stop()
