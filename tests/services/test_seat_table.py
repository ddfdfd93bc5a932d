"""What a game server says and does with a player, in every situation and whatever comes then.

`seat_table.json` was recorded, by the same driver, from the server before its session knew all
this by itself: there is a row for each of 27 situations and 63 events. Three thousand random
sequences of the same events, driven through both, differed in nothing else than is said here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from seat_driver import ADA, SITUATIONS, Driver, Given, events, situations, snapshot

from clientmigration.gameserver.files import Files
from clientmigration.gameserver.service import ServerOutside, ServerParts, Setting, build
from clientmigration.wire import messages as m

TABLE: dict[str, Any] = json.loads(Path(__file__).with_name("seat_table.json").read_text())
CAPACITY, RATE = 5, 20
# Who plays here was told to get ready for itself: what was applied was then overwritten by what the
# snapshot said. No router says it.
TO_ITSELF = {
    (situation, "prepare m2")
    for situation in (
        "copied",
        "redirected",
        "redirected and gone",
        "frozen",
        "frozen and gone",
        "frozen, reserved",
        "waived, frozen again",
        "home while copied",
    )
}
# A player that is told how many of its inputs were passed over was told nothing.
PASSED_OVER = re.compile(r"Welcome\(.*, skipped=[1-9]")
# Several silences end at the same time then: which comes first does not matter.
SILENCES = ("6 s", "11 s")
# Who has not been moved here yet said what the move cost it, and was believed.
MADE_UP = {("arrived", "felt"), ("reserved again", "felt")}

# Since a seat is a lock: in these a player is frozen for one migration, and another one is refused
# or not heard. It was let in before, with a claim still under way.
FROZEN = ("frozen", "frozen and gone", "frozen, reserved", "waived, frozen again")
LOCKED = {
    (situation, event)
    for situation in FROZEN
    for event in (
        "reserve m1",
        "reserve m3",
        "own m1",
        "own m1, brand new",
        "own m4 1",
        "own m4 2",
    )
}
UNRESERVED = {  # the same: there is no reservation m3
    ("frozen, reserved", event)
    for event in ("join with the later ticket", "join anew", "join", "release 2")
}
# Whoever hears that the ledger has made it the owner at a later epoch has this epoch, as it is.
RETAINED = {
    (situation, f"retain {migration}")
    for situation in SITUATIONS
    for migration in ("m1", "m2", "m3")
}
# Who went home while it was not known whose it is has left as soon as it is known.
LEFT = {("waived and home, router back", "cancel m2")}
# Who is called back at the epoch at which it left plays on as of its final state, not as of what
# was stored before that; an earlier epoch is an old word.
CALLED_BACK = {
    (situation, event)
    for situation in ("home", "home while copied", "waived and home, router back")
    for event in ("own m1", "own m1, brand new", "own m4 1", "own m4 2")
}
OTHERWISE = TO_ITSELF | MADE_UP | LOCKED | UNRESERVED | RETAINED | LEFT | CALLED_BACK
# A player that stands still for 0.3 s has its target asked to waive it, with a router there too.
# The router is told of it at once, by one more roster.
WAIVED = (*FROZEN, "waived", "waived, router back")
WAIVING = ("to a: Waive(", "to router: Roster(")


def server(given: Given) -> Any:
    outside = ServerOutside(
        clock=given.clock,
        seals=given.seals,
        sink=given.sink,
        probe=given.probe,
        cpu=lambda: 0.0,
        entropy=given.entropy,
        dial=given.dial,
        jitter=lambda: 0.0,
    )
    setting = Setting("m", "m:1", CAPACITY, RATE, given.policy)
    return build(outside, setting, ServerParts(given.game, Files()))


def seats(server: Any) -> Iterator[Any]:
    return iter(server.seats)


def in_situation(situation: str) -> Driver:
    driver = Driver(server, seats)
    for step in situations()[situation]:
        step(driver)
    driver.said.clear()
    return driver


def after(situation: str, event: str) -> list[str]:
    driver = in_situation(situation)
    events()[event](driver)
    driver.run(0.15)
    said = [each for each in driver.said if not PASSED_OVER.search(each)]
    return [*said, *driver.seats()]


@pytest.mark.parametrize("situation", situations())
def test_whatever_comes_is_answered_as_it_always_was(situation: str) -> None:
    rows = TABLE["rows"][situation]
    assert list(rows) == list(events())
    for event, numbers in rows.items():
        if (situation, event) not in OTHERWISE:
            recorded, now = [TABLE["said"][n] for n in numbers], after(situation, event)
            if situation in WAIVED:
                recorded, now = (
                    [said for said in each if not said.startswith(WAIVING)]
                    for each in (recorded, now)
                )
            if event in SILENCES:
                recorded, now = sorted(recorded), sorted(now)
            assert now == recorded, event


@pytest.mark.parametrize(("situation", "event"), sorted(LOCKED))
def test_whoever_is_frozen_stays_so_whatever_another_migration_wants(
    situation: str, event: str
) -> None:
    before = in_situation(situation).seats()
    said = after(situation, event)
    assert said[-1:] == before
    assert "Declined" in said[0] or not event.startswith("reserve")


@pytest.mark.parametrize(
    ("situation", "migration", "is_now"),
    [
        ("playing", "m1", "epoch=3, state='playing', migration=''"),
        ("copied", "m1", "epoch=3, state='playing', migration='m2'"),
        ("frozen", "m1", "epoch=3, state='frozen', migration='m2'"),
        ("frozen", "m2", "epoch=4, state='playing', migration=''"),
        ("waived", "m2", "epoch=4, state='playing', migration=''"),
        ("home", "m1", "epoch=3, state='departed', migration=''"),
    ],
)
def test_who_is_claimed_for_its_source_goes_on_there_at_the_new_epoch(
    situation: str, migration: str, is_now: str
) -> None:
    driver = in_situation(situation)
    driver.attach()
    events()[f"retain {migration}"](driver)
    driver.run(0.15)
    assert [is_now in each and "waived=''" in each for each in driver.seats()] == [True]


@pytest.mark.parametrize("word", ["cancel", "retain"])
def test_who_went_home_while_it_was_waived_has_left_as_soon_as_it_is_known_whose_it_is(
    word: str,
) -> None:
    assert "to router: Left(" in after("waived and home, router back", f"{word} m2")[0]


@pytest.mark.parametrize("situation", sorted({where for where, _ in TO_ITSELF}))
def test_who_is_here_does_not_get_ready_for_itself(situation: str) -> None:
    driver = in_situation(situation)
    before = driver.seats()
    driver.order(m.Prepare("m2", snapshot(ADA, 2, 8, 4)))
    assert (driver.said, driver.seats()) == ([], before)


@pytest.mark.parametrize("situation", sorted({where for where, _ in MADE_UP}))
def test_what_a_move_cost_is_not_heard_before_it_happened(situation: str) -> None:
    assert not [said for said in after(situation, "felt") if "Felt" in said]
