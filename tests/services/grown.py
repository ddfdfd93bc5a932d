"""Trees of routers in an Arena, and what an operator hears at one of them."""

from __future__ import annotations

from typing import Any

from clientmigration.testing import Arena


def add_zones(arena: Arena, roots: tuple[str, ...] = ("router",)) -> None:
    """One root, or equals, and zones a and b of two servers each, such as a-1."""
    for root in roots:
        arena.start_router(root)
    for zone in "ab":
        arena.start_router(zone, parent=",".join(roots))
        for n in "12":
            arena.start_server(f"{zone}-{n}", router=zone)


def deep(players: int = 0, seed: int = 7) -> Arena:
    """A root, two zones, two leaves under each, one server under each of these."""
    arena = Arena(seed=seed)
    arena.start_router("router")
    for zone in "ab":
        arena.start_router(zone, parent="router")
        for n in "12":
            arena.start_router(f"{zone}{n}", parent=zone)
            arena.start_server(f"{zone}{n}-gs", router=f"{zone}{n}")
    arena.run(4.0)
    for _ in range(players):
        arena.start_player()
    arena.run(4.0 if players else 0.0)
    return arena


def answer_of(arena: Arena, question: Any, router: str = "router", role: Any = "watcher") -> Any:
    """What a router says to an operator."""
    desk = arena.start_desk(role, router=router)
    arena.run(0.5)
    told: list[Any] = []
    desk.ask(question).addBoth(told.append)
    arena.run_until(lambda: bool(told), 10)
    desk.leave()
    return told[0]
