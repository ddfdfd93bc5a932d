"""Audit trail: why players are where they are, in words, as far back as there is room for.

Facts, in words, as they happened. Nothing is decided from them, and a router that starts again
begins without.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import Placement
from clientmigration.core.fleet.scores import Score
from clientmigration.core.player.fact import Fact

ROOM = 20_000  # facts, about 7 MB: two for each move, one for each newcomer
TOLD = 100  # facts told at a time
WORTH_TELLING_S = 0.05
OTHERS = 3  # members named beside the one that was chosen


class AuditTrail:
    """The last `room` facts, to be asked for by player, member or move."""

    def __init__(self, room: int = ROOM) -> None:
        self._facts: deque[Fact] = deque(maxlen=room)

    def keep(self, fact: Fact) -> None:
        """Remember it; the oldest gives way."""
        self._facts.append(fact)

    def about(self, subject: str) -> list[Fact]:
        """The latest facts about a member, a player or a move, newest first."""
        found = (fact for fact in reversed(self._facts) if fact.concerns(subject))
        return list(islice(found, TOLD)) if subject else []

    def since(self) -> float:
        """When the oldest fact happened, Unix seconds; 0 when there is none."""
        return self._facts[0].at if self._facts else 0.0


def placed(newcomer: Newcomer, placement: Placement, at: float) -> Fact:
    """A newcomer was sent to a member, and why there."""
    chosen, others = placement.reasons[0], placement.reasons[1:]
    text = "; ".join([_of(chosen), *_instead(others), *_more(newcomer, chosen.member)])
    return Fact(at, "placed", newcomer.player, "", chosen.member, text)


def _of(score: Score) -> str:
    return (
        f"{score.member} scores {score.total:.2f} (ping {score.ping:.2f}, load {score.load:.2f},"
        f" position {score.position:.2f}, group {score.group:.2f}; 0 is best)"
    )


def _instead(others: Sequence[Score]) -> Iterator[str]:
    for score in others[:OTHERS]:
        why = f"is out: {score.excluded}" if score.excluded else f"scores {score.total:.2f}"
        yield f"{score.member} {why}"
    if len(others) > OTHERS:
        yield f"{len(others) - OTHERS} more"


def _more(newcomer: Newcomer, member: str) -> Iterator[str]:
    if newcomer.near:
        around = sum(newcomer.near.values())
        yield f"{newcomer.near.get(member, 0)} of {around} around it play there"
    if newcomer.waited_s >= WORTH_TELLING_S:
        yield f"it waited {newcomer.waited_s:.1f} s"
