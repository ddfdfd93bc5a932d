"""What befalls a tree of routers: players come, cross and go, routers and servers are killed,
stopped, cut off, taken off and drained. A function for each word; it answers what it did, "" if
there was nothing to do it to.
"""

from __future__ import annotations

from collections.abc import Callable

from clientmigration.testing.tree_scene import Known, TreeScene

LET_IN_S = 6.0  # a router that is alone lets a newcomer in by then
SOON_S = 0.5
WEIGHTS = {
    "cross": 14,
    "move": 6,
    "burst": 2,
    "newcomer": 2,
    "leave": 1,
    "come back": 3,
    "stray": 3,
    "kill router": 4,
    "stop router": 3,
    "part router": 4,
    "alone": 2,
    "kill server": 1,
    "drain zone": 1,
}
WITH_EQUALS = {**WEIGHTS, "lose equal": 8}
FAULTS = ("kill router", "stop router", "part router", "alone", "kill server", "lose equal")
""" "lose equal" is only where zones have two routers."""


def newcomer(scene: TreeScene, door: str = "") -> str:
    """Somebody new comes to any router."""
    door = door or scene.one([*scene.zones])
    player = scene.arena.start_player(router=door)
    scene.known.append(Known(player, door))
    return f"at {door}"


def leave(scene: TreeScene) -> str:
    """Somebody goes home."""
    known = scene.one(scene.playing())
    if known is None or len(scene.playing()) < 3:
        return ""
    known.wanted = False
    known.player.stop()
    return str(known.player.name)


def come_back(scene: TreeScene) -> str:
    """Who went home comes back, to any router."""
    gone = [each for each in scene.known if not each.wanted and each.player.name]
    known = scene.one(gone)
    return _again(scene, known) if known is not None else ""


def stray(scene: TreeScene) -> str:
    """Somebody's program ends without a word, and another with its token comes to any router,
    perhaps while it still counts as playing elsewhere."""
    known = scene.one(scene.playing())
    if known is None:
        return ""
    scene.arena.kill(scene.arena.host_of(known.player))
    return _again(scene, known)


def _again(scene: TreeScene, known: Known) -> str:
    door = scene.one([*scene.zones])
    known.again(scene.arena.start_player(token=known.player.token, router=door), door)
    return f"{known.player.token[-6:]} at {door}"


def move(scene: TreeScene) -> str:
    """A router of a leaf moves one of its players."""
    leaf = scene.one(scene.leaves)
    router = scene.well_in(leaf)
    if not router:
        return ""
    here = [each for each in scene.playing() if each.home in scene.of(leaf)]
    known, target = scene.one(here), scene.one(scene.of(leaf))
    if known is None or known.home == target:
        return ""
    scene.arena.order(known.player.name, known.home, target, router)
    return f"{known.player.name} from {known.home} to {target} by {router}"


def cross(scene: TreeScene) -> str:
    """A router has a player moved from one zone below it to another."""
    uppers = [each for each in scene.above if each in scene.above.values()]
    upper = scene.one([each for each in uppers if any(map(scene.well, scene.routers[each]))])
    if upper is None:
        return move(scene)
    router = scene.well_in(upper)
    below = [each for each, above in scene.above.items() if above == upper]
    here = [(k, b) for k in scene.playing() for b in below if scene.under(k.home, b)]
    known, source = scene.one(here) or (None, "")
    target = scene.one([each for each in below if each != source])
    if known is None:
        return ""
    scene.arena.cross(known.player, source, target, router)
    return f"{known.player.name} from {source} to {target} by {router}"


def burst(scene: TreeScene) -> str:
    """Several cross at once."""
    return "; ".join(filter(None, (cross(scene) for _ in range(5))))


