"""A live tree of depth three: players cross between zones, a zone comes and goes, and a router of
each level is killed; nobody misses a tick, and nothing is lost. So it is where one zone has two
equal routers, of which one is killed, stopped and killed again."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest_twisted
from real_engine import engine
from real_parts import eventually
from real_tree import Crossings, LiveTree, servers_of
from twisted.internet.task import LoopingCall, deferLater

from clientmigration.games.meadow import wire as meadow

ABOVE = {"root": "", "east": "root", "west": "root", "east-1": "east", "east-2": "east"}
SERVERS = {"east-1-gs": "east-1", "east-2-gs": "east-2", "west-gs": "west"}
PLAYERS = 12


@pytest_twisted.async_yield_fixture()
async def tree(tmp_path: Path) -> AsyncIterator[LiveTree]:
    made = LiveTree(tmp_path, ABOVE, SERVERS)
    made.start()
    await made.complete()
    yield made
    await made.stop()


@pytest_twisted.ensureDeferred
async def test_in_a_live_tree_players_cross_and_a_router_of_each_level_is_killed(
    tree: LiveTree,
) -> None:
    overview = await tree.overview("root")
    assert sorted(servers_of(overview.members)) == sorted(SERVERS)
    for n in range(PLAYERS):
        tree.begin(("root", "root", "east", "east-1")[n % 4])
    await tree.all_play()
    acting = LoopingCall(_act, tree)
    acting.start(0.1)
    zones = Crossings(tree, "root", ("east", "west"))
    leaves = Crossings(tree, "east", ("east-1", "east-2"))
    crossing = zones.of(tree.players[:6])
    within = leaves.of(tree.players[6:])
    await eventually(lambda: zones.outcomes["settled"] >= 10)
    for name in ("root", "east", "east-1"):
        before = zones.outcomes["settled"]
        tree.children[name].kill()  # it is started again by itself
        await eventually(lambda before=before: zones.outcomes["settled"] >= before + 4)  # type: ignore[misc]
    zones.stop()
    leaves.stop()
    await crossing
    await within
    await deferLater(tree.reactor, 2.0)
    await tree.all_play()
    acting.stop()
    await eventually(lambda: all(each.tally.acked == each.tally.seq for each in tree.players))
    print(zones.outcomes, leaves.outcomes)
    tallies = [(each.tally.missed, each.tally.lost, each.tally.doubled) for each in tree.players]
    assert tallies == [(0, 0, 0)] * PLAYERS
    assert [each.rejoins for each in tree.players] == [0] * PLAYERS


TWO = {"root": "", "east-1": "root", "east-2": "root", "west": "root"}
BOTH = {"east-gs-1": "east-1,east-2", "east-gs-2": "east-1,east-2", "west-gs": "west"}


@pytest_twisted.async_yield_fixture()
async def equals(tmp_path: Path) -> AsyncIterator[LiveTree]:
    nats = engine("nats-current", tmp_path)
    nats.start()
    flags = ("--zone-name", "east", "--ledger", nats.address())
    made = LiveTree(tmp_path, TWO, BOTH, zones={"east-1": flags, "east-2": flags})
    made.start()
    await made.complete()
    yield made
    await made.stop()
    nats.stop()


@pytest_twisted.ensureDeferred
async def test_a_zone_of_two_routers_loses_either_while_players_cross(equals: LiveTree) -> None:
    tree = equals
    for n in range(PLAYERS):
        tree.begin(("root", "east-1", "east-2", "west")[n % 4])
    await tree.all_play()
    acting = LoopingCall(_act, tree)
    acting.start(0.1)
    crossings = Crossings(tree, "root", ("east", "west"))
    crossing = crossings.of(tree.players[4:])
    await eventually(lambda: crossings.outcomes["settled"] >= 10)
    await _both(tree)
    for name in ("east-1", "east-2"):
        before, began = crossings.outcomes["settled"], time.monotonic()
        tree.children[name].kill()  # it is started again by itself
        await eventually(lambda before=before: crossings.outcomes["settled"] > before)  # type: ignore[misc]
        print(f"{name} killed: somebody has crossed {time.monotonic() - began:.2f} s later")
        await eventually(lambda before=before: crossings.outcomes["settled"] >= before + 20)  # type: ignore[misc]
        await _both(tree)
    tree.signal("east-1", signal.SIGSTOP)
    before = crossings.outcomes["settled"]
    await eventually(lambda: crossings.outcomes["settled"] >= before + 10)
    tree.signal("east-1", signal.SIGCONT)
    crossings.stop()
    await crossing
    await tree.all_play()
    acting.stop()
    await eventually(lambda: all(each.tally.acked == each.tally.seq for each in tree.players))
    print(crossings.outcomes)
    tallies = [(each.tally.missed, each.tally.lost, each.tally.doubled) for each in tree.players]
    assert tallies == [(0, 0, 0)] * PLAYERS
    assert [each.rejoins for each in tree.players[:4]] == [0] * 4
    await eventually(partial(_whole, tree))


async def _both(tree: LiveTree) -> None:
    """Until both routers of the zone are attached."""

    async def both() -> bool:
        members = (await tree.overview("root")).members
        return sum(each.routers for each in members if each.name == "east") == 2

    await eventually(both)


async def _whole(tree: LiveTree) -> bool:
    """Each member and each player once, and no more."""
    overview = await tree.overview("root")
    members = [each.name for each in overview.members]
    counted = (overview.capacity, len(servers_of(overview.members)), overview.players)
    return (members, *counted) == (["east", "west"], 600, 3, PLAYERS)


def _act(tree: LiveTree) -> None:
    for player in tree.players:
        player.act(meadow.move(player.tally.seq % 7 - 3.0, 1.0))
