"""Many frames go straight to the kernel, each as if its line had been shown it by itself."""

from __future__ import annotations

import socket
from typing import Any, cast

from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport

from clientmigration.net.straight import Rows, Straight, straight_to


class Writers:
    """A reactor, as far as a socket with something queued needs one."""

    def __init__(self) -> None:
        self.writers = set[Any]()

    def addWriter(self, writer: Any) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: Any) -> None:
        self.writers.discard(writer)


class Eye:
    """A line on a real socket, whose other end reads when it is told to."""

    def __init__(self, wrap: Any = None) -> None:
        ours, self.end = socket.socketpair()
        for each in (ours, self.end):
            each.setblocking(False)
        self.reactor = cast(Any, Writers())
        self.transport: Any = Connection(ours, Protocol(), self.reactor)
        self.transport.connected = True
        self.straight: Straight | None = straight_to(self.transport, wrap)
        self.reads = True
        self.by_itself = list[bytes]()

    def show(self, frame: bytes) -> bool:
        self.by_itself.append(frame)
        return self.reads

    def seen(self) -> bytes:
        """All that comes, with what was queued for it."""
        got = bytearray()
        for _ in range(1000):
            try:
                got += self.end.recv(1 << 20)
            except BlockingIOError:
                if not self.reactor.writers:
                    break
                self.transport.doWrite()
        return bytes(got)


def shown(*each: tuple[Eye, bytes | None]) -> tuple[int, int, int]:
    eyes, frames = [eye for eye, _ in each], [frame for _, frame in each]
    missing = lambda row: eyes[row].by_itself.append(b"nothing")  # noqa: E731
    return Rows(eyes).show(frames, missing)


def test_each_line_gets_its_own_frame_and_is_counted_for_it() -> None:
    ada, eve, bob = Eye(), Eye(), Eye(wrap=lambda frame: b"<" + frame + b">")
    assert shown((ada, b"to ada"), (eve, None), (bob, b"and bob")) == (2, 0, 6 + 7)
    assert (ada.seen(), bob.seen()) == (b"to ada", b"<and bob>")
    assert (eve.seen(), eve.by_itself) == (b"", [b"nothing"])


def test_who_does_not_read_is_left_out() -> None:
    ada, bob = Eye(), Eye()
    assert ada.straight is not None
    ada.straight.queue(b"0")
    ada.reads = False
    assert shown((ada, b"1"), (bob, b"2")) == (1, 1, 1)
    assert (ada.seen(), ada.by_itself, bob.seen()) == (b"0", [b"1"], b"2")


def test_the_way_is_clear_again_once_what_was_queued_is_sent() -> None:
    ada = Eye()
    way = ada.straight
    assert way is not None
    clear = [way.clear]
    for data in (bytes(5_000_000), b"behind it"):
        way.write(data)
        clear.append(way.clear)
    assert ada.seen() == bytes(5_000_000) + b"behind it"
    way.write(b"at once")
    assert [*clear, way.clear] == [True, False, False, True]
    assert not ada.reactor.writers
    assert ada.seen() == b"at once"


def test_a_closed_way_takes_no_frame_but_what_its_owner_still_owes() -> None:
    ada = Eye()
    way = ada.straight
    assert way is not None
    way.close()
    way.write(b"a frame")
    way.send(b"the end")
    assert (ada.seen(), way.clear) == (b"the end", False)


def test_what_the_socket_does_not_take_is_queued_and_nothing_overtakes_it() -> None:
    ada, large = Eye(), bytes(range(256)) * 20_000
    assert shown((ada, large)) == (1, 0, len(large))
    assert ada.reactor.writers
    assert shown((ada, b"the next")) == (1, 0, 0)
    assert ada.by_itself == [b"the next"]  # the line itself knows to queue it behind the first
    assert ada.seen() == large


def test_a_socket_that_is_gone_costs_the_others_nothing() -> None:
    ada, bob = Eye(), Eye()
    ada.end.close()
    assert shown((ada, b"1"), (bob, b"2")) == (2, 0, 2)
    assert ada.reactor.writers  # Twisted's own write finds out that it is gone, and says so
    assert bob.seen() == b"2"


def test_a_way_that_was_closed_is_not_used_any_more() -> None:
    ada = Eye()
    assert ada.straight is not None
    ada.straight.close()
    shown((ada, b"1"))
    assert (ada.seen(), ada.by_itself) == (b"", [b"1"])


def test_there_is_no_such_way_through_anything_else() -> None:
    assert straight_to(StringTransport()) is None
    assert straight_to(Eye()) is not None  # which says itself which it is


def test_rows_are_shown_again_and_again_whatever_becomes_of_their_ways() -> None:
    ada, eve, bob, large = Eye(), Eye(wrap=lambda frame: b"<" + frame + b">"), Eye(), bytes(5000000)
    rows, row = Rows([ada, eve, bob]), list[int]()
    assert rows.show([b"1", b"1", b"1"], row.append) == (3, 0, 3)
    assert rows.show([large, b"2", b"2"], row.append) == (3, 0, len(large) + 2)
    assert rows.show([b"3", b"3", None], row.append) == (2, 0, 1)  # one is queued for, one missing
    assert (ada.by_itself, row) == ([b"3"], [2])
    assert ada.seen() == b"1" + large
    assert ada.straight is not None
    ada.straight.send(b"4")  # it is clear again
    assert rows.show([b"5", b"5", b"5"], row.append) == (3, 0, 3)
    assert rows.show([b"6", b"6", b"6"], row.append) == (3, 0, 3)
    assert bob.straight is not None
    bob.straight.close()
    assert rows.show([b"7", b"7", b"7"], row.append) == (3, 0, 2)
    assert (ada.seen(), eve.seen()) == (b"4567", b"<1><2><3><5><6><7>")
    assert (bob.seen(), bob.by_itself, row) == (b"1256", [b"7"], [2])
