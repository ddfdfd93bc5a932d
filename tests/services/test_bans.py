"""Who is kicked is out; who is banned stays out, whichever way and router it comes by."""

from __future__ import annotations

from typing import Any

import pytest
from test_operators import answer, playing

from clientmigration.client.player import Player
from clientmigration.core.player.bans import HEAD, Ban, banned, bans_in, shard_of, unbanned
from clientmigration.core.player.given import KEPT, Given, given, orders_in
from clientmigration.core.player.ledger import Record
from clientmigration.net.named_keys import NamedKeys, alone
from clientmigration.net.operator import Credentials, OperatorClient
from clientmigration.testing import Arena
from clientmigration.wire.operators import (
    Announce,
    AskBans,
    AskOrders,
    Ended,
    Find,
    Govern,
    Listing,
    Order,
    Verb,
)

EQUALS = ("router", "other")
NOW = 1_700_000_000.0


def order(arena: Arena, desk: OperatorClient, do: Verb, player: str, **more: Any) -> Ended:
    """What became of an order about a player."""
    ended = answer(arena, desk.ask(Order(0, do, player=player, **more)))
    assert isinstance(ended, Ended)
    return ended


def lost(player: Player) -> list[str]:
    """The codes with which this player loses its connections, from now on."""
    codes: list[str] = []
    player.on("lost", lambda why: codes.append(why.code))
    return codes


def out(arena: Arena, player: Player) -> bool:
    """Whether no server plays it."""
    return not any(seat.player == player.name and seat.entered for seat in arena.seats())


def test_a_banned_player_is_out_within_a_second_and_is_told_why() -> None:
    arena, (ada, bob) = playing("eu", "us", players=2)
    desk, codes = arena.start_desk("operator"), lost(ada)
    arena.run(0.5)
    said: list[Any] = []
    ada.on("lost", said.append)
    ended = order(arena, desk, "ban", ada.name, reason="it cheats", until=arena.router.now() + 3600)
    assert ended.outcome == "done"
    arena.run_until(lambda: out(arena, ada), 1.0)
    arena.run(0.1)
    assert codes == ["banned"]
    assert said[0].text.startswith("you are banned until 20")
    assert said[0].text.endswith(" UTC: it cheats")
    assert ada.state == "ended"
    assert ada.ended.startswith("banned: ")
    arena.run(5.0)
    assert bob.state == "playing"
    assert bob.tally.missed == 0


def test_a_banned_player_does_not_come_back_by_its_token_and_may_when_that_is_over() -> None:
    arena, (ada,) = playing("eu", "us")
    desk = arena.start_desk("operator")
    arena.run(0.5)
    order(arena, desk, "ban", ada.name, until=arena.router.now() + 60)
    arena.run(1.0)
    again = arena.start_player(ada.token)
    arena.run(2.0)
    assert (again.state, again.ended[:7]) == ("ended", "banned:")
    assert arena.router.meter.totals["banned_joins"] == 1
    arena.run(60.0)
    once_more = arena.start_player(ada.token)
    arena.run(3.0)
    assert (once_more.state, once_more.name) == ("playing", ada.name)


def test_a_ban_is_kept_over_a_restart_of_the_router_and_ended_by_order() -> None:
    arena, (ada,) = playing("eu", "us")
    desk = arena.start_desk("operator")
    arena.run(0.5)
    order(arena, desk, "ban", ada.name, reason="for good")
    arena.kill("router")
    arena.start_router()
    arena.run(3.0)
    again = arena.start_player(ada.token)
    arena.run(2.0)
    assert again.state == "ended"
    desk = arena.start_desk("operator")
    arena.run(0.5)
    listed = answer(arena, desk.ask(AskBans(0)))
    assert [(each.player, each.reason, each.by) for each in listed.bans] == [
        (ada.name, "for good", "secret")
    ]
    assert order(arena, desk, "unban", ada.name).outcome == "done"
    assert order(arena, desk, "unban", ada.name).outcome == "refused"
    once_more = arena.start_player(ada.token)
    arena.run(3.0)
    assert once_more.state == "playing"


def test_who_is_unbanned_at_once_comes_back_at_once() -> None:
    arena, (ada,) = playing("eu")
    desk = arena.start_desk("operator")
    arena.run(0.5)
    order(arena, desk, "ban", ada.name)
    order(arena, desk, "unban", ada.name)
    again = arena.start_player(ada.token)
    arena.run(2.0)
    assert again.state == "playing"


