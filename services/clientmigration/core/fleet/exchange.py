"""Exchange: which members give each other players, so that those who see each other play together.

A pure function of what is believed of the members, of other flows and of policy: it knows no
player. Who goes, and whether anybody does, is the choice's (`regrouping`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from clientmigration.core.fleet.estimate import LoadEstimate
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.health import Grade
from clientmigration.core.fleet.policy import Policy

PAIRS = 10
"""Pairs of members that exchange in one decision, at most: those that share most."""


def exchanges(
    known: Sequence[LoadEstimate], others: Sequence[Flow], even: float, policy: Policy
) -> Iterator[Flow]:
    """Two flows for each pair of members that exchange, one each way.

    They say how many may go at most: how many do, is chosen within `share` of the budget. Those
    that share most pairs of players who see each other, if that is a share of all their pairs that
    is worth it, and if they found anybody the last time. Nobody who takes part in `others`, whose
    players are few enough to leave the budget, nobody who is overloaded or not well known. Where a
    flow is larger than the one back, so many more may go; they fill nobody to more than a little
    above the level, which is `even`, and never to more than the fullest has. Who is above that
    gives only. Of two as good, those of one zone: across zones ping decides.
    """
    budget = exchanged_at_most(policy, sum(flow.players for flow in others))
    cap = min(max(each.pressure for each in known), even * (1 + policy.together.even))
    room = {each.name: max(0, _heads(cap - each.pressure, each)) for each in known}
    left = PAIRS
    for pairs, one, other in _shared(_able(known, others), policy):
        full, spare = (one, other) if one.pressure >= other.pressure else (other, one)
        most = min(budget // 2, spare.seats)
        if full.pressure > cap:
            more, back = min(most, room[spare.name], 1 + _heads(full.pressure - cap, full)), 0
        else:
            more = min(most // 2, room[spare.name])
            back = min(most - more, full.seats)
        room[spare.name] -= more
        numbers = f"{pairs} of {one.split.pairs + other.split.pairs} pairs apart"
        left -= back + more > 0
        if back + more > 0:
            yield Flow.of(full.name, spare.name, back + more, "together", numbers)
        if back > 0:
            yield Flow.of(spare.name, full.name, back, "together", numbers)
        if not left:
            break


def _heads(span: float, member: LoadEstimate) -> int:
    """Players who make so much pressure at this member."""
    return int(span / max(member.cost, 1e-9))


def exchanged_at_most(policy: Policy, others: int) -> int:
    """Players that one decision may exchange, when so many others are moved."""
    return max(0, min(int(policy.budget * policy.together.share), policy.budget - others))


def _able(known: Sequence[LoadEstimate], others: Sequence[Flow]) -> list[LoadEstimate]:
    """The members that can exchange, by name, each with a number of its own."""
    moving = {flow.source for flow in others} | {flow.target for flow in others}
    able = [
        each
        for each in known
        if each.sure
        and not (each.closed or each.changing or each.failing or each.on_trial)
        and each.grade is not Grade.OVERLOADED
        and each.name not in moving
        and each.split.number
    ]
    numbers = Counter(each.split.number for each in able)
    return [each for each in able if numbers[each.split.number] == 1]


def _shared(
    able: Sequence[LoadEstimate], policy: Policy
) -> list[tuple[int, LoadEstimate, LoadEstimate]]:
    """Which of them share so many pairs that an exchange is worth it, most first. Those of one zone
    before others, and those of whom it is only known that they share no more at the end."""
    found: list[tuple[tuple[bool, bool, int], tuple[int, LoadEstimate, LoadEstimate]]] = []
    named = [dict(each.split.shared) for each in able]
    hidden = [each.split.apart - sum(pairs for _, pairs in each.split.shared) for each in able]
    for (n, one), (m, other) in combinations(enumerate(able), 2):
        known = max(named[n].get(other.split.number, 0), named[m].get(one.split.number, 0))
        pairs = known or min(hidden[n], hidden[m])
        if other.name in one.vain or not pairs or one.release != other.release:
            continue
        if pairs >= policy.together.least * (one.split.pairs + other.split.pairs):
            rank = one.zone != other.zone, not known, -pairs
            found.append((rank, (pairs, one, other)))
    return [shared for _, shared in sorted(found, key=lambda each: each[0])]
