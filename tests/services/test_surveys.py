"""Who plays in a tree, and where one is, as an operator asks the root or any router of it."""

from __future__ import annotations

from grown import answer_of, deep

from clientmigration.router.surveys import merged
from clientmigration.testing import Arena
from clientmigration.wire.operators import Ended, Find, Found, Listed, Listing, Order, Players


def playing(arena: Arena) -> dict[str, str]:
    """Each player and where it plays."""
    return {each.name: arena.home_of(each) for each in arena.players}


def test_the_root_lists_every_player_of_the_tree_once_and_at_its_server() -> None:
    arena = deep(12)
    answer = answer_of(arena, Listing(0))
    assert isinstance(answer, Players)
    assert {each.player: each.member for each in answer.players} == playing(arena)
    assert (len(answer.players), answer.total, answer.missing) == (12, 12, ())
    assert len({*playing(arena).values()}) > 1, "they are not all on one server"


def test_a_zone_lists_its_own_and_the_root_those_of_one_zone_or_server() -> None:
    arena = deep(12)
    for named, beginning in (("a", "a"), ("b", "b"), ("b1-gs", "b1-gs")):
        meant = {name for name, home in playing(arena).items() if home.startswith(beginning)}
        answer = answer_of(arena, Listing(0, named))
        assert {each.player for each in answer.players} == meant
        assert answer.total == len(meant)
        if len(named) == 1:
            own = answer_of(arena, Listing(0), router=named)
            assert {each.player for each in own.players} == meant


def test_pages_of_a_tree_have_everybody_once_in_order_of_names() -> None:
    arena = deep(13)
    names, after, pages = list[str](), "", 0
    while True:
        page = answer_of(arena, Listing(0, after=after, most=4))
        names += [each.player for each in page.players]
        pages += 1
        if not page.more:
            break
        assert len(page.players) == 4
        after = names[-1]
    assert names == sorted(playing(arena))
    assert pages == 4


def test_a_player_is_found_by_the_beginning_of_its_name_wherever_it_is() -> None:
    arena = deep(6)
    for player in arena.players:
        found = answer_of(arena, Find(0, player.name[:8]))
        assert isinstance(found, Found)
        assert (found.player, found.member) == (player.name, arena.home_of(player))
        assert found.state == "playing"
    nobody = answer_of(arena, Find(0, "nobody-at-all"))
    assert isinstance(nobody, Ended)
    assert nobody.text == "no player is called 'nobody-at-all'"


def test_a_beginning_that_two_zones_know_a_player_of_is_of_none() -> None:
    names = {"aaaa" + n * 12: zone for n, zone in zip("12", "ab", strict=True)}
    arena = deep(0)
    for name, zone in names.items():
        token = arena.seals.identity(name, arena.clock.seconds())
        arena.start_player(token=token, router=f"{zone}1")
    arena.run(4.0)
    assert {*playing(arena)} == {*names}
    found = answer_of(arena, Find(0, "aaaa"))
    assert isinstance(found, Ended)
    assert "several players begin with 'aaaa'" in found.text
    assert isinstance(answer_of(arena, Find(0, "aaaa1")), Found)


def test_a_player_of_another_zone_is_kicked_by_the_root_and_by_nobody_beside() -> None:
    arena = deep(4)
    ada = arena.players[0]
    home = arena.home_of(ada)
    other = "b" if home[0] == "a" else "a"
    refused = answer_of(arena, Order(0, "kick", player=ada.name), other, "operator")
    assert refused.outcome == "refused"
    done = answer_of(arena, Order(0, "kick", player=ada.name), "router", "operator")
    assert done.outcome == "done"
    arena.run(1.0)
    assert ada.ended.startswith("kicked")
    assert not arena.home_of(ada)


def test_a_zone_that_does_not_answer_is_named_and_the_others_are_listed() -> None:
    arena = deep(12)
    lost = {name for name, home in playing(arena).items() if home.startswith("a1")}
    arena.freeze("a1", 10.0)
    arena.run(1.0)
    answer = answer_of(arena, Listing(0))
    assert {each.player for each in answer.players} == {*playing(arena)} - lost
    assert answer.missing == ("a1",)


def test_who_is_between_two_zones_counts_once() -> None:
    def page(state: str, member: str) -> Players:
        return Players(0, [Listed("ada", member, state, 0, 0)], 1)

    for pages in (
        [page("frozen", "gs-1"), page("playing", "gs-2")],
        [page("playing", "gs-2"), page("frozen", "gs-1")],
    ):
        both = merged(Listing(7), pages, [])
        assert [(each.member, each.state) for each in both.players] == [("gs-2", "playing")]
        assert (both.n, both.total, both.more) == (7, 1, False)
