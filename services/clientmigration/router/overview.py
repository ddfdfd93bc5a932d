"""What operators are shown: the fleet, the world, the latest moves. Nothing is changed here."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from clientmigration.core.fleet.member import Member
from clientmigration.core.player.migration import Outcome
from clientmigration.router.introductions import owners
from clientmigration.wire.messages import Entry, Felt
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

if TYPE_CHECKING:
    from clientmigration.router.moves import MoveCarrier
    from clientmigration.router.service import Router

KEPT = 1000  # moves that are remembered
RECENT = 20  # moves in an overview
OF_PLAYER = 10  # moves in an answer about one player
DOTS = 5000  # players of a world that are shown
BEGINNING = 4  # letters of a name that are enough, if only one begins so
MEASURES = (
    *("tick_ms_p95", "tick_ms_p99", "lateness_ms_p95", "lateness_ms_p99"),
    *("cpu_percent", "rss_bytes", "views_per_s"),
)


class Past:
    """The latest moves that ended, oldest first."""

    def __init__(self) -> None:
        self.moves: deque[Moved] = deque(maxlen=KEPT)

    def ended(self, move: MoveCarrier, outcome: Outcome, reason: str, now: float) -> None:
        """One ended `now`."""
        self.moves.append(
            Moved(
                at=now,
                player=move.player,
                source=move.source,
                target=move.target,
                outcome=str(outcome),
                reason=reason,
                took_ms=(now - move.started) * 1000,
            )
        )

    def felt(self, target: str, felt: Felt) -> None:
        """What the player's latest move, which was to `target`, cost it."""
        for n in range(len(self.moves) - 1, -1, -1):
            move = self.moves[n]
            if move.player == felt.player:
                if move.target == target and move.outcome == Outcome.SETTLED:
                    self.moves[n] = msgspec.structs.replace(
                        move, gap_ms=felt.gap_ms, missed=felt.missed, stall_ms=felt.stall_ms
                    )
                return

    def newest(self, most: int, player: str = "") -> list[Moved]:
        """The latest, newest first: of all, or of one player."""
        of_it = (move for move in reversed(self.moves) if player in ("", move.player))
        return [move for move, _ in zip(of_it, range(most), strict=False)]

    def reason(self, player: str) -> str:
        """Why this player's latest move ended, if it did not go well."""
        latest = self.newest(1, player)
        return latest[0].reason if latest else ""


def overview(router: Router) -> Overview:
    """How things stand."""
    summary, totals = router.fleet.summary(), router.meter.totals
    known = router.fleet.members()
    numbers = owners(each.name for each in known if each.role == "gameserver")
    return Overview(
        router=router.member,
        now=router.now(),
        started=router.started,
        members=[_member(router, each, numbers.get(each.name, 0)) for each in known],
        players=summary.players,
        capacity=summary.capacity,
        waiting=len(router.line_up.waiting),
        moving=sum(bool(move.source) for move in router.moves.by_id.values()),
        joins=int(totals["joins"]),
        moves={str(outcome): int(totals[f"moves_{outcome}"]) for outcome in Outcome},
        recent=router.operators.past.newest(RECENT),
    )


def _member(router: Router, known: Member, owner: int) -> MemberStatus:
    return MemberStatus(
        name=known.name,
        role=known.role,
        address=known.address,
        zone=known.zone,
        owner=owner,
        closed=known.closed(router.policy, router.now()),
        sample=_sample(known, router.members[known.name].measures),
    )


def _sample(known: Member, measures: dict[str, float]) -> MemberSample | None:
    health = known.newest
    if health is None:
        return None
    return MemberSample(
        at=health.timestamp,
        health=health.health,
        load=health.load,
        grade=int(health.grade),
        players=health.players,
        capacity=health.capacity,
        draining=health.draining,
        x=health.centre.x,
        y=health.centre.y,
        spread_m=health.spread_m,
        measures={name: measures[name] for name in MEASURES if name in measures},
    )


def world(router: Router) -> World:
    """Where everybody stands, or an even choice of them."""
    rosters = {name: member.roster.values() for name, member in router.members.items()}
    players = sum(map(len, rosters.values()))
    every = max(1, -(-players // DOTS))
    shown = {name: _dots(entries, every) for name, entries in rosters.items()}
    count = sum(map(len, shown.values()))
    return World(now=router.now(), players=players, shown=count, members=shown)


def _dots(entries: Iterable[Entry], every: int) -> list[Dot]:
    numbered = ((zlib.crc32(each.player.encode()), each) for each in entries)
    return [Dot(n, round(e.x, 1), round(e.y, 1)) for n, e in numbered if n % every == 0]


async def found(router: Router, find: Find) -> Found | Ended:
    """Where one player is. Its name may be cut short, if only one begins so."""
    here = [
        (name, entry)
        for name, member in router.members.items()
        for entry in _called(find.player, member.roster)
    ]
    names = {entry.player for _, entry in here}
    if len(names) > 1:
        return Ended(find.n, "refused", f"{len(names)} players begin with {find.player!r}")
    player = names.pop() if names else find.player
    record = await router.timed(router.ledger.read(player))
    if not here and record.epoch == 0:
        return Ended(find.n, "refused", f"no player is called {find.player!r}")
    at, entry = max(here, key=lambda each: each[1].epoch) if here else (record.owner, None)
    moves = router.operators.past.newest(OF_PLAYER, player)
    came = next((move for move in moves if move.outcome == Outcome.SETTLED), None)
    return Found(
        n=find.n,
        player=player,
        member=at,
        epoch=entry.epoch if entry else record.epoch,
        state=entry.state if entry else "",
        migration=entry.migration if entry else "",
        x=entry.x if entry else record.snapshot.x if record.snapshot else 0.0,
        y=entry.y if entry else record.snapshot.y if record.snapshot else 0.0,
        ping_ms=entry.ping_ms if entry else None,
        stored_at=record.stored_at,
        since=came.at if came and came.target == at else None,
        moves=moves,
    )


def because(router: Router, explain: Explain) -> Because:
    """What the router remembers of a player, a move or a member."""
    memory = router.memory
    facts = memory.about(explain.subject)
    return Because(n=explain.n, since=memory.since(), facts=facts)


def _called(player: str, roster: dict[str, Entry]) -> list[Entry]:
    if player in roster:
        return [roster[player]]
    if len(player) < BEGINNING:
        return []
    return [entry for name, entry in roster.items() if name.startswith(player)]
