"""A rolling upgrade with real processes: two servers of version 1 of a game give everybody and
every room to two of version 2, one after the other, while all of them play.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest_twisted
from real_parts import Cluster, eventually
from twisted.internet.task import LoopingCall

from clientmigration.client.player import Player
from clientmigration.core.player.records import PREFIX
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.games.splash import wire

PLAYERS = 6
OLD, NEW = ("old-1", "old-2"), ("new-1", "new-2")


@pytest_twisted.async_yield_fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A router, and two servers that play the old version."""
    running = Cluster(tmp_path)
    running.start()
    await launched(running, OLD, "splash")
    yield running
    await running.stop()


async def launched(cluster: Cluster, names: Sequence[str], game: str) -> None:
    """Servers that play it, once they take players."""
    for name in names:
        path = (os.environ.get("PYTHONPATH", ""), str(Path(__file__).parent))
        cluster.environments[name] = {"PYTHONPATH": os.pathsep.join(filter(None, path))}
        cluster.launch(name, "--game", game)
    await eventually(lambda: all(map(cluster.placeable, names)))


async def stored(cluster: Cluster, keys: Sequence[str]) -> list[Snapshot]:
    """What the ledger has of these."""
    records = [await cluster.router.ledger.read(key) for key in keys]
    return [record.snapshot for record in records if record.snapshot is not None]


@pytest_twisted.ensureDeferred
async def test_players_and_rooms_go_from_version_1_to_2_and_not_a_stroke_is_lost(
    cluster: Cluster,
) -> None:
    players = [await cluster.player() for _ in range(PLAYERS)]
    rooms: set[int] = set()
    for each in players:
        each.on("view", lambda view: rooms.add(wire.look(view.body).room))
    painting = LoopingCall(paint, players)
    painting.start(0.2, now=False)
    await eventually(lambda: all(each.tally.acked > 5 for each in players))
    await launched(cluster, NEW, "two_versions:NextSplash")
    for name in OLD:
        await cluster.children.pop(name).stopService(60)
    await eventually(lambda: not {*OLD} & {*cluster.router.members})  # it hears so a moment later
    painting.stop()
    assert {each.member for each in players} <= set(NEW)

    people, places = [each.name for each in players], [f"{PREFIX}room-{n}" for n in sorted(rooms)]
    made = kept = -1
    for _ in range(20):  # until the last letters have come, and who was taken up last is stored
        await cluster.quiet(players[0])
        owned, held = await stored(cluster, people), await stored(cluster, places)
        made = sum(each.game["strokes"] for each in owned)
        kept = sum(each.game["strokes"] for each in held)
        new = all(each.version == 2 for each in (*owned, *held))
        if new and made == kept and not any(each.mail.outbox for each in owned):
            break
    missed = sum(each.tally.missed for each in players)
    print(f"{made} strokes made, {kept} kept, {missed} ticks missed, load {os.getloadavg()[0]:.1f}")
    assert made == kept > 5 * PLAYERS
    assert {each.version for each in (*owned, *held)} == {2}
    assert len(owned) == PLAYERS
    assert len(held) == len(rooms)
    assert all(1000 <= each.game["crowns"] < 2000 for each in owned), "converted once"
    assert all(1000 <= min(each.game["wins"]) < 2000 for each in held), "converted once"
    losses = [(each.tally.lost, each.tally.doubled, each.rejoins) for each in players]
    assert losses == [(0, 0, 0)] * PLAYERS
    if os.getloadavg()[0] < 1:
        assert missed == 0


def paint(players: Sequence[Player]) -> None:
    """Each a cell."""
    for n, each in enumerate(players):
        if each.state == "playing":
            each.act(wire.paint((each.tally.seq + n) % wire.WIDE, n))
