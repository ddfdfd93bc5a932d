"""What players of a schedule do beside playing: some download a file, some follow a topic.

Across whatever happens the file has its SHA-256, and the topic neither a gap nor a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from twisted.python.failure import Failure

from clientmigration.client.player import Player
from clientmigration.client.streams import Fetched
from clientmigration.client.told import TopicEntry
from clientmigration.errors import PlayerStopped
from clientmigration.gameserver.files import Files

SIZES = {"small": 3_000, "large": 60_000}


def offered() -> Files:
    """The files that every server of a schedule offers."""
    return Files({name: Random(name).randbytes(size) for name, size in SIZES.items()})


class Workload:
    """What one player program does beside playing. `fail(kind, text)` is told what went wrong.

    `busy` says whether a file is still to come."""

    def __init__(self, player: Player, random: Random, fail: Callable[[str, str], None]) -> None:
        self.player, self.fail = player, fail
        self.busy = False
        self.fetched = self.entries = 0
        self._last = -1
        if random.random() < 0.4:
            self.busy = True
            fetching = player.fetch(random.choice(sorted(SIZES)), lambda _part: None)
            fetching.addCallbacks(self._got, self._failed)
        if random.random() < 0.4:
            player.subscribe("scores", self._heard)

    def _got(self, fetched: Fetched) -> None:
        self.busy = False
        self.fetched += 1
        if fetched.size != SIZES[fetched.name]:
            self.fail("work", f"{self.player.name}: {fetched.name} has {fetched.size} bytes")

    def _failed(self, failure: Failure) -> None:
        self.busy = False
        if not failure.check(PlayerStopped):
            self.fail("work", f"{self.player.name}: {failure.getErrorMessage()}")

    def _heard(self, entry: TopicEntry) -> None:
        if self._last >= 0 and entry.seq != self._last + 1:
            self.fail("work", f"{self.player.name}: entry {entry.seq} after {self._last}")
        self._last = entry.seq
        self.entries += 1
