"""Who shows no ticket, or says too much, loses its own connection and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from clientmigration.client.player import Player
from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.core.player.inbox import ROOM, room_at
from clientmigration.games.meadow import wire as meadow
from clientmigration.gameserver.players import RATE, STRANGER_PINGS, terms_at
from clientmigration.net.door import Lines
from clientmigration.net.line import Line, LineTerms
from clientmigration.testing import Arena
from clientmigration.wire.connection import SERVER_TO_PLAYER, encode
from clientmigration.wire.messages import Goodbye, Input, Ping, Pong


class Stranger:
    """Somebody who connects to a server and says what it likes: the `Listener` of its line."""

    def __init__(self, arena: Arena, server: str) -> None:
        clock = arena._host("stranger")
        self.heard_all: list[Any] = []
        self.line = Line("player", LineTerms(SERVER_TO_PLAYER, (5e3, 5e3)), self, clock)
        arena.network.dial("stranger", clock)(f"{server}:1").connect(Lines(lambda: self.line))
        arena.run(0.1)

    def opened(self, line: Line) -> None:
        pass

    def heard(self, message: Any) -> None:
        self.heard_all.append(message)

    def closed(self, reason: str) -> None:
        pass

    def goodbye(self) -> tuple[str, str] | None:
        """With which code and text it was sent away."""
        said = [each for each in self.heard_all if isinstance(each, Goodbye)]
        return (said[0].code, said[0].text) if said else None


@pytest.fixture
def arena() -> Arena:
    arena = Arena()
    arena.start_router()
    arena.start_server("eu")
    arena.run(2.0)
    return arena


@pytest.fixture
def ada(arena: Arena) -> Player:
    ada = arena.start_player()
    arena.run_until(lambda: ada.state == "playing")
    arena.run(0.5)
    return ada


def closed(arena: Arena) -> float:
    """How many connections the server has closed since this was asked last."""
    return arena.servers["eu"].measures()["closed_connections"]


def assert_plays_on(arena: Arena, player: Player) -> None:
    rejoins = player.rejoins
    player.act(meadow.move(1.0, 0.0))
    arena.run(0.5)
    assert player.rejoins == rejoins
    assert player.tally.acked == player.tally.seq
    assert (player.tally.lost, player.tally.doubled) == (0, 0)


def test_an_input_before_a_ticket_ends_the_connection_and_changes_nothing(
    arena: Arena, ada: Player
) -> None:
    closed(arena)
    stranger = Stranger(arena, "eu")
    stranger.line.say(Input(1, meadow.move(1.0, 0.0)))
    arena.run(0.2)
    assert stranger.goodbye() == ("out_of_turn", "no ticket was shown on this connection")
    assert closed(arena) == 1
    assert len(arena.servers["eu"].seats) == 1
    assert_plays_on(arena, ada)


def test_a_stranger_may_ping_a_little_and_not_for_ever(arena: Arena, ada: Player) -> None:
    stranger = Stranger(arena, "eu")
    for n in range(STRANGER_PINGS):
        stranger.line.say(Ping(n=n))
    arena.run(0.2)
    assert sum(isinstance(each, Pong) for each in stranger.heard_all) == STRANGER_PINGS
    assert stranger.goodbye() is None
    stranger.line.say(Ping(n=STRANGER_PINGS))
    arena.run(0.2)
    assert stranger.goodbye() == ("too_fast", "more pings than a stranger may send")
    assert_plays_on(arena, ada)


def test_a_flood_of_inputs_ends_the_connection_and_nobody_elses(arena: Arena, ada: Player) -> None:
    bob = arena.start_player()
    arena.run(1.0)
    closed(arena)
    assert ada.traveller.home is not None
    assert ada.traveller.home.line is not None
    flood, seq = round(RATE[1]) + 200, ada.tally.seq
    for n in range(flood):
        ada.traveller.home.line.say(
            Input(seq + 1, b"%d" % n)
        )  # known already: no room is needed for them
    arena.run(0.2)
    assert closed(arena) == 1
    assert_plays_on(arena, bob)


def test_more_inputs_than_there_is_room_for_end_the_connection(arena: Arena, ada: Player) -> None:
    closed(arena)
    line, seat = (
        ada.traveller.home.line if ada.traveller.home else None,
        arena.servers["eu"].seats[ada.name],
    )
    assert line is not None
    last = seat.inbox.progress.last
    for n in range(ROOM):
        line.say(Input(last + 2 + n, meadow.move(1.0, 0.0)))  # the one after `last` never comes
    arena.run(0.05)
    assert len(seat.inbox.waiting) == ROOM
    assert closed(arena) == 0
    line.say(Input(last + 2 + ROOM, meadow.move(1.0, 0.0)))
    arena.run(0.05)
    assert closed(arena) == 1
    assert seat.inbox.progress.last == last
    assert len(seat.inbox.waiting) <= ROOM


@pytest.mark.parametrize("size", [1, 3, 17, 18, 19, 36, 54, 1000])
def test_inputs_are_the_same_however_they_are_cut_on_the_way(
    arena: Arena, ada: Player, size: int
) -> None:
    """One frame in one read takes a shorter way than several, or parts."""
    line, seat = arena.servers["eu"].seats[ada.name].line, arena.servers["eu"].seats[ada.name]
    assert line is not None
    before = seat.inbox.progress
    inputs = [Input(before.last + 1 + n, meadow.move(n, 0.0)) for n in range(20)]
    stream, expected = b"".join(map(encode, inputs)), before
    for each in inputs:
        expected = expected.after(each.seq, each.body)
    for at in range(0, len(stream), size):
        line.dataReceived(stream[at : at + size])
    arena.run(0.06)
    assert seat.inbox.progress == expected
    assert not arena.servers["eu"].seats.inputs.acting


def test_a_tick_looks_at_nobody_for_whom_there_is_nothing_to_do(arena: Arena, ada: Player) -> None:
    seats = arena.servers["eu"].seats
    arena.run(1.0)
    assert not seats.astir
    assert not seats.inputs.acting
    assert [*seats.playing()] == [seats[ada.name]]
    line, last = seats[ada.name].line, seats[ada.name].inbox.progress.last
    assert line is not None
    line.dataReceived(encode(Input(last + 2, meadow.move(1.0, 0.0))))
    arena.run(0.2)
    assert list(seats.inputs.acting) == [seats[ada.name]]  # it waits for the one before
    line.dataReceived(encode(Input(last + 1, meadow.move(1.0, 0.0))))
    arena.run(0.1)
    assert seats[ada.name].inbox.progress.last == last + 2
    assert not seats.inputs.acting
    line.dataReceived(encode(Input(last + 9, meadow.move(1.0, 0.0))))
    seats.expel(ada.name, "kicked", "", bars=True)
    arena.run(30.0)
    assert ada.name not in seats
    assert not seats.inputs.acting
    assert not seats.astir
    assert not seats.playing()


def test_who_is_held_has_its_inputs_applied_when_it_goes_on(arena: Arena, ada: Player) -> None:
    seats = arena.servers["eu"].seats
    seat = seats[ada.name]
    last = seat.inbox.progress.last
    assert seat.line is not None
    seat.hold()
    seat.line.dataReceived(encode(Input(last + 1, meadow.move(1.0, 0.0))))
    arena.run(0.2)
    assert (seat.inbox.progress.last, list(seats.inputs.acting)) == (last, [seat])
    seat.resume()
    arena.run(0.1)
    assert (seat.inbox.progress.last, list(seats.inputs.acting)) == (last + 1, [])


@pytest.mark.parametrize("rate", [1, 20, 60, 1000])
def test_an_input_for_each_tick_is_never_too_fast(rate: int) -> None:
    """With the pings beside it, for ten minutes, and with ten seconds of inputs sent again."""
    bucket = TokenBucket(*terms_at(rate).rate)
    assert all(bucket.allows(0.0) for _ in range(10 * rate))
    times = ((n + 1) / rate for n in range(min(600 * rate, 100_000)))
    assert all(bucket.allows(now) and bucket.allows(now) for now in times)


def test_a_fast_server_keeps_as_many_seconds_of_inputs_as_a_slow_one() -> None:
    assert (room_at(20), room_at(1000)) == (ROOM, 10_000)
