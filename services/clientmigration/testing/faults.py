"""What a schedule does to its arena: one function per word of a plan. Each answers what it really
did, as a line for the transcript, or nothing when there was nothing to do it to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from clientmigration.testing.fakes import LedgerAway
from clientmigration.testing.schedule import Deed

if TYPE_CHECKING:
    from clientmigration.testing.stage import Stage


def move(stage: Stage, deed: Deed) -> str:
    """The router is told to move somebody somewhere, sensible or not."""
    track = _one(stage.playing(), deed.dice[0])
    target = _one(list(stage.arena.servers), deed.dice[1])
    record = track and stage.arena.ledger.records.get(track.name)
    if not record or not target or record.owner in ("", target):
        return ""
    if "router" not in stage.arena.hosts:
        return ""
    moving = stage.arena.order(track.name, record.owner, target)
    moving.addErrback(lambda failure: failure.trap(LedgerAway) and None)
    return f"{track.name} from {record.owner} to {target}"


def burst(stage: Stage, deed: Deed) -> str:
    """Everybody to one server, at once."""
    some = [Deed(deed.at, "move", (n / 8, deed.dice[1], 0.0), 0.0) for n in range(8)]
    return "; ".join(filter(None, (move(stage, each) for each in some)))


def newcomer(stage: Stage, deed: Deed) -> str:  # noqa: ARG001
    """Somebody new."""
    return stage.enter()


def leave(stage: Stage, deed: Deed) -> str:
    """Somebody goes home, and says so."""
    track = _one([each for each in stage.playing() if each.met], deed.dice[0])
    if track is None or len(stage.playing()) < 3:
        return ""
    stage.stop(track)
    stage.away.append(track)
    return str(track.name)


def come_back(stage: Stage, deed: Deed) -> str:  # noqa: ARG001
    """Who went home first comes back, as a new program with the old token."""
    if not stage.away:
        return ""
    track = stage.away.pop(0)
    return stage.enter(track.player.token, track)


def drain(stage: Stage, deed: Deed) -> str:
    """SIGTERM for a server; another of its name starts later."""
    staying = [name for name, each in stage.arena.servers.items() if not each.draining]
    if len(staying) < 3:
        return ""
    name = _one(staying, deed.dice[0])
    server: Any = stage.arena.servers[name]

    def ended(_: Any) -> None:
        stage.transcript.note(f"--- {name} has drained")
        stage.watch.lost_coins += sum(server.game.ground.values())
        stage.later(deed.seconds, stage.restart, name)

    stage.arena.drain(name).addCallback(ended)
    return str(name)


def thief(stage: Stage, deed: Deed) -> str:
    """Somebody shows a ticket that it has no right to."""
    return stage.thief.strike(deed.dice)


# Faults.


def kill_server(stage: Stage, deed: Deed) -> str:
    """kill -9; it starts again later."""
    name = _one(list(stage.arena.servers), deed.dice[0])
    if len(stage.arena.servers) < 2:
        return ""
    stage.watch.killing(name)
    stage.arena.kill(name)
    stage.fault(deed.seconds, stage.restart, name)
    return str(name)


def kill_router(stage: Stage, deed: Deed) -> str:
    """kill -9; it starts again later."""
    if "router" not in stage.arena.hosts:
        return ""
    stage.arena.kill("router")

    def restart() -> None:
        stage.arena.start_router()
        stage.transcript.note("--- router starts")

    stage.fault(deed.seconds, restart)
    return f"for {deed.seconds:.1f} s"


def kill_player(stage: Stage, deed: Deed) -> str:
    """A player's machine dies; later it starts a new program with the old token."""
    track = _one([each for each in stage.playing() if each.met], deed.dice[0])
    if track is None:
        return ""
    stage.arena.kill(track.host)
    track.wanted = False
    stage.fault(deed.seconds, stage.enter, track.player.token, track)
    return str(track.host)


def cut(stage: Stage, deed: Deed) -> str:
    """Two hosts can not reach each other for a while."""
    one, other = _hosts(stage, deed)
    return _cut(stage, deed, [(one, other), (other, one)])


def half_cut(stage: Stage, deed: Deed) -> str:
    """Nothing gets from one host to another, only the other way."""
    one, other = _hosts(stage, deed)[:: 1 if deed.dice[2] < 0.5 else -1]
    return _cut(stage, deed, [(one, other)])


def _cut(stage: Stage, deed: Deed, ways: list[tuple[str, str]]) -> str:
    def mend() -> None:
        for one, other in ways:
            stage.network.heal(one, other)

    stage.fault(deed.seconds, mend)
    for one, other in ways:
        stage.network.cut(one, other)
    return f"from {ways[0][0]} to {ways[0][1]} for {deed.seconds:.1f} s"


def reset(stage: Stage, deed: Deed) -> str:
    """All connections between two hosts break."""
    one, other = _hosts(stage, deed)
    if not stage.network.reset(one, other):
        return ""
    stage.fault(0.0, lambda: None)
    return f"{one} and {other}"


def bad_disk(stage: Stage, deed: Deed) -> str:
    """The ledger fails often, and is slow."""
    failing, unknown, slow = deed.dice
    stage.disk.failing, stage.disk.unknown, stage.disk.slow_s = failing, unknown, slow / 2
    stage.fault(deed.seconds, stage.repair)
    return f"for {deed.seconds:.1f} s"


def _hosts(stage: Stage, deed: Deed) -> tuple[str, str]:
    hosts = [*stage.schedule.servers, "router"]
    one = hosts[int(deed.dice[0] * len(hosts))]
    players = [track.host for track in stage.playing()]
    others = [each for each in [*hosts, *players, "router"] if each != one]
    return one, others[int(deed.dice[1] * len(others))]


def _one(those: list[Any], dice: float) -> Any:
    return those[int(dice * len(those))] if those else None


DEEDS: dict[str, Callable[[Stage, Deed], str]] = {
    "move": move,
    "burst": burst,
    "newcomer": newcomer,
    "leave": leave,
    "return": come_back,
    "drain": drain,
    "thief": thief,
    "kill server": kill_server,
    "kill router": kill_router,
    "kill player": kill_player,
    "cut": cut,
    "half cut": half_cut,
    "reset": reset,
    "bad disk": bad_disk,
}
