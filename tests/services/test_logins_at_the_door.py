"""Logins at the router's door: who plays by one, who is kept out, and what both are told."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from backend import AUDIENCE, ISSUER
from test_bans import order
from test_logins import RSA, RULES, SIGNERS, Keys
from test_operators import answer
from twisted.internet.defer import Deferred

from clientmigration.client.entrance import LOGIN_LIMIT, Login
from clientmigration.client.player import Player
from clientmigration.core.player.names import NamePattern
from clientmigration.errors import BadInput
from clientmigration.net.logins import Logins, player_of
from clientmigration.router.identities import Admission
from clientmigration.testing import Arena
from clientmigration.wire.operators import Find, Listing


def world(anonymous: bool = True, **more: Any) -> Arena:
    """An arena whose router takes logins by all the keys."""
    arena = Arena()
    now = lambda: arena.router.now()  # noqa: E731
    backend = Logins(Keys(*SIGNERS.values()), RULES, now)
    arena.admission = Admission(backend, anonymous, **more)
    arena.start_router()
    for name in ("eu", "us"):
        arena.start_server(name)
    arena.run(2.0)
    return arena


def login(arena: Arena, subject: str, **claims: Any) -> Login:
    return Login(RSA.login(subject, arena.router.now(), **claims))


def played(arena: Arena, token: str | Login, seconds: float = 3.0) -> Player:
    player = arena.start_player(token)
    arena.run(seconds)
    return player


def test_two_logins_with_the_same_subject_are_the_same_player() -> None:
    arena = world()
    ada = played(arena, login(arena, "ada"))
    assert (ada.state, ada.name) == ("playing", player_of(ISSUER, "ada"))
    bob = played(arena, login(arena, "bob"))
    assert bob.name != ada.name
    again = played(arena, Login(SIGNERS["ES256"].login("ada", arena.router.now())))
    assert (again.state, again.name) == ("playing", ada.name)
    assert (ada.state, ada.ended[:9]) == ("ended", "replaced:")
    assert bob.state == "playing"
    assert arena.router.meter.totals["logins"] == 3


def test_the_name_of_a_login_can_be_made_by_the_backend() -> None:
    made = hashlib.sha256(b"https://login.example.org\nada").hexdigest()[:16]
    assert player_of("https://login.example.org", "ada") == made


def test_without_a_login_nobody_plays_where_logins_are_demanded() -> None:
    arena = world(anonymous=False)
    nobody = played(arena, "")
    assert nobody.ended == "login_required: nobody may play here without a login: log in"
    stale = played(arena, arena.seals.identity("ab" * 8, arena.router.now()))
    assert stale.ended.startswith("login_required")
    ada = played(arena, login(arena, "ada"))
    assert ada.state == "playing"
    assert arena.router.meter.totals["logins_missing"] == 2


def test_who_is_refused_is_told_why_and_counted() -> None:
    arena = world()
    late = played(arena, login(arena, "ada", exp=arena.router.now() - 60))
    assert late.ended.startswith("login_refused: your login expired 60 s ago")
    assert arena.router.meter.totals["logins_refused_time"] == 1
    other = played(arena, login(arena, "ada", aud="other"))
    assert other.ended == f"login_refused: your login is not for {AUDIENCE}"
    assert arena.router.meter.totals["logins_refused_audience"] == 1


def test_where_no_logins_are_taken_one_is_refused() -> None:
    arena = Arena()
    arena.start_router()
    arena.start_server("eu")
    arena.run(2.0)
    ada = played(arena, login(arena, "ada"))
    assert ada.ended == "login_refused: no logins are taken here: come without one"


def test_who_has_logged_in_comes_back_without_the_backend_for_some_hours() -> None:
    arena = world(anonymous=False, hours=1.0)
    asked: list[float] = []

    def fresh() -> str:
        asked.append(arena.router.now())
        return RSA.login("ada", arena.router.now())

    ada = played(arena, Login(fresh))
    assert (ada.state, len(asked)) == ("playing", 1)
    arena.kill(arena.home_of(ada))
    arena.run(6.0)
    assert (ada.state, len(asked), ada.rejoins) == ("playing", 1, 1)  # by its token
    over = arena.seals.identity(ada.name, arena.router.now(), arena.router.now() - 1)
    old = played(arena, over)  # a program that shows an old token of a login
    assert old.state != "playing"
    assert ada.state == "playing"


def test_one_login_is_got_however_many_routers_are_asked() -> None:
    arena = Arena(equals=("router", "router-2"))
    backend = Logins(Keys(*SIGNERS.values()), RULES, lambda: arena.router.now())
    arena.admission = Admission(backend, anonymous=False)
    for name in arena.equals:
        arena.start_router(name)
    arena.start_server("eu")
    arena.run(2.0)
    asked: list[int] = []

    def fresh() -> str:
        asked.append(1)
        return RSA.login("ada", arena.router.now())

    for way in (("player 0", "router"), ("router", "player 0")):
        arena.network.cut(*way)
    for way in (("player 1", "router-2"), ("router-2", "player 1")):
        arena.network.cut(*way)
    ada = played(arena, Login(fresh))
    assert (ada.state, ada.name, len(asked)) == ("playing", player_of(ISSUER, "ada"), 1)
    again = played(arena, Login(fresh))  # whichever is asked first
    assert (again.state, again.name, len(asked)) == ("playing", ada.name, 2)


def test_a_program_that_gets_fresh_logins_comes_in_when_one_is_good() -> None:
    arena = world()
    asked: list[int] = []

    def fresh() -> str:
        asked.append(1)
        if len(asked) == 1:
            raise OSError("the backend is away")
        ended_s = 60 if len(asked) == 2 else -3600
        return RSA.login("ada", arena.router.now(), exp=arena.router.now() - ended_s)

    ada = played(arena, Login(fresh), 8.0)
    assert (ada.state, len(asked)) == ("playing", 3)


def test_a_login_that_comes_later_is_waited_for_and_not_after_the_end() -> None:
    arena = world()
    promised: Deferred[str] = Deferred()
    ada = played(arena, Login(lambda: promised))
    assert ada.state == "seeking"
    promised.callback(RSA.login("ada", arena.router.now()))
    arena.run(3.0)
    assert ada.state == "playing"
    never: Deferred[str] = Deferred()
    bob = played(arena, Login(lambda: never), 1.0)
    bob.stop()
    arena.run(1.0)
    assert bob.state == "ended"


@pytest.mark.parametrize("bad", ["", "x" * (LOGIN_LIMIT + 1)])
def test_what_can_be_no_login_is_refused_where_it_is_made(bad: str) -> None:
    with pytest.raises(BadInput):
        Login(bad)


def test_a_banned_subject_does_not_come_in_by_any_login() -> None:
    arena = world()
    desk = arena.start_desk("operator")
    arena.run(0.5)
    ended = order(arena, desk, "ban", "login:ada", reason="before it came")
    assert ended.outcome == "done"
    ada = played(arena, login(arena, "ada"))
    assert ada.ended == "banned: you are banned: before it came"
    bob = played(arena, login(arena, "bob"))
    found = answer(arena, desk.ask(Find(0, "login:bob")))
    assert (found.player, found.member) == (bob.name, arena.home_of(bob))
    (listed,) = answer(arena, desk.ask(Listing(0))).players
    assert (listed.player, listed.login) == (bob.name, "bob")


def test_a_group_that_nobody_may_have_is_refused_in_words() -> None:
    arena = world(groups=NamePattern("group", "[a-z]{1,8}"))
    red = arena.start_player(group="red")
    bad = arena.start_player(group="<b>red</b>")
    arena.run(3.0)
    assert red.state == "playing"
    assert bad.ended == (
        "bad_name: the group '<b>red</b>' is not allowed here: it has to match [a-z]{1,8}"
    )


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match="is no regular expression"):
        NamePattern("group", "[")
