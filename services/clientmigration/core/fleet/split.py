"""Split: how many pairs of players who see each other a member has, and shares with which others.

A value. A pair is counted from each side: by the server of the one who looks. Who is simulated
where is said by the numbers that servers have in their fleet (`numbers`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

SHARED = 4
"""Other servers that are named, those with which most pairs are shared: no series without bound."""


@dataclass(frozen=True, slots=True)
class Split:
    """Who sees whom across servers, in one second of one member. ValueError when it cannot be.

    `pairs` are the others that its players see, added up over its players; `apart` those of them
    who play on another server. `shared` says with which: (its number, pairs), most first, at most
    `SHARED`. `number` is the member's own; 0 while it has none.
    """

    number: int = 0
    pairs: int = 0
    apart: int = 0
    shared: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        named = sum(pairs for _, pairs in self.shared)
        if not 0 <= named <= self.apart <= self.pairs:
            raise ValueError(f"{self.apart} of {self.pairs} pairs apart, {named} with others")
        if self.number < 0 or any(other < 1 or pairs < 1 for other, pairs in self.shared):
            raise ValueError(f"{self.number} cannot share pairs with {self.shared}")

    @classmethod
    def of(cls, number: int, here: int, elsewhere: Mapping[int, int]) -> Self:
        """Of the others whom a member's players see, added up: those who play `here` too, and those
        elsewhere by the number of their server. Of who has no number, or the member's own, only the
        sum is told."""
        others = [(other, pairs) for other, pairs in elsewhere.items() if pairs and other]
        most = sorted(others, key=lambda each: (-each[1], each[0]))
        apart = sum(elsewhere.values())
        shared = tuple(each for each in most if each[0] != number)[:SHARED]
        return cls(number, here + apart, apart, shared)

    @classmethod
    def from_measures(cls, measures: Mapping[str, float]) -> Self:
        """What one second's measures say. A member that says nothing of pairs has none. Fractions
        are cut off, so that means of several seconds add up as well."""
        slots = (
            (
                int(measures.get(f"split_{n}_number", 0)),
                int(measures.get(f"split_{n}_pairs", 0)),
            )
            for n in range(1, SHARED + 1)
        )
        return cls(
            number=int(measures.get("number", 0)),
            pairs=int(measures.get("pairs", 0)),
            apart=int(measures.get("pairs_split", 0)),
            shared=tuple((other, pairs) for other, pairs in slots if other and pairs),
        )

    def measures(self) -> dict[str, float]:
        """The measures that game servers have beside those of `Health.measures`, which says `pairs`
        and `pairs_split`: with whom pairs are shared. Always all of them, 0 where there is none."""
        slots = (*self.shared, *[(0, 0)] * SHARED)[:SHARED]
        told = {"number": float(self.number)}
        for n, (other, pairs) in enumerate(slots, 1):
            told |= {f"split_{n}_number": float(other), f"split_{n}_pairs": float(pairs)}
        return told


UNSEEN = Split()
"""Nobody sees anybody, or nothing is known of it."""
