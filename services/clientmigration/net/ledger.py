"""The ledger: its port, and the pure rules of core/player/ledger.py run on whatever keeps it.

Every method answers with a Deferred. A Deferred that fails means that the outcome is *unknown*:
read the record again before acting. Nothing here decides. What keeps it: a file (net/sqlite.py),
NATS JetStream (net/jetstream.py), or here, for tests, a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred, succeed

from clientmigration.core.player import ledger as rules
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Snapshot

T = TypeVar("T")

Change = Callable[[Record], Record | None]


class Changed(NamedTuple):
    """Whether a change was `made`, and the record as it is then: as changed, or as whoever was
    quicker left it. So who was refused needs no read, which may be older."""

    made: bool
    record: Record


class Ledger(Protocol):
    """Where records live. A change may refuse by answering None, and may be asked more than once.

    Whoever else writes meanwhile, a change is made of the very record that it was shown or not at
    all. What is read may be an old record, what a change answers is not. Players are independent:
    of a batch that fails some changes may have been made.
    """

    def read(self, player: str) -> Deferred[Record]:
        """The record of `player`; an empty one for a player never heard of."""

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[Changed]]:
        """Run one change per player, for one player in this order; answers what came of each."""

    def forget(self, before: float, kept: Collection[str]) -> Deferred[int]:
        """Drop the records that were stored before then (Unix seconds), but for those that members
        in `kept` own; answers how many."""

    def close(self) -> None:
        """Let go of files and threads."""


class LastingLedger(Ledger, Protocol):
    """A ledger that outlives its router: it can be looked through, and looked after."""

    def each(self, take: Callable[[Record], None]) -> Deferred[int]:
        """Hand over every record, in no order, while others write; answers how many there were."""

    def check(self) -> Deferred[list[str]]:
        """What is wrong with whatever keeps the records; nothing, if all is well."""


class TimedLedger:
    """A ledger as a router uses it: the rules, one method each, on any adapter.

    `now` answers Unix seconds, which records keep; `took` is told how many seconds each answer
    took by the clock, whatever it was.
    """

    def __init__(
        self,
        ledger: Ledger,
        now: Callable[[], float],
        took: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._ledger, self._now, self._took, self._clock = ledger, now, took, clock

    def read(self, player: str) -> Deferred[Record]:
        """The record of a player; an empty one for a player never heard of."""
        return self._timed(self._ledger.read(player))

    def take(
        self, expected: Record, owner: str, migration: str, snapshot: Snapshot | None
    ) -> Deferred[Changed]:
        """Make `owner` the owner, if the record is still as `expected`."""
        claim, now = expected.claim, self._now()
        change = lambda record: rules.taken(record, claim, owner, migration, snapshot, now)  # noqa: E731
        return self._changed(expected.player, change)

    def mend(self, expected: Record, owner: str, epoch: int) -> Deferred[Changed]:
        """Make the ledger know that `owner` has the player at a later epoch than it says, if the
        record is still as `expected`."""
        claim, now = expected.claim, self._now()
        change = lambda record: rules.mended(record, claim, owner, epoch, now)  # noqa: E731
        return self._changed(expected.player, change)

    def hand(
        self,
        expected: Record,
        owner: str,
        epoch: int,
        migration: str = "",
        snapshot: Snapshot | None = None,
    ) -> Deferred[Changed]:
        """Have the ledger say what the router above decided, if the record is as `expected`."""
        claim, now = expected.claim, self._now()
        change = lambda record: rules.handed(  # noqa: E731
            record, claim, owner, epoch, migration, snapshot, now
        )
        return self._changed(expected.player, change)

    def confirm(self, player: str) -> Deferred[Record]:
        """The record as it surely is: what is read may be older, what a change answers is not."""
        return self._changed(player, lambda _: None).addCallback(lambda answer: answer.record)

    def checkpoint(self, owner: str, snapshots: Sequence[Snapshot]) -> Deferred[list[bool]]:
        """Store what `owner` reports, at once; answers for which it is the owner."""
        now = self._now()
        changes = [self.storing(owner, each, now) for each in snapshots]
        changing = self._ledger.change([each.player for each in snapshots], changes)
        return self._timed(changing).addCallback(lambda answers: [each.made for each in answers])

    def storing(self, owner: str, snapshot: Snapshot, now: float) -> Change:
        """The change that stores one snapshot."""
        return lambda record: rules.checkpointed(record, owner, snapshot, now)

    def free(self, owner: str, snapshot: Snapshot) -> Deferred[Changed]:
        """The player went home: nobody owns it, its last state is kept."""
        now = self._now()
        change = lambda record: rules.freed(record, owner, snapshot, now)  # noqa: E731
        return self._changed(snapshot.player, change)

    def rule(
        self, rules_of: Sequence[tuple[str, Callable[[Record, float], Record | None]]]
    ) -> Deferred[list[Changed]]:
        """Change records that are no players', each by a rule of the record and the date."""
        now = self._now()
        keys = [key for key, _ in rules_of]
        changes: list[Change] = [
            lambda record, rule=rule: rule(record, now)  # type: ignore[misc]
            for _, rule in rules_of
        ]
        return self._timed(self._ledger.change(keys, changes))

    def forget(self, older_than_s: float, kept: Collection[str]) -> Deferred[int]:
        """Drop the records of those who have not been seen for so long; members in `kept` may have
        players who only stood still."""
        return self._ledger.forget(self._now() - older_than_s, kept)

    def _changed(self, player: str, change: Change) -> Deferred[Changed]:
        changing = self._ledger.change([player], [change])
        return self._timed(changing).addCallback(lambda answers: answers[0])

    def _timed(self, answer: Deferred[T]) -> Deferred[T]:
        started = self._clock()

        def done(result: T) -> T:
            self._took(self._clock() - started)
            return result

        return answer.addBoth(done)


class MemoryLedger:
    """An adapter for tests, and for reading: the whole ledger is a dictionary."""

    def __init__(self, records: dict[str, Record] | None = None) -> None:
        self.records = {} if records is None else records

    def read(self, player: str) -> Deferred[Record]:
        """The record of a player."""
        return succeed(self.records.get(player) or Record(player))

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[Changed]]:
        """Run one change per player."""
        answers = []
        for player, change in zip(players, changes, strict=True):
            record = self.records.get(player) or Record(player)
            changed = change(record)
            if changed is not None:
                self.records[player] = changed
            answers.append(Changed(changed is not None, changed or record))
        return succeed(answers)

    def forget(self, before: float, kept: Collection[str]) -> Deferred[int]:
        """Drop old records."""
        old = [each for each in self.records.values() if rules.forgotten(each, before, kept)]
        for record in old:
            del self.records[record.player]
        return succeed(len(old))

    def each(self, take: Callable[[Record], None]) -> Deferred[int]:
        """Hand over every record."""
        for record in list(self.records.values()):
            take(record)
        return succeed(len(self.records))

    def check(self) -> Deferred[list[str]]:
        """A dictionary is well."""
        return succeed([])

    def close(self) -> None:
        """There is nothing to let go of."""
