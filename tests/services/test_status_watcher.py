"""From what a router tells those who watch it to what a page may show."""

from __future__ import annotations

from typing import Any

import msgspec

from clientmigration.core.fleet.health import Grade
from clientmigration.status import documents
from clientmigration.status.board import Board
from clientmigration.status.feed import PublicMove, PublicWorld, Sighting, Status
from clientmigration.status.watcher import Watcher
from clientmigration.testing import Arena
from clientmigration.wire import operators
from clientmigration.wire.operators import Dot, MemberSample, MemberStatus, Overview, Watch

NOW = 1_800_000_000.0


class Heard:
    """A `Told` that keeps everything."""

    def __init__(self) -> None:
        self.statuses: list[Status] = []
        self.worlds: list[PublicWorld] = []
        self.moves: list[PublicMove] = []

    def status(self, status: Status) -> None:
        self.statuses.append(status)

    def world(self, world: PublicWorld) -> None:
        self.worlds.append(world)

    def moved(self, moved: PublicMove) -> None:
        self.moves.append(moved)


MEASURES = {"tick_ms_p95": 2.5, "lateness_ms_p95": 0.5, "pairs": 40.0, "pairs_split": 10.0}


def sample(**fields: object) -> MemberSample:
    plain = MemberSample(1, 0.9, 0.25, int(Grade.STRAINED), 40, 200, False, 500.0, 400.0, 120.0)
    return msgspec.structs.replace(plain, **fields)


def member(name: str, owner: int, **fields: object) -> MemberStatus:
    plain = MemberStatus(name, "gameserver", "192.0.2.9:4711", owner=owner, sample=sample())
    return msgspec.structs.replace(plain, **fields)


def move(at: float, **fields: object) -> operators.Moved:
    plain = operators.Moved(at, "a" * 16, "gs-1", "gs-2", "settled", "", 80.0)
    return msgspec.structs.replace(plain, **fields)


def overview(*members: MemberStatus, recent: tuple[operators.Moved, ...] = ()) -> Overview:
    return Overview(
        router="router",
        now=NOW,
        started=NOW - 60,
        members=list(members),
        players=40,
        capacity=200,
        waiting=3,
        moving=1,
        joins=50,
        moves={"settled": 7, "refused": 1, "lost": 2},
        recent=list(recent),
    )


def test_an_overview_becomes_a_status_without_addresses_or_players() -> None:
    heard = Heard()
    told = overview(
        member("gs-1", 3, sample=sample(measures=MEASURES)),
        recent=(move(NOW, gap_ms=9.0),),
    )
    Watcher(heard).heard(told)
    (status,) = heard.statuses
    (server,) = status.servers
    assert (server.name, server.number, server.grade) == ("gs-1", 3, "strained")
    assert (server.tick_ms, server.late_ms) == (2.5, 0.5)
    assert (server.pairs, server.pairs_split) == (40, 10)
    assert (status.settled, status.failed, status.waiting, status.moving) == (7, 3, 3, 1)
    assert status.recent == (PublicMove(NOW, "gs-1", "gs-2", "settled", 80.0, 9.0),)
    text = msgspec.json.encode(status)
    assert b"192.0.2.9" not in text
    assert b"a" * 16 not in text


def test_a_server_that_says_nothing_is_shown_as_silent() -> None:
    heard = Heard()
    Watcher(heard).heard(overview(member("gs-1", 1, closed="silent"), member("b", 2, sample=None)))
    assert [each.grade for each in heard.statuses[0].servers] == ["silent", "silent"]
    assert heard.statuses[0].servers[1].players == 0


def test_a_server_that_players_cannot_reach_is_shown_as_that() -> None:
    heard = Heard()
    Watcher(heard).heard(overview(member("gs-1", 1, closed="unreachable", sample=sample())))
    (server,) = heard.statuses[0].servers
    assert (server.grade, server.closed) == ("strained", "unreachable")


def test_moves_are_told_once_oldest_first_and_none_of_before_we_came() -> None:
    heard = Heard()
    watcher = Watcher(heard)
    watcher.heard(overview(recent=(move(NOW - 1),)))
    assert heard.moves == []
    later = (move(NOW + 2), move(NOW + 1, source="gs-2"), move(NOW - 1, gap_ms=4.0))
    watcher.heard(overview(recent=later))
    watcher.heard(overview(recent=later))
    assert [each.at for each in heard.moves] == [NOW + 1, NOW + 2]
    assert heard.statuses[-1].recent[-1].gap_ms == 4.0


