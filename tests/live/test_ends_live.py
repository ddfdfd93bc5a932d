"""Real processes that end while players play: a server killed or drained, a router killed."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest_twisted
from real_parts import Cluster, eventually
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.utils import getProcessValue

from clientmigration.client.player import Player
from clientmigration.games.meadow import wire as meadow


@pytest_twisted.async_yield_fixture()
async def apart(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster whose router is a process too, so that it can be killed."""
    running = Cluster(tmp_path)
    running.launch_router()
    yield running
    await running.stop_processes()


@contextmanager
def acting(players: list[Player]) -> Iterator[None]:
    """All of them act all the time."""

    def act() -> None:
        for player in players:
            player.act(meadow.move(1.0, 0.5))

    loop = LoopingCall(act)
    loop.start(0.1)
    yield
    loop.stop()


def counts(players: list[Player]) -> set[tuple[int, int]]:
    """Inputs lost and doubled, of each."""
    return {(player.tally.lost, player.tally.doubled) for player in players}


@pytest_twisted.ensureDeferred
async def test_players_of_a_killed_server_play_on_elsewhere_and_lose_no_input(
    cluster: Cluster,
) -> None:
    for name in ("one", "two"):
        await cluster.server(name)
    players = [await cluster.player() for _ in range(8)]
    with acting(players):
        await cluster.spread(players, ("one", "two"))
        for player in players:
            await cluster.quiet(player)
        names = {player.name for player in players}
        struck = [player for player in players if player.member == "one"]
        spared = [player for player in players if player.member == "two"]
        cluster.children["one"].kill()
        await eventually(lambda: all(each.rejoins == 1 and each.member for each in struck))
    for player in players:
        await cluster.quiet(player)
    assert len(struck) == len(spared) == 4
    assert {player.name for player in players} == names
    assert [player.rejoins for player in spared] == [0] * len(spared)
    assert counts(players) == {(0, 0)}


@pytest_twisted.ensureDeferred
async def test_a_server_that_is_told_to_stop_is_empty_first_and_nobody_is_cut_off(
    cluster: Cluster,
) -> None:
    for name in ("one", "two"):
        await cluster.server(name)
    players = [await cluster.player() for _ in range(8)]
    with acting(players):
        await cluster.spread(players, ("one", "two"))
        stopping = cluster.children["one"].stopService(patience_s=60)
        await eventually(lambda: all(player.member == "two" for player in players), within_s=60)
        await stopping
    for player in players:
        await cluster.quiet(player)
    assert "one stops with 0 players left" in cluster.log("one")
    assert [player.rejoins for player in players] == [0] * len(players)
    assert counts(players) == {(0, 0)}


@pytest_twisted.ensureDeferred
async def test_while_a_killed_router_is_away_everybody_plays_on_and_then_newcomers_get_in_again(
    apart: Cluster,
) -> None:
    for name in ("one", "two"):
        apart.launch(name)
    players = [await apart.player(within_s=60) for _ in range(6)]
    with acting(players):
        apart.children["router"].kill()
        await eventually(lambda: "everybody plays on" in apart.log("one"))
        await eventually(lambda: apart.log("one").count("attached to the router") == 2)
        newcomer = await apart.player(within_s=60)
    for player in (*players, newcomer):
        await apart.quiet(player)
    assert [player.rejoins for player in players] == [0] * len(players)
    assert counts([*players, newcomer]) == {(0, 0)}


async def ordered(cluster: Cluster, word: str, member: str, *flags: str) -> int:
    """The exit code of `clientmigration drain` and the like."""
    where = ("--router", f"tcp:127.0.0.1:{cluster.ports.members}", "--timeout", "60")
    words = (word, member, *where, *flags, "--secret-file", str(cluster.secret))
    program = str(Path(sys.executable).with_name("clientmigration"))
    return int(await getProcessValue(program, words, env=dict(os.environ)))


@pytest_twisted.ensureDeferred
async def test_a_router_killed_in_the_middle_of_moves_leaves_nobody_standing(
    apart: Cluster,
) -> None:
    """It is stopped first, so that whoever is frozen by then stays so; and that again and again
    until somebody was."""
    servers, router = ("one", "two"), apart.children["router"]
    for name in servers:
        apart.launch(name)
    players = [await apart.player(within_s=60) for _ in range(12)]

    def said(words: str) -> int:
        return sum(apart.log(name).count(words) for name in servers)

    def all_act_on() -> Callable[[], bool]:
        before = [player.tally.seq for player in players]
        return lambda: all(p.tally.acked > seq for p, seq in zip(players, before, strict=True))

    def left(source: str) -> bool:
        return all(player.member != source for player in players)

    def moving_from(source: str) -> bool:
        return left(source) or any(each.state == "crossing" for each in players)

    def again_without(source: str, lives: int) -> bool:
        return said("attached to the router") == len(servers) * lives and left(source)

    with acting(players):
        for lives in range(2, 12):
            source = players[0].member
            # The other may have been drained until just now, or started: who would wait is told no.
            draining = Deferred.fromCoroutine(ordered(apart, "drain", source, "--force"))
            await eventually(partial(moving_from, source), 60)
            router.tell("STOP")
            await deferLater(apart.reactor, 0.2)
            await router.stopService(patience_s=0)
            await eventually(all_act_on())
            router.startService()
            await draining  # whatever it saw of the router's end
            await eventually(partial(again_without, source, lives), 60)
            assert await ordered(apart, "undrain", source) == 0
            if said("goes on without being moved"):
                break
    for player in players:
        await apart.quiet(player)
    assert said("goes on without being moved")
    assert [player.rejoins for player in players] == [0] * len(players)
    assert counts(players) == {(0, 0)}
