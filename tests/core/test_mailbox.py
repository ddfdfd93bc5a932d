"""Letters are taken once, whatever crashes, though who can send nothing again is forgotten."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from random import Random

import pytest

from clientmigration.core.player.mailbox import OVER_S, Mailbox

DAY_S = 86_400.0


@dataclass
class Side:
    """A player with its mail: as it is, and as the ledger has it. `taken` is its game's own state,
    which is stored together with its mail."""

    box: Mailbox = field(default_factory=Mailbox)
    taken: list[tuple[str, int]] = field(default_factory=list)
    seq: int = 0

    def __post_init__(self) -> None:
        self.kept = (self.box.mail(), list(self.taken))

    def store(self) -> None:
        """The ledger gets a snapshot, and says so."""
        self.seq += 1
        self.kept = deepcopy((self.box.mail(), self.taken))
        self.box.saved(self.seq)

    def crash(self) -> None:
        """Its server is gone: it goes on from the ledger."""
        mail, taken = deepcopy(self.kept)
        self.box, self.taken, self.seq = Mailbox.opened(mail), taken, 0


def brought(sender: Side, name: str, room: Side, random: Random, lost: float) -> None:
    """What is due comes, if it is not lost; so does the answer."""
    for to, letters in sender.box.due().items():
        if random.random() >= lost:
            for letter in room.box.take(name, letters, room.seq + 1):
                room.taken.append((name, letter.n))
            if room.box.kept(name, letters[-1].n) and random.random() >= lost:
                sender.box.answered(to, letters[-1].n, sender.seq + 1)


def parted(sender: Side, name: str, room: Side, now: float) -> int:
    """The ledger has what the sender is now, and the room forgets as early as it may: how many."""
    sender.store()
    for n in sender.box.over().values():
        room.box.let_go(name, n, now)
    before = len(room.box.got)
    room.box.forget(now + OVER_S, 1e6 * DAY_S)
    return before - len(room.box.got)


@pytest.mark.parametrize("seed", range(40))
def test_no_letter_is_lost_or_taken_twice_and_whoever_is_done_is_forgotten(seed: int) -> None:
    """Five senders, one room, and it forgets as early as it may."""
    random, room, forgotten = Random(seed), Side(), 0
    senders = {f"player {n}": Side() for n in range(5)}
    for step in range(600):
        name, sender = random.choice(sorted(senders.items()))
        match random.choice(("post", "bring", "bring", "store", "room", "crash", "room crash")):
            case "post":
                sender.box.post("room", {}, sender.seq + 1)
            case "bring":
                brought(sender, name, room, random, 0.2)
            case "store":
                forgotten += parted(sender, name, room, step * (OVER_S + 1))
            case "room":
                room.store()
            case what if step % 3 == 0:
                (room if what == "room crash" else sender).crash()
    for name, sender in 3 * list(senders.items()):  # and then nothing breaks any more
        sender.store()
        brought(sender, name, room, random, 0.0)
        room.store()
        brought(sender, name, room, random, 0.0)
    assert len(room.taken) == len(set(room.taken)), "a letter was taken twice"
    posted = {(name, n) for name, each in senders.items() for n in range(1, each.box.last + 1)}
    assert set(room.taken) >= posted, "a letter was lost"
    assert forgotten > 3


def test_a_room_remembers_those_of_the_last_hour_and_not_all_who_ever_wrote() -> None:
    room, most = Side(), 0
    for n in range(5000):
        name, sender, now = f"player {n}", Side(), n * 60.0
        sender.box.post("room", {}, 1)
        sender.store()
        brought(sender, name, room, Random(0), 0.0)
        room.store()
        brought(sender, name, room, Random(0), 0.0)
        sender.store()
        assert sender.box.over() == {"room": 1}
        room.box.let_go(name, 1, now)
        room.box.forget(now, 90 * DAY_S)
        most = max(most, len(room.box.got))
    assert len(room.taken) == 5000
    assert most <= 61


def test_who_never_says_so_is_forgotten_when_the_ledger_has_forgotten_it() -> None:
    room = Side()
    room.box.got["somebody"] = 3
    room.box.forget(0.0, 90 * DAY_S)
    room.box.let_go("somebody", 2, 0.0)  # of an earlier letter: that says nothing of the last
    room.box.forget(89 * DAY_S, 90 * DAY_S)
    assert "somebody" in room.box.got
    room.box.forget(90 * DAY_S, 90 * DAY_S)
    assert room.box.got == room.box.until == {}
