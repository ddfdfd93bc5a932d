"""One player's inputs at one server, applied exactly once and in order, whatever arrives twice.

During a move every input comes on two connections; before it, and after it, on one. The sequence
number alone decides: what is applied already is dropped, what is early waits for what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from clientmigration.core.player.snapshot import Progress

LAST = 2**32 - 1  # the greatest sequence number that a view can tell
ROOM = 512  # inputs that may wait: 50 s at 10 Hz, far beyond any move; more means a broken peer
ROOM_S = 10  # the same where inputs come faster, at one for each tick


def room_at(rate: int) -> int:
    """How many inputs may wait at a server of so many ticks a second."""
    return max(ROOM, ROOM_S * rate)


@dataclass(slots=True)
class Inbox:
    """Inputs not applied yet, by sequence number, and the `progress` of those that are. At most
    `room` wait."""

    progress: Progress = field(default_factory=Progress)
    waiting: dict[int, tuple[bytes, float]] = field(default_factory=dict)
    room: int = ROOM

    def offer(self, seq: int, body: bytes, now: float) -> bool:
        """Keep an input that arrived at `now`, unless it is known. False: there is no room."""
        if seq <= self.progress.last or seq in self.waiting:
            return True
        if len(self.waiting) >= self.room:
            return False
        self.waiting[seq] = (body, now)
        return True

    def pass_on(self, seq: int, body: bytes) -> bool:
        """Whether an input is the next one, and nothing waits: then it is not kept, but counts as
        taken. If not, it is to be offered."""
        done = self.progress
        if self.waiting or seq != done.last + 1:
            return False
        self.progress = done.after(seq, body)
        return True

    def take(self) -> tuple[bytes, float] | None:
        """The body to apply next, with its arrival time; progress moves with it. None: it is not
        here yet."""
        seq = self.progress.last + 1
        found = self.waiting.pop(seq, None)
        if found is not None:
            self.progress = self.progress.after(seq, found[0])
        return found

    def clear(self) -> None:
        """What waits is of a program that is gone: its numbers will be used again."""
        self.waiting.clear()

    def resume(self, progress: Progress) -> None:
        """Go on from `progress`, which another server reached."""
        self.progress = progress
        self.waiting = {seq: kept for seq, kept in self.waiting.items() if seq > progress.last}

    def skip_to(self, oldest: int) -> int:
        """The player can send nothing before `oldest` again: do not wait for it. Answers how many
        inputs are passed over, never to be applied.

        The hole stays visible as `progress.last - progress.applied`. Whatever the player claims,
        nothing comes after `LAST`.
        """
        known = self.progress.last
        last = max(known, min(oldest - 1, LAST))
        self.resume(Progress(last, self.progress.applied, self.progress.digest))
        return last - known