def kill_router(scene: TreeScene) -> str:
    """kill -9 of one of any level; it starts again later."""
    router = scene.one([each for each in scene.zones if scene.well(each)])
    if router is None:
        return ""
    seconds = scene.random.choice((0.3, 1.0, 3.0))
    later = scene.random.choice((0.0, 0.03, 0.06, 0.09, 0.2))
    cross(scene)
    scene.after(later, _kill, scene, router, seconds)
    return f"{router} in {later} s for {seconds} s"


def _kill(scene: TreeScene, router: str, seconds: float) -> None:
    if router in scene.arena.hosts and router in scene.arena.routers:
        scene.arena.kill(router)
        scene.later(seconds, _start, scene, router)


def _start(scene: TreeScene, router: str) -> None:
    if router not in scene.arena.hosts:
        scene.arena.start_router(router)
        scene.say(f"--- {router} starts")


def stop_router(scene: TreeScene) -> str:
    """SIGSTOP of one of any level, and SIGCONT."""
    router = scene.one([each for each in scene.zones if scene.well(each)])
    if router is None:
        return ""
    seconds = scene.random.choice((0.2, 1.0, 4.0))
    cross(scene)
    _stop(scene, router, seconds)
    return f"{router} for {seconds} s"


def _stop(scene: TreeScene, router: str, seconds: float) -> None:
    if scene.well(router):
        scene.arena.freeze(router, seconds)


def part_router(scene: TreeScene) -> str:
    """A router is cut off from those above it; whoever is new is let in all the same."""
    router = scene.one([each for each in scene.zones if scene.parents(each)])
    if router is None or router in scene.cut:
        return ""
    seconds = scene.random.choice((0.5, 2.0, 7.0))
    cross(scene)
    _part(scene, router, seconds)
    if seconds > 4.0 and scene.well(router):
        scene.later(3.5, _newcomer_there, scene, router)
    return f"{router} from {scene.parents(router)} for {seconds} s"


def _part(scene: TreeScene, router: str, seconds: float) -> None:
    if router not in scene.cut:
        scene.cut.add(router)
        for way in _ways_up(scene, router):
            scene.arena.network.cut(*way)
        scene.later(seconds, _heal, scene, router)


def _ways_up(scene: TreeScene, router: str) -> list[tuple[str, str]]:
    parents = scene.parents(router)
    return [way for each in parents for way in ((router, each), (each, router))]


def _heal(scene: TreeScene, router: str) -> None:
    scene.cut.discard(router)
    for way in _ways_up(scene, router):
        scene.arena.network.heal(*way)


def _newcomer_there(scene: TreeScene, router: str) -> None:
    """I19."""
    if router in scene.cut and scene.quiet(router):
        newcomer(scene, router)
        scene.after(
            LET_IN_S, _look_for, scene, scene.known[-1], router, scene.arena.routers[router]
        )


def _look_for(scene: TreeScene, known: Known, router: str, it: object) -> None:
    strayed = bool(known.retired)  # to another door, and perhaps it waits there
    if scene.arena.routers.get(router) is not it:
        return  # killed meanwhile: it may have named somebody whom it does not know any more
    if not scene.quiet(router):
        return
    stood_s = scene.woke(router) + LET_IN_S - scene.arena.clock.seconds()
    if stood_s > 0.0:  # it has stood still meanwhile
        scene.after(stood_s, _look_for, scene, known, router, it)
    elif known.wanted and not strayed and not known.player.member:
        scene.fail("I19", f"nobody was let in at {router}, which was cut off")


def alone(scene: TreeScene) -> str:
    """A router goes on without those above for a while (it is started again without), lets
    somebody in, and is attached again."""
    router = scene.one([each for each in scene.arena.ups if scene.well(each)])
    if router is None:
        return ""
    scene.arena.ups.pop(router).stopService()
    scene.away.add(router)
    scene.later(1.0, _newcomer_at, scene, router)
    scene.later(scene.random.choice((2.0, 4.0)), _attach, scene, router)
    return str(router)


def _newcomer_at(scene: TreeScene, router: str) -> None:
    if router in scene.away:
        newcomer(scene, router)


