"""A simulated network: connections delay, stall, break and are cut off, and never reorder.

It behaves as TCP does: what is lost comes later, what is cut off waits until the cut is healed,
and whoever is cut off does not hear that the other end is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import (
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    TimeoutError,
)
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.net.line import Line
from clientmigration.testing.clock import HostClock, Timeline

CONNECT_S = 5.0  # a connection that can not be made by then fails, as the real dialer's does
KNOCK_S = 0.25  # how often it is tried until then
READ_S = 1e-4  # a process that thaws looks at its timers, and then at its sockets
RESENT_S = (0.2, 0.8)  # what was lost is sent again after about so long


@implementer(IAddress)
@dataclass(frozen=True)
class Host:
    """Where a simulated connection comes from."""

    name: str


@implementer(IStreamClientEndpoint)
class _Dialling:
    def __init__(self, network: Network, host: str, address: str, clock: HostClock | None) -> None:
        self.network, self.host, self.address, self.clock = network, host, address, clock

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return self.network.connect(self.host, self.address, protocolFactory, self.clock)


class End:
    """One end of a simulated connection: the transport of one protocol."""

    def __init__(self, network: Network, here: str, there: str) -> None:
        self.network, self.here, self.there = network, here, there
        self.peer: End
        self.protocol: Any = None
        self.open = True
        self.broken = False  # whether it ended without a proper close
        self.due = 0.0  # when the last byte sent so far arrives: nothing overtakes
        self.read_at = 0.0  # when a frozen host looks at what it was sent
        self.kept: list[bytes] = []  # what waits for the end of a cut

    def write(self, data: bytes) -> None:
        """Arrives after the way's delay."""
        if self.open:
            self.network.carry(self, data)

    def loseConnection(self) -> None:
        """Ends after what was written has arrived."""
        if self.open:
            self.open = False
            self.network.carry(self, b"")
            self.network.clock.callLater(0, self.lost, ConnectionDone())

    def abortConnection(self) -> None:
        """Ends at once."""
        if self.open:
            self.loseConnection()

    def lost(self, reason: Exception) -> None:
        """Tell our protocol, once."""
        protocol, self.protocol, self.open = self.protocol, None, False
        if protocol is not None:
            protocol.connectionLost(Failure(reason))

    def arrive(self, data: bytes) -> None:
        """What the other end sent; nothing means that it has closed."""
        if self.put_off(self.arrive, data):
            return
        self.network.newest = (self.here, data)
        if not data:
            self.lost(ConnectionLost() if self.peer.broken else ConnectionDone())
        elif self.protocol is not None and self.open:
            self.protocol.dataReceived(data)

    def put_off(self, act: Callable[..., None], *args: Any) -> bool:
        """Whether our host is frozen: then the kernel keeps it, behind all that it keeps already of
        this connection, however much longer the host stays frozen meanwhile."""
        now, thaws_at = self.network.clock.rightNow, self.network.thaws_at(self.here)
        if thaws_at <= now:
            return False
        self.read_at = self.read_at if self.read_at > now else thaws_at
        self.network.clock.at(self.read_at, None, act, *args)
        return True

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """The network takes everything."""

    def unregisterProducer(self) -> None:
        """There is no producer to forget."""

    def getPeer(self) -> Host:
        """The other end's host."""
        return Host(self.there)

    def getHost(self) -> Host:
        """Our own."""
        return Host(self.here)


