"""Circulation: which of the moves that are wanted can be made so that nobody gets fuller by them.

A pure function. As many players come to each member as leave it, but for those whom it may take
beyond that.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

Way = tuple[str, str]
"""From one member to another."""


class Party(NamedTuple):
    """Players who go together, by their numbers, and which way. The lowest `rank` goes first."""

    rank: int
    rows: tuple[int, ...]
    way: Way


def circulated(
    wanted: Iterable[Party], bounds: Mapping[Way, int], takes: Mapping[str, int], most: int
) -> Iterator[Party]:
    """Those of `wanted` that can go, in an order in which all stay even: at most `most` players, at
    most `bounds` each way, and to no member more than it `takes` beyond those who leave it."""
    return _Walk(wanted, bounds, takes, most).parties()


class _Walk:
    """From member to member: who got one too many gives one, until all are even again."""

    def __init__(
        self,
        wanted: Iterable[Party],
        bounds: Mapping[Way, int],
        takes: Mapping[str, int],
        most: int,
    ) -> None:
        self._left, self._takes, self._most = dict(bounds), takes, most
        self._wanted = sorted(party for party in wanted if party.way in bounds)
        self._queues: dict[str, dict[str, deque[Party]]] = defaultdict(dict)
        for party in self._wanted:
            source, target = party.way
            self._queues[source].setdefault(target, deque()).append(party)
        self._excess: dict[str, int] = defaultdict(int)
        self._gone: set[int] = set()

    def parties(self) -> Iterator[Party]:
        """One round after the other."""
        for party in self._wanted:
            if party.rank not in self._gone and len(party.rows) <= self._most:
                yield from self._round(party)

    def _round(self, party: Party) -> list[Party]:
        """From this one on until nobody has too many; nothing when that does not come about."""
        made: list[Party] = []
        next_: Party | None = party
        while next_ is not None and self._fits(next_):
            self._go(next_, 1)
            made.append(next_)
            over = [each.way[1] for each in made if self._over(each.way[1])]
            if not over:
                return made
            next_ = self._from(over[0])
        for each in made:
            self._go(each, -1)
            source, target = each.way
            self._queues[source][target].appendleft(each)
        self._gone.add(party.rank)
        return []

    def _over(self, member: str) -> bool:
        return self._excess[member] > max(0, self._takes.get(member, 0))

    def _fits(self, party: Party) -> bool:
        return len(party.rows) <= min(self._left[party.way], self._most)

    def _go(self, party: Party, sign: int) -> None:
        source, target = party.way
        heads = sign * len(party.rows)
        self._left[party.way] -= heads
        self._most -= heads
        self._excess[source] -= heads
        self._excess[target] += heads
        if sign > 0:
            self._gone.add(party.rank)
        else:
            self._gone.discard(party.rank)

    def _from(self, source: str) -> Party | None:
        """The best party that leaves this one, to whoever lacks most."""
        found = [each for queue in self._queues[source].values() if (each := self._head(queue))]
        return min(found, key=lambda each: (self._excess[each.way[1]], each), default=None)

    def _head(self, queue: deque[Party]) -> Party | None:
        while queue and queue[0].rank in self._gone:
            queue.popleft()
        return queue[0] if queue and self._fits(queue[0]) else None
