"""What the keys of `top` do: no terminal, no router."""

from __future__ import annotations

from dataclasses import replace

import pytest
from overviews import ADA, member, moved, overview
from test_tables import drawn

from clientmigration.cli.screen import HELP, SORTS, Screen, keys, picture, pressed
from clientmigration.wire.operators import Asked, Find, Found, Order

FOUND = Found(n=1, player=ADA, member="gs-1", epoch=2, state="playing", moves=[])
THREE = overview(
    member("gs-1", 10, 0.9), member("gs-2", 190, 0.2), member("gs-3", 50, 0.5), recent=[moved()]
)


def shown(screen: Screen) -> list[str]:
    """The servers as they are listed."""
    return [each.name for each in screen.members()]


def after(screen: Screen, typed: str) -> tuple[Screen, list[Asked]]:
    """The screen after these keys, and all that they asked."""
    asked = []
    for key in keys(typed):
        screen, question = pressed(screen, key)
        if question is not None:
            asked.append(question)
    return screen, asked


def test_s_sorts_by_the_next_column_and_r_turns_it_round() -> None:
    screen = Screen().updated(THREE)
    assert shown(screen) == ["gs-1", "gs-2", "gs-3"]
    orders = {}
    for _ in SORTS:
        screen, _ = after(screen, "s")
        orders[screen.sort] = shown(screen)
    assert orders["players"] == ["gs-2", "gs-3", "gs-1"]
    assert orders["load"] == orders["health"] == ["gs-1", "gs-3", "gs-2"]
    assert screen.sort == "server"
    screen, _ = after(screen, "r")
    assert shown(screen) == ["gs-3", "gs-2", "gs-1"]


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [("", "gs-1"), ("j", "gs-2"), ("\x1b[B\x1b[B", "gs-3"), ("jjjj", "gs-3"), ("jj\x1bOA", "gs-2")],
)
def test_arrows_choose_a_server(typed: str, chosen: str) -> None:
    screen, asked = after(Screen().updated(THREE), typed)
    assert (screen.chosen, asked) == (chosen, [])


def test_a_chosen_server_that_leaves_gives_way_to_another() -> None:
    screen, _ = after(Screen().updated(THREE), "j")
    assert screen.updated(overview(member("gs-1"), member("gs-3"))).chosen == "gs-1"
    assert screen.updated(overview()).chosen == ""


def test_an_order_is_given_only_when_it_is_confirmed() -> None:
    screen, asked = after(Screen().updated(THREE), "jd")
    assert (screen.pending, asked) == (Order(0, "drain", "gs-2"), [])
    assert drawn(picture(screen, 40))[-1] == "drain gs-2? y/n"
    refused, asked = after(screen, "n")
    assert (refused.pending, asked, refused.said) == (None, [], "not done")
    screen, asked = after(screen, "y")
    assert (screen.pending, asked) == (None, [Order(0, "drain", "gs-2")])
    assert after(screen, "uy")[1] == [Order(0, "undrain", "gs-2")]


def test_a_player_is_followed_by_typing_its_name() -> None:
    screen, asked = after(Screen().updated(THREE), "fa1bx\x7f2c")
    assert drawn(picture(screen, 40))[-1] == "follow which player? a1b2c▏"
    assert asked == []
    screen, asked = after(screen, "\r")
    assert asked == [Find(0, "a1b2c")]
    assert screen.question() == Find(0, "a1b2c")
    screen = replace(screen, found=FOUND)
    assert any(line.startswith(f"{ADA} is on gs-1") for line in drawn(picture(screen, 40), 120))
    screen, _ = after(screen, "\x1b")
    assert (screen.question(), screen.found) == (None, None)


def test_typing_a_name_is_not_ordering() -> None:
    screen, asked = after(Screen().updated(THREE), "fqdyumsr")
    assert (screen.typed, asked, screen.over) == ("qdyumsr", [], False)
    screen, asked = after(screen, "\x1b")
    assert (screen.typed, screen.follow, asked) == (None, "", [])


def test_the_followed_player_is_moved_to_the_chosen_server() -> None:
    screen, asked = after(Screen().updated(THREE), "jmy")
    assert (asked, screen.said) == ([], "follow a player first (f)")
    screen, asked = after(replace(screen, follow=ADA, found=FOUND), "my")
    assert asked == [Order(0, "move", "gs-2", ADA)]
    assert screen.said == f"move {ADA} to gs-2 …"


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_q_ends_it(key: str) -> None:
    assert after(Screen().updated(THREE), key)[0].over


def test_other_keys_and_keys_without_servers_do_nothing() -> None:
    for screen in (Screen(), Screen().updated(overview())):
        assert after(screen, "xd\x1b[Bu\x1b[Amjk")[0].pending is None


def test_it_says_that_the_router_is_away_and_goes_on_when_it_is_back() -> None:
    assert drawn(picture(Screen(), 40)) == ["asking the router …"]
    away = replace(Screen().updated(THREE), away="lost the router: gone")
    assert drawn(picture(away, 40))[-1] == "lost the router: gone; this is how things stood"
    assert drawn(picture(away.updated(THREE), 40), 120)[-1] == HELP


@pytest.mark.parametrize("height", [8, 10, 12, 24, 50])
def test_it_leaves_out_moves_that_have_no_room(height: int) -> None:
    many = overview(member("gs-1"), member("gs-2"), recent=[moved() for _ in range(20)])
    screen = Screen().updated(many)
    assert len(drawn(picture(screen, height), 120)) <= height
