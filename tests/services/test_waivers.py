"""A player that is frozen when the router dies goes on without it."""

from __future__ import annotations

from clientmigration.client.player import Player
from clientmigration.core.player.migration import Outcome
from clientmigration.games.meadow import wire as meadow
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.waivers import Waivers
from clientmigration.router.move import MoveEnded
from clientmigration.router.outside import RouterParts
from clientmigration.router.recovery import Recovery
from clientmigration.testing import Arena, Parts
from clientmigration.testing.fakes import Disk

DELAY_S = 0.002
SLOW_S = 0.01  # so that there is time between a claim and what the router says of it
SEED = 2  # with which the ledger takes this time for its answer


def playing(*servers: str, parts: Parts | None = None) -> tuple[Arena, Player, str, str]:
    """Servers that know each other, and one player; where it is, and where it is not."""
    arena = Arena(SEED, delay_s=DELAY_S, parts=parts or Parts(), disk=Disk(SLOW_S))
    arena.start_router()
    for name in servers:
        arena.start_server(name)
    arena.run(2.0)
    ada = arena.start_player()
    arena.run_until(lambda: ada.state == "playing")
    arena.run(1.0)
    arena.watchers.append(lambda: one_home(arena, ada))
    home = arena.home_of(ada)
    return arena, ada, home, next(name for name in servers if name != home)


def one_home(arena: Arena, player: Player) -> None:
    assert len(arena.homes_of(player)) <= 1


def walk(arena: Arena, player: Player, seconds: float) -> None:
    for n in range(round(seconds * 10)):
        player.act(meadow.move(1.0 + n % 3, 0.5))
        arena.run(0.1)


def owner(arena: Arena, player: Player) -> tuple[str, int]:
    return arena.ledger.records[player.name].claim[:2]


def seat_of(arena: Arena, player: Player, member: str) -> Seat | None:
    return arena.servers[member].seats.find(player.name)


def played_at(arena: Arena, player: Player) -> tuple[str, int]:
    home = arena.home_of(player)
    return home, arena.servers[home].seats[player.name].epoch


def moved(arena: Arena, player: Player, target: str) -> list[Outcome]:
    """The outcome appears in the list that this answers."""
    ended: list[Outcome] = []
    arena.move(player, target).addCallback(ended.append)
    return ended


def run_until_claimed(arena: Arena, player: Player, target: str) -> None:
    """The ledger names the target, which has not heard of it."""
    while owner(arena, player)[0] != target:
        arena.run(0.0005)
    assert arena.homes_of(player) == []


def cut_off(arena: Arena, member: str) -> None:
    """It has lost the router, which goes on."""
    arena.network.reset(member, "router")
    arena.network.cut(member, "router")


def assert_given_back(arena: Arena, player: Player, target: str, home: str) -> None:
    """The ledger names the target, until the source can be heard again."""
    assert owner(arena, player) == (target, 2)
    arena.network.heal(home, "router")
    walk(arena, player, 6.0)
    assert owner(arena, player) == played_at(arena, player) == (home, 3)
    assert_felt_nothing(player)


def assert_felt_nothing(player: Player) -> None:
    tally = player.tally
    assert (tally.lost, tally.doubled, tally.missed, player.rejoins) == (0, 0, 0, 0)


def test_whenever_the_router_dies_the_player_plays_on_and_the_next_one_sees_it_so() -> None:
    seen: set[tuple[bool, bool, bool]] = set()
    for ms in range(0, 200, 4):
        arena, ada, home, target = playing("eu", "us")
        moved(arena, ada, target)
        arena.run(ms / 1000)
        arena.kill("router")
        seat, claimed = seat_of(arena, ada, home), owner(arena, ada)[0] == target
        frozen = seat is not None and seat.held
        walk(arena, ada, 1.0)
        assert ada.tally.acked >= ada.tally.seq - 1, f"stands still after {ms} ms"
        seen.add((frozen, claimed, arena.home_of(ada) == target))
        arena.start_router()
        arena.run(6.0)
        assert owner(arena, ada) == played_at(arena, ada)
        ended = moved(arena, ada, "us" if arena.home_of(ada) == "eu" else "eu")
        walk(arena, ada, 1.0)
        assert ended == [Outcome.SETTLED]
        assert_felt_nothing(ada)
        assert arena.coins() == 10
    assert seen == {
        (False, False, False),  # not yet frozen
        (True, False, False),  # frozen, and the claim was not made
        (True, True, False),  # it was made, and the target has not begun
        (True, True, True),  # it has begun
        (False, True, True),  # and was settled
    }


def test_who_has_waived_does_not_take_the_player_when_it_becomes_the_owner_after_all() -> None:
    arena, ada, home, target = playing("eu", "us")
    ended = moved(arena, ada, target)
    run_until_claimed(arena, ada, target)
    arena.network.cut("router", target)  # what the router says to the target is late
    cut_off(arena, home)
    walk(arena, ada, 0.5)
    assert arena.home_of(ada) == home
    arena.network.heal("router", target)
    walk(arena, ada, 0.5)
    assert ended == [Outcome.LOST]
    assert_given_back(arena, ada, target, home)


def test_a_target_that_has_passed_the_player_on_waives_nothing() -> None:
    arena, ada, home, target = playing("au", "eu", "us")
    moved(arena, ada, target)
    run_until_claimed(arena, ada, target)
    arena.network.cut("router", home)  # it never hears of the release
    walk(arena, ada, 0.5)
    assert arena.home_of(ada) == target
    third = next(name for name in arena.servers if name not in (home, target))
    ended = moved(arena, ada, third)
    walk(arena, ada, 0.5)
    assert ended == [Outcome.SETTLED]
    arena.run_until(lambda: arena.servers[home].attachment.line is None)
    walk(arena, ada, 2.0)
    assert arena.homes_of(ada) == [third]
    arena.network.heal("router", home)
    walk(arena, ada, 6.0)
    assert seat_of(arena, ada, home) is None
    assert_felt_nothing(ada)


