"""What a player does survives: files and feeds across moves, crashes and broken connections."""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any

import pytest

from clientmigration.client.player import Player
from clientmigration.client.streams import Fetched, Subscription
from clientmigration.client.told import TopicEntry
from clientmigration.core.player.feeds import TOPICS
from clientmigration.core.player.transfer import CHUNK, Window
from clientmigration.errors import NotOffered
from clientmigration.games.meadow import wire as meadow
from clientmigration.gameserver import streams
from clientmigration.gameserver.files import Files
from clientmigration.testing import Arena, Network
from clientmigration.wire import work
from clientmigration.wire.messages import Input

BIG = Random(1).randbytes(3_000_000)
FILES = Files({"big": BIG, "small": b"hello", "none": b""})


def playing(seed: int = 1, delay_s: float = 0.001, servers: str = "ab") -> tuple[Arena, Player]:
    """An arena whose servers offer files, and one player that plays."""
    arena = Arena(seed=seed, delay_s=delay_s, files=FILES)
    arena.start_router()
    for name in servers:
        arena.start_server(name)
    arena.run(2.0)
    ada = arena.start_player()
    arena.run_until(lambda: bool(ada.member))
    return arena, ada


def fetch(player: Player, name: str) -> list[Any]:
    """What a download ends in appears in the list that this answers: a file or an error."""
    ended: list[Any] = []
    player.fetch(name).addCallbacks(ended.append, lambda failure: ended.append(failure.value))
    return ended


def follow(player: Player, topic: str) -> tuple[Subscription, list[TopicEntry]]:
    items: list[TopicEntry] = []
    return player.subscribe(topic, items.append), items


def move_on(arena: Arena, player: Player) -> None:
    """Move it to the next server, and wait until it is there."""
    names = sorted(arena.servers)
    target = names[(names.index(arena.home_of(player)) + 1) % len(names)]
    arena.move(player, target)
    arena.run_until(lambda: arena.home_of(player) == target and player.member == target)


def assert_whole(topic: str, items: list[TopicEntry]) -> None:
    """Each entry once, in order, and with the payload that any server makes."""
    numbers = [item.seq for item in items]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert all(item.body == TOPICS[topic].make(item.seq) for item in items)


def assert_nothing_lost(player: Player) -> None:
    assert (player.tally.lost, player.tally.doubled) == (0, 0)


@pytest.mark.parametrize(("name", "body"), [("big", BIG), ("small", b"hello"), ("none", b"")])
def test_a_file_arrives_as_it_was_offered(name: str, body: bytes) -> None:
    arena, ada = playing()
    ended = fetch(ada, name)
    arena.run_until(lambda: bool(ended))
    assert ended == [Fetched(name, len(body), hashlib.sha256(body).hexdigest(), body)]
    arena.run(0.5)
    assert arena.servers[ada.member].seats[ada.name].workloads.place() == []


def test_the_catalogue_is_a_file_too() -> None:
    arena, ada = playing()
    ended = fetch(ada, "")
    arena.run_until(lambda: bool(ended))
    assert b'{"name":"small","size":5,"sha256":"2cf24dba' in ended[0].body


@pytest.mark.parametrize("delay_s", [0.001, 0.02, 0.075])
def test_a_download_across_ten_moves_is_complete_and_costs_no_tick(delay_s: float) -> None:
    arena, ada = playing(delay_s=delay_s, servers="abc")
    handed = bytearray()
    ended: list[Any] = []
    ada.fetch("big", handed.extend).addBoth(ended.append)
    for _ in range(10):
        move_on(arena, ada)
        ada.act(meadow.move(1.0, 0.5))
        arena.run(0.1)
        assert not ended, "the file was not under way in every move"
    arena.run_until(lambda: bool(ended))
    assert bytes(handed) == BIG
    assert ended[0].sha256 == hashlib.sha256(BIG).hexdigest()
    assert (ada.tally.missed, ada.moves, ada.streams.bytes) == (0, 10, len(BIG))
    assert_nothing_lost(ada)


