"""The decision log: every round of decisions as an event, so that anybody can decide it again.

A decision is posted at once, quiet rounds together: half a minute's worth, or as many as fit into
one event, or those until a member came or went. What graphite-web does not take is lost, and
counted. These records are for machines and stay out of dashboards; what those mark is posted
beside them, in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clientmigration.core.decisions.annotations import Unmarked
from clientmigration.core.decisions.rounds import DecisionRecord, Round, recorded, witness
from clientmigration.core.fleet.choice import Move
from clientmigration.core.fleet.fleet import DecidedFlows
from clientmigration.core.fleet.flow import Flow, moves_of
from clientmigration.core.fleet.handover import young
from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.release import GameRelease
from clientmigration.router.attached import Gone
from clientmigration.router.situation import Situation

QUIET_ROUNDS = 15  # half a minute of them
QUIET_BYTES = 6_000  # of one event; the members, the policy and JSON within JSON take the rest


class RecordPost(Protocol):
    """Where records are posted."""

    def post(self, what: str, tags: list[str], when: int, data: str = "") -> None:
        """Post one event, of a Unix second, and return at once."""


class DecisionLog:
    """The log of the router of this `name`. It has to hear of members that come and go, and of
    every round."""

    def __init__(self, name: str, situation: Situation, events: RecordPost) -> None:
        self._name, self._situation, self._events = name, situation, events
        self._since: dict[str, float] = {}
        self._zones: dict[str, str] = {}
        self._releases: dict[str, tuple[str, int, int]] = {}
        self._unmarked = Unmarked()
        self._quiet: list[Round] = []
        self._bytes = 0
        self._taken_at = 0.0
        self._earlier: Sequence[DecidedFlows] = ()

    def took_over(self, at: float, decided: Sequence[DecidedFlows]) -> None:
        """From now on these count of all that was decided before, here or elsewhere."""
        self.flush()
        self._taken_at, self._earlier = at, decided

    def joined(self, member: Member) -> None:
        """From now on decisions about this member count."""
        self.known_since(member, self._situation.now())

    def known_since(self, member: Member, since: float) -> None:
        """Decisions about this member count from then on (Unix seconds)."""
        self.flush()
        key = f"{member.role}.{member.name}"
        self._since[key] = since
        if member.zone != member.name:
            self._zones[key] = member.zone
        if (runs := member.release) != GameRelease():
            self._releases[key] = (runs.game, runs.version, runs.reads)

    def left(self, gone: Gone) -> None:
        """It is no member any more."""
        self.flush()
        key = f"{gone.member.role}.{gone.member.name}"
        self._since.pop(key, None)
        self._zones.pop(key, None)
        self._releases.pop(key, None)

    def held(self, now: float, flows: Sequence[Flow], moves: Sequence[Move]) -> None:
        """A round is over; the fleet is still as it was when flows were asked for."""
        planned = moves_of(flows, ((move.source, move.target) for move in moves))
        seen = witness(self._situation.fleet, self._situation.policy, now, flows, planned)
        self._mark(now, seen.sentence() if flows else "")
        if flows:
            self._events.post(seen.sentence(), ["rounds"], int(now), self._record([seen]))
        elif self._since:
            self._quiet.append(seen)
            self._bytes += len(DecisionRecord((seen,)).text())
            if len(self._quiet) >= QUIET_ROUNDS or self._bytes > QUIET_BYTES:
                self.flush()

    def _mark(self, now: float, sentence: str) -> None:
        self._unmarked, mark = self._unmarked.after(now, sentence)
        if mark:
            tags = ["clientmigration", "decision"]
            self._events.post(mark.first, tags, int(mark.at), mark.others)

    def flush(self) -> None:
        """Post the quiet rounds that have not been posted yet."""
        if self._quiet:
            what = f"{len(self._quiet)} rounds in which nobody was moved"
            record = self._record(self._quiet)
            self._events.post(what, ["rounds"], int(self._quiet[-1].now), record)
        self._quiet, self._bytes = [], 0

    def _record(self, rounds: Sequence[Round]) -> str:
        policy = recorded(self._situation.policy)
        policy = recorded(self._situation.policy)
        since, zones, releases = dict(self._since), dict(self._zones), dict(self._releases)
        earlier = tuple(young(self._earlier, rounds[0].now))
        return DecisionRecord(
            tuple(rounds), since, policy, self._name, zones, releases, self._taken_at, earlier
        ).text()
