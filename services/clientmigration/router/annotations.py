"""What the router tells graphite-web, so that panels have their marks. Nothing depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from clientmigration.core.decisions.annotations import (
    Annotation,
    Run,
    changes,
    departure,
    drains,
    reachability,
)
from clientmigration.core.fleet.health import Health
from clientmigration.core.fleet.member import Member
from clientmigration.core.measures.meter import Meter
from clientmigration.router.attached import Gone
from clientmigration.router.situation import Situation


class Notice(Protocol):
    """Where events are posted."""

    def post(self, what: str, tags: list[str], when: int, data: str = "") -> None:
        """Post one event, of a Unix second, and return at once."""


class Annotations:
    """Looks at the fleet once per report and tells what changed."""

    def __init__(self, situation: Situation, events: Notice, meter: Meter) -> None:
        self._situation, self._events, self._meter = situation, events, meter
        self._seen: dict[str, Health] = {}
        self._shut: frozenset[str] = frozenset()
        self._run = Run()

    def _tell(self, news: Annotation) -> None:
        tags = ["clientmigration", news.what]
        self._events.post(news.what, tags, int(self._situation.now()), news.text)

    def joined(self, member: Member) -> None:
        """A member was let in."""
        self._tell(Annotation("join", f"{member.name} at {member.address} joins the fleet"))

    def left(self, gone: Gone) -> None:
        """The link to a member ended."""
        member = gone.member
        before, newest = self._seen.get(member.name), member.newest
        if gone.leaving and newest and not (before and before.draining):
            self._tell(drains(member.name, newest))  # it has left between two looks
        news = departure(member.name, member.newest, gone.reason, gone.leaving)
        if news.what == "crash":
            self._meter.count("members_lost")
        self._tell(news)

    def look(self, counted: Mapping[str, float], moving: int) -> None:
        """One report's counts, and the fleet as it is now."""
        members = self._situation.fleet.members()
        now = {each.name: each.newest for each in members if each.newest}
        for news in changes(self._seen, now):
            self._tell(news)
        self._seen = now
        at = self._situation.now()
        shut = frozenset(each.name for each in members if at < each.shut)
        for news in reachability(self._shut, shut):
            self._tell(news)
        self._shut = shut
        if back := int(counted["recovered"]):
            self._tell(Annotation("recovery", f"{back} players are back from a lost server"))
        self._run, ended = self._run.after(counted, moving, self._situation.now())
        if ended is not None:
            self._tell(ended)
