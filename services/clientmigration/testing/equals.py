"""What befalls equal routers: one of them is killed, stopped or cut off; two want the same player.

As long as another is well that is no fault: nobody may feel it. A function for each word, as in
`faults.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clientmigration.testing import faults
from clientmigration.testing.scene import Scene
from clientmigration.testing.schedule import Step

LEDGER = 0.3  # the share of routers cut off that still have everything but the ledger


def _lasts(scene: Scene, router: str, seconds: float, over: Callable[[], Any]) -> None:
    """So long, and no longer than all the rest; a fault if nobody else is well."""
    scene.peers.gone()
    if scene.spares(router):
        scene.later(seconds, over)
    else:
        scene.fault(seconds, over)


def kill_equal(scene: Scene, step: Step) -> str:
    """kill -9 of a router, with moves of its under way; it starts again later."""
    router = faults.one(list(scene.arena.routers), step.dice[0])
    if router is None:
        return ""
    moved = _moved_by(scene, router, step)

    def die() -> None:
        if router in scene.arena.hosts:
            _lasts(scene, router, step.seconds, lambda: scene.restart_router(router))
            scene.arena.kill(router)
            scene.transcript.note(f"--- {router} is killed")

    _soon(scene, step, die)
    return f"{router}, for {step.seconds:.1f} s; {moved}"


def stop_equal(scene: Scene, step: Step) -> str:
    """SIGSTOP of a router, with moves of its under way, and SIGCONT later."""
    router = faults.one(list(scene.arena.routers), step.dice[0])
    if router is None or scene.frozen(router):
        return ""
    moved = _moved_by(scene, router, step)

    def stop() -> None:
        if router in scene.arena.hosts and not scene.frozen(router):
            spared = scene.spares(router)
            scene.peers.gone()
            scene.arena.freeze(router, step.seconds)
            if spared:
                scene.rest(step.seconds)
            else:
                scene.lasting(step.seconds, lambda: None)
            scene.transcript.note(f"--- {router} is stopped")

    _soon(scene, step, stop)
    return f"{router}, for {step.seconds:.1f} s; {moved}"


def part_equal(scene: Scene, step: Step) -> str:
    """A router is cut off from everything, with moves of its under way; or from the ledger only."""
    router = faults.one(list(scene.arena.routers), step.dice[0])
    if router is None or router in scene.parted:
        return ""
    moved, only_ledger = _moved_by(scene, router, step), step.dice[2] < LEDGER

    def part() -> None:
        if router not in scene.arena.hosts:
            return
        if only_ledger:
            scene.lasting(step.seconds, lambda: None)
        else:
            _lasts(scene, router, step.seconds, mend)
            scene.parted.add(router)
            for one, other in ways:
                scene.arena.network.cut(one, other)
        parted = scene.arena.engine.parted
        parted[router] = scene.arena.clock.seconds() + step.seconds
        whom = "its ledger" if only_ledger else "all"
        scene.transcript.note(f"--- {router} is cut off from {whom}")

    def mend() -> None:
        scene.parted.discard(router)
        scene.arena.engine.parted.pop(router, None)
        for one, other in ways:
            scene.arena.network.heal(one, other)

    others = [*scene.schedule.servers, *(track.host for track in scene.bots.playing())]
    ways = [way for each in others for way in ((each, router), (router, each))]
    _soon(scene, step, part)
    return f"{router}, for {step.seconds:.1f} s; {moved}"


def both(scene: Scene, step: Step) -> str:
    """Two routers are told to move the same player, at nearly the same time."""
    arena = scene.arena
    track = faults.one(scene.bots.playing(), step.dice[0])
    record = arena.ledger.records.get(track.name) if track else None
    targets = [name for name in arena.servers if record and name != record.owner]
    routers = [name for name in arena.routers if not scene.frozen(name)]
    if not track or not record or not record.owner or not targets or len(routers) < 2:
        return ""
    for n, router in enumerate(routers):
        target = targets[(n + int(step.dice[1] * 8)) % len(targets)]
        at = arena.clock.seconds() + n * step.dice[2] * 0.1
        arena.clock.at(at, None, _order, scene, router, track.name, record.owner, target)
    return f"{track.name} from {record.owner}"


def _order(scene: Scene, router: str, player: str, source: str, target: str) -> None:
    if router in scene.arena.routers and not scene.frozen(router):
        faults.order(scene, router, player, source, target)


def _moved_by(scene: Scene, router: str, step: Step) -> str:
    """Two players are moved by this router."""
    arena, said = scene.arena, []
    for n, track in enumerate(scene.bots.playing()[:2]):
        record = arena.ledger.records.get(track.name)
        targets = [name for name in arena.servers if record and name != record.owner]
        if record and record.owner and targets and not scene.frozen(router):
            target = targets[(n + int(step.dice[1] * 8)) % len(targets)]
            faults.order(scene, router, track.name, record.owner, target)
            said.append(track.name)
    return f"moving {said}"


def _soon(scene: Scene, step: Step, act: Callable[[], None]) -> None:
    """In the middle of a move, perhaps."""
    at = scene.arena.clock.seconds() + step.dice[2] * 0.3
    scene.arena.clock.at(at, None, act)


STEPS: dict[str, Callable[[Scene, Step], str]] = {
    "kill equal": kill_equal,
    "stop equal": stop_equal,
    "part equal": part_equal,
    "both": both,
}
