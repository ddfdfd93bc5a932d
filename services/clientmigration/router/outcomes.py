"""What is told of the moves that ended: to the audit trail, to the meter, to the log, to decisions.

Each listener keeps what it needs and nothing of the others'. Nothing here speaks to anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.logger import Logger

from clientmigration.core.decisions.audit import AuditTrail
from clientmigration.core.fleet.headcount import Headcount
from clientmigration.core.fleet.reluctance import Reluctance
from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.fact import Fact
from clientmigration.core.player.migration import STAYED, Outcome
from clientmigration.core.player.records import is_record
from clientmigration.router.attached import MemberLink
from clientmigration.router.move import MoveEnded, MoveTerms

log = Logger()
About = TypeVar("About", MoveEnded, MoveTerms)


class MoveFacts:
    """Keeps in the audit trail why moves began and how they ended."""

    def __init__(self, audit: AuditTrail) -> None:
        self._audit = audit

    def begun(self, terms: MoveTerms) -> None:
        """A move begins."""
        self._audit.keep(
            Fact(
                terms.started,
                "begun",
                terms.player,
                terms.source,
                terms.target,
                terms.why,
                terms.id,
            )
        )

    def ended(self, ended: MoveEnded) -> None:
        """A move is over."""
        terms, reason = ended.terms, ended.reason
        text = f"{ended.outcome}{': ' if reason else ''}{reason}"
        self._audit.keep(
            Fact(ended.at, "ended", terms.player, terms.source, terms.target, text, terms.id)
        )


class MoveCounts:
    """Counts moves by outcome, and samples how long those took that went well."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def ended(self, ended: MoveEnded) -> None:
        """A move is over."""
        self._meter.count(f"moves_{ended.outcome}")
        if ended.outcome is Outcome.SETTLED:
            self._meter.sample("move_ms", ended.took_ms)


class Cooldowns:
    """When players were moved last (Unix seconds), those who were moved within `kept_s`: by us, or
    by another router, as rosters tell. `now` is that date."""

    def __init__(self, kept_s: Callable[[], float], now: Callable[[], float] = lambda: 0.0) -> None:
        self._kept_s, self._now = kept_s, now
        self.moved_at: dict[str, float] = {}

    def ended(self, ended: MoveEnded) -> None:
        """A move is over. Only one that settled makes a player rest."""
        if ended.outcome is not Outcome.SETTLED:
            return
        self._moved(ended.terms.player, ended.at)

    def listed(self, link: MemberLink) -> None:
        """A roster says who came by a move, and how long ago."""
        now = self._now()
        for player, each in link.shared.items():
            if each.moved_s is not None and each.moved_s < self._kept_s():
                self._moved(player, max(now - each.moved_s, self.moved_at.get(player, 0.0)))

    def _moved(self, player: str, at: float) -> None:
        self.moved_at.pop(player, None)
        self.moved_at[player] = at
        while self.moved_at[oldest := next(iter(self.moved_at))] < at - self._kept_s():
            del self.moved_at[oldest]


class Relocations:
    """Has the headcount know who is between two servers, and where they go on."""

    def __init__(self, headcount: Headcount) -> None:
        self._headcount = headcount

    def frozen(self, terms: MoveTerms) -> None:
        """The source holds the player from now on."""
        self._headcount.held(terms.player, terms.source)

    def ended(self, ended: MoveEnded) -> None:
        """A move is over: the player plays on, here or there, or has left."""
        terms = ended.terms
        if ended.outcome is Outcome.SETTLED:
            self._headcount.goes_on(terms.player, terms.target)
        elif ended.outcome in (Outcome.REFUSED, Outcome.TIMED_OUT):
            self._headcount.goes_on(terms.player, terms.source)
        else:
            self._headcount.let_go(terms.player)


class Reluctant:
    """Which players do not follow their redirects."""

    def __init__(self) -> None:
        self._known = Reluctance()

    def ended(self, ended: MoveEnded) -> None:
        """A move is over: the player came, or it was told to and stayed."""
        if ended.outcome is Outcome.SETTLED:
            self._known.came(ended.terms.player)
        elif ended.outcome is Outcome.TIMED_OUT and ended.reason == STAYED:
            self._known.stayed(ended.terms.player, ended.at)

    def left_alone(self, player: str, now: float) -> bool:
        """Whether it is too early to move this player again."""
        return self._known.left_alone(player, now)


def log_ended(ended: MoveEnded) -> None:
    """A line for a move that did not go well."""
    if ended.outcome is not Outcome.SETTLED:
        log.info(
            "moving {player} from {source} to {target} ended: {outcome}: {reason}",
            player=ended.terms.player, source=ended.terms.source, target=ended.terms.target,
            outcome=ended.outcome, reason=ended.reason,
        )  # fmt: skip


def of_players(tell: Callable[[About], None]) -> Callable[[About], None]:
    """The same listener, who is not told of records."""

    def told(about: About) -> None:
        terms = about.terms if isinstance(about, MoveEnded) else about
        if not is_record(terms.player):
            tell(about)

    return told
