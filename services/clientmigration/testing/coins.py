"""I6: the coins of everybody, wherever they are: in pockets, in letters, on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clientmigration.core.player.mailbox import Mail, under_way
from clientmigration.testing.arena import Arena


def possessions(arena: Arena) -> dict[str, tuple[int, int, Mail]]:
    """Epoch, coins and mail of everyone who is at a server, by the newest epoch."""
    newest: dict[str, tuple[int, int, Mail]] = {}
    for server in arena.servers.values():
        game: Any = server.game
        for player, seat in server.seats.by_name.items():
            if seat.epoch < newest.get(player, (0,))[0]:
                continue
            if seat.final is not None:  # went home: its state is on its way to the ledger
                newest[player] = (seat.epoch, seat.final.game["coins"], seat.final.mail)
            elif seat.entered:
                coins = int(game.coins[game.rows[player]])
                newest[player] = (seat.epoch, coins, seat.mailbox.mail())
    return newest


def total(arena: Arena, players: Sequence[str], at_rest: bool) -> int | None:
    """All coins of these players and on all grounds. None when somebody's are between a server and
    the ledger; `at_rest` nobody's are, and who is nowhere has what the ledger says."""
    games: list[Any] = [server.game for server in arena.servers.values()]
    coins = sum(sum(game.ground.values()) for game in games)
    mails, newest = [], possessions(arena)
    for player in players:
        if player in newest:
            _, pocket, mail = newest[player]
        else:
            record = arena.ledger.records[player]
            if record.snapshot is None or (record.owner and not at_rest):
                return None
            pocket, mail = record.snapshot.game["coins"], record.snapshot.mail
        coins += pocket
        mails.append((player, mail))
    return coins + sum(int(letter.body["coins"]) for letter in under_way(mails))
