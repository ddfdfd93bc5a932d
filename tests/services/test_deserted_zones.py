"""A zone that died for good: an operator has it forgotten, and its players play elsewhere."""

from __future__ import annotations

from typing import Any

from grown import add_zones, answer_of

from clientmigration.core.fleet.zones import FAR, deserted
from clientmigration.core.player.ledger import Record
from clientmigration.net.ledger import MemoryLedger
from clientmigration.testing import Arena
from clientmigration.wire.operators import AskOrders, Order


def tree(roots: tuple[str, ...] = ("router",), seed: int = 7) -> Arena:
    """One root, or equals, and two zones of two servers each."""
    arena = Arena(seed=seed, equals=roots if len(roots) > 1 else ())
    add_zones(arena, roots)
    arena.run(4.0)
    for _ in range(8):
        arena.start_player(router=",".join(roots))
    arena.run(4.0)
    return arena


def ordered(arena: Arena, zone: str, root: str = "router") -> Any:
    """What becomes of the order to forget a zone."""
    return answer_of(arena, Order(0, "forget", zone), root, "operator")


def die(arena: Arena, zone: str) -> list[Any]:
    """The zone's router and all its servers are gone at once. Whose players had been there."""
    there = [each for each in arena.players if arena.home_of(each).startswith(zone)]
    for name in (zone, f"{zone}-1", f"{zone}-2"):
        arena.kill(name)
    assert there
    return there


def test_players_of_a_zone_that_is_gone_play_elsewhere_as_soon_as_it_is_forgotten() -> None:
    arena = tree()
    lost = die(arena, "a")
    arena.run(20.0)
    assert not any(map(arena.home_of, lost)), "nobody gives them up by itself"
    done = ordered(arena, "a")
    assert (done.outcome, done.text) == (
        "done",
        f"a is forgotten: {len(lost)} players of it are nobody's now",
    )
    arena.run(15.0)
    assert all(arena.home_of(each).startswith("b") for each in lost)
    assert [each for each in arena.ledger.records.values() if each.owner == "a"] == []
    orders = answer_of(arena, AskOrders(0), role="operator").orders
    assert [(each.do, each.subject, each.outcome) for each in orders] == [("forget", "a", "done")]
    assert orders[0].text == done.text


def test_a_zone_that_is_attached_or_never_was_is_not_forgotten() -> None:
    arena = tree()
    before = dict(arena.ledger.records)
    refused = ordered(arena, "a")
    assert (refused.outcome, refused.text) == ("refused", "a is attached: drain it, and stop it")
    refused = ordered(arena, "c")
    assert refused.text == "no router that is away is called 'c'; away: none"
    owners = {name: each.owner for name, each in before.items() if name in arena.ledger.records}
    assert {name: arena.ledger.records[name].owner for name in owners} == owners


def test_one_of_two_equals_forgets_a_zone_and_the_other_knows() -> None:
    arena = tree(("r1", "r2"))
    lost = die(arena, "a")
    arena.run(5.0)
    assert ordered(arena, "a", "r1").outcome == "done"
    refused = ordered(arena, "a", "r2")
    assert refused.text == "no router that is away is called 'a'; away: none"
    arena.kill("r1")
    arena.run(25.0)
    assert all(arena.home_of(each).startswith("b") for each in lost)


def test_a_zone_that_comes_back_after_all_does_not_take_anybody_back() -> None:
    arena = tree()
    lost = die(arena, "a")
    arena.run(5.0)
    ordered(arena, "a")
    arena.run(10.0)
    homes = {each.name: arena.home_of(each) for each in lost}
    arena.start_router("a", parent="router")
    for n in "12":
        arena.start_server(f"a-{n}", router="a")
    arena.run(8.0)
    assert {each.name: arena.home_of(each) for each in lost} == homes
    assert "a" in arena.routers["router"].members
    here = [each for each in arena.players if arena.home_of(each).startswith("b")]
    arena.cross(here[0], "b", "a")
    arena.run(2.0)
    assert arena.home_of(here[0]).startswith("a"), "it is a zone like any other"


def test_only_players_of_that_zone_are_made_nobodys_and_once() -> None:
    rule = deserted("a")
    ledger = MemoryLedger({n: Record(n, owner, 3) for n, owner in (("x", "a"), ("y", "b"))})
    changed = rule(ledger.records["x"], 7.0)
    assert changed is not None
    assert (changed.owner, changed.epoch, changed.stored_at) == ("", 3 + FAR, 7.0)
    assert rule(ledger.records["y"], 7.0) is None, "it is another's"
    assert rule(changed, 8.0) is None, "once is enough"
