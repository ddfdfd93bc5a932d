"""The ways of a ledger that is an engine on other machines: it answers late, with what is old, or
not at all, and does what it was asked to do after whoever asked is dead. Others use it too.

A function for each word, as in `faults.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from clientmigration.gameserver.seat import Seat
from clientmigration.net.tickets import TICKET_TTL_S
from clientmigration.testing import faults
from clientmigration.testing.scene import Scene
from clientmigration.testing.schedule import Step
from clientmigration.wire.messages import Cancel, Declined, Own, Reserve

LIES_S = 3.0  # for so long it is waited for a claim, from a move on
LOOK_S = 0.002  # how often it is looked whether somebody is frozen
BACK_S = 0.5  # a router is back after so long, at most
COMES_BACK = 0.4  # the share of late claims whose player loses its program as well


def late_claim(scene: Scene, step: Step) -> str:
    """Somebody is moved, and with the claim under way the router is killed: it lands later. The
    player may come to the next router before it does."""
    engine = scene.arena.engine
    moved = faults.move(scene, step)
    if not moved or engine.ambush is not None or any(map(scene.frozen, scene.arena.routers)):
        return ""
    until = scene.arena.clock.seconds() + LIES_S

    def strike(players: Sequence[str]) -> float:
        claimed = [player for player in players if _held(scene, player)]
        if scene.arena.clock.seconds() > until:
            engine.ambush = None
        elif claimed and scene.arena.routers:
            engine.ambush = None
            scene.arena.clock.at(scene.arena.clock.seconds(), None, die, claimed[0])
            return step.seconds
        return 0.0

    def die(player: str) -> None:
        router = _mover(scene, player)
        if router in scene.arena.hosts:
            scene.arena.kill(router)
            back_s = BACK_S * step.dice[1]
            scene.fault(back_s, scene.restart_router, router)
            scene.fault(step.seconds, lambda: None)
            scene.transcript.note(
                f"--- the router dies, and its claim lands {step.seconds} s later"
            )
            if step.dice[2] < COMES_BACK:
                _lose_program(scene, player, back_s)

    engine.ambush = strike
    return moved


def _mover(scene: Scene, player: str) -> str:
    """The router that moves this player, or another."""
    routers = scene.arena.routers
    return next((n for n, each in routers.items() if each.moves.moving(player)), min(routers))


def _lose_program(scene: Scene, player: str, seconds: float) -> None:
    for track in scene.bots.met():
        if track.name == player:
            scene.bots.kill(track)
            scene.fault(seconds, scene.bots.enter, track.player.token, track)


def _held(scene: Scene, player: str) -> bool:
    seats: list[Seat | None] = [each.seats.find(player) for each in scene.arena.servers.values()]
    return any(seat is not None and seat.held for seat in seats)


def stale_reads(scene: Scene, step: Step) -> str:
    """What is read is often what was so before the owner changed. Links to the router break
    meanwhile, so that members are compared with it."""
    scene.estrange(stale=0.5 + step.dice[0] / 2)
    scene.fault(step.seconds, scene.repair)
    for name in scene.arena.servers:
        broken = scene.arena.network.reset
        at = scene.arena.clock.seconds() + step.dice[1] * step.seconds
        for router in scene.arena.equals:
            scene.arena.clock.at(at, None, broken, name, router)
    return f"for {step.seconds:.1f} s"


def lost_answers(scene: Scene, step: Step) -> str:
    """It does what it is asked to do, and often nobody hears so."""
    scene.spoil(0.0, 0.3 + 0.7 * step.dice[0], scene.schedule.disk.slow_s)
    scene.fault(step.seconds, scene.repair)
    return f"for {step.seconds:.1f} s"


def outage(scene: Scene, step: Step) -> str:
    """It is away: it refuses everything, or says nothing and does it all when it is back."""
    if step.dice[0] < 0.5:
        scene.spoil(1.0, 0.0, scene.schedule.disk.slow_s)
    else:
        scene.estrange(away_s=step.seconds)
    scene.fault(step.seconds, scene.repair)
    return f"for {step.seconds:.1f} s, {'refusing' if step.dice[0] < 0.5 else 'silent'}"


class Rival:
    """Another router, to whose door a player comes that is being moved: what it orders, over a link
    of its own, to the server that the ledger names. The checker is told when it is let in."""

    over = False

    def __init__(self, scene: Scene, number: int) -> None:
        self._scene, self.migration = scene, f"rival{number:011d}"
        self._answers: list[Any] = []

    def order(self, member: str, seat: Seat) -> None:
        """A place for the player at the server that has it, which is frozen there for a move. The
        answer comes at once, unless orders about this player wait for the end of a tick."""
        self._obey(
            member,
            Reserve(
                migration=self.migration, player=seat.player, epoch=seat.epoch, ttl_s=TICKET_TTL_S
            ),
        )
        if self._answers:
            self._obey(member, Own(self.migration, seat.player, seat.epoch, seat.holder, None))
            if not seat.held or not isinstance(self._answers[-1], Declined):
                text = f"{seat.player} is frozen for {seat.migration}"
                self._scene.checker.fail(
                    "I13", f"{text}, and {self.migration} hears {self._answers}"
                )
        self._obey(member, Cancel(migration=self.migration, player=seat.player, reason="a rival"))

    def _obey(self, member: str, order: Any) -> None:
        self._scene.arena.servers[member].rooms.duties.obey(order, self)

    def say(self, message: Any) -> None:
        """What it is answered."""
        self._answers.append(message)


def rival(scene: Scene, step: Step) -> str:
    """Somebody is moved, and while it is frozen another router wants it to be where it was."""
    moved = faults.move(scene, step)
    if moved:
        _rival(scene, Rival(scene, int(step.dice[2] * 1e11)), scene.arena.clock.seconds() + LIES_S)
    return moved


def _rival(scene: Scene, router: Rival, until: float) -> None:
    clock = scene.arena.clock
    for name, server in scene.arena.servers.items():
        held = [seat for seat in server.seats if seat.held and not scene.frozen(name)]
        if held:
            router.order(name, held[0])
            return
    if clock.seconds() < until:
        clock.at(clock.seconds() + LOOK_S, None, _rival, scene, router, until)


STEPS: dict[str, Callable[[Scene, Step], str]] = {
    "late claim": late_claim,
    "stale reads": stale_reads,
    "lost answers": lost_answers,
    "outage": outage,
    "rival": rival,
}