def test_a_ticket_from_before_a_ban_opens_nothing() -> None:
    arena, (ada,) = playing("eu")
    desk = arena.start_desk("operator")
    arena.run(0.5)
    server = arena.servers["eu"]
    order(arena, desk, "ban", ada.name, reason="no")
    arena.run(0.2)
    assert server.seats.barred.of(ada.name) == ("banned", "you are banned: no")
    arena.run(13.0)  # no ticket is good for so long
    assert server.seats.barred.of(ada.name) is None


@pytest.mark.parametrize("after_s", [0.0, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2])
def test_who_is_banned_in_the_middle_of_a_move_is_out_too(after_s: float) -> None:
    arena, (ada,) = playing("eu", "us")
    desk, home = arena.start_desk("operator"), arena.home_of(ada)
    arena.run(0.5)
    arena.move(ada, "us" if home == "eu" else "eu")
    arena.run(after_s)
    desk.ask(Order(0, "ban", player=ada.name))
    arena.run(1.0)
    assert ada.state == "ended"
    arena.run(14.0)
    assert out(arena, ada)
    assert not [seat for seat in arena.seats() if seat.player == ada.name]


@pytest.mark.parametrize("after_s", [0.0, 0.002, 0.004, 0.006, 0.01, 0.02, 0.04, 0.08])
def test_who_is_banned_while_it_comes_in_is_out_too(after_s: float) -> None:
    arena, (ada,) = playing("eu", "us")
    desk = arena.start_desk("operator")
    arena.run(0.5)
    ada.stop()
    arena.run(1.0)
    again = arena.start_player(ada.token)
    arena.run(after_s)
    desk.ask(Order(0, "ban", player=ada.name))
    arena.run(1.0)
    assert again.state == "ended"
    assert again.ended.startswith("banned")
    arena.run(14.0)
    assert out(arena, again)


def test_a_kicked_player_is_out_and_may_come_back() -> None:
    arena, (ada, bob) = playing("eu", "us", players=2)
    desk, codes = arena.start_desk("operator"), lost(ada)
    arena.run(0.5)
    ended = order(arena, desk, "kick", ada.name, reason="a moment, please")
    assert (ended.outcome, ended.text.endswith(", and is out")) == ("done", True)
    arena.run_until(lambda: out(arena, ada), 1.0)
    arena.run(0.5)
    assert (codes, ada.state) == (["kicked"], "ended")
    assert ada.ended == "kicked: an operator asks you to leave: a moment, please"
    assert order(arena, desk, "kick", ada.name).outcome == "refused"  # it plays nowhere
    again = arena.start_player(ada.token)
    arena.run(3.0)
    assert (again.state, again.name) == ("playing", ada.name)
    assert bob.state == "playing"


def test_who_waits_in_line_is_put_out_as_well() -> None:
    arena = Arena()
    arena.start_router()
    arena.start_server("eu", capacity=1)
    arena.run(2.0)
    arena.start_player()
    arena.run(2.0)
    ada = arena.start_player()
    arena.run(2.0)
    assert ada.position == 1
    desk = arena.start_desk("operator")
    arena.run(0.5)
    order(arena, desk, "ban", ada.name)
    arena.run(0.5)
    assert (ada.state, ada.ended) == ("ended", "banned: you are banned")


def test_a_ban_by_one_router_counts_at_its_equals_within_a_second() -> None:
    arena = Arena(equals=EQUALS)
    for name in EQUALS:
        arena.start_router(name)
    for name in ("eu", "us"):
        arena.start_server(name)
    arena.run(4.0)
    players = [arena.start_player() for _ in range(4)]
    arena.run(4.0)
    ada = players[0]
    desk = arena.start_desk("operator", router=EQUALS[0])
    arena.run(0.5)
    desk.ask(Order(0, "ban", player=ada.name, reason="no"))
    arena.run(1.0)
    assert ada.state == "ended"
    for name in EQUALS:
        assert arena.routers[name].bans.of(ada.name) is not None
    for _ in range(4):  # whichever router it comes to
        again = arena.start_player(ada.token)
        arena.run(1.0)
        assert again.ended.startswith("banned")
    other = arena.start_desk("operator", router=EQUALS[1])
    arena.run(0.5)
    listed = answer(arena, other.ask(AskBans(0)))
    assert [each.player for each in listed.bans] == [ada.name]
    orders = answer(arena, other.ask(AskOrders(0)))
    assert [(each.do, each.router) for each in orders.orders] == [("ban", EQUALS[0])]


