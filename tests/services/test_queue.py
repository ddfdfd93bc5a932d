"""Who waits at the door, where nobody can take it in any more."""

from __future__ import annotations

import msgspec

from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.measures.meter import Meter
from clientmigration.router.queue import Queue


class Caller:
    """A visit that notes what becomes of it."""

    number, group = 1, ""

    def __init__(self, queue: Queue) -> None:
        self.queue, self.gone = queue, False

    def say(self, message: msgspec.Struct) -> None:
        """Its place in the queue."""

    def replaced(self) -> None:
        """Not here."""

    def sent_on(self) -> None:
        """Its line is closed, of which the queue hears."""
        self.gone = True
        self.queue.leave(self)


def test_who_waits_is_sent_on_as_soon_as_the_router_has_nobody_to_send_it_to() -> None:
    serves = [True]
    queue = Queue(lambda *_: "", lambda: serves[0], 30.0, Meter(), lambda: 100.0)
    visits = [Caller(queue), Caller(queue)]
    answers = list[str]()
    for name, visit in zip(("ada", "bob"), visits, strict=True):
        queue.place(visit, Newcomer(name, None, {}), 100.0).addCallback(answers.append)
    queue.advance()
    assert ([each.gone for each in visits], len(queue), answers) == ([False, False], 2, [])
    serves[0] = False
    queue.advance()
    assert ([each.gone for each in visits], len(queue), answers) == ([True, True], 0, ["", ""])
