"""Exchange: which members give each other players, so that those who see each other play together.

A pure function of what is believed of the members, of other flows and of policy: it knows no
player. Who goes, and whether anybody does, is the choice's (`regrouping`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from clientmigration.core.fleet.estimate import LoadEstimate
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.health import Grade
from clientmigration.core.fleet.policy import Policy

PAIRS = 12
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
    above the level, which is `even`, and never to more than the fullest has.
    """
    budget = exchanged_at_most(policy, sum(flow.players for flow in others))
    cap = min(max(each.pressure for each in known), even * (1 + policy.together.even))
    room = {each.name: int((cap - each.pressure) / max(each.cost, 1e-9)) for each in known}
    for pairs, one, other in _shared(_able(known, others), policy)[:PAIRS]:
        full, spare = (one, other) if one.pressure >= other.pressure else (other, one)
        most = min(budget // 2, one.seats, other.seats)
        more = max(0, min(room[spare.name], most // 2))
        if most > 0:
            room[spare.name] -= more
            numbers = f"{pairs} of {one.split.pairs + other.split.pairs} pairs apart"
            yield Flow.of(full.name, spare.name, most, "together", numbers)
            yield Flow.of(spare.name, full.name, most - more, "together", numbers)


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
    """Which of them share so many pairs that an exchange is worth it, most first."""
    by_number = {each.split.number: each for each in able}
    found: dict[tuple[str, str], tuple[int, LoadEstimate, LoadEstimate]] = {}
    for each in able:
        for number, pairs in each.split.shared:
            other = by_number.get(number)
            if other is None or other is each or other.name in each.vain:
                continue
            one, two = sorted((each, other), key=lambda member: member.name)
            before = found.get((one.name, two.name), (0, one, two))
            found[one.name, two.name] = max(before[0], pairs), one, two
    worth = [
        (pairs, one, two)
        for pairs, one, two in found.values()
        if pairs >= policy.together.least * (one.split.pairs + two.split.pairs)
    ]
    return sorted(worth, key=lambda each: (-each[0], each[1].name, each[2].name))
