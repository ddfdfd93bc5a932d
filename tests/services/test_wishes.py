"""Players who wish to be moved, and what operators announce: what the router answers."""

from __future__ import annotations

from test_operators import answer, playing

from clientmigration.core.player.ledger import Record
from clientmigration.net.operator import OperatorClient
from clientmigration.router.notices import KEY, NOTICED_S
from clientmigration.router.wishes import EACH_S
from clientmigration.testing import Arena
from clientmigration.wire.operators import Announce, AskOrders, Ended, MoveWish

EQUALS = ("router", "other")


def test_who_shows_a_players_token_may_have_it_moved_though_it_only_watches() -> None:
    arena, (ada,) = playing("eu", "us")
    desk = arena.start_desk("watcher")
    arena.run(1.0)
    before = arena.home_of(ada)
    wished = answer(arena, desk.ask(MoveWish(0, ada.token)))
    assert wished.outcome == "settled"
    arena.run(1.0)
    assert arena.home_of(ada) != before
    assert (ada.tally.missed, ada.tally.lost) == (0, 0)


def test_wishes_are_few_and_prove_whose_they_are() -> None:
    arena, (ada,) = playing("eu", "us")
    desk = arena.start_desk("watcher")
    arena.run(1.0)
    forged = answer(arena, desk.ask(MoveWish(0, ada.token[:-4] + "AAAA")))
    assert forged.outcome == "refused"
    first, second = (desk.ask(MoveWish(0, ada.token)) for _ in range(2))
    assert answer(arena, first).outcome == "settled"
    assert answer(arena, second).outcome == "refused"
    arena.run(EACH_S)
    assert answer(arena, desk.ask(MoveWish(0, ada.token))).outcome == "settled"


def test_where_there_is_one_server_a_wish_is_refused_in_words() -> None:
    arena, (ada,) = playing("eu")
    desk = arena.start_desk("watcher")
    arena.run(1.0)
    wished = answer(arena, desk.ask(MoveWish(0, ada.token)))
    assert (wished.outcome, wished.text) == ("refused", "no other server takes you now")


def test_what_is_announced_is_told_to_all_until_it_is_over() -> None:
    arena, _ = playing("eu")
    desk = arena.start_desk("operator")
    arena.run(1.0)
    said = answer(arena, desk.ask(Announce(0, "A new map comes", end=4e9)))
    assert isinstance(said, Ended)
    arena.run(1.0)
    assert desk.overview is not None
    assert [each.text for each in desk.overview.notices] == ["A new map comes"]
    over = answer(arena, desk.ask(Announce(0, over=said.text)))
    assert over.outcome == "done"
    arena.run(1.5)
    assert desk.overview.notices == ()
    assert answer(arena, desk.ask(Announce(0, over="nobody"))).outcome == "refused"
    assert answer(arena, desk.ask(Announce(0, " "))).outcome == "refused"


def test_equal_routers_tell_the_same_notices_and_either_ends_them() -> None:
    arena = Arena(equals=EQUALS)
    for name in EQUALS:
        arena.start_router(name)
    arena.run(4.0)
    here, there = (arena.start_desk("operator", router=name) for name in EQUALS)
    arena.run(1.0)
    said = answer(arena, here.ask(Announce(0, "Joins are slow", "incident")))
    arena.run_until(lambda: noticed(there) == ["Joins are slow"], NOTICED_S + 2.0)
    assert noticed(here) == ["Joins are slow"]
    assert answer(arena, there.ask(Announce(0, over=said.text))).outcome == "done"
    arena.run(NOTICED_S + 2.0)
    told = [desk.overview.notices for desk in (here, there) if desk.overview]
    assert told[0] == told[1]
    assert [bool(each.end) for each in told[0]] == [True], "an incident that is over is history"
    orders = answer(arena, there.ask(AskOrders(0))).orders
    assert [(each.by, each.text, each.router) for each in orders] == [
        ("secret", "incident, Joins are slow", EQUALS[0]),
        ("secret", "over", EQUALS[1]),
    ]


def noticed(desk: OperatorClient) -> list[str]:
    """What it is told now."""
    return [each.text for each in desk.overview.notices] if desk.overview else []


def test_a_notice_outlives_those_whom_a_ledger_forgets() -> None:
    arena, _ = playing("eu")
    desk = arena.start_desk("operator")
    arena.run(0.5)
    answer(arena, desk.ask(Announce(0, "Joins are slow", "incident")))
    kept = arena.ledger.records[KEY]
    old = arena.router.now() - 91 * 86_400
    arena.ledger.records[KEY] = Record(KEY, "", kept.epoch, "", kept.snapshot, old)
    arena.router.forget()
    arena.run(NOTICED_S + 1.0)
    assert noticed(desk) == ["Joins are slow"]
