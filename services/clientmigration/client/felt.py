"""Adds up what a crowd's players felt and counted, as measures of the catalogue, by intervals.

It only adds up what the players say. It sends nothing, and keeps no time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from clientmigration.client.player import Player
from clientmigration.client.streams import Streams
from clientmigration.client.summary import Summary
from clientmigration.client.told import FeltMove
from clientmigration.core.measures.meter import Meter


class CrowdReport:
    """The counts of one interval, and of the whole life of the crowd in `summary`.

    `members` are the servers on which its players were at the last report.
    """

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._meter = Meter(("missed_ticks", "moves"))
        self._totals: defaultdict[str, float] = defaultdict(float)
        self.members: list[str] = []

    def moved(self, move: FeltMove, now: float) -> None:
        """A player has been moved, and says what it felt."""
        self._summary.moved(move, now)
        self._meter.count("moves")
        self._meter.sample("gap_ms", move.gap_ms)
        self._meter.sample("stall_ms", move.stall_ms)

    def compare(self, other: Player, views: int) -> None:
        """What did somebody else feel in as many views just now who was not moved?"""
        tally = other.tally
        if tally.spell is None and len(tally.gaps) >= views > 0:
            self._summary.unmoved_gap_ms.add(max(tally.gaps[-views:]) * 1000)

    def take(self, players: Sequence[Player]) -> dict[str, float]:
        """The measures of these players. Starts a new interval."""
        for player in players:
            self._felt(player)
        self.members = sorted({player.member for player in players if player.member})
        tallies = [player.tally for player in players]
        missed = sum(tally.missed for tally in tallies)
        self._meter.count("missed_ticks", self._since("missed", missed))
        return {
            "views_per_s": self._since("views", sum(tally.views for tally in tallies)),
            "inputs_per_s": self._since("seq", sum(tally.seq for tally in tallies)),
            **self._meter.take(),
            "players": len(players),
            "playing": sum(bool(player.member) for player in players),
            "missed_ticks_total": missed,
            "moves_total": sum(player.moves for player in players),
            "lost_inputs_total": sum(tally.lost for tally in tallies),
            "doubled_inputs_total": sum(tally.doubled for tally in tallies),
            "rejoins_total": sum(player.rejoins for player in players),
            **self._streamed([player.streams for player in players]),
        }

    def _felt(self, player: Player) -> None:
        for gap in player.tally.take_gaps():
            self._meter.sample("idle_gap_ms", gap * 1000)
            self._summary.idle_gap_ms.add(gap * 1000)
        for took in player.tally.take_recoveries():
            self._summary.recovery_ms.add(took * 1000)
        home = player.traveller.home
        if home is not None and home.rtts:
            self._meter.sample("ping_ms", home.rtts[-1] * 1000)

    def _streamed(self, streams: list[Streams]) -> dict[str, float]:
        """The measures of files and topics."""
        finished, bad = sum(s.finished for s in streams), sum(s.bad for s in streams)
        return {
            "files": sum(len(s.files) for s in streams),
            "files_finished": self._since("finished", finished),
            "files_bad": self._since("bad", bad),
            "files_finished_total": finished,
            "files_bad_total": bad,
            "file_bytes_per_s": self._since("bytes", sum(s.bytes for s in streams)),
            "feeds": sum(len(s.feeds) for s in streams),
            "feed_entries_per_s": self._since("entries", sum(s.entries for s in streams)),
            "feed_gaps_total": sum(s.gaps for s in streams),
            "feed_duplicates_total": sum(s.duplicates for s in streams),
        }

    def _since(self, name: str, total: float) -> float:
        """What was added since the last report."""
        before, self._totals[name] = self._totals[name], total
        return total - before
