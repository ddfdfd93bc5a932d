"""Rebalancing: how many players should leave which member for which.

A pure function of datapoints, earlier decisions, policy and now. It knows no player (who moves is
the choice's, in `choice`), so a replay from Graphite decides the same. Nothing here remembers, and
nothing exceeds a capacity or the budget of moves.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from clientmigration.core.fleet.estimate import LoadEstimate, estimates
from clientmigration.core.fleet.exchange import exchanges
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.flow import Flow, Word
from clientmigration.core.fleet.health import Grade
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.world import distance

NOTHING = 1e-9
"""Load so small that nobody notices it."""
WELL = 0.25
"""Health from which a member takes players of one that does not keep up."""
TRIAL = 10
"""Players that a member takes at most which did not keep up some seconds ago."""
HALVINGS = 40
"""Steps in which the level is found: to a millionth of a millionth."""


def flows(fleet: Fleet, policy: Policy, now: float) -> tuple[Flow, ...]:
    """How many players should move from where to where now; empty when all is well.

    Together at most `policy.budget` players. Givers are those that drain or have not kept up for
    long (everybody, as far as there is room), are overloaded, or are clearly above the level;
    takers are below it and stay below it, but for those whom the first two send. Where nobody
    keeps up, nobody is moved: it would help nobody, and be felt by all. Register the answer with
    `fleet.decided` before asking again.
    """
    known = [each for each in estimates(fleet, policy, now) if each.closed != "silent"]
    takers = [each for each in known if not each.closed]
    if not takers:
        return ()
    even = level(known, policy)
    rooms = [_Room(taker, even, policy) for taker in takers]
    plan = tuple(_plan(known, rooms, even, policy))
    return (*plan, *exchanges(known, plan, even, policy))


def refuge(fleet: Fleet, policy: Policy, now: float, leaving: str) -> int | None:
    """How many players the others could take if `leaving` were emptied; None when no other member
    takes anybody."""
    others = [each for each in estimates(fleet, policy, now) if each.name != leaving]
    takers = [each for each in others if not each.closed]
    return sum(room(each, policy) for each in takers) if takers else None


def level(known: Sequence[LoadEstimate], policy: Policy) -> float:
    """The pressure at which all of these would stand if players were moved until nothing is won by
    moving more. On fast machines a player weighs less, and whoever is full takes no more: so it is
    not the mean."""
    low, high = 0.0, max((each.pressure for each in known), default=0.0)
    pressure = np.array([each.pressure for each in known])
    cost = np.maximum(np.array([each.cost for each in known]), NOTHING)
    drained = np.array([_emptied(each) for each in known])
    players = np.array([each.players for each in known])
    rooms = np.array([0 if each.closed else room(each, policy) for each in known])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        given = np.where(drained, players, np.clip((pressure - middle) / cost, 0, players))
        taken = np.clip((middle - pressure) / cost, 0, rooms)
        low, high = (middle, high) if given.sum() > taken.sum() else (low, middle)
    return high


def room(taker: LoadEstimate, policy: Policy) -> int:
    """Players it can take at most. Who was unhealthy just now takes few, and shows what they cost
    it: a server that is filled at once beyond what it carries would be emptied again."""
    few = max(0, TRIAL - taker.players) if taker.on_trial else taker.seats
    return min(few, taker.seats, _times(policy.limits.full_load - taker.load, taker.load_cost))


class _Room:
    """What one taker can still take, while a plan is made."""

    def __init__(self, taker: LoadEstimate, even: float, policy: Policy) -> None:
        self.taker, self.pressure = taker, taker.pressure
        self.hard = room(taker, policy)
        self.safe = _times(policy.health.overloaded - taker.load, taker.load_cost)
        self.gentle = _part(even - taker.pressure, taker, policy)

    def left(self, word: Word) -> int:
        """Players it still takes for this reason: a drain may lift it above the level, and one who
        does not keep up too, but nobody may be overloaded by that."""
        if word == "draining":
            return self.hard
        return min(self.hard, self.safe if word == "unhealthy" else self.gentle)

    def take(self) -> None:
        """One player comes."""
        self.hard, self.safe, self.gentle = self.hard - 1, self.safe - 1, self.gentle - 1
        self.pressure += self.taker.cost


def _times(span: float, each: float) -> int:
    """How often `each` fits into `span`."""
    return max(0, int(span / max(each, NOTHING)))


def _part(span: float, member: LoadEstimate, policy: Policy) -> int:
    """Players that one decision moves over this distance to the level: a part of them, but one if
    one fits without a doubt: of few, a part would come to nobody, and they would never be even."""
    one = min(1, _times(span - member.doubt, member.cost))
    return max(_times(policy.rebalance.damping * span, member.cost), one)


def _plan(
    givers: Iterable[LoadEstimate], rooms: Sequence[_Room], even: float, policy: Policy
) -> Iterator[Flow]:
    budget = policy.budget
    for giver in sorted(givers, key=_urgency):
        words = {room: word for room in rooms if (word := _word(giver, room.taker, even, policy))}
        poured = _pour(min(budget, _wish(giver, even, policy)), giver, words, policy)
        budget -= poured.total()
        for room in rooms:
            if poured[room]:
                numbers = f"{giver.pressure:.2f} to {room.taker.pressure:.2f}, level {even:.2f}"
                yield Flow.of(giver.name, room.taker.name, poured[room], words[room], numbers)


def _emptied(giver: LoadEstimate) -> bool:
    """Whether everybody should leave it."""
    return giver.closed == "draining" or giver.failing


def _urgency(giver: LoadEstimate) -> tuple[bool, bool, int, float, str]:
    drains = giver.closed == "draining"
    return not drains, not giver.failing, -giver.grade, -giver.pressure, giver.name


def _wish(giver: LoadEstimate, even: float, policy: Policy) -> int:
    if _emptied(giver):
        return giver.players
    return min(giver.players, _part(giver.pressure - even, giver, policy))


def _pour(
    count: int, giver: LoadEstimate, words: Mapping[_Room, Word], policy: Policy
) -> Counter[_Room]:
    """Players by room: one after the other to whoever is nearest, or as near and lowest, and still
    takes some. Who is emptied gives to the lowest: that may lift them above the level, so it fills
    evenly."""
    poured: Counter[_Room] = Counter()
    heap = [
        (
            0 if _emptied(giver) else _steps(giver, room.taker, policy),
            room.pressure,
            room.taker.name,
            room,
        )
        for room, word in words.items()
    ]
    heapq.heapify(heap)
    left = count
    while heap and left > 0:
        steps, _, name, room = heap[0]
        if room.left(words[room]) > 0:
            room.take()
            poured[room] += 1
            left -= 1
            heapq.heapreplace(heap, (steps, room.pressure, name, room))
        else:
            heapq.heappop(heap)
    return poured


def _steps(giver: LoadEstimate, taker: LoadEstimate, policy: Policy) -> int:
    """How far apart their players are. Where there are none yet, anybody is near."""
    if giver.centre is None or taker.centre is None:
        return 0
    return int(distance(giver.centre, taker.centre) / policy.placement.far_m)


def _word(giver: LoadEstimate, taker: LoadEstimate, even: float, policy: Policy) -> Word | None:
    """Why this one gives to that one; None: it does not."""
    if giver.name == taker.name or not taker.release.takes(giver.release, _emptied(giver)):
        return None
    if giver.closed == "draining":
        return "draining"
    if giver.failing:
        able = taker.grade is not Grade.OVERLOADED and taker.health >= WELL
        return "unhealthy" if able else None
    if not (giver.sure and taker.sure and giver.pressure > even > taker.pressure):
        return None
    doubt = max(giver.doubt, taker.doubt)
    hot = giver.grade is Grade.OVERLOADED and giver.pressure - doubt > even
    if hot and taker.grade is Grade.FIT:
        return "overloaded"
    if _clear(giver, even, doubt, policy):
        return "high"
    return "low" if _clear(taker, even, doubt, policy) else None


def _clear(member: LoadEstimate, even: float, doubt: float, policy: Policy) -> bool:
    """Whether this is far enough from the level to act; nearer will do to end what has begun."""
    r = policy.rebalance
    share = r.finish if member.changing else 1.0
    times, apart = 1 + (r.imbalance - 1) * share, abs(member.pressure - even)
    outside = member.pressure > even * times or member.pressure * times < even
    return outside and apart > (r.margin + doubt) * share
