"""What a speed measurement is compared with: a bare Twisted server that plays no game.

    python bare.py BYTES

Says its port, shows everyone a view of so many bytes 20 times a second, straight to the socket,
and reads what comes.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from typing import Any, ClassVar

from twisted.internet import epollreactor
from twisted.internet.protocol import Factory, Protocol

HERTZ = 20
VIEW = struct.Struct("<IBQIII")


class Visitor(Protocol):
    """One player. Nothing of what it says is understood."""

    transport: Any
    all: ClassVar[list[Visitor]] = []

    def connectionMade(self) -> None:
        """From now on it is shown views."""
        self.transport.setTcpNoDelay(True)
        self.all.append(self)

    def dataReceived(self, data: bytes) -> None:
        """Whatever it is."""

    def connectionLost(self, reason: object = None) -> None:  # noqa: ARG002
        """The players are gone: it was one measurement."""
        os._exit(0)


def main() -> None:
    """Serve until the players go."""
    size = int(sys.argv[1])
    epollreactor.install()
    from twisted.internet import reactor as installed

    reactor: Any = installed
    body = bytes(size - VIEW.size)

    def tick() -> None:
        number = int(time.time() * HERTZ)
        frame = VIEW.pack(size - 4, 2, number, 1, 1, 1) + body
        for each in Visitor.all:
            each.transport.socket.send(frame)
        reactor.callLater(max(0.0, (number + 1) / HERTZ - time.time()), tick)

    reactor.callLater(1 - time.time() % 1, tick)
    door = reactor.listenTCP(0, Factory.forProtocol(Visitor), 4096, "127.0.0.1")
    print(door.getHost().port, flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
