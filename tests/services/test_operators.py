"""The operator link: who may come in, what it is shown, and what orders do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from clientmigration.client.player import Player
from clientmigration.errors import Away, ConfigurationError, NotAuthentic, PeersFault
from clientmigration.gameserver.listing import entry
from clientmigration.net.door import Lines
from clientmigration.net.operator import Credentials, OperatorClient, watching
from clientmigration.net.tickets import Proofs, Seals
from clientmigration.router.operators import LINKS, ROLES
from clientmigration.testing import Arena
from clientmigration.wire.operators import (
    Ended,
    Find,
    Found,
    OperatorRole,
    Order,
    Overview,
    Watch,
    World,
)


def playing(*servers: str, players: int = 1, cost: float = 0.004) -> tuple[Arena, list[Player]]:
    """An arena in which all of these play."""
    arena = Arena(cost=cost)
    arena.start_router()
    for name in servers:
        arena.start_server(name)
    arena.run(2.0)
    crowd = [arena.start_player() for _ in range(players)]
    arena.run(4.0)
    return arena, crowd


def answer(arena: Arena, asked: Deferred[Any], within: float = 10.0) -> Any:
    """What a question is answered."""
    answers: list[Any] = []
    asked.addBoth(answers.append)
    arena.run_until(lambda: bool(answers), within)
    return answers[0]


def ordered(arena: Arena, desk: OperatorClient, do: Any, member: str, player: str = "") -> Ended:
    """What became of an order."""
    ended = answer(arena, desk.ask(Order(0, do, member, player)))
    assert isinstance(ended, Ended)
    return ended


def test_a_watcher_is_told_at_once_and_every_second_how_things_stand() -> None:
    arena, _ = playing("eu", "us", players=3)
    told: list[Any] = []
    desk = arena.start_desk(on_update=told.append)
    arena.run(0.1)
    assert len(told) == 1
    arena.run(3.0)
    assert len(told) == 4
    latest = desk.overview
    assert latest is not None
    assert (latest.router, latest.players, latest.joins, latest.waiting) == ("router", 3, 3, 0)
    assert [each.name for each in latest.members] == ["eu", "us"]
    assert all(each.owner and each.sample and each.closed == "" for each in latest.members)
    assert sum(each.sample.players for each in latest.members if each.sample) == 3
    assert latest.capacity == 400


def test_who_asks_for_the_world_is_told_where_everybody_stands() -> None:
    arena, crowd = playing("eu", players=3)
    told: list[Any] = []
    arena.start_desk(watch=Watch(world=True), on_update=told.append)
    arena.run(3.0)
    world = told[-1]
    assert isinstance(world, World)
    assert (world.players, world.shown) == (3, 3)
    dots = world.members["eu"]
    assert len({dot.id for dot in dots}) == 3
    seats = arena.servers["eu"].seats
    where = {(round(e.x, 1), round(e.y, 1)) for e in (entry(seats[p.name]) for p in crowd)}
    assert {(dot.x, dot.y) for dot in dots} == where


def test_everyone_who_watches_is_shown_the_same_bytes() -> None:
    arena, _ = playing("eu", players=3)
    for _ in range(3):
        arena.start_desk()
    arena.run(0.5)
    lines = [each.line for each in arena.router.operators.lines]
    assert len(lines) == 3
    shown: list[bytes] = []
    for line in lines:
        line.show = lambda frame: shown.append(frame) or True  # type: ignore[method-assign,func-returns-value]
    arena.run(1.0)
    assert len(shown) == 3
    assert shown[0] is shown[1] is shown[2]


def test_a_move_by_order_is_felt_like_any_other_and_is_in_the_overview() -> None:
    arena, (ada,) = playing("eu", "us")
    home = arena.home_of(ada)
    away = "us" if home == "eu" else "eu"
    desk = arena.start_desk("operator")
    arena.run(0.5)
    assert ordered(arena, desk, "move", away, ada.name) == Ended(1, "settled")
    assert arena.home_of(ada) == away
    arena.run(3.0)
    assert desk.overview is not None
    (moved,) = desk.overview.recent
    found = answer(arena, desk.ask(Find(0, ada.name)))
    assert (found.since, found.moves) == (moved.at, [moved])
    assert (moved.player, moved.source, moved.target) == (ada.name, home, away)
    assert (moved.outcome, moved.missed) == ("settled", 0)
    assert moved.gap_ms is not None
    assert moved.gap_ms < 1.0
    assert moved.took_ms > 0
    assert desk.overview.moves["settled"] == 1


def test_a_drained_server_empties_and_fills_again_when_it_may() -> None:
    arena, crowd = playing("eu", "us", players=10)
    desk = arena.start_desk("operator")
    arena.run(0.5)
    assert ordered(arena, desk, "drain", "eu").outcome == "done"
    arena.run_until(lambda: all(arena.home_of(each) == "us" for each in crowd))
    assert arena.router.fleet.member("eu") is not None  # it stays
    late = arena.start_player()
    arena.run(3.0)
    assert arena.home_of(late) == "us"
    assert desk.overview is not None
    assert {each.name: each.closed for each in desk.overview.members} == {
        "eu": "draining",
        "us": "",
    }
    assert ordered(arena, desk, "undrain", "eu").outcome == "done"
    arena.run_until(lambda: any(arena.home_of(each) == "eu" for each in crowd))
    assert all(each.tally.missed == 0 for each in crowd)


def test_a_drained_server_knows_it_after_a_restart_of_the_router() -> None:
    arena, crowd = playing("eu", "us", players=4)
    desk = arena.start_desk("operator")
    arena.run(0.5)
    ordered(arena, desk, "drain", "eu")
    arena.run(0.5)
    arena.kill("router")
    arena.run(1.0)
    assert any(arena.home_of(each) == "eu" for each in crowd)
    arena.start_router()
    arena.run_until(lambda: all(arena.home_of(each) == "us" for each in crowd))
    assert arena.servers["eu"].draining


def test_the_last_server_that_takes_players_is_not_drained_unless_forced() -> None:
    arena, crowd = playing("eu", "us", players=4)
    desk = arena.start_desk("operator")
    arena.run(0.5)
    assert ordered(arena, desk, "drain", "eu").outcome == "done"
    arena.run_until(lambda: all(arena.home_of(each) == "us" for each in crowd))
    ended = ordered(arena, desk, "drain", "us")
    assert ended.outcome == "refused"
    assert ended.text.startswith("no other server takes players, so those of us could go nowhere")
    assert not arena.servers["us"].draining
    forced = answer(arena, desk.ask(Order(0, "drain", "us", force=True)))
    assert forced.outcome == "done"
    arena.run_until(lambda: arena.servers["us"].draining)
    assert all(arena.home_of(each) == "us" for each in crowd)  # nobody else has them


def test_a_drain_does_not_wait_for_the_cooldown() -> None:
    """Everybody has just been moved, and may be moved off again at once."""
    arena, crowd = playing("eu", "us", players=10)
    desk = arena.start_desk("operator")
    arena.run(0.5)
    ordered(arena, desk, "drain", "eu")
    arena.run_until(lambda: all(arena.home_of(each) == "us" for each in crowd))
    ordered(arena, desk, "undrain", "eu")
    arena.run(1.5)
    ordered(arena, desk, "drain", "us")
    started = arena.router.now()
    arena.run_until(lambda: all(arena.home_of(each) == "eu" for each in crowd))
    assert arena.router.now() - started < arena.router.settings.policy.limits.cooldown_s


def test_a_server_that_stops_leaves_and_is_not_lost_even_when_nobody_plays_there() -> None:
    arena, _ = playing("eu", "us", players=0)
    arena.run(1.0)
    arena.drain("eu")
    arena.run_until(lambda: "eu" not in arena.router.members)
    assert not arena.router.meter.totals["members_lost"]
    said = [each for each in arena.events.posted if each[0] in ("drain", "leave", "crash")]
    assert [each[0] for each in said] == ["drain", "leave"]


def test_a_server_that_stops_cannot_be_told_to_fill_again() -> None:
    arena, _ = playing("eu", "us", players=4)
    arena.network.delay = lambda _a, _b: 0.05
    desk = arena.start_desk("operator")
    arena.run(1.0)
    eu = arena.servers["eu"]
    arena.drain("eu")
    ordered(arena, desk, "undrain", "eu")
    assert eu.draining


REFUSED = (
    ("drain", "gs-9", "", "no game server is called 'gs-9'"),
    ("undrain", "gs-9", "", "no game server is called 'gs-9'"),
    ("move", "gs-9", "ada", "no member is called 'gs-9'"),
    ("move", "us", "nobody", "no player is called 'nobody'"),
    ("move", "home", "ada", "{ada} plays on {home} already"),
)


@pytest.mark.parametrize(("do", "member", "player", "text"), REFUSED)
def test_an_order_that_makes_no_sense_is_refused_with_the_reason(
    do: str, member: str, player: str, text: str
) -> None:
    arena, (ada,) = playing("eu", "us")
    home = arena.home_of(ada)
    desk = arena.start_desk("operator")
    arena.run(0.5)
    names = {"ada": ada.name, "home": home}
    ended = ordered(arena, desk, do, names.get(member, member), names.get(player, player))
    assert ended == Ended(1, "refused", text.format(**names))


def test_a_target_that_is_full_refuses_an_ordered_move() -> None:
    arena = Arena()
    arena.start_router()
    arena.start_server("eu")
    arena.start_server("us", capacity=0)
    arena.run(2.0)
    ada = arena.start_player()
    arena.run(3.0)
    desk = arena.start_desk("operator")
    arena.run(0.5)
    ended = ordered(arena, desk, "move", "us", ada.name)
    assert ended == Ended(1, "refused", f"moving {ada.name} to us: full")
    assert arena.home_of(ada) == "eu"


def test_a_player_is_found_by_the_beginning_of_its_name() -> None:
    arena, (ada, _) = playing("eu", players=2)
    desk = arena.start_desk()
    arena.run(0.5)
    found = answer(arena, desk.ask(Find(0, ada.name[:6])))
    assert isinstance(found, Found)
    assert (found.player, found.member, found.state, found.epoch) == (ada.name, "eu", "playing", 1)
    assert found.ping_ms is not None
    assert found.stored_at > arena.clock.seconds() - 2.0


def test_a_player_that_went_home_is_found_nowhere_with_its_last_place() -> None:
    arena, (ada,) = playing("eu")
    desk = arena.start_desk()
    ada.stop()
    arena.run(4.0)
    found = answer(arena, desk.ask(Find(0, ada.name)))
    assert isinstance(found, Found)
    assert (found.member, found.state, found.epoch) == ("", "", 1)
    assert found.x > 0


def test_a_beginning_of_several_names_or_of_none_finds_nobody() -> None:
    arena, _ = playing("eu", players=2)
    roster = arena.router.members["eu"].roster
    entry = next(iter(roster.values()))
    roster.update({"feed0001": entry, "feed0002": entry})
    desk = arena.start_desk()
    arena.run(0.1)
    nobody = answer(arena, desk.ask(Find(0, "0000")))
    assert nobody == Ended(1, "refused", "no player is called '0000'")


def refusal(arena: Arena, seals: Seals, role: Any = "watcher", proofs: str = "") -> Exception:
    """Why somebody with this secret, who proves itself with the key for `proofs`, is not let in."""
    gone: list[Exception] = []
    clock = arena._host("stranger")
    desk = OperatorClient(
        clock, Credentials(role, seals.proofs(proofs or role)), on_end=gone.append
    )
    arena.network.dial("stranger", clock)("router:4101").connect(Lines(lambda: desk.line))
    arena.run(1.0)
    assert desk.overview is None
    assert gone
    return gone[0]


@pytest.mark.parametrize("role", ROLES)
def test_who_has_only_the_key_of_watchers_can_watch_and_nothing_else(
    role: OperatorRole, tmp_path: Path
) -> None:
    arena, _ = playing("eu")
    (tmp_path / "watch.key").write_text(arena.seals.proofs("watcher").in_hex() + "\n")
    clock = arena._host("page")
    desk = OperatorClient(clock, Credentials(role, Proofs.from_file(tmp_path / "watch.key")))
    arena.network.dial("page", clock)("router:4101").connect(Lines(lambda: desk.line))
    arena.run(1.0)
    assert (desk.overview is not None) == (role == "watcher")


@pytest.mark.parametrize("text", ["", "xyz", "0f" * 16, "s" * 64])
def test_a_file_without_a_key_is_said_to_be(text: str, tmp_path: Path) -> None:
    (tmp_path / "watch.key").write_text(text)
    with pytest.raises(ConfigurationError, match="no key in"):
        Proofs.from_file(tmp_path / "watch.key")
    with pytest.raises(ConfigurationError, match="no key in"):
        Proofs.from_file(tmp_path / "none")


def test_who_does_not_know_the_secret_is_refused() -> None:
    arena, _ = playing("eu")
    error = refusal(arena, Seals("another secret of 32 characters."))
    assert isinstance(error, NotAuthentic)
    assert "does not know the cluster secret" in str(error)


@pytest.mark.parametrize("proofs", ["watcher", "attach"])
def test_only_the_key_of_operators_makes_an_operator(proofs: str) -> None:
    arena, _ = playing("eu")
    assert isinstance(refusal(arena, arena.seals, "operator", proofs), NotAuthentic)


def test_a_router_that_does_not_know_the_secret_is_not_believed() -> None:
    arena = Arena()
    seals, proven = arena.seals, list[str]()

    class Believing(Seals):
        def proofs(self, use: str) -> Any:
            made = super().proofs(use)
            made.proven = lambda *args: proven.append(args[1])  # type: ignore[method-assign]
            return made

    arena.seals = Believing("another secret of 32 characters.")
    arena.start_router()
    error = refusal(arena, seals)
    assert proven == ["watcher"]
    assert isinstance(error, NotAuthentic)
    assert "router does not know" in str(error)


def test_a_watcher_that_orders_is_out_of_turn() -> None:
    arena, _ = playing("eu", "us")
    desk = arena.start_desk("watcher")
    arena.run(0.5)
    error = answer(arena, desk.ask(Order(0, "drain", "eu")))
    assert isinstance(error.value, Away)
    assert "a watcher gives no orders" in str(error.value)
    assert not arena.servers["eu"].draining


def test_before_its_proof_nothing_is_answered() -> None:
    arena, _ = playing("eu")
    arena.network.delay = lambda _a, _b: 0.05
    gone: list[Exception] = []
    clock = arena._host("stranger")
    desk = OperatorClient(
        clock, Credentials("operator", arena.seals.proofs("operator")), on_end=gone.append
    )
    arena.network.dial("stranger", clock)("router:4101").connect(Lines(lambda: desk.line))
    arena.run_until(lambda: desk.line.transport is not None)
    desk.line.say(Order(1, "drain", "eu"))
    arena.run(1.0)
    assert "before the link is proved" in str(gone[0])
    assert not arena.servers["eu"].draining


def test_there_are_only_so_many_operators_at_a_time() -> None:
    arena, _ = playing("eu")
    desks = [arena.start_desk() for _ in range(LINKS)]
    arena.run(0.5)
    late = arena.start_desk()
    arena.run(0.5)
    assert late.overview is None
    assert str(late.over) == f"the router closed: {LINKS} operators are here already"
    desks[0].leave()
    arena.run(0.5)
    assert answer(arena, arena.start_desk().next_overview()).router == "router"


def test_who_does_not_say_that_it_is_there_is_gone() -> None:
    arena, _ = playing("eu")
    desk = arena.start_desk()
    arena.run(1.0)
    desk.line.over = True  # it hears no more, and says nothing
    arena.run(20.0)
    assert arena.router.operators.lines == ()


def test_watching_goes_on_after_a_restart_of_the_router() -> None:
    arena, _ = playing("eu")
    told: list[Any] = []
    gone: list[Exception] = []
    clock = arena._host("page")
    endpoint = arena.network.dial("page", clock)("router:4101")
    proofs = arena.seals.proofs("watcher")
    service = watching(clock, endpoint, proofs, told.append, gone.append, jitter=lambda: 0.5)
    service.startService()
    arena.run(3.0)
    assert told
    arena.kill("router")
    arena.run(3.0)
    assert [str(each) for each in gone[:1]] == [
        "lost the router: Connection to the other side was lost in a non-clean fashion."
    ]
    told.clear()
    arena.start_router()
    arena.run(5.0)
    assert isinstance(told[-1], Overview)
    assert [each.name for each in told[-1].members] == ["eu"]
    service.stopService()
    arena.run(1.0)
    assert arena.router.operators.lines == ()


def test_an_operator_is_no_member() -> None:
    arena, _ = playing("eu")
    arena.start_desk("operator")
    arena.run(2.0)
    assert [each.name for each in arena.router.fleet.members()] == ["eu"]
    assert issubclass(NotAuthentic, PeersFault)
