"""Reach: which members players could not get to lately, though the router can.

Pure arithmetic with bounded memory; times are seconds of any one clock. Only players know whether
they reach a member, so it is judged by them, each counted once: by those who were sent there and
did not arrive, and by those who did.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from clientmigration.core.fleet.policy import ReachPolicy

MOST = 256
"""Players that are remembered of one member, for each way in which it can go."""
PLAYERS = 10_000
"""Players who are remembered with the members that they could not reach."""


@dataclass(slots=True)
class Tried:
    """Who could not reach one member and who could, and when each last. It is `shut` until then:
    0 when it is not. From `trial_at` on somebody may be sent there to try."""

    failed: OrderedDict[str, float] = field(default_factory=OrderedDict)
    arrived: OrderedDict[str, float] = field(default_factory=OrderedDict)
    shut: float = 0.0
    trial_at: float = 0.0


class Reach:
    """What players found out about members. A member that many cannot reach is shut, and opens by
    itself: when one of them arrives or is answered there, or when nobody has failed for long."""

    def __init__(self, policy: ReachPolicy) -> None:
        self._policy = policy
        self._tried: dict[str, Tried] = {}
        self._avoided: OrderedDict[str, dict[str, float]] = OrderedDict()

    # What players found out.

    def failed(self, player: str, member: str, now: float, witness: str = "") -> None:
        """The player was sent there and did not arrive. Of one `witness` (the player itself, unless
        something else is said) that counts once, however many players it speaks for."""
        p, tried = self._policy, self._of(member)
        _note(tried.failed, witness or player, now, p.shut_s)
        tried.arrived.pop(player, None)
        self._avoid(player, member, now)
        arrived = sum(now - at < p.shut_s for at in tried.arrived.values())
        if now < tried.shut or (len(tried.failed) >= p.many and len(tried.failed) > arrived):
            tried.shut, tried.trial_at = now + p.shut_s, now + p.trial_s

    def arrived(self, player: str, member: str, now: float) -> None:
        """The player was sent there and arrived."""
        tried = self._of(member)
        tried.failed.pop(player, None)
        _note(tried.arrived, player, now, self._policy.shut_s)
        self._avoided.get(player, {}).pop(member, None)
        if now < tried.shut:
            self._clear(member)
        self.answered(member, now)

    def answered(self, member: str, now: float) -> None:
        """A player has measured its ping there: what is shut opens for all."""
        tried = self._of(member)
        if now < tried.shut:
            tried.failed.clear()
            tried.shut = tried.trial_at = 0.0

    def trying(self, member: str, now: float) -> None:
        """Somebody is about to try: the next one only after a while."""
        tried = self._of(member)
        if now < tried.shut:
            tried.trial_at = now + self._policy.trial_s

    def forget(self, member: str) -> None:
        """The member has come anew, perhaps with another address."""
        self._tried.pop(member, None)
        self._clear(member)

    def _clear(self, member: str) -> None:
        """Nobody has a reason to avoid it any more."""
        for members in self._avoided.values():
            members.pop(member, None)

    # What follows.

    def shut(self, member: str) -> tuple[float, float]:
        """Until when nobody is sent there, and from when on one may try; (0, 0): it is open."""
        tried = self._tried.get(member)
        return (tried.shut, tried.trial_at) if tried else (0.0, 0.0)

    def avoided(self, player: str, now: float) -> dict[str, float]:
        """The members that this player could not reach lately, and from when on it may try each
        again if it can go nowhere else."""
        p, members = self._policy, self._avoided.get(player, {})
        return {m: at + p.trial_s for m, at in members.items() if now - at < p.avoid_s}

    def _of(self, member: str) -> Tried:
        return self._tried.setdefault(member, Tried())

    def _avoid(self, player: str, member: str, now: float) -> None:
        members = {m: at for m, at in self._avoided.pop(player, {}).items() if m != member}
        self._avoided[player] = {**members, member: now}
        if len(self._avoided) > PLAYERS:
            self._avoided.popitem(last=False)


def _note(who: OrderedDict[str, float], player: str, now: float, kept_s: float) -> None:
    """Remember the player, and forget who is long ago, or too many."""
    who.pop(player, None)
    who[player] = now
    while who and (now - next(iter(who.values())) >= kept_s or len(who) > MOST):
        who.popitem(last=False)
