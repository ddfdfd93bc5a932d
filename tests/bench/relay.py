"""A small user-space relay that makes distance: every byte waits for half the round trip.

    python tests/bench/relay.py --rtt-ms 40 --listen 10.77.0.1 4100 4201 4202

Listens on each port of the given address and passes on to the same port of 127.0.0.1. A connection
is made one round trip after it came in, as TCP over that distance would. Linux here has no netem.
"""

from __future__ import annotations

import argparse
import gc
from collections import deque
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall

STEP_S = 0.001  # how exactly bytes are held back


class Way:
    """One direction of one connection: what it sends arrives at `transport` later."""

    def __init__(self, far: Distance) -> None:
        self.far = far
        self.early: list[bytes] = []  # what arrived before the connection was there
        self.transport: Any = None
        self.over = False

    def send(self, data: bytes) -> None:
        self.far.send(self, data)

    def close(self) -> None:
        self.send(b"")

    def opened(self, transport: Any) -> None:
        """The connection is there."""
        self.transport, early = transport, self.early
        self.early = []
        for data in early:
            self.arrive(data)

    def arrive(self, data: bytes) -> None:
        """It has come all the way; nothing is the end."""
        if self.over:
            return
        if self.transport is None:
            self.early.append(data)
        elif data:
            self.transport.write(data)
        else:
            self.over = True
            self.transport.loseConnection()


class Side(Protocol):
    """One connection of a pair: what comes in goes out on the other way."""

    def __init__(self, out: Way, back: Way) -> None:
        self.out, self.back = out, back

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)  # type: ignore[union-attr]
        self.back.opened(self.transport)

    def dataReceived(self, data: bytes) -> None:
        self.out.send(data)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: ARG002
        self.back.over = True
        self.out.close()


class Distance:
    """All connections through one relay. Every way is as long as every other, so what is under way
    arrives in the order in which it was sent."""

    def __init__(self, reactor: Any, rtt_s: float) -> None:
        self.reactor, self.one_way_s = reactor, rtt_s / 2
        self.under_way: deque[tuple[float, Way, bytes]] = deque()
        LoopingCall(self.advance).start(STEP_S)

    def now(self) -> float:
        return float(self.reactor.seconds())

    def advance(self) -> None:
        now, under_way = self.now(), self.under_way
        while under_way and under_way[0][0] <= now:
            _, way, data = under_way.popleft()
            way.arrive(data)

    def send(self, way: Way, data: bytes) -> None:
        """It arrives half a round trip from now."""
        self.under_way.append((self.now() + self.one_way_s, way, data))

    def pair(self, port: int) -> Side:
        """A connection came in: make the other half one round trip later."""
        up, down = Way(self), Way(self)
        there = Factory.forProtocol(lambda: Side(down, up))
        there.noisy = False
        endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", port)

        def connect() -> None:
            endpoint.connect(there).addErrback(lambda _: down.close())

        self.reactor.callLater(2 * self.one_way_s, connect)
        return Side(up, down)

    def listen(self, host: str, port: int) -> None:
        here = Factory.forProtocol(lambda: self.pair(port))
        here.noisy = False
        TCP4ServerEndpoint(self.reactor, port, backlog=1000, interface=host).listen(here)


def main() -> None:
    from twisted.internet import reactor

    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--rtt-ms", type=float, default=40.0)
    flags.add_argument("--listen", default="127.0.0.2")
    flags.add_argument("ports", type=int, nargs="+")
    asked = flags.parse_args()
    distance = Distance(reactor, asked.rtt_ms / 1000)
    for port in asked.ports:
        distance.listen(asked.listen, port)
    gc.disable()  # a network does not stop to look for garbage; ten minutes leave some megabytes
    reactor.run()


if __name__ == "__main__":
    main()
