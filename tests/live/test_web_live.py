"""A player that comes by WebSocket, at real doors, moved between real servers."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest_twisted
from node_player import NodePlayer
from real_parts import Cluster, eventually
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import LoopingCall
from web_dial import web_dialer

from clientmigration.core.player.migration import Outcome
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.door import Door, Lines
from clientmigration.net.line import Line, LineTerms
from clientmigration.net.web import Reception
from clientmigration.wire.connection import PLAYER_TO_SERVER, SERVER_TO_PLAYER, encode
from clientmigration.wire.messages import View
from clientmigration.wire.web import Origins

MOVES = 20
SCRIPT_MOVES = 6


@pytest_twisted.ensureDeferred
async def test_a_browser_is_moved_twenty_times_without_a_missed_tick(cluster: Cluster) -> None:
    await cluster.server("one", "two")
    bob = await cluster.player()
    ada = await cluster.player(dial=web_dialer(cluster.reactor))
    ticks: list[int] = []

    def see(view: View) -> None:
        ticks.append(view.tick)

    ada.on("view", see)
    acting = LoopingCall(lambda: ada.act(meadow.move(ada.tally.seq % 7 - 3.0, 1.0)))
    acting.start(0.05)
    outcomes: list[Outcome | None] = []
    for _ in range(MOVES):
        here, there = ada.member, "two" if ada.member == "one" else "one"
        ended = await Deferred.fromCoroutine(cluster.router.moves.start(ada.name, here, there))
        outcomes.append(ended.outcome if ended else None)
        await eventually(lambda there=there: ada.member == there)  # type: ignore[misc]
    acting.stop()
    await cluster.quiet(ada)
    assert outcomes == [Outcome.SETTLED] * MOVES
    assert ada.moves == MOVES
    assert ticks == list(range(ticks[0], ticks[0] + len(ticks)))
    assert (ada.tally.missed, ada.tally.lost, ada.tally.doubled, ada.rejoins) == (0, 0, 0, 0)
    assert ada.tally.acked == ada.tally.seq > MOVES / 2
    assert (bob.tally.missed, bob.rejoins) == (0, 0)


@pytest_twisted.ensureDeferred
async def test_the_javascript_player_is_moved_without_a_missed_tick(cluster: Cluster) -> None:
    await cluster.server("one", "two")
    ada = NodePlayer(cluster.reactor, f"ws://127.0.0.1:{cluster.ports.players}")
    await eventually(lambda: ada.member)
    ada.order("subscribe scores")
    there = ""
    for _ in range(SCRIPT_MOVES):
        ada.order("fetch ")
        here, there = ada.member, "two" if ada.member == "one" else "one"
        moving = cluster.router.moves.start(ada.name, here, there)
        ended = await Deferred.fromCoroutine(moving)
        assert ended is not None
        assert ended.outcome is Outcome.SETTLED
        await eventually(partial(ada.landed, there))
    await eventually(lambda: len(ada.told("fetched")) == SCRIPT_MOVES)
    ada.order("counts")
    counts = await eventually(lambda: ada.last("counts"))
    assert ada.last("inOrder")
    assert counts["moves"] == SCRIPT_MOVES
    assert [counts[each] for each in ("missed", "lost", "doubled", "rejoins")] == [0, 0, 0, 0]
    assert counts["acked"] > SCRIPT_MOVES
    entries = [each["seq"] for each in ada.told("entry")]
    assert entries == list(range(entries[0], entries[0] + len(entries)))
    assert len({each["sha256"] for each in ada.told("fetched")}) == 1
    assert ada.last("coins") == 10
    assert ada.name in ada.last("sees")
    await comes_back(cluster, ada, there)
    ada.order("stop")
    await eventually(lambda: ada.over)


async def comes_back(cluster: Cluster, ada: NodePlayer, victim: str) -> None:
    """Its server is killed: it plays again, as the same player."""
    name, entries = ada.name, len(ada.told("entry"))
    cluster.children[victim].kill()
    await eventually(lambda: ada.last("state") == "playing" and ada.told("lost"))
    await eventually(lambda: len(ada.told("entry")) > entries)
    ada.order("counts")
    counts = await eventually(lambda: ada.last("counts")["rejoins"] and ada.last("counts"))
    assert (ada.name, counts["rejoins"], counts["lost"], counts["doubled"]) == (name, 1, 0, 0)


@pytest_twisted.ensureDeferred
async def test_a_browser_that_does_not_read_loses_views_and_gets_the_next_whole() -> None:
    from twisted.internet import reactor

    lines: list[Line] = []
    reception = Reception(partial(a_line, reactor, lines), Origins(), reactor, print)
    found: list[str] = []
    door = Door(serverFromString(reactor, "tcp:0:interface=127.0.0.1"), reception, found.append)
    door.privilegedStartService()
    address = await eventually(lambda: found and found[0])
    reader = Reader()
    page = await web_dialer(reactor)(address).connect(Lines(partial(a_line, reactor, [], reader)))
    await eventually(lambda: lines and lines[0].peer_role)
    page.transport.transport.pauseProducing()  # type: ignore[attr-defined]
    shown = 0
    while lines[0].show(encode(View(shown, 0, 0, 0, bytes(60_000)))):
        shown += 1
        await eventually(lambda: True)
    assert not lines[0].show(encode(View(shown, 0, 0, 0, b"left out")))
    page.transport.transport.resumeProducing()  # type: ignore[attr-defined]
    await eventually(lambda: lines[0].show(encode(View(shown + 1, 0, 0, 0, b"the next"))))
    await eventually(lambda: reader.ticks[-1:] == [shown + 1])
    assert reader.ticks == [*range(shown), shown + 1]
    page.hang_up("bye", "")  # type: ignore[attr-defined]
    await eventually(lambda: reader.over)
    await door.stopService()


class Reader:
    """A listener that keeps the ticks it was shown."""

    def __init__(self) -> None:
        self.ticks: list[int] = []
        self.over = False

    def opened(self, line: Line) -> None:
        pass

    def heard(self, message: object) -> None:
        if isinstance(message, View):
            self.ticks.append(message.tick)

    def closed(self, reason: str) -> None:  # noqa: ARG002
        self.over = True


def a_line(clock: Any, lines: list[Line], reader: Reader | None = None) -> Line:
    """One end of a connection, by itself."""
    hears = SERVER_TO_PLAYER if reader else PLAYER_TO_SERVER
    lines.append(Line("test", LineTerms(hears, (1e3, 1e3)), reader or Reader(), clock))
    return lines[-1]