@pytest.mark.parametrize("after_s", [0.05, 0.35, 1.0, 1.7])
def test_a_download_goes_on_when_its_server_is_killed(after_s: float) -> None:
    arena, ada = playing()
    ended = fetch(ada, "big")
    arena.run(after_s)
    assert not ended
    arena.kill(arena.home_of(ada))
    arena.run_until(lambda: bool(ended))
    assert ended[0].body == BIG
    assert ada.rejoins == 1
    assert_nothing_lost(ada)


def test_a_download_goes_on_when_the_connection_breaks() -> None:
    arena, ada = playing()
    ended = fetch(ada, "big")
    arena.run(1.0)
    assert ada.traveller.home is not None
    assert ada.traveller.home.line is not None
    ada.traveller.home.line.transport.loseConnection()
    arena.run_until(lambda: bool(ended))
    assert ended[0].body == BIG
    assert ada.rejoins == 1


def test_a_subscription_across_ten_moves_has_no_gap_and_no_duplicate() -> None:
    arena, ada = playing(servers="abc")
    _, items = follow(ada, "scores")
    _, ticks = follow(ada, "clock")
    for _ in range(10):
        move_on(arena, ada)
        arena.run(0.4)
    arena.run(1.0)
    assert_whole("scores", items)
    assert_whole("clock", ticks)
    assert len(items) >= 4 * 5
    assert ada.streams.gaps == 0
    newest = arena.servers[ada.member].ticks.tick
    assert items[-1].seq == newest // TOPICS["scores"].period


@pytest.mark.parametrize("after_s", [0.02, 0.3, 1.1, 2.45])
def test_a_subscription_goes_on_when_its_server_is_killed(after_s: float) -> None:
    arena, ada = playing()
    _, items = follow(ada, "scores")
    arena.run(after_s)
    arena.kill(arena.home_of(ada))
    arena.run(5.0)
    assert_whole("scores", items)
    assert ada.streams.gaps == 0
    assert items[-1].seq == arena.servers[ada.member].ticks.tick // TOPICS["scores"].period


def test_a_player_that_stays_away_gets_what_it_missed_little_by_little() -> None:
    arena, ada = playing()
    _, items = follow(ada, "scores")
    arena.run(1.0)
    for name in list(arena.servers):
        arena.kill(name)
    arena.run(60.0)
    arena.start_server("c")
    arena.run_until(lambda: bool(ada.member))
    arena.run(10.0)
    assert_whole("scores", items)
    assert items[-1].seq == arena.servers["c"].ticks.tick // TOPICS["scores"].period


def test_everything_at_once_goes_wherever_the_player_goes() -> None:
    arena, ada = playing(servers="abc")
    ada.act(work.burn(40))
    files = [fetch(ada, name) for name in ("big", "small", "none", "small", "small")]
    _, items = follow(ada, "scores")
    arena.run(0.3)
    for _ in range(5):
        move_on(arena, ada)
    seat = arena.servers[ada.member].seats[ada.name]
    assert seat.workloads.burns.asked == {ada.name: 40}
    arena.run_until(lambda: all(files))
    assert [len(ended[0].body) for ended in files] == [3_000_000, 5, 0, 5, 5]
    assert_whole("scores", items)


# Asks that can not be served, and those that are wrong.


def test_a_file_that_nobody_offers_is_denied() -> None:
    arena, ada = playing()
    ended = fetch(ada, "what?")
    arena.run(1.0)
    assert isinstance(ended[0], NotOffered)
    assert str(ended[0]) == "'what?': there is no such file here"
    assert arena.servers[ada.member].seats[ada.name].workloads.place() == []


def test_a_topic_that_there_is_not_is_denied() -> None:
    arena, ada = playing()
    feed, items = follow(ada, "gossip")
    arena.run(1.0)
    assert (feed.denied, items) == ("there is no such topic here", [])


def test_a_server_serves_so_many_streams_and_denies_the_next() -> None:
    arena, ada = playing()
    for n in range(streams.FILES + 1):
        ada.act(work.fetch(n, 0, "big"))
    for n in range(streams.FEEDS + 1):
        ada.act(work.follow(100 + n, 0, "scores"))
    arena.run(0.06)
    mine = arena.servers[ada.member].seats[ada.name].workloads.streams
    assert (sorted(mine.transfers), sorted(mine.feeds)) == ([*range(4)], [*range(100, 108)])