def test_the_first_move_ever_is_told() -> None:
    heard = Heard()
    watcher = Watcher(heard)
    watcher.heard(overview())
    watcher.heard(overview(recent=(move(NOW + 0.5),)))
    assert [each.at for each in heard.moves] == [NOW + 0.5]


def test_a_world_names_servers_by_the_numbers_of_the_overview() -> None:
    heard = Heard()
    watcher = Watcher(heard)
    watcher.heard(overview(member("gs-1", 3)))
    dots = {"gs-1": [Dot(77, 1.0, 2.0)], "new": [Dot(78, 3.0, 4.0)]}
    watcher.heard(operators.World(now=NOW, players=2, shown=2, members=dots))
    (world,) = heard.worlds
    assert (world.size, world.cell) == (1000, 50)
    assert world.players == (Sighting("77", 1.0, 2.0, 3), Sighting("78", 3.0, 4.0, 0))


def test_what_a_router_in_the_arena_tells_is_understood() -> None:
    arena = Arena(seed=3)
    arena.start_router()
    arena.start_server("eu")
    arena.start_server("us")
    arena.run(2.0)
    ada = arena.start_player()
    arena.run(1.5)
    heard = Heard()
    watcher = Watcher(heard)
    arena.start_desk(watch=Watch(world=True), on_update=watcher.heard)
    arena.run(2.0)
    there = "us" if arena.home_of(ada) == "eu" else "eu"
    arena.move(ada, there)
    arena.run(3.0)
    latest = heard.statuses[-1]
    assert {each.name: each.players for each in latest.servers}[there] == 1
    assert heard.worlds[-1].players[0].server == latest.servers[there == "us"].number
    assert [each.target for each in heard.moves] == [there]
    assert latest.settled == 1


def router(name: str, *under: MemberStatus, players: int, **fields: Any) -> MemberStatus:
    """One below, with all its members."""
    count = sum(each.servers if each.role == "router" else 1 for each in under)
    known = sample(players=players, **fields)
    return MemberStatus(name, "router", "", sample=known, under=list(under), servers=count)


def test_a_tree_is_shown_with_its_servers_and_each_counts_once() -> None:
    leaf = router("west-1", member("gs-3", 0, sample=sample(players=5)), players=5, load=0.2)
    told = overview(
        router("east", member("gs-1", 0, sample=sample(players=20)), players=20, load=0.5),
        router("west", leaf, member("gs-2", 0, sample=sample(players=7)), players=12, load=0.3),
        member("gs-0", 9, sample=sample(players=1, load=0.9)),
    )
    heard = Heard()
    Watcher(heard).heard(told)
    (status,) = heard.statuses
    assert [(each.name, each.above, each.servers) for each in status.zones] == [
        ("east", "", 1),
        ("west", "", 2),
        ("west-1", "west", 1),
    ]
    assert {each.name: each.zone for each in status.servers} == {
        "gs-0": "",
        "gs-1": "east",
        "gs-2": "west",
        "gs-3": "west-1",
    }
    assert len({each.number for each in status.servers}) == 4, "each has a mark of its own"
    sums = documents.fleet(status)
    assert (sums["players"], sums["servers"], sums["load"]) == (33, 4, 0.5)
    board = Board(lambda n: bytes(n))
    board.post_status(status, NOW)
    shown = documents.status(board, NOW)
    assert [each["name"] for each in shown["zones"]] == ["east", "west", "west-1"]


def test_a_zone_whose_servers_are_too_many_to_show_counts_all_the_same() -> None:
    told = overview(
        MemberStatus("east", "router", "", sample=sample(players=9_000), servers=500),
    )
    heard = Heard()
    Watcher(heard).heard(told)
    sums = documents.fleet(heard.statuses[0])
    assert (sums["servers"], sums["players"]) == (500, 9_000)


def test_one_router_alone_says_nothing_of_zones() -> None:
    heard = Heard()
    Watcher(heard).heard(overview(member("gs-1", 1, sample=sample())))
    board = Board(lambda n: bytes(n))
    board.post_status(heard.statuses[0], NOW)
    shown = documents.status(board, NOW)
    assert "zones" not in shown
    assert "zone" not in shown["servers"][0]