def test_where_the_target_can_not_be_asked_the_player_waits_and_loses_nothing() -> None:
    arena, ada, home, target = playing("eu", "us")
    moved(arena, ada, target)
    run_until_claimed(arena, ada, target)
    arena.kill("router")
    arena.network.cut(home, target)
    walk(arena, ada, 1.0)
    assert arena.homes_of(ada) == []
    arena.start_router()
    walk(arena, ada, 6.0)
    assert owner(arena, ada) == played_at(arena, ada)
    arena.run(1.0)
    assert (ada.tally.lost, ada.tally.doubled, ada.tally.acked) == (0, 0, ada.tally.seq)


def test_who_goes_home_before_a_router_knows_is_kept_as_it_left() -> None:
    arena, ada, home, target = playing("eu", "us")
    moved(arena, ada, target)
    run_until_claimed(arena, ada, target)
    arena.kill("router")
    walk(arena, ada, 1.0)
    assert arena.home_of(ada) == home
    arena.run(0.2)
    ada.stop()
    arena.run(1.0)
    arena.start_router()
    arena.run(10.0)
    record = arena.ledger.records[ada.name]
    assert record.owner == ""
    assert record.snapshot is not None
    assert record.snapshot.progress.last == ada.tally.seq
    assert seat_of(arena, ada, home) is None


def test_a_target_that_forgot_its_promise_by_starting_anew_is_not_given_the_player() -> None:
    arena, ada, home, target = playing("eu", "us")
    assert arena.disk is not None
    ended = moved(arena, ada, target)
    while not arena.servers[home].seats[ada.name].held:
        arena.run(0.0005)
    arena.disk.failing = 1.0  # the claim is not answered for a while
    arena.run(0.1)
    cut_off(arena, home)
    walk(arena, ada, 0.5)
    assert arena.home_of(ada) == home
    arena.kill(target)
    arena.start_server(target)
    walk(arena, ada, 2.0)
    arena.disk.failing = 0.0
    walk(arena, ada, 1.0)
    assert ended == [Outcome.LOST]
    assert_given_back(arena, ada, target, home)


def test_who_was_waived_while_the_ledger_was_silent_is_given_back_as_soon_as_it_answers() -> None:
    arena, ada, home, target = playing("eu", "us")
    assert arena.disk is not None
    ended = moved(arena, ada, target)
    while not arena.servers[home].seats[ada.name].held:
        arena.run(0.0005)
    arena.disk.failing = 1.0
    walk(arena, ada, 0.7)
    assert arena.home_of(ada) == home
    arena.disk.failing = 0.0
    arena.run_until(lambda: bool(ended))
    assert ended == [Outcome.LOST]
    arena.run(5 * SLOW_S)
    assert owner(arena, ada) == played_at(arena, ada) == (home, 3)
    assert not arena.servers[home].seats[ada.name].life.now.waived
    assert_felt_nothing(ada)


def test_the_router_hears_at_once_who_was_waived() -> None:
    arena, ada, home, target = playing("eu", "us")
    assert arena.disk is not None
    moved(arena, ada, target)
    while not arena.servers[home].seats[ada.name].held:
        arena.run(0.0005)
    arena.disk.failing = 1.0
    seat = arena.servers[home].seats[ada.name]
    arena.run_until(lambda: bool(seat.life.now.waived))
    arena.run(0.15)
    link = arena.router.members.get(home)
    assert link is not None
    assert link.roster[ada.name].waived


class Full(Waivers):
    """Keeps as many promises as it can."""

    most = 0


def test_who_can_not_be_promised_anything_waits_for_the_ledger_and_loses_nothing() -> None:
    arena, ada, _, target = playing("eu", "us", parts=Parts(waivers=Full))
    assert arena.disk is not None
    ended = moved(arena, ada, target)
    while arena.homes_of(ada):
        arena.run(0.0005)
    arena.disk.failing = 1.0
    walk(arena, ada, 1.0)
    assert arena.homes_of(ada) == []
    arena.disk.failing = 0.0
    walk(arena, ada, 1.0)
    assert ended == [Outcome.SETTLED]
    assert owner(arena, ada) == played_at(arena, ada) == (target, 2)
    assert_felt_nothing(ada)


class Late(Recovery):
    """Settles who was waived with the next roster only."""

    def ended(self, ended: MoveEnded) -> None:
        pass


def test_who_comes_back_before_it_was_given_back_is_as_it_left() -> None:
    arena, ada, _, target = playing("eu", "us", parts=Parts(RouterParts(recovery=Late)))
    assert arena.disk is not None
    ended = moved(arena, ada, target)
    while arena.homes_of(ada):
        arena.run(0.0005)
    arena.disk.failing = 1.0
    walk(arena, ada, 0.7)
    arena.run(0.2)
    ada.stop()
    arena.run(0.1)
    arena.disk.failing = 0.0
    arena.run_until(lambda: bool(ended))
    assert owner(arena, ada) == (target, 2)
    back = arena.start_player(ada.token)
    arena.run_until(lambda: back.state == "playing")
    there = arena.servers[arena.home_of(back)].seats[back.name]
    assert there.inbox.progress.last == ada.tally.seq
    assert owner(arena, back) == played_at(arena, back)
    assert owner(arena, back)[1] == 4
