"""What stands around the players gives way: their ways, their game, clocks, CPU, what comes again.

A function for each word, as in `faults.py`. What shall cost nobody anything (a clock that is set, a
report that fails) is no fault for the checkers: all that holds without it has to hold with it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any

from clientmigration.gameserver.game import STATE_LIMIT, VIEW_LIMIT
from clientmigration.gameserver.service import GameServer
from clientmigration.gameserver.world import PATIENCE
from clientmigration.testing.faults import one
from clientmigration.testing.frail import EVERY, Broken, Flaw
from clientmigration.testing.scene import Scene
from clientmigration.testing.schedule import Step

LOOK_S = 0.25  # how often it is looked whether a world that fails has ended
JUMPS_S = (-30.0, 30.0, -7200.0)

# A game's wrong doings: those that cost one player something, those that hinder its storing, those
# that keep a world from going on, and those without which a server can do.
ONE = (
    ("apply", Broken), ("view", Broken), ("view", None), ("view", "text"),
    ("view", bytes(VIEW_LIMIT + 1)), ("receive", Broken), ("hold", Broken), ("resume", Broken),
)  # fmt: skip
UNSTORED = (
    ("state", Broken), ("state", None), ("state", {"x": nan}),
    ("state", {"x": "y" * STATE_LIMIT}), ("position", Broken), ("position", (nan, 0.0)),
)  # fmt: skip
ENTER = (("enter", Broken),)
WORLD = (("step", Broken), ("draw", Broken))
SPARED: tuple[tuple[str, Any], ...] = (
    ("measures", Broken), ("measures", {}), ("measures", {"spread_m": nan}), ("busy", Broken),
    ("look", Broken), ("look", None), ("sight", Broken), ("sight", None), ("lend", Broken),
    ("numbered", Broken),
)  # fmt: skip
TIMES = (1, 3, EVERY)

# What a host gets that is starved: seconds awake, and seconds asleep after them.
GENTLE = ((0.02, 0.06), (0.05, 0.15))  # a quarter of a core, as cgroups ration it
HARSH = ((0.05, 0.5), (0.1, 1.5), (0.01, 2.0))

SERVER_BEATS = ("report", "sweep", "roster", "keeping the world's time", "tick")
ROUTER_BEATS = (
    "the router's report",
    "showing operators",
    "deciding",
    "placing those who wait",
    "keeping the world's time",
)


def part(scene: Scene, step: Step) -> str:
    """A player and a server can not reach each other; the router can reach both."""
    track = one(scene.bots.playing(), step.dice[0])
    if track is None:
        return ""
    record = scene.arena.ledger.records.get(track.name)
    home = record.owner if record is not None and step.dice[2] < 0.7 else ""
    server = home or str(one(scene.schedule.servers, step.dice[1]))
    return _part(scene, step, [track.host], server)


def part_all(scene: Scene, step: Step) -> str:
    """No player can reach a server: those that are here now, or its door is shut to everybody."""
    server = str(one(scene.schedule.servers, step.dice[0]))
    hosts = [track.host for track in scene.bots.playing()]
    if step.dice[2] < 0.5:
        return _part(scene, step, hosts, server)
    network, address = scene.arena.network, f"{server}:1"
    if network.doors.pop(address, None) is None:
        return ""
    for host in hosts:
        network.reset(host, server)

    def open_again() -> None:
        there = scene.arena.servers.get(server)
        if there is not None:
            network.listen(server, address, there.player_line)

    scene.lasting(step.seconds, open_again)
    return f"the door of {server} for {step.seconds:.1f} s"


def _part(scene: Scene, step: Step, hosts: list[str], server: str) -> str:
    network = scene.arena.network
    ways = [way for host in hosts for way in ((host, server), (server, host))]

    def meet() -> None:
        for way in ways:
            network.heal(*way)

    for way in ways:
        network.cut(*way)
    scene.lasting(step.seconds, meet)
    return f"{', '.join(hosts)} and {server} for {step.seconds:.1f} s"


def player_fault(scene: Scene, step: Step) -> str:
    """The game fails for one player, some times or for a while; or does not take anybody in."""
    method, value = one((*ONE, *UNSTORED, *ENTER), step.dice[0]) or ENTER[0]
    track = one(scene.bots.met(), step.dice[1])
    if track is None or method in scene.frailty.flaws:
        return ""
    times = TIMES[int(step.dice[2] * len(TIMES))]
    if method == "enter":
        return _shut(scene, step, times)
    flaw = Flaw(times, track.name, value)
    if method == "receive":  # a letter counts as applied: its coin is gone
        flaw.tell = scene.checker.lose_a_letter
    _flawed(scene, step, method, flaw, (method, value) in UNSTORED)
    scene.checker.hurt(track, step.seconds)
    return f"{method} of {track.name} gives {str(value)[:30]}, {times} times"


def _shut(scene: Scene, step: Step, times: int) -> str:
    name = str(one(list(scene.arena.servers), step.dice[1]))
    _flawed(scene, step, "enter", Flaw(times, server=scene.game_of(name)), True)
    scene.refuses(name)
    return f"enter at {name}, {times} times"


def _flawed(scene: Scene, step: Step, method: str, flaw: Flaw, costs: bool) -> None:
    """A flaw is there for a while; whether it costs others than its player anything."""
    flaws = scene.frailty.flaws
    flaws[method] = flaw

    def repair() -> None:
        if flaws.get(method) is flaw:
            del flaws[method]

    if costs:
        scene.checker.unstored(step.seconds)
        scene.fault(step.seconds, repair)
    else:
        scene.later(step.seconds, repair)


def world_fault(scene: Scene, step: Step) -> str:
    """A server's world does not go on, for a moment or for good; or what it can do without fails.
    One that fails for good ends, and another of its name starts."""
    staying = [name for name, each in scene.arena.servers.items() if not each.draining]
    name, kinds = one(staying, step.dice[0]), SPARED if step.dice[2] < 0.4 else WORLD
    method, value = one(kinds, step.dice[1]) or WORLD[0]
    if name is None or method in scene.frailty.flaws:
        return ""
    for_a_while = step.dice[2] < 0.7 or len(staying) < 3
    times = 1 + int(step.dice[2] * (PATIENCE - 1)) if for_a_while else EVERY
    flaw = Flaw(EVERY if kinds is SPARED else times, value=value, server=scene.game_of(name))
    if kinds is SPARED:
        _flawed(scene, step, method, flaw, False)
        return f"{method} at {name} gives {str(value)[:30]}"
    if for_a_while:
        _flawed(scene, step, method, flaw, True)
        return f"{method} at {name}, {times} times"
    scene.frailty.flaws[method] = flaw
    scene.checker.fault()
    _await_end(scene, name, scene.arena.servers[name], method)
    return f"{method} at {name}, for good"


def _await_end(scene: Scene, name: str, server: GameServer, method: str) -> None:
    if scene.arena.servers.get(name) is server:
        again = scene.arena.clock.seconds() + LOOK_S
        scene.arena.clock.at(again, None, _await_end, scene, name, server, method)
        return
    scene.frailty.flaws.pop(method, None)
    scene.transcript.note(f"--- {name} is gone")
    scene.restart(name)
    scene.checker.healed()


def jump(scene: Scene, step: Step) -> str:
    """Somebody sets the clock of one host, or of all."""
    some = [*scene.arena.servers, *scene.arena.equals, scene.bots.playing()[0].host, "all"]
    who = str(one(some, step.dice[0]))
    hosts = [*scene.arena.hosts] if who == "all" else [who]
    seconds = JUMPS_S[int(step.dice[1] * len(JUMPS_S))]
    for host in hosts:
        if host in scene.arena.hosts:
            scene.arena.jump(host, seconds)
    return f"{who} by {seconds:.0f} s"


def starve(scene: Scene, step: Step) -> str:
    """A host gets only a share of its CPU time, in slices."""
    players = [track.host for track in scene.bots.met()[:1]]
    name = one([*scene.arena.servers, *scene.arena.equals, *players], step.dice[0])
    if name is None or name not in scene.arena.hosts:
        return ""
    gentle = step.dice[2] < 0.5
    awake_s, asleep_s = one(GENTLE if gentle else HARSH, step.dice[1]) or GENTLE[0]
    scene.starve(name, step.seconds, awake_s, asleep_s)
    return f"{name} for {step.seconds:.1f} s: {awake_s} s awake, {asleep_s} s asleep"


def no_ticks(scene: Scene, step: Step) -> str:
    """A server goes on to report, and does not tick."""
    name = one(list(scene.arena.servers), step.dice[0])
    if name is None or len(scene.arena.servers) < 2:
        return ""
    failing = scene.rhythm(name).failing
    failing["tick"] = EVERY
    scene.checker.freezing(name)
    scene.lasting(step.seconds, failing.clear)
    return f"{name} for {step.seconds:.1f} s"


def beat_fault(scene: Scene, step: Step) -> str:
    """What comes again fails, once or a few times in a row; it has to come again."""
    name = one([*scene.arena.servers, *scene.arena.equals], step.dice[0])
    if name is None or name not in scene.arena.hosts:
        return ""
    beat = str(one(ROUTER_BEATS if name in scene.arena.equals else SERVER_BEATS, step.dice[1]))
    times = 1 + int(step.dice[2] * 4)
    scene.rhythm(name).failing[beat] += times
    if beat == "tick":
        scene.fault(1.0, lambda: None)
    return f"{beat} at {name}, {times} times"


STEPS: dict[str, Callable[[Scene, Step], str]] = {
    "part": part,
    "part all": part_all,
    "player fault": player_fault,
    "world fault": world_fault,
    "jump": jump,
    "starve": starve,
    "no ticks": no_ticks,
    "beat fault": beat_fault,
}