def test_a_server_that_did_not_hear_of_a_ban_hears_of_it_with_its_next_roster() -> None:
    arena, (ada,) = playing("eu")
    desk = arena.start_desk("operator")
    arena.run(0.5)
    arena.network.cut("router", "eu")
    desk.ask(Order(0, "ban", player=ada.name))
    arena.run(1.0)
    assert ada.state == "playing"
    arena.network.heal("router", "eu")
    arena.network.reset("router", "eu")
    arena.run_until(lambda: out(arena, ada), 10.0)


def test_players_are_listed_page_by_page() -> None:
    arena, crowd = playing("eu", "us", players=7)
    desk = arena.start_desk()
    arena.run(3.0)
    names, after, more = list[str](), "", True
    while more:
        page = answer(arena, desk.ask(Listing(0, after=after, most=3)))
        assert page.total == 7
        names += [each.player for each in page.players]
        more, after = page.more, names[-1]
    assert names == sorted(each.name for each in crowd)
    of_one = answer(arena, desk.ask(Listing(0, "eu")))
    assert {each.member for each in of_one.players} == {"eu"}
    assert {each.state for each in of_one.players} == {"playing"}


def test_nobody_is_banned_by_half_a_name_or_until_yesterday() -> None:
    arena, (ada,) = playing("eu")
    desk = arena.start_desk("operator")
    arena.run(0.5)
    assert order(arena, desk, "ban", ada.name[:6]).outcome == "refused"
    past = order(arena, desk, "ban", ada.name, until=arena.router.now() - 1)
    assert (past.outcome, past.text) == ("refused", "that time is past already")
    assert ada.state == "playing"


def test_bans_and_orders_outlive_those_whom_a_ledger_forgets() -> None:
    arena, (ada,) = playing("eu")
    desk = arena.start_desk("operator")
    arena.run(0.5)
    order(arena, desk, "ban", ada.name)
    arena.run(1.0)
    router = arena.router
    records = arena.ledger.records
    old = router.now() - 91 * 86_400
    for key in (shard_of(ada.name), HEAD, "kept-orders"):
        records[key] = Record(key, "", records[key].epoch, "", records[key].snapshot, old)
    router.forget()
    arena.run(1.0)
    assert bans_in(records[shard_of(ada.name)], router.now())
    assert [each.do for each in orders_in(records["kept-orders"])] == ["ban"]


# Orders, and who gave them.


def desk_of(arena: Arena, name: str, key: bytes) -> OperatorClient:
    """An operator with a name, at its desk."""
    desk = arena.start_desk(who=Credentials("operator", alone(key), name))
    arena.run(0.5)
    return desk


def test_each_order_is_kept_with_who_gave_it_and_what_came_of_it() -> None:
    ada_key, bob_key = b"a" * 32, b"b" * 32
    arena = Arena(operators=NamedKeys({"ada": (ada_key,), "bob": (bob_key,)}))
    posted: list[tuple[str, str]] = []

    def post(what: str, tags: list[str], when: int, data: str = "") -> None:
        posted.append((what, data))

    arena.events.post = post  # type: ignore[method-assign]
    arena.start_router()
    arena.start_server("eu")
    arena.run(2.0)
    player = arena.start_player()
    arena.run(2.0)
    ada, bob = desk_of(arena, "ada", ada_key), desk_of(arena, "bob", bob_key)
    answer(arena, ada.ask(Order(0, "drain", "eu")))
    order(arena, bob, "kick", player.name, reason="late")
    arena.run(1.0)
    arena.kill("router")
    arena.start_router()
    arena.run(3.0)
    desk = arena.start_desk()
    arena.run(0.5)
    orders = answer(arena, desk.ask(AskOrders(0))).orders
    assert [(each.by, each.do, each.subject, each.text) for each in orders] == [
        ("ada", "drain", "eu", ""),
        ("bob", "kick", player.name, "late"),
    ]
    assert orders[0].outcome.startswith("refused: no other server takes players")
    assert orders[1].outcome == "done"
    lines = [data for what, data in posted if what == "order"]
    assert lines == [each.line for each in orders]
    assert lines[1] == f"bob says kick {player.name} (late): done"