class Network:
    """Connections between hosts, with a delay for each way. `delay(a, b)` answers seconds.

    `hosts` are the clocks of those that may be frozen, by name; it only looks at them. With
    `random`, the share `lossy` of what is sent is lost and comes late. Every function in `taps` is
    called with all that is carried: the end it comes from, and the bytes (none: it
    closes).
    """

    def __init__(
        self,
        clock: Timeline,
        delay: Callable[[str, str], float],
        hosts: Mapping[str, HostClock] | None = None,
        random: Random | None = None,
        lossy: float = 0.0,
    ) -> None:
        self.clock, self.delay, self.lossy = clock, delay, lossy
        self.hosts: Mapping[str, HostClock] = hosts if hosts is not None else {}
        self.random = random or Random(0)
        self.doors: dict[str, tuple[str, Callable[[], Line]]] = {}
        self.ends: list[End] = []
        self.cuts: dict[tuple[str, str], int] = {}
        self.newest: tuple[str, bytes] | None = None  # what arrived last, and where
        self.late_until = 0.0  # when the last of what was lost arrives
        self.taps: list[Callable[[End, bytes], None]] = []

    def thaws_at(self, host: str) -> float:
        """Until when (on the timeline) this host does nothing; long ago for one that is well. What
        has arrived by then it reads a moment later: its timers come first, as a reactor's do."""
        clock = self.hosts.get(host)
        return clock.thaws_at + READ_S if clock is not None and clock.thaws_at else 0.0

    def listen(self, host: str, address: str, make: Callable[[], Line]) -> None:
        """`host` answers at `address`."""
        self.doors[address] = (host, make)

    def dial(
        self, host: str, clock: HostClock | None = None
    ) -> Callable[[str], IStreamClientEndpoint]:
        """How `host` connects to addresses, for as long as `clock` is alive."""
        return lambda address: _Dialling(self, host, address, clock)

    def connect(
        self,
        host: str,
        address: str,
        factory: IProtocolFactory,
        clock: HostClock | None = None,
    ) -> Deferred[IProtocol]:
        """A connection from `host`, one round trip from now; refused where nobody listens."""
        there = address.rpartition(":")[0]
        connected: Deferred[IProtocol] = Deferred()
        give_up = self.clock.seconds() + CONNECT_S

        def made() -> None:
            if connected.called:
                return
            if self.is_cut(host, there) or self.is_cut(there, host):
                if self.clock.seconds() < give_up:
                    self.clock.at(self.clock.seconds() + KNOCK_S, clock, made)
                else:
                    connected.errback(Failure(TimeoutError()))
            elif address in self.doors:
                connected.callback(self._join(host, there, address, factory))
            else:
                connected.errback(Failure(ConnectionRefusedError()))

        way = self.delay(host, there) + self.delay(there, host)
        self.clock.at(self.clock.seconds() + way, clock, made)
        return connected

    def _join(self, host: str, there: str, address: str, factory: IProtocolFactory) -> IProtocol:
        near, far = End(self, host, there), End(self, there, host)
        near.peer, far.peer = far, near
        near.protocol = protocol = cast(IProtocol, factory.buildProtocol(Host(there)))
        self.ends = [end for end in self.ends if end.open or end.protocol] + [near, far]
        self._accept(far, address)
        near.protocol.makeConnection(near)
        return protocol

    def _accept(self, end: End, address: str) -> None:
        """The kernel has accepted a connection; a host that is frozen will see it when it thaws."""
        if end.put_off(self._accept, end, address):
            return
        if address in self.doors and end.open:
            end.protocol = self.doors[address][1]()
            end.protocol.makeConnection(end)

    def carry(self, end: End, data: bytes) -> None:
        """Bring bytes to the other end, in order; nothing: the end of the stream."""
        for tap in self.taps:
            tap(end, data)
        if end.kept or (end.here, end.there) in self.cuts:
            end.kept.append(data)
        else:
            self._send(end, data, self.clock.seconds())

    def take_newest(self) -> tuple[str, bytes] | None:
        """What arrived last, and at which host, if anything did since this was asked last."""
        newest, self.newest = self.newest, None
        return newest

    def _send(self, end: End, data: bytes, now: float) -> None:
        late = self.random.uniform(*RESENT_S) if self._loses() else 0.0
        end.due = max(end.due, now + self.delay(end.here, end.there) + late)
        if late:
            self.late_until = max(self.late_until, end.due)
        self.clock.at(end.due, None, end.peer.arrive, data)

    def _loses(self) -> bool:
        return bool(self.lossy) and self.random.random() < self.lossy

    # What can go wrong.

    def is_cut(self, a: str, b: str) -> bool:
        """Whether nothing gets from `a` to `b` now."""
        return (a, b) in self.cuts

    def cut(self, a: str, b: str) -> None:
        """Nothing gets from `a` to `b` until it is healed as often as it was cut."""
        self.cuts[a, b] = self.cuts.get((a, b), 0) + 1

    def heal(self, a: str, b: str) -> None:
        """What waited goes through now."""
        self.cuts[a, b] -= 1
        if self.cuts[a, b]:
            return
        del self.cuts[a, b]
        resent = self.clock.seconds() + self.random.uniform(*RESENT_S) / 4
        for end in [each for each in self.ends if (each.here, each.there) == (a, b)]:
            kept, end.kept = end.kept, []
            for data in kept:
                self._send(end, data, resent)

    def lose_nothing(self) -> None:
        """From now on nothing is lost on its way, and so nothing comes late."""
        self.lossy = 0.0

    def reset(self, a: str, b: str) -> int:
        """Every connection between two hosts breaks, for both; answers how many."""
        broken = [end for end in self.ends if (end.here, end.there) == (a, b) and end.open]
        for end in broken:
            end.broken = end.peer.broken = True
            for each in (end, end.peer):
                each.open = False
                heard_at = max(self.clock.rightNow, self.thaws_at(each.here))
                self.clock.at(heard_at, None, each.lost, ConnectionLost())
        return len(broken)

    def kill(self, host: str) -> None:
        """The host is gone, as by kill -9: its doors are shut, its connections break. What it sent
        before still arrives; whoever is cut off from it hears nothing."""
        self.doors = {address: door for address, door in self.doors.items() if door[0] != host}
        for end in [each for each in self.ends if each.here == host]:
            end.protocol, end.open, end.broken = None, False, True
            self.carry(end, b"")
