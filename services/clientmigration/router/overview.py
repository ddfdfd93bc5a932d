"""What operators are shown: the fleet, the world, where a player is, and why.

This is the one place that may look at everything. It changes nothing and decides nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import islice

import msgspec

from clientmigration.core.decisions.audit import AuditTrail
from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.numbers import numbered
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.migration import Outcome
from clientmigration.core.player.notices import Announcement
from clientmigration.net.ledger import TimedLedger
from clientmigration.net.shipped import VERSION
from clientmigration.router.attached import AttachedMembers, connected
from clientmigration.router.governing import fingerprint
from clientmigration.router.past import Past
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Entry
from clientmigration.wire.operators import (
    Because,
    Dot,
    Ended,
    Explain,
    Find,
    Found,
    MemberSample,
    MemberStatus,
    Moved,
    Overview,
    World,
)
from clientmigration.wire.zones import Branch

RECENT = 20  # moves in an overview
OF_PLAYER = 10  # moves in an answer about one player
DOTS = 5000  # players of a world that are shown
SHOWN = 300  # game servers that are shown above, each by itself
DOTS_ABOVE = 200  # and of whom a router tells the one above: some 5 kB a second
BEGINNING = 4  # letters of a name that are enough, if only one begins so
SEVERAL = "players begin with"
MEASURES = (
    *("tick_ms_p95", "tick_ms_p99", "lateness_ms_p95", "lateness_ms_p99"),
    *("cpu_percent", "rss_bytes", "views_per_s", "pairs", "pairs_split"),
    *("clock_off_ms", "checkpoint_age_ms", "carbon_dropped"),
)


@dataclass(frozen=True)
class OverviewPorts:
    """Everything that may be looked at. `totals` are the meter's counts since the start, `moving`
    answers how many players are being moved, `started` since when (Unix seconds)."""

    router: str
    situation: Situation
    members: AttachedMembers
    waiting: Sized
    moving: Callable[[], int]
    totals: Mapping[str, float]
    past: Past
    audit: AuditTrail
    ledger: TimedLedger
    started: Callable[[], float]
    notices: Callable[[], Sequence[Announcement]] = tuple
    under: Callable[[str], Branch] = lambda _name: Branch([])


def overview(ports: OverviewPorts) -> Overview:
    """How things stand."""
    situation, totals = ports.situation, ports.totals
    now = situation.now()
    summary, known = situation.fleet.summary(situation.policy, now), situation.fleet.members()
    numbers = numbered(each.name for each in known if each.role == "gameserver")
    return Overview(
        router=ports.router,
        now=now,
        started=ports.started(),
        members=[_member(ports, each, numbers.get(each.name, 0)) for each in known],
        players=summary.players,
        capacity=summary.capacity,
        waiting=len(ports.waiting),
        moving=ports.moving(),
        joins=int(totals["joins"]),
        moves={str(outcome): int(totals[f"moves_{outcome}"]) for outcome in Outcome},
        recent=ports.past.newest(RECENT),
        version=VERSION,
        policy=fingerprint(situation.policy),
        routers=sorted(
            {ports.router, *(n for each in ports.members.values() for n in each.routers)}
        ),
        felt=ports.past.told,
        missed=ports.past.missed,
        notices=tuple(ports.notices()),
    )


def _member(ports: OverviewPorts, known: Member, owner: int) -> MemberStatus:
    under, links = ports.under(known.name), [*ports.members.links(known.name)]
    return MemberStatus(
        name=known.name,
        role=known.role,
        address=known.address,
        zone=known.zone,
        owner=owner,
        closed=known.closed(ports.situation.policy, ports.situation.now()),
        sample=_sample(ports, known),
        version=ports.members[known.name].version,
        under=under.members,
        servers=under.servers,
        routers=len(links) if known.role == "router" else 0,
    )


def branch(ports: OverviewPorts) -> Branch:
    """Our members, as a router above us is told: of too many game servers only the routers."""
    known = ports.situation.fleet.members()
    members = [_member(ports, each, 0) for each in known if each.name in ports.members]
    count = sum(each.servers if each.role == "router" else 1 for each in members)
    if count > SHOWN:
        return Branch(list(_routers(members)), count)
    return Branch(members, count, told_of(ports))


def _routers(members: Sequence[MemberStatus]) -> Iterator[MemberStatus]:
    for each in members:
        if each.role == "router":
            yield msgspec.structs.replace(each, under=list(_routers(each.under)))


def _sample(ports: OverviewPorts, known: Member) -> MemberSample | None:
    health, measures = known.newest, ports.members[known.name].measures
    if health is None:
        return None
    return MemberSample(
        at=health.timestamp,
        health=health.health,
        load=health.load,
        grade=int(health.grade),
        players=ports.situation.fleet.players(known.name),
        capacity=health.capacity,
        draining=health.draining,
        x=health.centre.x,
        y=health.centre.y,
        spread_m=health.spread_m,
        measures={name: measures[name] for name in MEASURES if name in measures},
    )


def world(ports: OverviewPorts) -> World:
    """Where everybody stands, or an even choice of them; of who plays below another router, where
    those stand of whom it tells."""
    rosters, beyond = _rosters(ports), [name for name in ports.members if ports.under(name).dots]
    here = sum(map(len, rosters.values()))
    every = max(1, -(-here // DOTS))
    shown = {name: _dots(entries, every) for name, entries in rosters.items()}
    for name in beyond:
        shown |= ports.under(name).dots
    count = sum(map(len, shown.values()))
    players = here + sum(map(ports.situation.fleet.players, beyond))
    return World(now=ports.situation.now(), players=players, shown=count, members=shown)


def told_of(ports: OverviewPorts, most: int = DOTS_ABOVE) -> dict[str, list[Dot]]:
    """Where some of our players stand, by game server, for the router above."""
    rosters, below = _rosters(ports), [ports.under(name).dots for name in ports.members]
    known = {name: dots for branch in below for name, dots in branch.items()}
    every = max(1, -(-sum(map(len, (*rosters.values(), *known.values()))) // most))
    dots = {name: _dots(islice(r, 0, None, every), 1) for name, r in rosters.items()}
    return {**dots, **{name: each[::every] for name, each in known.items()}}


def _rosters(ports: OverviewPorts) -> dict[str, Collection[Entry]]:
    """Those of game servers: a router lists only who crosses."""
    links = ports.members.items()
    return {name: link.roster.values() for name, link in links if link.role != "router"}


def _dots(entries: Iterable[Entry], every: int) -> list[Dot]:
    all_of_them = ((zlib.crc32(each.player.encode()), each) for each in entries)
    return [Dot(n, round(e.x, 1), round(e.y, 1)) for n, e in all_of_them if n % every == 0]


async def found(ports: OverviewPorts, who: Callable[[str], str], find: Find) -> Found | Ended:
    """Where one player is. Its name may be cut short, if only one begins so; `who` makes a name of
    what else operators say."""
    meant = who(find.player)
    here = [
        (name, entry)
        for name, link in ports.members.items()
        for entry in _called(meant, link.roster)
    ]
    names = {entry.player for _, entry in here}
    if len(names) > 1:
        return Ended(find.n, "refused", f"{len(names)} {SEVERAL} {find.player!r}")
    player = names.pop() if names else meant
    record = await ports.ledger.read(player)
    if not here and record.epoch == 0:
        return Ended(find.n, "refused", f"no player is called {find.player!r}")
    moves = ports.past.newest(OF_PLAYER, player)
    if not here:
        return _away(find.n, record, moves)
    at, entry = max(here, key=lambda each: each[1].epoch)
    return _playing(find.n, at, entry, record.stored_at, moves)


def _since(at: str, moves: list[Moved]) -> float | None:
    """When the player came to where it is, if its last move that went well brought it there."""
    came = next((move for move in moves if move.outcome == Outcome.SETTLED), None)
    return came.at if came and came.target == at else None


def _playing(n: int, at: str, entry: Entry, stored_at: float, moves: list[Moved]) -> Found:
    return Found(
        n=n,
        player=entry.player,
        member=at,
        epoch=entry.epoch,
        state=entry.state if entry.state != "playing" or connected(entry) else "away",
        migration=entry.migration,
        x=entry.x,
        y=entry.y,
        ping_ms=entry.ping_ms,
        stored_at=stored_at,
        since=_since(at, moves),
        moves=moves,
    )


def _away(n: int, record: Record, moves: list[Moved]) -> Found:
    """What the ledger knows of a player that is on no roster."""
    last = record.snapshot
    return Found(
        n=n,
        player=record.player,
        member=record.owner,
        epoch=record.epoch,
        x=last.x if last else 0.0,
        y=last.y if last else 0.0,
        stored_at=record.stored_at,
        since=_since(record.owner, moves),
        moves=moves,
    )


def because(ports: OverviewPorts, explain: Explain) -> Because:
    """What the router remembers of a player, a move or a member."""
    facts = ports.audit.about(explain.subject)
    started = ports.started()
    return Because(n=explain.n, since=ports.audit.since(), facts=facts, started=started)


def _called(player: str, roster: dict[str, Entry]) -> list[Entry]:
    if player in roster:
        return [roster[player]]
    if len(player) < BEGINNING:
        return []
    return [entry for name, entry in roster.items() if name.startswith(player)]
