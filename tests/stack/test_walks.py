"""The four walks of CONTRIBUTING.md are what really happens, in the order in which it happens.

An arena does it while Python tells every call; each step of a walk has to come after the one before
it. So a walk can not say what the code does not do.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from twisted.internet.protocol import Protocol

from clientmigration import core
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.carbon import Carbon
from clientmigration.testing import Arena

REPOSITORY = Path(__file__).parents[2]
PACKAGE = Path(core.__file__).parents[1]  # that which is loaded, wherever it was installed from
PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text()
WALK = re.compile(r"^### (.+?)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"^\d+\. `([\w/]+\.py)` `([\w.]+)`", re.MULTILINE)
MOST = 10  # steps

Call = tuple[str, str]  # a file below the package, and the qualified name of a function
WALKS: dict[str, list[Call]] = {
    title: STEP.findall(text) for title, text in WALK.findall(PAGE.partition("## Four walks")[2])
}


@contextmanager
def told() -> Iterator[list[Call]]:
    """Every call of a function of ours meanwhile."""
    calls: list[Call] = []
    root = f"{PACKAGE}/"

    def tell(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(root):
            calls.append((code.co_filename.removeprefix(root), code.co_qualname))

    sys.setprofile(tell)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def world() -> Arena:
    """A router, two servers, and somebody who plays."""
    arena = Arena(seed=3)
    arena.start_router()
    for name in ("eu", "us"):
        arena.start_server(name)
    arena.run(3.0)
    return arena


def an_input() -> list[Call]:
    arena = world()
    ada = arena.start_player()
    arena.run_until(lambda: bool(arena.home_of(ada)))
    arena.run(0.5)
    with told() as calls:
        ada.act(meadow.move(1.0, 0.0))
        arena.run(0.2)
    return calls


def a_join() -> list[Call]:
    arena = world()
    with told() as calls:
        ada = arena.start_player()
        arena.run_until(lambda: bool(ada.member))
    return calls


def a_move() -> list[Call]:
    """The servers' loads are apart: the router decides by itself that somebody has to go."""
    arena = Arena(seed=3, cost=0.05)
    arena.start_router()
    arena.start_server("eu")
    players = [arena.start_player() for _ in range(14)]
    arena.run_until(lambda: all(player.member for player in players))
    arena.start_server("us")
    with told() as calls:
        arena.run_until(lambda: any(player.moves for player in players), within=60.0)
        arena.run(0.5)
    return calls


def a_datapoint() -> list[Call]:
    """As above, with carbon's real sender, and somebody who listens in carbon's place."""
    arena = Arena(seed=3)
    clock = arena._host("carbon")
    arena.network.listen("carbon", "carbon:2003", lambda: Protocol())  # type: ignore[arg-type,return-value]
    carbon: Any = Carbon(arena.network.dial("eu", clock)("carbon:2003"), clock)
    arena.sink = carbon
    arena.start_router()
    arena.start_server("eu")
    carbon.startService()
    with told() as calls:
        arena.run(6.0)
    return calls


HAPPENS: dict[str, Callable[[], list[Call]]] = {
    "An input, from the socket to the world to the view": an_input,
    "A join, from hello to welcome": a_join,
    "A move, from the plan to settled": a_move,
    "A datapoint, from psutil to carbon and to a decision": a_datapoint,
}


def test_there_are_just_these_walks() -> None:
    assert list(WALKS) == list(HAPPENS)


@pytest.mark.parametrize("title", HAPPENS)
def test_a_walk_is_short_and_goes_back_to_no_file_that_it_has_left(title: str) -> None:
    files = [file for file, _ in WALKS[title]]
    stays = [file for n, file in enumerate(files) if n == 0 or files[n - 1] != file]
    assert 4 <= len(files) <= MOST
    assert len(set(stays)) == len(stays), f"back and forth: {stays}"


@pytest.mark.parametrize("title", HAPPENS)
def test_a_walk_is_what_happens(title: str) -> None:
    happened = iter(HAPPENS[title]())
    for step in WALKS[title]:
        assert step in happened, f"{step} does not come here"