def _attach(scene: TreeScene, router: str) -> None:
    scene.away.discard(router)
    if router not in scene.arena.routers or router in scene.arena.ups:
        return  # one that was killed is attached when it starts
    if scene.well(router):
        scene.arena.attach(router)
    else:
        scene.after(SOON_S, _attach, scene, router)


def lose_equal(scene: TreeScene) -> str:
    """One of two routers of a zone is killed, stopped or cut off, with players crossing; whoever
    knocks at the other one, or at the root, is let in as ever, if nothing else is wrong."""
    two = [each for each in scene.routers.values() if len(each) > 1 and all(map(scene.well, each))]
    routers = scene.one(two)
    if routers is None or scene.cut or scene.away:
        return ""
    lost, left = scene.random.sample(routers, 2)
    how = scene.random.choice((_kill, _stop, _part))
    seconds = scene.random.choice((1.0, 3.0, 5.0))
    crossing = burst(scene)
    scene.after(scene.random.choice((0.0, 0.03, 0.06, 0.09, 0.2)), how, scene, lost, seconds)
    door = scene.random.choice((left, *filter(scene.well, scene.routers["root"])))
    scene.after(0.3, _newcomer_beside, scene, door, lost)
    return f"{lost} ({how.__name__[1:]}) for {seconds} s, {door} goes on; {crossing}"


def _newcomer_beside(scene: TreeScene, door: str, lost: str) -> None:
    if door != lost and scene.well(door) and not scene.killed_server:
        newcomer(scene, door)
        if _else_well(scene, lost):
            scene.after(LET_IN_S, _look_beside, scene, scene.known[-1], door, _faults(scene))


def _else_well(scene: TreeScene, lost: str) -> bool:
    """Whether all other routers are there, are cut off from nobody, and take people in."""
    if scene.cut - {lost}:
        return False
    others = [each for routers in scene.routers.values() for each in routers if each != lost]
    return all(scene.well(r) and not scene.arena.routers[r].above.draining for r in others)


def _faults(scene: TreeScene) -> int:
    return sum(scene.done[word] for word in FAULTS) + scene.done["drain zone"]


def _look_beside(scene: TreeScene, known: Known, door: str, faults: int) -> None:
    strayed = bool(known.retired)
    if known.wanted and not strayed and not known.player.member and faults == _faults(scene):
        scene.fail("I19", f"nobody was let in at {door}, whose equal was lost")


def kill_server(scene: TreeScene) -> str:
    """kill -9; it starts again later."""
    name = str(scene.one([*scene.arena.servers]))
    if len(scene.of(scene.servers[name])) < 2 or len(scene.arena.servers) < 2:
        return ""
    scene.lose_server(name)
    scene.later(scene.random.choice((0.5, 3.0)), scene.start_server, name)
    return name


def drain_zone(scene: TreeScene) -> str:
    """A zone is to be empty, for a while: each router of it is told so."""
    zones = [
        zone for zone, above in scene.above.items() if above
        and all(map(scene.well, scene.routers[zone]))
    ]  # fmt: skip
    zone = scene.one(zones)
    if zone is None:
        return ""
    for each in scene.routers[zone]:
        scene.arena.routers[each].above.drain(True)
    scene.later(scene.random.choice((2.0, 6.0)), _undrain, scene, zone)
    return str(zone)


def _undrain(scene: TreeScene, zone: str) -> None:
    for each in scene.routers[zone]:
        if each in scene.arena.routers:
            scene.arena.routers[each].above.drain(False)


STEPS: dict[str, Callable[[TreeScene], str]] = {
    "cross": cross,
    "move": move,
    "burst": burst,
    "newcomer": newcomer,
    "leave": leave,
    "come back": come_back,
    "stray": stray,
    "kill router": kill_router,
    "stop router": stop_router,
    "part router": part_router,
    "alone": alone,
    "lose equal": lose_equal,
    "kill server": kill_server,
    "drain zone": drain_zone,
}