def test_notices_and_policies_are_orders_too() -> None:
    ada_key = b"a" * 32
    arena = Arena(operators=NamedKeys({"ada": (ada_key,)}))
    arena.start_router()
    arena.run(1.0)
    ada = desk_of(arena, "ada", ada_key)
    for take in (False, True):  # a question is no order
        answer(arena, ada.ask(Govern(0, {"limits": {"moves_per_second": 7.0}}, take)))
    answer(arena, ada.ask(Govern(0, {"limits": {"moves_per_second": -7.0}})))
    name = answer(arena, ada.ask(Announce(0, "Joins are slow", "incident"))).text
    answer(arena, ada.ask(Announce(0, over=name)))
    answer(arena, ada.ask(Announce(0, over="nobody")))
    orders = answer(arena, ada.ask(AskOrders(0))).orders
    assert {each.by for each in orders} == {"ada"}
    told = [(each.do, each.subject, each.text, each.outcome.split(":")[0]) for each in orders]
    assert told == [
        ("policy", "router", "limits.moves_per_second: 25.0 to 7.0", "done"),
        ("policy", "router", "", "refused"),
        ("announce", name, "incident, Joins are slow", "done"),
        ("announce", name, "over", "done"),
        ("announce", "nobody", "over", "refused"),
    ]


def test_an_operator_whose_key_is_taken_is_out_at_once_and_does_not_come_back() -> None:
    keys = NamedKeys({"ada": (b"n" * 32, b"o" * 32), "bob": (b"b" * 32,)})
    arena = Arena(operators=keys)
    arena.start_router()
    arena.start_server("eu")
    arena.run(2.0)
    new, old = desk_of(arena, "ada", b"n" * 32), desk_of(arena, "ada", b"o" * 32)
    bob = desk_of(arena, "bob", b"b" * 32)
    assert [each.router for each in (new, old, bob)] == ["router"] * 3  # two keys are good
    keys._keys = {"ada": (b"n" * 32,)}
    arena.run(1.5)
    assert (new.over, "not good any more" in str(old.over), bob.over is None) == (None, True, False)
    assert "no key of an operator called 'bob'" in str(desk_of(arena, "bob", b"b" * 32).over)
    assert order(arena, new, "kick", "ab" * 8).outcome == "refused"


def test_the_key_of_one_operator_is_not_another_ones_name() -> None:
    arena = Arena(operators=NamedKeys({"ada": (b"a" * 32,), "bob": (b"b" * 32,)}))
    arena.start_router()
    assert desk_of(arena, "bob", b"a" * 32).over is not None
    assert desk_of(arena, "", b"a" * 32).over is not None
    arena.run(1.0)


def test_who_is_looked_for_and_never_was_is_named() -> None:
    arena, _ = playing("eu")
    desk = arena.start_desk()
    arena.run(0.5)
    ended = answer(arena, desk.ask(Find(0, "login:ada")))
    assert (ended.outcome, ended.text) == ("refused", "no player is called 'login:ada'")


# The rules of the records.


def test_a_ban_replaces_the_one_before_and_what_is_over_is_left_out() -> None:
    record = Record("kept-bans-0")
    for ban in (Ban("ada", "one", NOW + 5), Ban("bob", "two"), Ban("ada", "three", NOW + 9)):
        changed = banned(ban)(record, NOW)
        assert changed is not None
        record = changed
    assert {ban.reason for ban in bans_in(record, NOW).values()} == {"two", "three"}
    assert list(bans_in(record, NOW + 9)) == ["bob"]
    assert unbanned("ada")(record, NOW + 9) is None
    left = unbanned("bob")(record, NOW + 9)
    assert left is not None
    assert bans_in(left, NOW) == {}


def test_the_latest_orders_are_kept_and_none_twice() -> None:
    orders = [Given(NOW + n, "ada", "kick", "bob", "", "done") for n in range(KEPT + 10)]
    record = given(orders[:5])(Record("kept-orders"), NOW)
    assert record is not None
    record = given(orders)(record, NOW)
    assert record is not None
    assert orders_in(record) == orders[10:]