def test_more_downloads_than_are_allowed_wait_for_each_other() -> None:
    arena, ada = playing()
    ended = [fetch(ada, "small") for _ in range(3 * streams.FILES)]
    feeds = [follow(ada, "clock")[0] for _ in range(streams.FEEDS + 2)]
    arena.run(1.0)
    assert all(ended)
    for feed in feeds:
        feed.stop()
    arena.run(1.0)
    assert arena.servers[ada.member].seats[ada.name].workloads.place() == []


@pytest.mark.parametrize(
    "body",
    [b"\x81", b"\x81" + bytes(12) + b"\xff", b"\x82" + bytes(212 + 1), b"\x83", b"\x85\0"],
)
def test_a_malformed_ask_costs_only_the_connection(body: bytes) -> None:
    arena, ada = playing()
    bob = arena.start_player()
    arena.run(1.0)
    ended = fetch(bob, "big")
    ada.act(body)
    arena.run(2.0)
    assert (ada.rejoins, bob.rejoins, bob.tally.missed) == (1, 0, 0)
    arena.run_until(lambda: bool(ended))
    assert ended[0].body == BIG


def test_what_a_former_program_left_is_stopped_by_the_next() -> None:
    arena, ada = playing()
    fetch(ada, "big")
    follow(ada, "scores")
    arena.run(1.0)
    assert ada.traveller.home is not None
    ada.traveller.home.line.transport.loseConnection()  # type: ignore[union-attr]
    ada.traveller.journey.stop()
    again = arena.start_player(ada.token)
    arena.run_until(lambda: bool(again.member))
    ended = fetch(again, "small")
    arena.run(3.0)
    assert again.name == ada.name
    assert ended[0].body == b"hello"
    assert arena.servers[again.member].seats[again.name].workloads.place() == []


def test_a_download_that_nobody_wants_any_more_ends() -> None:
    arena, ada = playing()
    download = ada.fetch("big")
    download.addErrback(lambda _: None)
    arena.run(0.5)
    download.cancel()
    arena.run(0.5)
    assert arena.servers[ada.member].seats[ada.name].workloads.place() == []


def test_what_a_former_program_said_last_does_not_stand_for_what_the_next_says_first() -> None:
    arena, ada = playing()
    seat = arena.servers[ada.member].seats[ada.name]
    ada.act(meadow.move(1.0, 0.0))
    arena.run(0.2)
    assert ada.traveller.home is not None
    ada.traveller.home.say(
        Input(ada.tally.seq + 2, meadow.drop())
    )  # it waits for the one before it
    ada.traveller.home.line.transport.loseConnection()  # type: ignore[union-attr]
    ada.traveller.journey.stop()
    again = arena.start_player(ada.token)
    arena.run_until(lambda: bool(again.member))
    for _ in range(3):
        again.act(meadow.move(0.0, 1.0))
        arena.run(0.1)
    arena.run(0.5)
    assert again.tally.acked == again.tally.seq == seat.inbox.progress.last
    assert_nothing_lost(again)


# What a download costs the views.


class Narrow(Network):
    """Towards one host so many bytes per second pass; the sender's queue holds `ROOM` bytes."""

    ROOM = 131_072

    def __init__(self, arena: Arena, host: str, bytes_per_s: float) -> None:
        super().__init__(arena.clock, arena.delay)
        self.host, self.bytes_per_s = host, bytes_per_s
        self.free: dict[Any, float] = {}

    def carry(self, end: Any, data: bytes) -> None:
        """See `Network`."""
        if end.there == self.host:
            now = self.clock.seconds()
            self.free[end] = max(self.free.get(end, now), now) + len(data) / self.bytes_per_s
            end.due = max(end.due, self.free[end] + self.delay(end.here, end.there))
            self._choke(end, (self.free[end] - now) * self.bytes_per_s)
        super().carry(end, data)

    def _choke(self, end: Any, queued: float) -> None:
        if queued > self.ROOM and end.protocol and not end.protocol.choked:
            end.protocol.pauseProducing()
            self.clock.callLater(queued / self.bytes_per_s, end.protocol.resumeProducing)


