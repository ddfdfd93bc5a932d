"""A small user-space relay that makes distance: every byte waits for half the round trip.

    python tests/bench/relay.py --rtt-ms 40 --listen 10.77.0.1 4100 4201 4202

Listens on each port of the given address and passes on to the same port of 127.0.0.1. A connection
is made one round trip after it came in, as TCP over that distance would. Linux here has no netem.

It shares the processors with what it lies between, so it is written to be cheap: one loop over
epoll, a thousand times a second, and no library. (On Twisted it took twice as much of a core.)
"""

from __future__ import annotations

import argparse
import gc
import select
import socket
import time
from collections import deque
from contextlib import suppress

STEP_S = 0.001  # how exactly bytes are held back
AT_ONCE = 65536  # bytes read at a time
BACKLOG = 1000  # a killed server's players come all at once


class End:
    """One socket. What it reads goes to `other`, half a round trip later."""

    other: End

    def __init__(self, made: socket.socket | None) -> None:
        self.socket = made  # None: the connection is not asked for yet
        self.ready = made is not None
        self.unsent = bytearray()
        self.closing = False


class Distance:
    """All connections through one relay. Every way is as long as every other, so what is under way
    arrives in the order in which it was sent; nothing is the end of it."""

    def __init__(self, rtt_s: float) -> None:
        self.rtt_s = rtt_s
        self.epoll = select.epoll()
        self.doors: dict[int, tuple[socket.socket, int]] = {}
        self.ends: dict[int, End] = {}
        self.asked: deque[tuple[float, End, int]] = deque()
        self.under_way: deque[tuple[float, End, bytes]] = deque()

    def listen(self, host: str, port: int) -> None:
        door = socket.create_server((host, port), backlog=BACKLOG)
        door.setblocking(False)
        self.doors[door.fileno()] = (door, port)
        self.epoll.register(door, select.EPOLLIN)

    def run(self) -> None:
        while True:
            time.sleep(STEP_S)
            now = time.monotonic()
            for fd, events in self.epoll.poll(0, 4096):
                if fd in self.doors:
                    self._accept(*self.doors[fd], now)
                elif fd in self.ends:
                    self._happened(self.ends[fd], events, now)
            while self.asked and self.asked[0][0] <= now:
                _, end, port = self.asked.popleft()
                self._connect(end, port)
            while self.under_way and self.under_way[0][0] <= now:
                _, end, data = self.under_way.popleft()
                self._arrive(end, data)

    def _accept(self, door: socket.socket, port: int, now: float) -> None:
        with suppress(BlockingIOError):
            while True:
                here, there = End(door.accept()[0]), End(None)
                here.other, there.other = there, here
                self._watch(here, select.EPOLLIN)
                self.asked.append((now + self.rtt_s, there, port))

    def _connect(self, end: End, port: int) -> None:
        if not end.closing:
            end.socket = socket.socket()
            end.socket.setblocking(False)
            end.socket.connect_ex(("127.0.0.1", port))
            self._watch(end, select.EPOLLIN | select.EPOLLOUT)

    def _watch(self, end: End, events: int) -> None:
        assert end.socket is not None
        end.socket.setblocking(False)
        end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ends[end.socket.fileno()] = end
        self.epoll.register(end.socket, events)

    def _happened(self, end: End, events: int, now: float) -> None:
        assert end.socket is not None
        if events & select.EPOLLOUT:
            end.ready = True
            self.epoll.modify(end.socket, select.EPOLLIN)
            self._flush(end)
        if end.socket is not None and events & ~select.EPOLLOUT:
            try:
                data = end.socket.recv(AT_ONCE)
            except BlockingIOError:  # said of an earlier socket of this number
                return
            except OSError:
                data = b""
            self.under_way.append((now + self.rtt_s / 2, end.other, data))
            if not data:
                self._close(end)

    def _arrive(self, end: End, data: bytes) -> None:
        if end.closing:
            return
        end.closing = not data
        if end.ready and not end.unsent and end.socket is not None and data:
            with suppress(OSError):  # the queue's own sending finds out why
                data = data[end.socket.send(data) :]
        if data:
            end.unsent += data
        self._flush(end)

    def _flush(self, end: End) -> None:
        if end.socket is None or not end.ready:
            return
        try:
            while end.unsent:
                del end.unsent[: end.socket.send(end.unsent)]
        except BlockingIOError:
            self.epoll.modify(end.socket, select.EPOLLIN | select.EPOLLOUT)
            return
        except OSError:  # its end is an event of its own
            end.unsent.clear()
        if end.closing:
            self._close(end)

    def _close(self, end: End) -> None:
        end.closing = True
        end.unsent.clear()
        if end.socket is not None:
            del self.ends[end.socket.fileno()]
            end.socket.close()
            end.socket = None


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--rtt-ms", type=float, default=40.0)
    flags.add_argument("--listen", default="127.0.0.2")
    flags.add_argument("ports", type=int, nargs="+")
    asked = flags.parse_args()
    distance = Distance(asked.rtt_ms / 1000)
    for port in asked.ports:
        distance.listen(asked.listen, port)
    gc.freeze()
    with suppress(KeyboardInterrupt):
        distance.run()


if __name__ == "__main__":
    main()
