"""A small user-space relay that makes distance: every byte waits for half the round trip.

    python tests/bench/relay.py --rtt-ms 40 --listen 10.77.0.1 4100 4201 4202

Listens on each port of the given address and passes on to the same port of 127.0.0.1. A connection
is made one round trip after it came in, as TCP over that distance would. Linux here has no netem.
"""

from __future__ import annotations

import argparse
from collections import deque
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall

STEP_S = 0.001  # how exactly bytes are held back


class Way:
    """Bytes on their way to one transport, each with the time at which it arrives."""

    def __init__(self, far: Distance) -> None:
        self.far = far
        self.due: deque[tuple[float, bytes]] = deque()
        self.transport: Any = None
        self.closing = False
        far.ways.add(self)

    def send(self, data: bytes) -> None:
        self.due.append((self.far.now() + self.far.one_way_s, data))

    def close(self) -> None:
        self.send(b"")

    def advance(self, now: float) -> None:
        while self.transport is not None and self.due and self.due[0][0] <= now:
            data = self.due.popleft()[1]
            if data:
                self.transport.write(data)
            else:
                self.transport.loseConnection()
                self.far.ways.discard(self)
                return


class Side(Protocol):
    """One connection of a pair: what comes in goes out on the other way."""

    def __init__(self, out: Way, back: Way) -> None:
        self.out, self.back = out, back

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)  # type: ignore[union-attr]
        self.back.transport = self.transport

    def dataReceived(self, data: bytes) -> None:
        self.out.send(data)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: ARG002
        self.back.transport = None
        self.far.ways.discard(self.back)
        self.out.close()

    @property
    def far(self) -> Distance:
        return self.out.far


class Distance:
    """All connections through one relay."""

    def __init__(self, reactor: Any, rtt_s: float) -> None:
        self.reactor, self.one_way_s = reactor, rtt_s / 2
        self.ways: set[Way] = set()
        LoopingCall(self.advance).start(STEP_S)

    def now(self) -> float:
        return float(self.reactor.seconds())

    def advance(self) -> None:
        now = self.now()
        for way in list(self.ways):
            way.advance(now)

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
        TCP4ServerEndpoint(self.reactor, port, interface=host).listen(here)


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
    reactor.run()


if __name__ == "__main__":
    main()