def on_a_narrow_line(bytes_per_s: float) -> tuple[Arena, Player]:
    """A player behind a narrow line, on one server."""
    arena = Arena(seed=1, delay_s=0.01, files=FILES)
    arena.network = Narrow(arena, "player 0", bytes_per_s)
    arena.start_router()
    arena.start_server("a")
    arena.run(2.0)
    ada = arena.start_player()
    arena.run_until(lambda: bool(ada.member))
    return arena, ada


def lateness_of_views(arena: Arena, player: Player, seconds: float) -> list[float]:
    """How late each view is shown after its tick, seconds."""
    late: list[float] = []
    player.on("view", lambda view: late.append(arena.clock.seconds() - view.tick / 20))
    for _ in range(round(seconds * 10)):
        player.act(meadow.move(1.0, 0.5))
        arena.run(0.1)
    return sorted(late)


@pytest.mark.parametrize("bytes_per_s", [20_000, 50_000, 200_000, 1_000_000])
def test_a_download_never_delays_the_views_of_a_slow_line(bytes_per_s: float) -> None:
    arena, ada = on_a_narrow_line(bytes_per_s)
    idle = lateness_of_views(arena, ada, 5.0)
    fetch(ada, "big")
    busy = lateness_of_views(arena, ada, 9.0)
    assert busy[-1] - idle[-1] < 0.075  # a tick and a half, at worst
    assert busy[len(busy) // 2] - idle[len(idle) // 2] < 0.025
    assert ada.tally.missed == 0
    assert ada.streams.bytes > 0.4 * 9.0 * min(bytes_per_s, 20 * CHUNK)


class Open(Window):
    """A window that is always open."""

    def room(self) -> int:
        """See `Window`."""
        return CHUNK


def test_it_is_the_window_that_keeps_the_views_in_time() -> None:
    arena, ada = on_a_narrow_line(50_000)
    idle = lateness_of_views(arena, ada, 5.0)
    arena.servers["a"].seats[ada.name].workloads.streams.window = Open()
    fetch(ada, "big")
    busy = lateness_of_views(arena, ada, 20.0)
    assert busy[-1] - idle[-1] > 1.0
    assert ada.tally.missed > 0


# Whatever happens.


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_every_file_is_whole_and_no_entry_is_missing(seed: int) -> None:
    """Moves, killed servers that come back and broken connections, as a seed decides."""
    random = Random(seed)
    delay_s = random.choice([0.0, 0.001, 0.02, 0.075])
    arena, ada = playing(seed=seed, delay_s=delay_s, servers="abc")
    files = [fetch(ada, random.choice(["big", "small", "none"])) for _ in range(6)]
    _, items = follow(ada, "scores")
    for _ in range(25):
        ada.act(random.choice([meadow.move(1.0, 0.5), work.burn(random.randrange(50))]))
        trouble(arena, ada, random)
        arena.run(random.uniform(0.0, 0.8))
    arena.run_until(lambda: all(files) and bool(ada.member), within=90.0)
    arena.run(10.0)
    assert all(isinstance(ended[0], Fetched) for ended in files)
    assert_whole("scores", items)
    assert items[-1].seq >= arena.servers[ada.member].ticks.tick // TOPICS["scores"].period - 1
    assert_nothing_lost(ada)


def trouble(arena: Arena, player: Player, random: Random) -> None:
    """Something happens to the player's servers or its connections."""
    home = arena.home_of(player)
    dice = random.random()
    if dice < 0.7 and home:
        arena.move(player, random.choice([name for name in arena.servers if name != home]))
    elif dice < 0.85 and len(arena.servers) > 2:
        killed = random.choice(sorted(arena.servers))
        arena.kill(killed)
        arena.clock.callLater(3.0, arena.start_server, killed)
    elif (at := player.traveller.home) and at.line is not None and at.line.transport:
        at.line.transport.loseConnection()
