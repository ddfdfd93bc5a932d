"""What watching costs a router: CPU and bytes of one overview and one world, by size of the fleet.

Run by hand: `.venv/bin/python tests/bench/overview.py`. The router is the real one, its members are
made up; CPU time, the best of several.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from clientmigration.core.fleet.health import Grade, Health
from clientmigration.core.fleet.world import Position
from clientmigration.router.overview import MEASURES, OverviewPorts, overview, world
from clientmigration.router.service import Router
from clientmigration.testing import Arena
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Entry, Roster

FLEETS = ((10, 100), (100, 1_000), (1_000, 100))  # members, players on each
TIMES = 7


def fleet(members: int, each: int) -> Router:
    """A router that knows all of these."""
    router = Arena().start_router()
    for n in range(members):
        name = f"gs-{n}"
        router.fleet.attach(name, "gameserver", "192.0.2.7:4100")
        link = router.members.admit(name, "gameserver", router.member_line())
        sample = Health(
            load=0.3, health=0.9, grade=Grade.FIT, players=each, capacity=200, draining=False,
            centre=Position(n, n), spread_m=100.0, timestamp=int(router.now()),
        )  # fmt: skip
        router.fleet._members[name] = router.fleet._members[name].reported([sample])
        router.members.measured(link, dict.fromkeys(MEASURES, 12.345))
        names = [f"{n:08x}{player:08x}" for player in range(each)]
        entries = [Entry(who, 1, "playing", "", n / 3, n / 7, 12.5) for who in names]
        router.members.listed(link, Roster(entries=entries, last=True))
    return router


def cost(make: Callable[[OverviewPorts], Any], router: Router) -> str:
    """Milliseconds and kilobytes of making and encoding one."""
    spent = []
    for _ in range(TIMES):
        began = time.process_time()
        frame = encode(make(router.overview_ports))
        spent.append(time.process_time() - began)
    return f"{min(spent) * 1000:6.1f} ms {len(frame) / 1000:6.0f} kB"


if __name__ == "__main__":
    for members, each in FLEETS:
        router = fleet(members, each)
        print(
            f"{members:5} members {members * each:7} players"
            f"   overview {cost(overview, router)}   world {cost(world, router)}"
        )
