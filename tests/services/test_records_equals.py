"""Records with several equal routers on one ledger: a record survives its server, whichever router
is gone at the time, and two routers never give it to two servers.
"""

from __future__ import annotations

from typing import Any

import pytest
from test_records import Weather, held, owners

from clientmigration.testing import Arena, Parts
from clientmigration.testing.fakes import Disk, Elsewhere
from clientmigration.testing.record_checks import RecordChecker

TWO = ("router", "router-2")


def fleet(seed: int = 1) -> Arena:
    """Two routers, three servers, and players who all want the weather; the ledger is on another
    machine, and some of its reads answer what was so a moment ago."""
    engine = Elsewhere(stale=0.2)
    arena = Arena(seed, parts=Parts(game=Weather), disk=Disk(0.01), engine=engine, equals=TWO)
    for name in TWO:
        arena.start_router(name)
    for name in ("a", "b", "c"):
        arena.start_server(name)
    arena.run_until(lambda: all(len(each.members) == 3 for each in arena.routers.values()))
    arena.run(2.5)
    for _ in range(4):
        arena.start_player()
    arena.run_until(lambda: len(owners(arena)) == 1, within=8.0)
    arena.run(4.0)
    return arena


@pytest.mark.parametrize("gone", TWO)
@pytest.mark.parametrize("apart_s", [-1.5, -0.1, 0.0, 0.2, 1.0])
def test_a_record_survives_its_server_while_a_router_is_gone_too(gone: str, apart_s: float) -> None:
    """The router goes so long after the server (or before)."""
    arena = fleet()
    checker = RecordChecker(arena, held)
    ((home, before),) = owners(arena).items()
    if apart_s < 0:
        arena.kill(gone)
        arena.run(-apart_s)
    checker.crash(home)
    arena.kill(home)
    arena.run(max(0.0, apart_s))
    if apart_s >= 0:
        arena.kill(gone)
    arena.run_until(lambda: bool(owners(arena)), within=6.0)
    ((now, days),) = owners(arena).items()
    assert now != home
    assert days >= before - 20 - 1  # a second and a tick
    arena.start_router(gone)
    arena.start_server(home)
    arena.run(8.0)
    assert len(owners(arena)) == 1
    assert not checker.broken


@pytest.mark.parametrize("seed", range(1, 5))
def test_two_routers_give_a_record_one_owner_whatever_breaks(seed: int) -> None:
    arena = fleet(seed)
    checker, random = RecordChecker(arena, held), arena.random
    for _ in range(8):
        trouble(arena, checker, random.choice(("move", "kill", "router", "part", "freeze")))
        arena.run(random.choice((0.02, 0.3, 1.0, 4.0)))
    arena.run(12.0)
    assert not checker.broken, checker.broken[:3]
    assert len(owners(arena)) == 1
    assert checker.opened


def trouble(arena: Arena, checker: RecordChecker, what: str) -> None:
    """One thing happens, and what it breaks is repaired after a while."""
    random: Any = arena.random
    name, router = random.choice(sorted(arena.servers)), random.choice(TWO)
    match what:
        case "move":
            arena.router = arena.routers[router]
            for player in arena.players:
                if arena.home_of(player) not in ("", name):
                    arena.move(player, name)
        case "kill":
            checker.crash(name)
            arena.kill(name)
            arena.run(random.uniform(0.5, 4.0))
            arena.start_server(name)
        case "router":
            arena.kill(router)
            arena.run(random.uniform(0.1, 3.0))
            arena.start_router(router)
        case "part":
            checker.crash(name)
            arena.network.cut(name, router)
            arena.run(random.uniform(0.1, 4.0))
            arena.network.heal(name, router)
        case "freeze":
            checker.crash(name)
            arena.freeze(name, random.uniform(0.1, 3.0))
