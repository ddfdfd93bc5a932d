"""Annotations: what dashboards mark, such as a crash, a drain, or a run of moves that has ended.

Values and functions. The router posts them. Of decisions only what people read of them is here:
the record of each, from which it can be made again, is posted where it is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from clientmigration.core.fleet.health import Grade, Health
from clientmigration.core.player.migration import Outcome


class Annotation(NamedTuple):
    """One event: its kind (a tag in Graphite) and a sentence."""

    what: str
    text: str


def changes(before: Mapping[str, Health], now: Mapping[str, Health]) -> tuple[Annotation, ...]:
    """Who began to drain or became overloaded between two looks at the members' latest samples."""
    told = []
    for name, health in sorted(now.items()):
        earlier = before.get(name)
        if health.draining and not (earlier and earlier.draining):
            told.append(drains(name, health))
        overloaded = health.grade is Grade.OVERLOADED
        if overloaded and not (earlier and earlier.grade is Grade.OVERLOADED):
            text = f"{name} is overloaded: load {health.load:.2f}, {health.players} players"
            told.append(Annotation("overload", text))
    return tuple(told)


def reachability(before: frozenset[str], now: frozenset[str]) -> tuple[Annotation, ...]:
    """Which members players cannot reach now, and could before, or the other way round."""
    lost = [f"players cannot reach {name}: nobody is sent there" for name in sorted(now - before)]
    found = [f"nobody avoids {name} any more" for name in sorted(before - now)]
    return (
        *(Annotation("unreachable", text) for text in lost),
        *(Annotation("reachable", text) for text in found),
    )


def drains(name: str, health: Health) -> Annotation:
    """A member wants to be empty."""
    return Annotation("drain", f"{name} sends its {health.players} players away")


def departure(name: str, health: Health | None, reason: str, leaving: bool = False) -> Annotation:
    """A member is gone: it left when it had said so or that it drains, otherwise it crashed."""
    left = leaving or (health is not None and health.draining)
    return Annotation("leave" if left else "crash", f"{name} is gone: {reason}")


@dataclass(frozen=True)
class Run:
    """Moves that ended one after another without a pause, by outcome, since `began` (Unix s)."""

    began: float = 0.0
    outcomes: tuple[tuple[str, int], ...] = ()

    def after(
        self, counted: Mapping[str, float], moving: int, now: float
    ) -> tuple["Run", Annotation | None]:
        """The run once an interval's counts (`moves_settled`, ...) are in. It is over, and told,
        in an interval in which no move ended and none is under way."""
        ended = {o.value: int(counted.get(f"moves_{o.value}", 0)) for o in Outcome}
        if any(ended.values()):
            sums = {**ended, **{o: n + ended[o] for o, n in self.outcomes}}
            listed = tuple((outcome, n) for outcome, n in sums.items() if n)
            return Run(self.began or now, listed), None
        if not self.outcomes or moving:
            return self, None
        return Run(), Annotation("moves", self._text(now))

    def _text(self, now: float) -> str:
        total = sum(n for _, n in self.outcomes)
        by_outcome = ", ".join(f"{n} {outcome}" for outcome, n in self.outcomes)
        return f"{total} moves in {max(1, round(now - self.began))} s: {by_outcome}"


MARKED_EVERY_S = 15.0
"""Decisions come every other second while there is something to even out: a mark for each would
hide the panel."""

TOLD = 8
"""Decisions that one mark tells of in words, at most; of more it says how many."""


class Mark(NamedTuple):
    """A mark of decisions: of when (Unix s) it is, the first of them, and the others, in lines."""

    at: float
    first: str
    others: str


@dataclass(frozen=True)
class Unmarked:
    """Decisions since the last mark (Unix s): the time of the first, what was decided, in words."""

    marked: float = 0.0
    at: float = 0.0
    said: tuple[str, ...] = ()
    more: int = 0

    def after(self, now: float, sentence: str) -> tuple["Unmarked", Mark | None]:
        """What is not marked after a round, in which that was decided (or nothing, an empty
        sentence), and the mark if it is time for one."""
        known = self._with(now, sentence) if sentence else self
        if not known.said or abs(now - self.marked) < MARKED_EVERY_S:
            return known, None
        more = (f"and {known.more} more decisions",) if known.more else ()
        return Unmarked(now), Mark(known.at, known.said[0], "\n".join((*known.said[1:], *more)))

    def _with(self, now: float, sentence: str) -> "Unmarked":
        at = self.at if self.said else now
        if len(self.said) < TOLD:
            return Unmarked(self.marked, at, (*self.said, sentence))
        return Unmarked(self.marked, at, self.said, self.more + 1)
