"""Real players of two real servers walk until two meet, and one gives the other a coin."""

from __future__ import annotations

import math

import pytest_twisted
from real_parts import Cluster, eventually
from twisted.internet.task import LoopingCall

from clientmigration.client.player import Player
from clientmigration.games.meadow import wire as meadow
from clientmigration.wire.messages import View

PLAYERS = 12


class Seer:
    """What one player saw last."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.at = (0.0, 0.0)
        self.coins = 0
        self.others: dict[str, tuple[float, float, int]] = {}
        self.twice = 0
        player.on("view", self.see)

    def see(self, view: View) -> None:
        """Remember it."""
        seen = meadow.look(view.body)
        self.at, self.coins = (seen.x, seen.y), seen.coins
        rows = seen.others.tolist()
        self.others = {bytes(who).hex(): (x, y, owner) for who, x, y, owner, _ in rows}
        self.twice += len(rows) != len(self.others)

    def walk(self) -> None:
        """Towards the middle."""
        angle = math.atan2(500.0 - self.at[1], 500.0 - self.at[0])
        self.player.act(meadow.move(20.0 * math.cos(angle), 20.0 * math.sin(angle)))

    def foreign(self) -> list[str]:
        """Whom it could give a coin on the other server."""
        mine = self.others.get(self.player.name, (0.0, 0.0, 0))[2]
        return [
            who
            for who, (x, y, owner) in self.others.items()
            if owner != mine and max(abs(x - self.at[0]), abs(y - self.at[1])) < 40.0
        ]


@pytest_twisted.ensureDeferred
async def test_players_of_two_servers_meet_and_a_coin_goes_across(cluster: Cluster) -> None:
    await cluster.server("one", "two")
    seers = [Seer(await cluster.player()) for _ in range(PLAYERS)]
    await cluster.spread([seer.player for seer in seers], ("one", "two"))

    def walk() -> None:
        for seer in seers:
            seer.walk()

    walking = LoopingCall(walk)
    walking.start(0.2)
    ada = await eventually(lambda: next((s for s in seers if s.foreign()), None))
    (bob,) = [seer for seer in seers if seer.player.name == ada.foreign()[0]]
    assert ada.player.member != bob.player.member
    ada.player.act(meadow.give(bob.player.name))
    await eventually(lambda: (ada.coins, bob.coins) == (9, 11))
    walking.stop()
    assert sum(seer.coins for seer in seers) == PLAYERS * 10
    assert not any(seer.twice for seer in seers)
    assert "is a neighbour now" in cluster.log("one")
