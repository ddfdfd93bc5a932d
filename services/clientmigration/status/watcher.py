"""Turns a router's overviews and worlds into the values that the status daemon may show.

Everything that could lead to a player or a machine ends here: names of players, addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from clientmigration.core.fleet.health import Grade
from clientmigration.core.fleet.numbers import numbered
from clientmigration.status import feed
from clientmigration.status.feed import (
    Audience,
    GradeWord,
    PublicMove,
    PublicServer,
    PublicZone,
    Sighting,
    Status,
)
from clientmigration.wire.operators import MemberStatus, Overview, World

_SETTLED = "settled"
_GRADES: dict[int, GradeWord] = {
    Grade.FIT: "fit",
    Grade.STRAINED: "strained",
    Grade.OVERLOADED: "overloaded",
}


def _grade(member: MemberStatus) -> GradeWord:
    if member.sample is None or member.closed == "silent":
        return "silent"
    return _GRADES[member.sample.grade]


def server(member: MemberStatus, zone: str = "") -> PublicServer:
    """One game server, as it may be shown."""
    sample = member.sample
    if sample is None:
        return PublicServer(member.name, member.owner, "silent", 0.0, 0.0, 0, 0, zone=zone)
    return PublicServer(
        name=member.name,
        number=member.owner,
        grade=_grade(member),
        health=sample.health,
        load=sample.load,
        players=sample.players,
        capacity=sample.capacity,
        draining=sample.draining,
        closed=member.closed,
        tick_ms=sample.measures.get("tick_ms_p95"),
        late_ms=sample.measures.get("lateness_ms_p95"),
        x=sample.x,
        y=sample.y,
        spread=sample.spread_m,
        pairs=int(sample.measures.get("pairs", 0)),
        pairs_split=int(sample.measures.get("pairs_split", 0)),
        zone=zone,
    )


def zone(member: MemberStatus, above: str) -> PublicZone:
    """One router below, as it may be shown."""
    sample = member.sample
    return PublicZone(
        member.name,
        above,
        member.servers,
        sample.players if sample else 0,
        sample.capacity if sample else 0,
        sample.load if sample else 0.0,
        _grade(member),
        sample.draining if sample else False,
        member.closed,
    )


def tree(members: Sequence[MemberStatus], above: str = "") -> Iterator[PublicServer | PublicZone]:
    """All of them, each router before those below it."""
    for each in members:
        if each.role == "router":
            yield zone(each, above)
            yield from tree(each.under, each.name)
        else:
            yield server(each, above)


def _all_numbered(shown: Sequence[PublicServer | PublicZone]) -> list[PublicServer | PublicZone]:
    """The same; servers of zones, which have no number here, get one beside the others'."""
    names = [each.name for each in shown if isinstance(each, PublicServer)]
    numbers = numbered(names) if any(isinstance(each, PublicZone) for each in shown) else {}
    return [
        msgspec.structs.replace(each, number=numbers[each.name]) if each.name in numbers else each
        for each in shown
    ]


def status(overview: Overview) -> Status:
    """One second of a fleet, as it may be shown."""
    shown = _all_numbered([*tree(overview.members)])
    return Status(
        at=overview.now,
        servers=tuple(each for each in shown if isinstance(each, PublicServer)),
        zones=tuple(each for each in shown if isinstance(each, PublicZone)),
        waiting=overview.waiting,
        moving=overview.moving,
        settled=overview.moves.get(_SETTLED, 0),
        failed=sum(count for name, count in overview.moves.items() if name != _SETTLED),
        recent=tuple(
            PublicMove(
                each.at,
                each.source,
                each.target,
                each.outcome,
                each.took_ms,
                each.gap_ms,
                each.missed,
            )
            for each in overview.recent
        ),
        felt=overview.felt,
        missed=overview.missed,
        notices=tuple(overview.notices),
    )


class Watcher:
    """Hears a router's overviews and worlds, in any order, and passes them on to `audience`. The
    game's world has sides of `side_m` metres, and is drawn in cells of `cell_m`."""

    def __init__(self, audience: Audience, side_m: float = 1000.0, cell_m: float = 50.0) -> None:
        self._audience, self._side_m, self._cell_m = audience, side_m, cell_m
        self._numbers: dict[str, int] = {}
        self._latest: float | None = None  # when the latest move ended that was passed on

    def heard(self, message: Overview | World) -> None:
        """One of either has come."""
        if isinstance(message, World):
            self._audience.world(self._world(message))
            return
        shown = status(message)
        self._numbers = {each.name: each.number for each in shown.servers}
        self._audience.status(shown)
        self._pass_on_moves(shown)

    def _pass_on_moves(self, shown: Status) -> None:
        """Those that ended since the last overview; none from before the first."""
        since, self._latest = self._latest, shown.recent[0].at if shown.recent else shown.at
        if since is not None:
            for each in reversed(shown.recent):
                if each.at > since:
                    self._audience.moved(each)

    def _world(self, world: World) -> feed.PublicWorld:
        return feed.PublicWorld(
            world.now,
            self._side_m,
            self._cell_m,
            tuple(
                Sighting(str(dot.id), dot.x, dot.y, self._numbers.get(name, 0))
                for name, dots in world.members.items()
                for dot in dots
            ),
        )
