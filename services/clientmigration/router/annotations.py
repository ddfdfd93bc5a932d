"""What the router tells graphite-web, so that panels have their marks. Nothing depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from clientmigration.core.decisions.annotations import Annotation, Run, changes, departure
from clientmigration.core.fleet.health import Health

if TYPE_CHECKING:
    from clientmigration.router.service import Router


class Annotations:
    """Looks at the fleet once per report and tells what changed."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self._seen: dict[str, Health] = {}
        self._run = Run()

    def tell(self, news: Annotation) -> None:
        """One event, now."""
        tags = ["clientmigration", news.what]
        self.router.events.post(news.what, tags, int(self.router.now()), news.text)

    def joined(self, name: str, address: str) -> None:
        """A member was let in."""
        self.tell(Annotation("join", f"{name} at {address} joins the fleet"))

    def gone(self, name: str, health: Health | None, reason: str) -> None:
        """The link to a member ended."""
        news = departure(name, health, reason)
        if news.what == "crash":
            self.router.meter.count("members_lost")
        self.tell(news)

    def look(self, counted: Mapping[str, float], moving: int) -> None:
        """One report's counts, and the fleet as it is now."""
        now = {each.name: each.newest for each in self.router.fleet.members() if each.newest}
        for news in changes(self._seen, now):
            self.tell(news)
        self._seen = now
        if back := int(counted["recovered"]):
            self.tell(Annotation("recovery", f"{back} players are back from a lost server"))
        self._run, ended = self._run.after(counted, moving, self.router.now())
        if ended is not None:
            self.tell(ended)
