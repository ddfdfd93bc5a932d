"""The names of members, where several routers give them: each is claimed in the ledger.

The rules are in core/fleet/naming.py. A router that has a member attached, and is its primary, says
so to the ledger every second; whose name is another's by then is not attached any more. So a router
that a member cannot reach knows by the ledger that it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakSet

from twisted.logger import Logger

from clientmigration.core.fleet import naming
from clientmigration.core.player.ledger import Record
from clientmigration.errors import NotAuthentic
from clientmigration.net.beats import Beats
from clientmigration.net.ledger import Changed, TimedLedger
from clientmigration.router.attached import AttachedMembers, Gone, MemberLink

log = Logger()

Rule = Callable[[Record, str, float], Record | None]


class Names:
    """Claims, keeps and gives back. `name` is this router's own; `now` answers the date."""

    def __init__(
        self,
        name: str,
        members: AttachedMembers,
        ledger: TimedLedger,
        beats: Beats,
        now: Callable[[], float],
    ) -> None:
        self._now = now
        self._name, self._members, self._ledger, self._beats = name, members, ledger, beats
        self._kept: WeakSet[MemberLink] = WeakSet()

    async def claim(self, name: str, life: str) -> str:
        """The name under which this life may attach: the one that it brings, or a free one. Raises
        `NotAuthentic` if it is another's, and whatever the ledger does."""
        if not name:
            return await self._free(life)
        made, record = await self._ruled(naming.claimed, name, life)
        if not made:
            raise NotAuthentic(
                f"there is a member called {name} already, or was until just now, as another router"
                f" knows ({record.owner[:8]}, not {life[:8]})"
            )
        return name

    async def _free(self, life: str) -> str:
        """gs-1, gs-2, ...: small and used again, so that Graphite does not fill with names."""
        number = 0
        while True:
            number += 1
            name = f"gs-{number}"
            if name not in self._members and (await self._ruled(naming.given, name, life)).made:
                return name

    async def _ruled(self, rule: Rule, name: str, life: str) -> Changed:
        return (await self._ledger.rule([(naming.key_of(name), _by(rule, life))]))[0]

    async def elsewhere(self, name: str) -> bool:
        """Whether another router has a member of this name, as far as the ledger knows."""
        record = await self._ledger.read(naming.key_of(name))
        return naming.held(record, self._now())

    def keep(self) -> None:
        """Say to the ledger whose names these are."""
        mine = [link for link in self._members.values() if self._is_mine(link.primary)]
        self._kept = WeakSet(mine)
        if mine:
            self._beats.spawn("keeping names", self._keep(mine))

    def _is_mine(self, primary: str) -> bool:
        return primary in ("", self._name)

    def listed(self, link: MemberLink) -> None:
        """The link has a new roster. Who has just made this router its primary has lost another
        one, which gives the name back."""
        if self._is_mine(link.primary) and link not in self._kept:
            self._kept.add(link)
            self._beats.spawn("keeping a name", self._keep([link]))

    async def _keep(self, links: list[MemberLink]) -> None:
        rules = [(naming.key_of(each.name), _by(naming.kept, each.life)) for each in links]
        try:
            answers = await self._ledger.rule(rules)
        except Exception as error:  # the next time
            log.warn("no names are kept: {why}", why=str(error))
            return
        for link, answer in zip(links, answers, strict=True):
            if not answer.made:
                link.line.hang_up("name_taken", f"another member is called {link.name}")

    def left(self, gone: Gone) -> None:
        """A member is gone from here: who comes next may have its name. Another router that still
        has it takes it again; if that is its primary, it says itself when the member is gone."""
        if self._is_mine(gone.primary):
            self._beats.spawn("giving a name back", self._give_back(gone))

    async def _give_back(self, gone: Gone) -> None:
        try:
            await self._ruled(naming.given_back, gone.member.name, gone.life)
        except Exception as error:  # then it is free when nobody has kept it for a while
            log.info("{name} is not given back: {why}", name=gone.member.name, why=str(error))


def _by(rule: Rule, life: str) -> Callable[[Record, float], Record | None]:
    return lambda record, now: rule(record, life, now)
