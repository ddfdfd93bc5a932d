"""Choice: which players are moved to carry out a flow.

A pure function of roster, flows, policy and now. Neighbours and groups stay together as far as the
flows allow; nothing here exceeds a flow or the budget of moves.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

import msgspec
import numpy as np

from clientmigration.core.fleet.cells import CellSight
from clientmigration.core.fleet.exchange import exchanged_at_most
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.parties import Parties, PartyTerms, Place
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.regrouping import Found, regrouped, wished
from clientmigration.core.fleet.resident import Resident


class Move(msgspec.Struct, frozen=True, gc=False):
    """One player should move from `source` to `target`. The reason is the flow's, then its own."""

    player: str
    source: str
    target: str
    reason: str


def choose(
    roster: Sequence[Resident],
    flows: Sequence[Flow],
    policy: Policy,
    now: float,
    budget: int,
    zones: Mapping[str, str] | None = None,
) -> tuple[Move, ...]:
    """Who moves for each flow: at most its players, at most `budget` together, each at most once.

    First those with the most neighbours at the target and the fewest at the source; a worse ping
    counts against them. Each choice draws its neighbours after it. A group moves as a whole or not
    at all; only a drain splits one that fits nowhere, and only a drain moves who is busy, last.
    Nobody who is locked; nobody who was moved within the cooldown, but by a drain. Who is exchanged
    follows `regrouping`'s rules. The order of the roster does not matter.
    `zones` says where members stand; who is not in it has a zone of its own, called like itself.
    """
    terms = PartyTerms(policy, now, zones or {})
    ways = [flow for flow in flows if not flow.exchanges]
    moves: list[Move] = []
    if ways:
        crowd = _Crowd(_by_member(roster, ways), ways, terms)
        for flow in ways:
            count = min(flow.players, budget - len(moves))
            if count > 0:
                moves += crowd.leave(flow, count)
    both = [flow for flow in flows if flow.exchanges]
    if both:
        gone = {move.player for move in moves}
        there = _by_member((each for each in roster if each.player not in gone), both)
        most = exchanged_at_most(policy, policy.budget - budget + len(moves))
        moves += [_exchanged(each) for each in regrouped(there, both, terms, most)]
    return tuple(moves)


def _exchanged(found: Found) -> Move:
    resident, flow, there, here = found
    reason = f"{flow.reason}; {there} neighbours there, {here} here"
    return Move(resident.player, flow.source, flow.target, reason)


class _Crowd:
    """Who is where while choices are made; choosing changes it."""

    def __init__(
        self, there: Mapping[str, list[Resident]], flows: Sequence[Flow], terms: PartyTerms
    ) -> None:
        wishes = wished(there, flows, terms) if terms.policy.together.share else {}
        self._terms = replace(terms, wishes=wishes)
        positions = [each.position for residents in there.values() for each in residents]
        self._sight, cells = CellSight.of(positions, terms.policy.rebalance.cell_m)
        self._places: dict[str, Place] = {}
        begin = 0
        for name, residents in there.items():
            end = begin + len(residents)
            here = np.ones(len(residents), bool)
            mates = Counter(map(attrgetter("group"), residents))
            self._places[name] = Place(residents, cells[begin:end], here, mates=mates)
            begin = end
        self._ready: dict[tuple[str, bool], Parties] = {}

    def leave(self, flow: Flow, count: int) -> Iterator[Move]:
        """The next `count` players for this flow, or as many as there are."""
        source, target = self._places[flow.source], self._places[flow.target]
        for row, there, here in self._parties(flow).leave(flow, target, count):
            resident = source.give(row, target)
            reason = f"{flow.reason}; {there} neighbours there, {here} here"
            yield Move(resident.player, flow.source, flow.target, reason)

    def _parties(self, flow: Flow) -> Parties:
        key = flow.source, flow.empties
        if key not in self._ready:
            place, drain = self._places[flow.source], key[1]
            self._ready[key] = Parties(place, self._sight, self._terms, drain)
        return self._ready[key]


def _by_member(roster: Iterable[Resident], flows: Sequence[Flow]) -> dict[str, list[Resident]]:
    """The residents of all members between which anybody moves; at a source, in order of name."""
    there: dict[str, list[Resident]] = {flow.source: [] for flow in flows}
    sources = tuple(there)
    there |= {flow.target: [] for flow in flows if flow.target not in there}
    for each in roster:
        if each.member in there:
            there[each.member].append(each)
    for name in sources:
        there[name].sort(key=attrgetter("player"))
    return there
