"""A router whose ledger is a real NATS server, which is killed while players play and are moved."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_twisted
from real_engine import ENGINES, Engine, engine
from real_parts import Cluster, eventually
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import LoopingCall, deferLater

from clientmigration.client.player import Player
from clientmigration.core.player.migration import Outcome
from clientmigration.errors import Away
from clientmigration.games.meadow import wire as meadow
from clientmigration.router.move import MoveEnded

PLAYERS = 12
AWAY_S = (0.0, 0.4, 1.5)  # how long it stays away each time
AGAIN_S = 2.0  # so long after it is back somebody has been moved again
SLOW = 3.0  # times as long it may take here; tests/bench/equals.py says how long it does


@pytest.fixture(params=ENGINES)
def nats(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    return engine(request.param, tmp_path)


@pytest_twisted.async_yield_fixture()
async def cluster(nats: Engine, tmp_path: Path) -> AsyncIterator[Cluster]:
    nats.start()
    running = Cluster(tmp_path, flags=("--ledger", nats.address()))
    running.start()
    yield running
    await running.stop()
    nats.stop()


class Travels:
    """Every player is moved from one server to the other and back, again and again."""

    def __init__(self, cluster: Cluster, players: list[Player]) -> None:
        self._cluster, self._players = cluster, players
        self.ended: list[tuple[float, MoveEnded]] = []  # since when each was under way
        self._going = True
        self._each = [Deferred.fromCoroutine(self._travel(player)) for player in players]

    async def _travel(self, player: Player) -> None:
        moves, reactor = self._cluster.router.moves, self._cluster.reactor
        while self._going:
            there, began = "two" if player.member == "one" else "one", time.monotonic()
            try:
                ended = await moves.start(player.name, player.member, there)
            except Away:  # it could not be asked who owns the player
                ended = None
            if ended is None:
                await deferLater(reactor, 0.02)
            else:
                self.ended.append((began, ended))

    def settled(self, since: float = 0.0) -> bool:
        """Whether a move that began since then has gone well."""
        well = (began for began, ended in self.ended if ended.outcome is Outcome.SETTLED)
        return any(began > since for began in well)

    async def stop(self) -> None:
        self._going = False
        await gatherResults(self._each)


def act(players: list[Player]) -> None:
    for player in players:
        player.act(meadow.move(player.tally.seq % 7 - 3.0, 1.0))


@pytest_twisted.ensureDeferred
async def test_an_engine_killed_in_play_costs_no_tick_and_no_input_and_moves_go_on_when_it_is_back(
    cluster: Cluster, nats: Engine
) -> None:
    await cluster.server("one", "two")
    players = [await cluster.player() for _ in range(PLAYERS)]
    acting = LoopingCall(act, players)
    acting.start(0.05)
    travels, again_s = Travels(cluster, players), list[float]()
    await eventually(travels.settled)
    for away_s in AWAY_S:
        nats.kill()
        await deferLater(cluster.reactor, away_s)
        nats.start()
        back = time.monotonic()
        await eventually(partial(travels.settled, back))
        again_s.append(time.monotonic() - back)
        await deferLater(cluster.reactor, 1.0)
    await travels.stop()
    acting.stop()
    for player in players:
        await cluster.quiet(player)
    outcomes = sorted({ended.outcome.value for _, ended in travels.ended})
    print(f"{len(travels.ended)} moves: {outcomes}; again after {again_s} s")
    tallies = [(each.tally.missed, each.tally.lost, each.tally.doubled) for each in players]
    assert tallies == [(0, 0, 0)] * PLAYERS
    assert [each.rejoins for each in players] == [0] * PLAYERS
    assert max(again_s) < AGAIN_S * SLOW
    owners = [(await cluster.router.ledger.read(each.name)).owner for each in players]
    assert owners == [each.member for each in players]
