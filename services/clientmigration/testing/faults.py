"""What is done to an arena: moves, comings and goings, and faults, a function for each word.

Each answers what it really did, as a line for the transcript, or "" when there was nothing to do it
to. `STEPS` finds the function of a schedule's word. Nothing here asks chance: a step brings its
dice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from clientmigration.testing.fakes import LedgerAway
from clientmigration.testing.scene import Scene
from clientmigration.testing.schedule import Step

T = TypeVar("T")

# Moves, comings and goings.


def move(scene: Scene, step: Step) -> str:
    """The router is told to move somebody somewhere, sensible or not."""
    arena = scene.arena
    track = one(scene.bots.playing(), step.dice[0])
    target = one(list(arena.servers), step.dice[1])
    record = arena.ledger.records.get(track.name) if track else None
    if not track or not record or not target or record.owner in ("", target):
        return ""
    router = one(list(arena.routers), step.dice[2])
    if router is None:
        return ""
    said = f"{track.name} from {record.owner} to {target}"
    if len(arena.equals) > 1:
        said = f"{said}, by {router}"
    if scene.frozen(router):  # it hears of it when it thaws
        arena.hosts[router].callLater(0, order, scene, router, track.name, record.owner, target)
        return f"{said}, when the router thaws"
    order(scene, router, track.name, record.owner, target)
    return said


def order(scene: Scene, router: str, player: str, source: str, target: str) -> None:
    """This router is told to move a player."""
    scene.standstill.ordered(player, target)
    moving = scene.arena.order(player, source, target, router)
    moving.addErrback(lambda failure: failure.trap(LedgerAway) and None)


def burst(scene: Scene, step: Step) -> str:
    """Everybody is moved to one server, at once."""
    some = [Step(step.at, "move", (n / 8, step.dice[1], n / 8), 0.0) for n in range(8)]
    return "; ".join(filter(None, (move(scene, each) for each in some)))


def newcomer(scene: Scene, step: Step) -> str:  # noqa: ARG001
    """Somebody new begins to play."""
    return scene.bots.enter()


def leave(scene: Scene, step: Step) -> str:
    """Somebody goes home, and says so; at least two stay."""
    track = one(scene.bots.met(), step.dice[0])
    if track is None or len(scene.bots.playing()) < 3 or scene.frozen(track.host):
        return ""
    scene.bots.go_home(track)
    return track.name


def come_back(scene: Scene, step: Step) -> str:  # noqa: ARG001
    """Who went home first comes back, as a new program with the old token."""
    return scene.bots.come_back()


def drain(scene: Scene, step: Step) -> str:
    """SIGTERM for a server; another of its name starts later."""
    arena = scene.arena
    staying = [name for name, each in arena.servers.items() if not each.draining]
    name = one(staying, step.dice[0])
    if name is None or len(staying) < 3 or scene.frozen(name):
        return ""
    game: Any = arena.servers[name].game

    def ended(_: None) -> None:
        scene.transcript.note(f"--- {name} has drained")
        scene.checker.lose(sum(game.ground.values()))
        scene.later(step.seconds, scene.restart, name)

    arena.drain(name).addCallback(ended)
    return name


def replay_ticket(scene: Scene, step: Step) -> str:
    """Somebody shows a ticket that it has no right to."""
    return scene.ticket_replay.strike(step.dice)


# Faults.


def kill_server(scene: Scene, step: Step) -> str:
    """kill -9; it starts again later. The last server is left alone."""
    name = one(list(scene.arena.servers), step.dice[0])
    if name is None or len(scene.arena.servers) < 2:
        return ""
    scene.checker.killing(name)
    scene.arena.kill(name)
    scene.fault(step.seconds, scene.restart, name)
    return name


def kill_router(scene: Scene, step: Step) -> str:
    """kill -9; it starts again later."""
    router = one(list(scene.arena.routers), step.dice[0])
    if router is None:
        return ""
    scene.arena.kill(router)
    scene.fault(step.seconds, scene.restart_router, router)
    return f"{router} for {step.seconds:.1f} s"


def kill_player(scene: Scene, step: Step) -> str:
    """A player's machine dies; later it starts a new program with the old token."""
    track = one(scene.bots.met(), step.dice[0])
    if track is None:
        return ""
    scene.bots.kill(track)
    scene.fault(step.seconds, scene.bots.enter, track.player.token, track)
    return track.host


