"""Arrivals: who was sent where by the router and has not been heard there, and what follows.

Servers say in their rosters when they heard each player last. Who comes back to the router without
having been heard could not reach its server. Nobody is placed here: placement is told whom a player
should avoid, and the fleet which member nobody can reach.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from twisted.logger import Logger

from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.reach import Reach
from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.migration import Outcome
from clientmigration.router.attached import HEARD_S, AttachedMembers, MemberLink
from clientmigration.router.move import MoveEnded
from clientmigration.router.situation import Situation

log = Logger()

LATE_S = 1.0  # what a player said before it was redirected may be heard so much later
KEPT_S = 60.0  # who did not come back by then is not waited for any more


@dataclass(frozen=True)
class Expected:
    """A player was sent to a member, whose it is at this epoch, first at `since` and latest at
    `again`: seconds of the clock that rosters go by, which nobody sets."""

    member: str
    epoch: int
    since: float
    again: float


class Arrivals:
    """What is known of arrivals, by player; `Reach` has it by member."""

    def __init__(
        self,
        members: AttachedMembers,
        situation: Situation,
        meter: Meter,
        seconds: Callable[[], float],
    ) -> None:
        self._members, self._situation, self._meter = members, situation, meter
        self._seconds = seconds
        self._reach = Reach(situation.policy.reach)
        self._expected: dict[str, Expected] = {}  # who was sent last is last

    # What happens.

    def trying(self, member: str) -> None:
        """Somebody is about to be sent there."""
        self._reach.trying(member, self._situation.now())
        self._judge(member)

    def sent(self, player: str, member: str, epoch: int) -> None:
        """The player has been told to go there, and is that member's at this epoch. Whether it got
        to a server of a router below, that router knows."""
        known = self._situation.fleet.member(member)
        if known is not None and known.role == "router":
            return
        now, before = self._seconds(), self._expected.pop(player, None)
        since = before.since if before and before.member == member else now
        self._expected[player] = Expected(member, epoch, since, now)
        while self._expected[oldest := next(iter(self._expected))].again < now - KEPT_S:
            del self._expected[oldest]

    def listed(self, link: MemberLink) -> None:
        """The link has a new roster: who was heard since it was sent there has arrived."""
        due = [(p, each) for p, each in self._expected.items() if each.member == link.name]
        for player, expected in due:
            if self._heard_at(player, link.name) > expected.since + LATE_S:
                self._arrived(player, link.name)

    def back(self, record: Record, source: str) -> None:
        """The player of this record is at the door, and comes from this address ("": from one that
        nobody counts). If it was sent somewhere long enough ago, and has not been heard there, it
        could not reach that member; unless it has gone on from there, by an equal of ours perhaps.
        All who come from one address are one who says so: a flood shuts nothing."""
        player, now = record.player, self._seconds()
        expected = self._expected.get(player)
        if expected is None or now - expected.since < self._situation.policy.reach.arrive_s:
            return
        if record.epoch > expected.epoch:
            del self._expected[player]
            return
        link = self._members.get(expected.member)
        told = link is not None and link.listed_at > expected.since + LATE_S
        if told and not self._may_play(player, expected.member):
            del self._expected[player]
            self._failed(player, expected.member, source)

    def ended(self, ended: MoveEnded) -> None:
        """A planned move is over: its player could reach the target, or could not. Who is not heard
        at the source any more was perhaps never told to go."""
        terms, reason = ended.terms, ended.reason
        if ended.outcome is Outcome.SETTLED:
            self._arrived(terms.player, terms.target)
            return
        told = ended.outcome is Outcome.TIMED_OUT and reason.endswith("redirecting")
        if told and self._may_play(terms.player, terms.source):
            self._failed(terms.player, terms.target)

    def pinged(self, asked: Collection[str], answered: Iterable[str]) -> None:
        """Of these members these have answered a newcomer's pings."""
        now = self._situation.now()
        for member in asked:
            self._reach.trying(member, now)
        for member in answered:
            self._reach.answered(member, now)
        for member in asked:
            self._judge(member)

    def joined(self, member: Member) -> None:
        """A member was let in, perhaps with another address."""
        self._reach.forget(member.name)
        due = [player for player, each in self._expected.items() if each.member == member.name]
        for player in due:
            del self._expected[player]

    # What follows.

    def avoided(self, player: str) -> dict[str, float]:
        """The members that this player could not reach lately, and does not play at; and from when
        on (Unix seconds) it may try each again."""
        avoided = self._reach.avoided(player, self._situation.now())
        return {m: at for m, at in avoided.items() if not self._may_play(player, m)}

    def _failed(self, player: str, member: str, source: str = "") -> None:
        self._meter.count("failed_arrivals")
        log.info("{player} did not arrive at {member}", player=player, member=member)
        self._reach.failed(player, member, self._situation.now(), source or player)
        self._judge(member)

    def _arrived(self, player: str, member: str) -> None:
        self._expected.pop(player, None)
        self._reach.arrived(player, member, self._situation.now())
        self._judge(member)

    def _judge(self, name: str) -> None:
        """Have the fleet know what players found out about this member."""
        member, (until, trial_at) = self._situation.fleet.member(name), self._reach.shut(name)
        if member is None or (member.shut, member.trial_at) == (until, trial_at):
            return
        now = self._situation.now()
        if now < until and now >= member.shut:
            log.warn("players cannot reach {name}: nobody is sent there", name=name)
        elif not until:
            log.info("players reach {name} again", name=name)
        self._situation.fleet.shut(name, until, trial_at)

    # What rosters say.

    def _heard_at(self, player: str, member: str) -> float:
        """When the member last heard the player, by its newest roster, seconds of the clock;
        0: never."""
        link = self._members.get(member)
        entry = link.roster.get(player) if link else None
        if link is None or entry is None or entry.heard_s is None:
            return 0.0
        return link.listed_at - entry.heard_s

    def _may_play(self, player: str, member: str) -> bool:
        """Whether the member's newest roster does not rule out that the player plays there."""
        link = self._members.get(member)
        return link is not None and link.listed_at - self._heard_at(player, member) < HEARD_S
