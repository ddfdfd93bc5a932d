"""Flow: how many players should leave one member for another, and why.

A value. Who decides flows is `rebalance`, who carries them out is chosen in `choice`.
"""

from collections.abc import Iterable
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

    @property
    def way(self) -> str:
        """How many go from where to where; of an exchange, how many go each way."""
        if self.exchanges:
            return f"{self.players} players each way between {self.source} and {self.target}"
        return f"{self.players} players from {self.source} to {self.target}"


WORDS: tuple[Word, ...] = get_args(Word)


def announced(flows: Iterable[Flow]) -> tuple[Flow, ...]:
    """Those that are told of: of the two flows of an exchange only the first."""
    kept: dict[tuple[str, str], Flow] = {}
    for flow in flows:
        if not (flow.exchanges and (flow.target, flow.source) in kept):
            kept[flow.source, flow.target] = flow
    return tuple(kept.values())
