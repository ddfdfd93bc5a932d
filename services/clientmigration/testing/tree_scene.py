"""A tree of routers as a run finds it: its shape, who is in it, and what was seen of everybody.

A zone is a node of the tree: one router, or two equal ones on one ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from clientmigration.client.player import Player
from clientmigration.client.traveller import CROSS_S
from clientmigration.router.appeals import WAITS_S
from clientmigration.testing.arena import EPOCH, Arena, Parts
from clientmigration.testing.fakes import Disk
from clientmigration.testing.schedule import POLICY

HEAL_S = 16.0
EQUALS = 0.6  # the share of zones that have two routers, where zones may have them
SHAPES: tuple[dict[str, str], ...] = (
    {"root": ""},
    {"root": "", "a": "root", "b": "root"},
    {"root": "", "a": "root", "b": "root", "c": "root"},
    {"root": "", "a": "root", "b": "root", "aa": "a", "ab": "a"},
    {"root": "", "a": "root", "b": "root", "aa": "a", "ab": "a", "ba": "b", "bb": "b"},
)
"""The zone above each, of trees of a depth of one to three."""


@dataclass
class Known:
    """What was seen of one player so far."""

    player: Player
    door: str
    epoch: int = 0
    home: str = ""
    wanted: bool = True
    played_at: float = 0.0  # no server applied its inputs since then
    gave_up: bool = False  # it stood still for longer than is waited for it
    retired: list[Player] = field(default_factory=list)

    def again(self, player: Player, door: str) -> None:
        """Another program plays it from now on."""
        self.retired.append(self.player)
        self.player, self.door, self.wanted = player, door, True

    def seen(self, plays: bool, now: float, patience_s: float) -> None:
        """Whether a server applies its inputs."""
        self.played_at = now if plays else self.played_at
        self.gave_up |= bool(self.home) and now - self.played_at > patience_s


class TreeScene:
    """What a run and its steps share. `above` names the zone above each, `routers` has the routers
    of each zone, `zones` the zone of each router, `servers` the zone of each game server."""

    def __init__(
        self, seed: int, parts: Parts | None, equals: bool, say: Callable[[str], None]
    ) -> None:
        self.random, self.say, self.equals = Random(f"tree {seed}"), say, equals
        self.above = dict(self.random.choice(SHAPES[1:] if equals else SHAPES))
        delay_s = self.random.choice((0.0005, 0.005, 0.02))
        disk = Disk(self.random.choice((0.0, 0.002, 0.02)))
        cost = self.random.choice((0.005, 0.03))
        self.routers = {zone: self._routers(zone, equals) for zone in self.above}
        self.zones = {each: zone for zone, routers in self.routers.items() for each in routers}
        self.arena = Arena(
            seed=seed, delay_s=delay_s, policy=POLICY, parts=parts or Parts(), disk=disk,
            cost=cost, equals=tuple(self.routers["root"]),
        )  # fmt: skip
        self.leaves = [each for each in self.above if each not in self.above.values()]
        self.servers = {f"{leaf}-{n}": leaf for leaf in self.leaves for n in (1, 2)}
        self.known: list[Known] = []
        self.broken: list[str] = []
        self.done: Counter[str] = Counter()
        self.killed_server = False
        self.cut: set[str] = set()
        self.away: set[str] = set()

    def _routers(self, zone: str, equals: bool) -> list[str]:
        if equals and self.random.random() < EQUALS:
            return [f"{zone}1", f"{zone}2"]
        return [zone]

    def fail(self, invariant: str, text: str) -> None:
        """An invariant does not hold."""
        self.broken.append(f"{invariant}: {text} (at {self.arena.clock.seconds() - EPOCH:.3f})")

    # The tree.

    def start(self) -> None:
        """Every router and every game server."""
        for zone, above in self.above.items():
            equal = zone if len(self.routers[zone]) > 1 and above else ""
            for each in self.routers[zone]:
                self.arena.start_router(each, ",".join(self.routers.get(above, ())), equal)
        for name in self.servers:
            self.start_server(name)

    def start_server(self, name: str) -> None:
        """One game server, unless it runs."""
        if name not in self.arena.hosts:
            routers = ",".join(self.routers[self.servers[name]])
            self.arena.start_server(name, router=routers, rate=10)

    def lose_server(self, name: str) -> None:
        """kill -9 of a game server: what its players did last may be lost."""
        self.killed_server = True
        self.arena.kill(name)

    def way_up(self, zone: str) -> list[str]:
        """The zone and those above it, up to the root."""
        way = [zone]
        while self.above.get(way[-1]):
            way.append(self.above[way[-1]])
        return way

    def depth(self) -> int:
        """So many levels of routers there are."""
        return max(len(self.way_up(each)) for each in self.above)

    def parents(self, router: str) -> list[str]:
        """The routers above this one."""
        return self.routers.get(self.above[self.zones[router]], [])

    def of(self, zone: str) -> list[str]:
        """The game servers of a zone's own."""
        return [name for name, above in self.servers.items() if above == zone]

    def under(self, server: str, zone: str) -> bool:
        """Whether the game server is in this part of the tree."""
        return server in self.servers and zone in self.way_up(self.servers[server])

    def well(self, router: str) -> bool:
        """Whether the router runs."""
        return router in self.arena.routers and not self.arena.hosts[router].frozen

    def patience_s(self) -> float:
        """How long who stands still is waited for: by its own program, or if a router may be away
        that would have it begin, by those above that router."""
        sound = not (self.cut or self.away) and all(map(self.well, self.zones))
        return CROSS_S if sound else WAITS_S

    def well_in(self, zone: str) -> str:
        """A router of the zone that runs, "" if none does."""
        well = [each for each in self.routers[zone] if self.well(each)]
        return str(self.one(well)) if len(well) > 1 else "".join(well)

    def quiet(self, router: str) -> bool:
        """Whether nothing but its being cut off keeps this router from letting somebody in."""
        return all(map(self.well, self._under(router))) and not self.killed_server

    def woke(self, router: str) -> float:
        """When the last of those woke that let somebody in there, by the clock."""
        return max(self.arena.hosts[each].thaws_at for each in self._under(router))

    def _under(self, router: str) -> list[str]:
        zone = self.zones[router]
        return [each for each, own in self.zones.items() if zone in self.way_up(own)]

    # Who plays, and what is chosen.

    def playing(self) -> list[Known]:
        """Who is to play, and does."""
        return [each for each in self.known if each.wanted and each.player.state == "playing"]

    def one(self, those: list[Any]) -> Any:
        """One of these, None of none."""
        return self.random.choice(those) if those else None

    def later(self, seconds: float, act: Callable[..., Any], *args: Any) -> None:
        """Have it done then, or when all is healed."""
        now = self.arena.clock.seconds()
        self.arena.clock.at(min(now + seconds, max(now, EPOCH + HEAL_S)), None, act, *args)

    def after(self, seconds: float, act: Callable[..., Any], *args: Any) -> None:
        """Have it done then."""
        self.arena.clock.at(self.arena.clock.seconds() + seconds, None, act, *args)