def cut(scene: Scene, step: Step) -> str:
    """Two hosts can not reach each other for a while."""
    one, other = _hosts(scene, step)
    return _cut(scene, step, [(one, other), (other, one)])


def half_cut(scene: Scene, step: Step) -> str:
    """Nothing gets from one host to another, only the other way."""
    one, other = _hosts(scene, step)[:: 1 if step.dice[2] < 0.5 else -1]
    return _cut(scene, step, [(one, other)])


def _cut(scene: Scene, step: Step, ways: list[tuple[str, str]]) -> str:
    network = scene.arena.network

    def mend() -> None:
        for one, other in ways:
            network.heal(one, other)

    scene.fault(step.seconds, mend)
    for one, other in ways:
        network.cut(one, other)
    return f"from {ways[0][0]} to {ways[0][1]} for {step.seconds:.1f} s"


def reset(scene: Scene, step: Step) -> str:
    """All connections between two hosts break."""
    one, other = _hosts(scene, step)
    if not scene.arena.network.reset(one, other):
        return ""
    scene.fault(0.0, lambda: None)
    return f"{one} and {other}"


def bad_disk(scene: Scene, step: Step) -> str:
    """The ledger fails often, and is slow."""
    failing, unknown, slow = step.dice
    scene.spoil(failing, unknown, slow / 2)
    scene.fault(step.seconds, scene.repair)
    return f"for {step.seconds:.1f} s"


def freeze_server(scene: Scene, step: Step) -> str:
    """SIGSTOP, and SIGCONT later. The last server that is not frozen is left alone."""
    awake = [name for name in scene.arena.servers if not scene.frozen(name)]
    name = one(awake, step.dice[0])
    if name is None or len(awake) < 2:
        return ""
    scene.checker.freezing(name)
    return _freeze(scene, name, step.seconds)


def freeze_router(scene: Scene, step: Step) -> str:
    """SIGSTOP, and SIGCONT later."""
    router = one(list(scene.arena.routers), step.dice[0])
    if router is None or scene.frozen(router):
        return ""
    return _freeze(scene, router, step.seconds)


def freeze_player(scene: Scene, step: Step) -> str:
    """SIGSTOP of a player's program, and SIGCONT later."""
    track = one(scene.bots.met(), step.dice[0])
    if track is None or scene.frozen(track.host):
        return ""
    return _freeze(scene, track.host, step.seconds)


def _freeze(scene: Scene, host: str, seconds: float) -> str:
    scene.freeze(host, seconds)
    return f"{host} for {seconds:.1f} s"


def _hosts(scene: Scene, step: Step) -> tuple[str, str]:
    """A server or the router, and any other host."""
    hosts = [*scene.schedule.servers, *scene.schedule.routers]
    one = hosts[int(step.dice[0] * len(hosts))]
    players = [track.host for track in scene.bots.playing()]
    others = [each for each in [*hosts, *players, "router"] if each != one]
    return one, others[int(step.dice[1] * len(others))]


def one(those: Sequence[T], dice: float) -> T | None:
    """The one of those that the dice say, None if there are none."""
    return those[int(dice * len(those))] if those else None


STEPS: dict[str, Callable[[Scene, Step], str]] = {
    "move": move,
    "burst": burst,
    "newcomer": newcomer,
    "leave": leave,
    "return": come_back,
    "drain": drain,
    "thief": replay_ticket,
    "kill server": kill_server,
    "kill router": kill_router,
    "kill player": kill_player,
    "cut": cut,
    "half cut": half_cut,
    "reset": reset,
    "bad disk": bad_disk,
    "freeze server": freeze_server,
    "freeze router": freeze_router,
    "freeze player": freeze_player,
}
