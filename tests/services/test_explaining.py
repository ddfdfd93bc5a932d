"""A router remembers why it placed and moved players, and tells operators that ask."""

from twisted.internet.defer import Deferred

from clientmigration.testing import Arena
from clientmigration.wire.operators import Answer, Because, Explain


def told(arena: Arena, subject: str) -> Because:
    """What an operator that watches is answered."""
    desk = arena.start_desk("watcher")
    arena.run(0.2)
    answers: list[Answer] = []
    asking: Deferred[Answer] = desk.ask(Explain(0, subject))
    asking.addCallback(answers.append)
    arena.run(0.2)
    desk.leave()
    arena.run(0.1)
    (because,) = answers
    assert isinstance(because, Because)
    return because


def test_a_players_way_is_told_from_its_placement_to_its_last_move_and_why() -> None:
    arena = Arena(seed=4, cost=0.02)
    arena.start_router()
    arena.start_server("a")
    arena.start_server("b")
    arena.run(2.0)
    ada = arena.start_player()
    arena.run(1.0)
    home = arena.home_of(ada)
    other = "b" if home == "a" else "a"
    arena.move(ada, other)
    arena.run(1.0)
    facts = told(arena, ada.name[:6]).facts
    assert [(f.what, f.source, f.target) for f in facts] == [
        ("ended", home, other),
        ("begun", home, other),
        ("placed", "", home),
    ]
    assert [facts[0].text, facts[1].text] == ["settled", "it was ordered"]
    assert facts[2].text.startswith(f"{home} scores 0.")
    assert {f.player for f in facts} == {ada.name}
    assert told(arena, facts[0].migration).facts == facts[:2]


def test_moves_that_the_policy_chose_say_the_flow_and_the_neighbours() -> None:
    arena = Arena(seed=5, cost=0.02)
    arena.start_router()
    arena.start_server("a")
    arena.run(2.0)
    for _ in range(12):
        arena.start_player()
        arena.run(0.05)
    arena.start_server("b")
    arena.run_until(lambda: bool(arena.router.cooldowns.moved_at))
    begun = [fact for fact in told(arena, "b").facts if fact.what == "begun"]
    assert begun
    assert all("level" in fact.text and "neighbours there" in fact.text for fact in begun)


def test_of_nobody_it_remembers_nothing() -> None:
    arena = Arena(seed=6)
    arena.start_router()
    arena.run(0.5)
    started = arena.router.started
    assert told(arena, "nobody") == Because(n=1, since=0.0, facts=[], started=started)
