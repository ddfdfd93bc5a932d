"""Who looks is shown a tick: each its own view, with where its inputs stand."""

from __future__ import annotations

from typing import Any

import pytest

from clientmigration.core.player.inbox import Inbox
from clientmigration.core.player.snapshot import Progress
from clientmigration.gameserver.views import Onlookers
from clientmigration.wire.connection import SERVER_TO_PLAYER, Connection, encode
from clientmigration.wire.messages import Greeting, View


class Looks:
    """A seat and its line in one, as far as onlookers need them; everything has to be queued."""

    straight = None

    def __init__(self, player: str, known: bool = True, there: bool = True) -> None:
        self.player, self.known, self.inbox = player, known, Inbox()
        self.line: Any = self if there else None
        self.failed, self.heard = False, Connection(SERVER_TO_PLAYER)
        assert list(self.heard.receive(encode(Greeting(role="gameserver"))))
        self.seen: list[Any] = []

    def show(self, frame: bytes) -> bool:
        self.seen += self.heard.receive(frame)
        return True

    def fail(self) -> None:
        self.failed = True


def onlookers(*looks: Looks) -> Onlookers:
    seats: Any = looks
    return Onlookers(seats)


def test_those_look_who_have_a_connection_and_can_be_told_where_they_stand() -> None:
    ada, eve, bob = Looks("ada"), Looks("eve", known=False), Looks("bob", there=False)
    assert onlookers(ada, eve, bob, Looks("dan")).players == ["ada", "dan"]


@pytest.mark.parametrize("known", [Progress(), Progress(7, 6, 5)])
def test_each_is_shown_its_own_view_and_where_its_inputs_stand(known: Progress) -> None:
    ada, bob = Looks("ada"), Looks("bob")
    bob.inbox.resume(known)
    both = onlookers(ada, bob)
    assert both.show([b"a", b"b b"], 9) == (2, 0, 0)
    ada.inbox.offer(1, b"go", 0.0)
    ada.inbox.take()
    done = ada.inbox.progress
    seat: Any = ada
    both.applied([seat])
    stranger: Any = object()
    both.applied([stranger])  # who does not look has inputs, too
    assert both.show([b"a", b"c"], 10) == (2, 0, 0)
    assert ada.seen == [View(9, 0, 0, 0, b"a"), View(10, 1, 1, done.digest, b"a")]
    at = known.last, known.applied, known.digest
    assert bob.seen == [View(9, *at, b"b b"), View(10, *at, b"c")]


def test_for_whom_there_is_no_view_that_is_a_fault_and_the_others_see() -> None:
    ada, bob = Looks("ada"), Looks("bob")
    assert onlookers(ada, bob).show([None, b"b"], 9) == (1, 0, 0)
    assert (ada.failed, bob.failed) == (True, False)
    assert (ada.seen, bob.seen) == ([], [View(9, 0, 0, 0, b"b")])
