"""Flow: how many players should leave one member for another, and why.

A value. Who decides flows is `rebalance`, who carries them out is chosen in `choice`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

Word = Literal["draining", "unhealthy", "overloaded", "high", "low", "together"]
"""Why one member gives to another: the giver empties itself, has not kept up for long, is
overloaded, is clearly above the level, the taker is clearly below it, or both exchange players, so
that those who see each other play together: then as many go the other way."""


@dataclass(frozen=True, slots=True)
class Flow:
    """So many players should leave `source` for `target`. The reason is a word, then the numbers.

    These four fields are what records of decisions hold, so a reason is read as it was written.
    """

    source: str
    target: str
    players: int
    reason: str

    def __post_init__(self) -> None:
        if self.players < 1 or self.source == self.target:
            raise ValueError(f"{self.players} players from {self.source} to {self.target}")

    @classmethod
    def of(cls, source: str, target: str, players: int, word: Word, numbers: str) -> Self:
        """The flow that is decided for this word, with the numbers that led to it."""
        return cls(source, target, players, f"{word}: {numbers}")

    @property
    def word(self) -> Word | None:
        """The word of the reason; None in a record whose reason begins with no such word."""
        first = self.reason.partition(":")[0]
        return next((word for word in WORDS if word == first), None)

    @property
    def empties(self) -> bool:
        """Whether everybody shall leave the source, not only as many as make it even."""
        return self.word in ("draining", "unhealthy")

    @property
    def exchanges(self) -> bool:
        """Whether as many go the other way in the same decision."""
        return self.word == "together"


WORDS: tuple[Word, ...] = get_args(Word)


def moves_of(flows: Sequence[Flow], taken: Iterable[tuple[str, str]]) -> tuple[int, ...]:
    """How many of these moves, each a (source, target), each flow got."""
    counts = Counter(taken)
    return tuple(counts[flow.source, flow.target] for flow in flows)


def ways(flows: Sequence[Flow]) -> Iterator[tuple[Flow, str]]:
    """Each flow with how many go from where to where, in words. The two of an exchange are told as
    one, with the first of them; what they say is how many may go at most."""
    exchanged = {(each.source, each.target): each for each in flows if each.exchanges}
    for flow in flows:
        way = f"{flow.players} players from {flow.source} to {flow.target}"
        if not flow.exchanges:
            yield flow, way
        elif exchanged.pop((flow.source, flow.target), None):
            back = exchanged.pop((flow.target, flow.source), None)
            yield flow, f"at most {way}" + (f" and {back.players} back" if back else "")
