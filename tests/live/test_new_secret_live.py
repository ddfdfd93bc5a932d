"""The cluster's secret is changed on one daemon after the other, while players play and move."""

from __future__ import annotations

import os
import random
from functools import partial
from pathlib import Path

import pytest
import pytest_twisted
from real_parts import eventually
from showing import Fleet
from twisted.internet.task import deferLater

from clientmigration.cli.main import main
from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.errors import NotAuthentic
from clientmigration.net.operator import OperatorClient
from clientmigration.stack.ports import LOOPBACK
from clientmigration.wire.operators import Ended, Order

SERVERS = ("one", "two")


class Changing(Fleet):
    """A fleet in which each daemon has a copy of the secret of its own; `secret` is the master's,
    which operators have."""

    def copy_of(self, name: str) -> Path:
        """The file of one daemon."""
        return self.folder / f"{name}.secret"

    async def _start(self, name: str, argv: tuple[str, ...], *ports: int) -> None:
        copy = self.copy_of(name)
        if not copy.exists():
            copy.write_text(self.secret.read_text())
        own = tuple(str(copy) if word == str(self.secret) else word for word in argv)
        await super()._start(name, own, *ports)

    async def hand_out(self, name: str) -> None:
        """The daemon gets what the master has, and reads it."""
        text = self.secret.read_text()
        said = f"renewed: {len(text.split())} good from now on"
        log = self.folder / f"{name}.log"
        before = log.read_text().count(said)
        fresh = self.folder / "fresh"
        fresh.write_text(text)
        os.replace(fresh, self.copy_of(name))
        await eventually(lambda: log.read_text().count(said) > before)

    def player(self, token: str = "") -> Player:
        """One that plays from now on."""
        address = f"{LOOPBACK}:{self.ports.players}"
        player = Player(self.reactor, address, dialer(self.reactor), random.Random(), token=token)
        player.start()
        return player


async def arrived(player: Player) -> None:
    """It plays."""
    await eventually(lambda: player.counts.views > 0 and bool(player.member))


def at(player: Player, member: str) -> bool:
    """It plays there."""
    return player.member == member


async def moved(fleet: Fleet, desk: OperatorClient, player: Player) -> None:
    """To the other server, and it plays there. It may be under way for another reason just now."""
    for _ in range(20):
        to = "two" if player.member == "one" else "one"
        ended = await desk.ask(Order(n=0, do="move", member=to, player=player.name))
        assert isinstance(ended, Ended)
        if ended.outcome == "settled":
            await eventually(partial(at, player, to))
            return
        assert ended.outcome == "refused", ended
        await deferLater(fleet.reactor, 0.5)
    raise AssertionError(ended)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
@pytest_twisted.ensureDeferred
async def test_the_secret_is_changed_under_players_who_are_moved_and_nobody_is_cut_off(
    tmp_path: Path, seed: int
) -> None:
    fleet = Changing(tmp_path)
    players: list[Player] = []
    try:
        await fleet.router()
        await fleet.status()
        for name in SERVERS:
            await fleet.server(name)
        desk = await fleet.desk()
        await fleet.told(desk, servers=2)
        players = [fleet.player() for _ in range(6)]
        for each in players:
            await arrived(each)
        old = fleet.secret.read_text()
        token, missed = players[0].token, 0
        order = [*SERVERS, "router", "status"]
        random.Random(seed).shuffle(order)
        for command in ("new-secret", "drop-secret"):
            assert main([command, "--secret-file", str(fleet.secret)]) == 0
            for n, name in enumerate(order):
                await fleet.hand_out(name)
                for each in players:
                    await moved(fleet, desk, each)
                newcomer = fleet.player()
                players.append(newcomer)
                await arrived(newcomer)
                if n == 1 and command == "new-secret":  # half of them have it: links begin anew
                    await fleet.server("late")
                    (await fleet.desk()).leave()
                    await fleet.told(desk, servers=3)
                    await fleet.end("late")
            if command == "new-secret":
                first = players.pop(0)
                missed += first.counts.missed
                first.stop()
                players.append(fleet.player(token))  # of when only the old one was good
                await eventually(lambda: players[-1].token not in ("", token))
                await arrived(players[-1])
                assert players[-1].name == first.name
        assert missed + sum(each.counts.missed for each in players) == 0
        assert sum(each.counts.rejoins for each in players) == 0
        assert b'"state":"up"' in await fleet.get("api/v1/status.json")
        (await fleet.desk()).leave()
        (tmp_path / "cluster.secret").write_text(old)
        with pytest.raises(NotAuthentic):
            await fleet.desk()
    finally:
        for each in players:
            each.stop()
        await fleet.stop()
