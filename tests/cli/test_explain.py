"""What `explain` says, from what a router remembers and what Graphite has."""

from rich.console import Console

from clientmigration.cli.explain import Decided, Explanation, of_this_run, picture, touching
from clientmigration.core.decisions.rounds import DecisionRecord, Round
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.player.fact import Fact

AT = 1_700_000_000.5
PLACED = Fact(AT, "placed", "ada", "", "gs-1", "gs-1 scores 0.25; gs-2 is out: full")
BEGUN = Fact(AT + 9, "begun", "ada", "gs-1", "gs-2", "high: 0.75 to 0.25, level 0.50", "5e5e")
ENDED = Fact(AT + 9.2, "ended", "ada", "gs-1", "gs-2", "settled", "5e5e")
FLOW = Flow("gs-1", "gs-2", 3, "low: 0.75 to 0.25, level 0.50")
OTHER = Flow("gs-3", "gs-4", 1, "draining: 0.75 to 0.25, level 0.50")


def said(told: Explanation, subject: str = "ada") -> str:
    console = Console(width=200, record=True, quiet=False, file=None)
    with console.capture() as captured:
        console.print(picture(subject, told))
    return captured.get()


def test_a_player_is_explained_from_the_first_placement_to_the_last_move() -> None:
    text = said(Explanation([ENDED, BEGUN, PLACED], AT, [], []))
    assert "2023-11-14 22:13:29  ada's move from gs-1 to gs-2 (5e5e) ended: settled" in text
    assert "ada is moved from gs-1 to gs-2 (move 5e5e): high: 0.75 to 0.25, level 0.50" in text
    assert "ada was placed on gs-1: gs-1 scores 0.25; gs-2 is out: full" in text
    assert "high: the source is clearly fuller" in text
    assert "draining: the source" not in text


def test_a_server_is_explained_by_the_decisions_that_touch_it_newest_first() -> None:
    rounds = (Round(AT, 1, 14, (), (OTHER, FLOW)), Round(AT + 2, 3, 16), Round(AT + 4, 5, 18))
    later = Round(AT + 6, 7, 20, (), (FLOW,))
    found = touching("gs-2", [DecisionRecord(rounds), DecisionRecord((later,))])
    assert found == [Decided(AT + 6, (FLOW,), 7, 20), Decided(AT, (FLOW,), 1, 14)]
    text = said(Explanation([], 0.0, found, []), "gs-2")
    assert "3 players from gs-1 to gs-2: low: 0.75 to 0.25, level 0.50, by the reports of" in text


def test_an_exchange_is_explained_in_one_sentence() -> None:
    there, back = (
        Flow.of(one, other, 5, "together", "80 of 200 pairs")
        for one, other in (("gs-1", "gs-2"), ("gs-2", "gs-1"))
    )
    (decided,) = touching("gs-2", [DecisionRecord((Round(AT, 1, 14, (), (there, back, OTHER)),))])
    text = said(Explanation([], 0.0, [decided], []), "gs-2")
    assert "  at most 5 players from gs-1 to gs-2 and 5 back: together: 80 of 200 pairs, by" in text
    assert text.count("at most") == 1
    assert "together: both exchange players, so that those who see each other" in text


def test_what_nobody_knows_is_said_with_how_far_back_was_looked_and_what_was_away() -> None:
    text = said(Explanation([], AT, [], ["without Graphite's events: it does not answer"]))
    assert "nothing is remembered of 'ada' since 2023-11-14 22:13:20" in text
    assert "without Graphite's events" in text


def test_decisions_of_before_the_router_was_started_are_told_only_when_asked_for() -> None:
    new, old = Decided(AT + 6, (FLOW,), 7, 20), Decided(AT, (FLOW,), 1, 14)
    shown, notes = of_this_run([new, old], AT + 3, earlier=False)
    assert shown == [new]
    assert notes == [
        "1 older decisions are of before the router was started at 2023-11-14 22:13:23:"
        " --earlier shows them"
    ]
    shown, notes = of_this_run([new, old], AT + 3, earlier=True)
    assert shown == [new, old]
    assert notes == ["the router was started at 2023-11-14 22:13:23: what is older was before"]
    for started in (0.0, AT - 1):
        assert of_this_run([new, old], started, earlier=False) == ([new, old], [])
