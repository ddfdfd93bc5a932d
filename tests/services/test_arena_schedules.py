"""Seeded schedules of moves and faults: every invariant holds, and a seed decides everything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.logger import LogEvent

from clientmigration.testing.schedule import ALL, EQUAL, FIRST, FREEZES, Repertoire
from clientmigration.testing.stage import perform

CHUNK = 10


def chunks(repertoire: Repertoire, least: int, most: int) -> list[Any]:
    """The first seed of each chunk: those up to `least` always, up to `most` by `make soak`."""
    return [
        pytest.param(
            repertoire,
            first,
            marks=[pytest.mark.soak] if first > least else [],
            id=f"{repertoire.name}-{first}",
        )
        for first in range(1, most, CHUNK)
    ]


@pytest.fixture(autouse=True)
def judged_by_the_verdict(no_logged_errors: list[LogEvent]) -> Iterator[None]:
    """A ledger that does not answer is logged as an error; other errors are violations."""
    yield
    no_logged_errors.clear()


@pytest.mark.parametrize(
    ("repertoire", "first"),
    [
        *chunks(FIRST, 20, 400),
        *chunks(FREEZES, 10, 200),
        *chunks(ALL, 20, 400),
        *chunks(EQUAL, 10, 200),
    ],
)
def test_every_invariant_holds_in_schedules_from_seed(repertoire: Repertoire, first: int) -> None:
    for seed in range(first, first + CHUNK):
        verdict = perform(seed, repertoire=repertoire)
        again = f"python -m clientmigration.testing --faults {repertoire.name} --seed {seed}"
        assert not verdict.violation, again


@pytest.mark.parametrize(
    ("seed", "_once"),
    [
        (4636, "a player's earlier visit pushed its later one out of the line"),
        (5735, "the thief was taken for refused by who could not know yet"),
        (6080, "a router that read slowly released what its server owned anew"),
        (7983, "a target was handed a snapshot older than the ledger's"),
        (8382, "the same"),
        (8668, "a player waited ten seconds for a router that was gone"),
        (8819, "as 5735"),
        (9681, "as 8668"),
        (10776, "as 7983"),
        (820, "who was waived was told to move on at each roster, and never got its new epoch"),
        (890, "who came to the door was begun at its server by a roster, and placed there anew"),
    ],
)
def test_what_ten_thousand_seeds_found_is_found_no_more(seed: int, _once: str) -> None:
    verdict = perform(seed)
    assert not verdict.violation, f"python -m clientmigration.testing --seed {seed}"


@pytest.mark.parametrize(
    ("seed", "_once"),
    [
        (384, "who could not reach its server was sent there a second time"),
        (27, "a router that thawed heard of a player that had been waived only by the next roster"),
        (401, "a tick and the word that its player is kept came at once: the checker saw neither"),
        (1793, "who left in a move and came back at once was sent to the server that it had left"),
        (11815, "three servers, one after the other, could not be reached"),
        (
            10324,
            "who came back in the moment in which its server gave it up went back to old inputs",
        ),
        (16686, "who was moved on after a crash left out what only the dead server had applied"),
        (13196, "what came to a host that froze anew overtook what it had not read yet"),
        (5921, "the server that took in who could not reach another stopped ticking right then"),
        (5144, "a server thawed while all others followed a router whose clock was two hours off"),
        (6410, "the same, by its roster: it had no checkpoint to be refused"),
        (4977, "a thawed server kept a player as long as its new one did not tick"),
        (3189, "a record that is read while it is written may be the old one: its claim fails"),
        (2475, "who was refused by one game waited for a better ping than the others had"),
        (791, "a server that came back with a clock that was ahead had players before it was told"),
        (140307, "what came to a host that froze anew overtook the connection that it came by"),
        (141595, "a server that slept went by a date that had been said 1.5 s before, for good"),
        (102049, "who was called back while it left played on as of its checkpoint before"),
        (201360, "who caught up two seconds and left in one moment: the checker saw none of it"),
        (
            202693,
            "a target that had waived could not say so: the router waited, and nothing was kept",
        ),
        (366, "a view of the former server that waited was shown after the new one's"),
    ],
)
def test_what_seeds_of_everything_found_is_found_no_more(seed: int, _once: str) -> None:
    verdict = perform(seed, repertoire=ALL)
    assert not verdict.violation, f"python -m clientmigration.testing --faults all --seed {seed}"


def test_who_is_given_to_a_server_that_had_lost_it_and_cannot_reach_it_is_soon_elsewhere() -> None:
    """It was expected at the epoch before, and seemed to have gone on from there."""
    assert not perform(501726, repertoire=ALL).violation


def test_who_stands_still_for_a_dead_router_is_not_let_go_before_its_target_has_begun() -> None:
    """Its checkpoint was refused just after the claim, and another router told its server so."""
    assert not perform(155009, repertoire=EQUAL).violation


def test_who_plays_is_let_go_at_once_when_another_router_has_placed_it_anew() -> None:
    """The router whose move was only begun had to call it off first."""
    assert not perform(152673, repertoire=EQUAL).violation


def test_who_waits_at_a_router_that_has_lost_all_its_servers_is_sent_on_to_its_equal() -> None:
    """It waited in a queue that nobody could shorten."""
    assert not perform(150500, repertoire=EQUAL).violation


def test_who_stands_still_is_judged_as_soon_as_the_move_that_kept_it_from_that_is_over() -> None:
    """It was left to the next roster, two seconds later."""
    assert not perform(211272, repertoire=EQUAL).violation


def test_somebody_may_play_whose_program_has_not_heard_of_its_name() -> None:
    """What was to say it was cut off. The check did not know the name either."""
    assert not perform(311973, repertoire=EQUAL).violation


def test_a_router_may_be_cut_off_from_its_ledger_for_longer_than_all_else_is_wrong() -> None:
    """The check waited for nobody to feel it any more from when all else was made well."""
    assert not perform(313099, repertoire=EQUAL).violation


def test_who_is_frozen_is_not_let_go_before_its_target_plays_when_their_router_is_dead() -> None:
    """It was on no server for 13 ms."""
    assert not perform(487, repertoire=EQUAL).violation


@pytest.mark.parametrize("seed", [2, 3])
def test_a_seed_decides_everything_to_the_last_byte_in_any_process(seed: int) -> None:
    digest = perform(seed).digest
    assert perform(seed, kept=True).digest == digest
    program = f"from clientmigration.testing.stage import perform; print(perform({seed}).digest)"
    for hashing in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hashing}
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True
        )
        assert ran.stdout.decode().split()[-1] == digest


def test_seeds_differ() -> None:
    assert len({perform(seed).digest for seed in (1, 2, 3)}) == 3
