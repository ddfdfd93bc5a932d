"""What a player of a crowd downloads and subscribes to while it plays; a seed decides all of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec
from twisted.logger import Logger

from clientmigration.client.player import Player
from clientmigration.client.streams import Subscription
from clientmigration.client.told import TopicEntry
from clientmigration.errors import Corrupted, NotOffered, PlayerStopped

Spawn = Callable[[str, Coroutine[Any, Any, object]], None]

log = Logger()


@dataclass(frozen=True)
class Shares:
    """Which share of a crowd, 0 to 1, downloads files now and then, and which follows a topic.

    Between two downloads of one player there are `pause_s`: at least, at most.
    """

    downloads: float = 0.0
    subscriptions: float = 0.0
    pause_s: tuple[float, float] = (10.0, 60.0)


class _Listed(msgspec.Struct):
    name: str


class _Catalogue(msgspec.Struct):
    files: list[_Listed]
    topics: list[_Listed]


class Loads:
    """What one player loads: told the time ten times a second while it plays. `spawn(name, work)`
    begins what nobody waits for."""

    def __init__(self, player: Player, random: Random, shares: Shares, spawn: Spawn) -> None:
        self.player, self.random, self.spawn = player, random, spawn
        self.pause_s = shares.pause_s
        self.downloads = random.random() < shares.downloads
        self.follows = random.random() < shares.subscriptions
        self.feed: Subscription | None = None
        self.listed: _Catalogue | None = None
        self.due = 0.0
        self._busy = False

    def act(self, now: float) -> None:
        """Begin what is due."""
        if not (self.downloads or self.follows) or self._busy or now < self.due:
            return
        self._busy = True
        self.spawn("load", self._load(now))

    async def _load(self, now: float) -> None:
        try:
            if self.listed is None:
                await self._look()
            elif self.downloads and self.listed.files:
                name = self.random.choice(self.listed.files).name
                await self.player.fetch(name, lambda _part: None)
        except PlayerStopped:
            pass
        except (Corrupted, NotOffered) as error:
            log.warn("{player}: {error}", player=self.player.name, error=str(error))
        finally:
            self.due = now + self.random.uniform(*self.pause_s)
            self._busy = False

    async def _look(self) -> None:
        """Fetch the catalogue. Perhaps the player follows a topic of it."""
        catalogue = (await self.player.fetch("")).body
        self.listed = msgspec.json.decode(catalogue, type=_Catalogue)
        if self.follows:
            topic = self.random.choice(self.listed.topics).name
            self.feed = self.player.subscribe(topic, _heard)


def _heard(_entry: TopicEntry) -> None:
    """The player's own counts are enough."""
