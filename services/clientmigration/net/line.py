"""One connection under Twisted: bytes go to the wire's `Connection`, messages to a listener.

It knows nothing of the game. A line ends at the first fault of its peer, logs why once, and
disturbs nobody else. It writes straight to the socket while nothing is queued for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.errors import Crowded, PeersFault, TooFast, TooSlow
from clientmigration.net.burden import burden
from clientmigration.net.complaints import complaints
from clientmigration.net.guests import WELCOME, Guest
from clientmigration.net.straight import Straight, straight_to, unread
from clientmigration.net.taking import ByteCounts, InputTaker, MessageTaker, Said
from clientmigration.wire.connection import Connection, Dialect, encode
from clientmigration.wire.messages import Goodbye, Greeting

GREETING_WAIT_S = 5.0  # a peer that has not greeted by then is not one of ours
UNGREETED = "It had not greeted: perhaps one side speaks TLS, and the other does not."
CHOKED_S = 10.0  # what is said meanwhile is queued, so a peer that does not read must go
SILENCE_S = 15.0  # everyone says something every few seconds; longer means the peer is gone
MEMBER_SILENCE_S = 2.5  # members report every second, and are answered: on a busy machine a healthy
# one was silent for 1.0 s at most (26,524 gaps of 300 players, 50 moves a second, load 4.5; p99.9
# 0.21 s), and a false alarm costs little: the link is back in 0.2 s, and nobody is taken over who
# does not ask
UNREAD = 2**20  # bytes that may wait for a peer to read them: a player is never owed so much
MEMBER_UNREAD = 2**26  # rosters and checkpoints of thousands, overviews of a thousand members


class Listener(Protocol):
    """Who a line belongs to. Called in this order: opened, any number of heard, closed."""

    def opened(self, line: Line) -> None:
        """The peer has greeted."""

    def heard(self, message: Any) -> None:
        """The peer said this. Raise a `PeersFault` to end the connection with its text."""

    def closed(self, reason: str) -> None:
        """The connection is over. Nothing can be said any more."""


@dataclass(frozen=True)
class LineTerms:
    """How a peer is heard: `hears` is what it may say, `rate` how many messages it may send per
    second and at once, `silence_s` after how many silent seconds it is gone, `unread` how many
    bytes may wait until it reads them."""

    hears: Dialect
    rate: tuple[float, float]
    silence_s: float = SILENCE_S
    unread: int = UNREAD


class _Nobody:
    """Who listens to a line that is over. The one who did is free to be forgotten."""

    def opened(self, line: Line) -> None:
        """Nobody is there."""

    def heard(self, message: Any) -> None:
        """Nobody is there."""

    def closed(self, reason: str) -> None:
        """Nobody is there."""


_NOBODY = _Nobody()


@implementer(IPushProducer)
class Line(TwistedProtocol):
    """The shell around one `Connection`. `say` and `show` never block and never queue without
    bound: control messages are few, and views are skipped while the peer does not read."""

    transport: Any  # an ITransport that is an IConsumer too; zope's interfaces do not intersect
    guest: Guest = WELCOME  # as the door counts it, if it came by one

    def __init__(
        self,
        role: str,
        terms: LineTerms,
        listener: Listener,
        clock: IReactorTime,
        blame: Callable[[PeersFault], None] = lambda _fault: None,
    ) -> None:
        # In the order in which they lie in memory: what each input needs first, so side by side.
        self.over = False
        self._counts = ByteCounts()
        self._taker: InputTaker | None = None
        self.connection = Connection(terms.hears)
        self.clock = clock
        self._greeted_at = -inf
        self.bucket = TokenBucket(*terms.rate)
        self.role = role
        self.listener = listener
        self.blame = blame
        self.silence_s, self.unread = terms.silence_s, terms.unread
        self.choked = False
        self.peer_role = ""
        self._send: Callable[[bytes], object] = len  # until there is a connection
        self._together: list[bytes] | None = None
        self.straight: Straight | None = None  # the way to the kernel, if there is one
        self._deadline: IDelayedCall | None = None
        self._unread: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Greet, and expect to be greeted."""
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        self._may_hold()
        self.straight = way = straight_to(self.transport)
        if way is not None:
            way.belongs(self._may_hold)
        self._send = way.write if way is not None else self.transport.write
        self.say(Greeting(role=self.role))
        self._expect(GREETING_WAIT_S, self._silent)
        if self.guest.refused:
            self.fail(Crowded(self.guest.refused))

    def dataReceived(self, data: bytes) -> None:
        """Hand on what is complete; a fault of the peer ends it."""
        if self.over or self.takes(data):
            return
        self._counts.receive(len(data))
        try:
            if (message := self.connection.only(data)) is not None:
                self._heard(message)
            else:
                for message in self.connection.receive(data):
                    self._heard(message)
        except PeersFault as fault:
            self.fail(fault)
        if self.connection.held:
            self._may_hold()
        if self._taker is not None:
            self._taker.heard(self.connection.between)

    def payload_received(self, payload: bytes, size: int) -> None:
        """The same for one frame that comes without its length, in `size` bytes."""
        if self.over or self.connection.over:
            return
        self._counts.receive(size)
        try:
            self._heard(self.connection.decode(payload))
        except PeersFault as fault:
            self.fail(fault)

    def payloads_received(self, payloads: Iterable[bytes], size: int) -> None:
        """The same for any number of them."""
        if self.over:
            return
        self._counts.receive(size)
        try:
            for message in self.connection.receive_each(payloads):
                self._heard(message)
        except PeersFault as fault:
            self.fail(fault)

    def takes(self, data: bytes) -> bool:
        """Whether that was one whole input: then nothing is left to be done with it."""
        return self._taker is not None and self._taker.takes(data, self.clock.seconds())

    def _heard(self, message: Any) -> None:
        now = self.clock.seconds()
        if isinstance(message, Greeting):
            self._greeted_at = now
            self.peer_role = message.role
            self._watch()
            self.listener.opened(self)
        elif not self.bucket.allows(now):
            raise TooFast(f"more than {self.bucket.per_s:g} messages a second")
        else:
            self.listener.heard(message)

    @property
    def heard_at(self) -> float:
        """When the peer said something last, seconds of `clock`."""
        return max(self._greeted_at, self.bucket.at)

    def hand_inputs(self, inputs: list[Said], whose: Any) -> None:
        """From now on each input is put there as this one's. The listener hears only those that
        come in parts, or several at once."""
        unwrap = getattr(self.transport, "unwrap", None)  # over a WebSocket
        if unwrap is None:
            self._taker = InputTaker(self.bucket, self._counts, inputs, whose)
        else:
            self._taker = MessageTaker(self.bucket, self._counts, inputs, whose, unwrap)
        if self.straight is not None:
            self.straight.ask_first(self.clock, self._taker)

    def listen(self, listener: Listener) -> None:
        """From now on this one hears the peer."""
        self.listener = listener

    def turn(self, terms: LineTerms, listener: Listener) -> None:
        """The greeting said that this peer is of another kind than the door was made for."""
        self.connection.turn(terms.hears)
        self.bucket, self.silence_s = TokenBucket(*terms.rate), terms.silence_s
        self.unread = terms.unread
        self.listen(listener)
        self._watch()

    def say(self, message: Any) -> None:
        """Send one message, in order, if the line is still up."""
        if self.over:
            return
        self._write(encode(message))
        if self.choked and unread(self.transport) > self.unread:
            self.unread = sys.maxsize  # but for the goodbye
            self.fail(TooSlow("does not read what it is sent"))
            self.cut_off()

    def show(self, frame: bytes) -> bool:
        """Send one encoded frame now, or not at all: False while the peer does not read."""
        if self.choked or self.over:
            return False
        self._counts.send(len(frame))
        self._send(frame)
        return True

    def _write(self, frame: bytes) -> None:
        self._counts.send(len(frame))
        if self._together is None:
            self._send(frame)
        else:
            self._together.append(frame)

    def gather(self) -> None:
        """What is said from now on is sent together, as soon as that is `let_go`: a call into the
        kernel for each frame costs as much as most of what is done for one. Not for what is shown.
        """
        if self._together is None:
            self._together = []

    def say_soon(self, message: Any) -> None:
        """Say it with all that is said in this turn of the reactor, where that can be one call."""
        if self._together is None and self._is_stream:
            self.gather()
            self.clock.callLater(0, self.let_go)
        self.say(message)

    @property
    def _is_stream(self) -> bool:
        """Whether any bytes can be sent at once, straight to the kernel."""
        return self.straight is not None and self.straight.wrap is None

    def let_go(self) -> None:
        """Send what was gathered; each frame by itself where a transport takes whole frames."""
        frames, self._together = self._together, None
        if frames and self._is_stream:
            self._send(b"".join(frames))
        else:
            for frame in frames or ():
                self._send(frame)

    def count_in(self, counts: ByteCounts) -> None:
        """From now on what it carries counts there. To be said before it hands inputs on."""
        self._counts = counts

    def fail(self, fault: PeersFault) -> None:
        """End it because of the peer: say so to it, and in the log."""
        if self.over:
            return
        kind = self.role, self.connection.hears.name, fault.code
        complaints(self.clock).say(kind, self.peer, fault.code, str(fault))
        self.blame(fault)
        self.hang_up(fault.code, str(fault))

    def hang_up(self, code: str, text: str) -> None:
        """Say goodbye and close; what the peer still sends is not heard."""
        if self.over:
            return
        self.say(Goodbye(code=code, text=text))
        self.let_go()
        self.over = True
        if self.straight is not None:
            self.straight.close()
        self.connection.end()
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        # A peer that does not read would keep the closing socket open for ever.
        self._expect(GREETING_WAIT_S, self.transport.abortConnection)

    def cut_off(self) -> None:
        """Close it at once: what waits for the peer goes with it."""
        self.transport.abortConnection()

    def _silent(self) -> None:
        """The deadline is not set anew for each message: when it comes, it is looked how long ago
        the last one came."""
        left = self.heard_at + self.silence_s - self.clock.seconds()
        if left > 0:
            self._expect(left, self._silent)
        else:
            self.fail(TooSlow("said nothing for too long"))

    def _watch(self) -> None:
        """The deadline of the greeting is there, and looks too."""
        if self.silence_s < GREETING_WAIT_S:
            self._expect(self.silence_s, self._silent)

    def _expect(self, within: float, otherwise: Callable[[], object]) -> None:
        self._relax()
        self._deadline = self.clock.callLater(within, otherwise)

    def _relax(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Tell the listener, whatever ended it. Then nothing is held that holds this line: a
        connection is gone when it is over, and waits for no collection of garbage."""
        self.over = True
        self._relax()
        self.resumeProducing()
        if self.straight is not None:
            self.straight.close()
            self.straight = None
        burden(self.clock).lay_down(self)
        self.guest.left()
        listener, self.listener, self._send = self.listener, _NOBODY, len
        self._taker = None
        listener.closed(reason.getErrorMessage())

    def _may_hold(self) -> None:
        burden(self.clock).take_up(self)

    @property
    def tells(self) -> bool:
        """Whether it is told when something waits for the peer."""
        return self.straight is not None

    @property
    def held(self) -> int:
        """Bytes that came and are no whole frame yet, and that the peer has not read yet."""
        return self.connection.held + unread(self.transport)

    @property
    def peer(self) -> str:
        """The other side's address, for logs."""
        return described(self.transport.getPeer())

    @property
    def here(self) -> str:
        """This side's address, as the other side's network sees it."""
        return described(self.transport.getHost())

    def pauseProducing(self) -> None:
        """The socket's queue is full: views are skipped from now on, and not for ever."""
        self.choked = True
        if self._unread is None and not self.over:
            self._unread = self.clock.callLater(CHOKED_S, self._unreadable)

    def resumeProducing(self) -> None:
        """The queue is empty again."""
        self.choked = False
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _unreadable(self) -> None:
        self._unread = None
        self.fail(TooSlow("does not read what it is sent"))

    def stopProducing(self) -> None:
        """The connection is going; `connectionLost` follows."""


def host_of(address: object) -> str:
    """Where a connection comes from; "" if that is no network."""
    return address.host if isinstance(address, IPv4Address | IPv6Address) else ""


def described(address: object) -> str:
    """host:port, [host]:port for IPv6 (as in URLs), or whatever the address calls itself."""
    if isinstance(address, IPv6Address):
        return f"[{address.host}]:{address.port}"
    if isinstance(address, IPv4Address):
        return f"{address.host}:{address.port}"
    return str(address)
