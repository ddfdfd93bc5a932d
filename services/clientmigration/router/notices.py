"""What operators have announced: kept in the ledger, told to everyone who watches.

Every router reads it again now and then, so that equal routers tell the same. While the ledger is
away what was known last is told.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from clientmigration.core.fleet.naming import PREFIX
from clientmigration.core.player import notices as rules
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.notices import Announcement
from clientmigration.net.beats import Beats
from clientmigration.net.ledger import TimedLedger
from clientmigration.wire.operators import Announce, Ended

log = Logger()

KEY = PREFIX + "*notices"
"""Where the ledger has them: no player and no member can be called so."""

NOTICED_S = 5.0
FAR = 1e10  # Unix seconds: the year 2286


class Announcements:
    """What is announced. `entropy` makes the names by which operators call notices."""

    def __init__(
        self,
        ledger: TimedLedger,
        beats: Beats,
        entropy: Callable[[int], bytes],
        now: Callable[[], float],
    ) -> None:
        self._ledger, self._beats, self._entropy, self._now = ledger, beats, entropy, now
        self._known: tuple[Announcement, ...] = ()

    def told(self) -> tuple[Announcement, ...]:
        """Those of now, the oldest first."""
        return rules.told(self._known, self._now())

    def look(self) -> None:
        """Read again what is announced."""
        self._beats.spawn("reading notices", self._look())

    async def _look(self) -> None:
        try:
            self._known = rules.of(await self._ledger.read(KEY))
        except Exception as error:  # the next time
            log.info("notices are not read: {why}", why=str(error))

    async def announce(self, message: Announce) -> Ended:
        """Tell it from now on, or no more; answers with its name."""
        refusal = self._refusal(message)
        if refusal:
            return Ended(message.n, "refused", refusal)
        name = message.over or self._entropy(3).hex()
        changed = (await self._ledger.rule([(KEY, self._rule(message, name))]))[0]
        self._known = rules.of(changed.record)
        if not changed.made:
            return Ended(message.n, "refused", f"there is no notice {name}")
        return Ended(message.n, "done", name)

    async def keep(self) -> None:
        """Write them anew, so that no ledger drops them as old; if there are any."""
        if rules.of(await self._ledger.read(KEY)):
            await self._ledger.rule([(KEY, rules.kept)])

    def _refusal(self, message: Announce) -> str:
        if message.over:
            return ""
        if not message.text.strip():
            return "a notice says something"
        if max(message.start, message.end) > FAR:
            return "a notice is about a time that people live to see"
        if message.end and message.end <= max(message.start, self._now()):
            return "a notice ends after it has begun, and not before now"
        return ""

    def _rule(self, message: Announce, name: str) -> Callable[[Record, float], Record | None]:
        if message.over:
            return lambda record, now: rules.ended(record, name, now)
        text, kind = message.text.strip(), message.kind
        return lambda record, now: rules.said(
            record, Announcement(name, kind, text, now, message.start, message.end), now
        )
