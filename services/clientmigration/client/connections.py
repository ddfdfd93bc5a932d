"""A player's connections: one to the router while it seeks, one or two to game servers.

A connection knows how to connect, what to say first, and what was said on it. What that means is
for its ear to say: nothing here knows a player.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import Protocol as Port

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from clientmigration.client.told import Lost
from clientmigration.core.player.tally import Tally
from clientmigration.errors import PeersFault
from clientmigration.net.door import Dial, Lines
from clientmigration.net.line import UNGREETED, Line, LineTerms
from clientmigration.wire.connection import ROUTER_TO_PLAYER, SERVER_TO_PLAYER
from clientmigration.wire.messages import (
    Candidate,
    Candidates,
    Chunk,
    Denied,
    Goodbye,
    Hello,
    Here,
    Identity,
    Input,
    Item,
    Join,
    Offered,
    Ping,
    Pings,
    Pong,
    Redirect,
    View,
    Waiting,
    Welcome,
)

RATE = (5_000.0, 20_000.0)  # messages per second, and at once: views, chunks and entries
ANSWER_S = 6.0  # from one word of the router to the next: it waits 4.5 s for a server at most
PINGS = 2  # round trips per candidate; the best counts, the first one may include a cold start


class Ear(Port):
    """What every connection tells."""

    def redirected(self, connection: PlayerConnection, where: Redirect) -> None:
        """The other side names a server and a ticket."""

    def lost(self, connection: PlayerConnection, why: Lost) -> None:
        """It is over, and we did not close it."""


class RouterEar(Ear, Port):
    """What the connection to the router tells besides."""

    def greeted(self, connection: RouterConnection) -> None:
        """It has let us in."""

    def identified(self, name: str, token: str) -> None:
        """This is who we are."""

    def asked(self, candidates: Sequence[Candidate]) -> None:
        """The router wants to know the round trips to these."""

    def queued(self, position: int, estimate_s: float | None) -> None:
        """Everything is full, and this is our place in line (1 is next)."""


class ServerEar(Ear, Port):
    """What a connection to a game server tells besides."""

    def viewed(self, connection: ServerConnection, view: View) -> None:
        """A view came."""

    def streamed(self, message: Chunk | Item | Offered | Denied) -> None:
        """Something came of a file or a topic."""

    def measured(self) -> None:
        """A round trip is known that was the last one to measure."""


class PlayerConnection:
    """One connection of a player, from the attempt to its end. The `Listener` of its line."""

    terms: LineTerms

    def __init__(self, clock: IReactorTime, dial: Dial, address: str, ear: Ear) -> None:
        self._clock, self._dial, self.address, self._ear = clock, dial, address, ear
        self.up = False  # the other side has greeted
        self.over = False
        self.line: Line | None = None
        self._fault: PeersFault | None = None
        self._deadline: IDelayedCall | None = None
        self._connecting: Deferred[None] | None = None

    def connect(self, within: float) -> None:
        """Connect, and be of use `within` so many seconds, or be lost."""
        self.expect(within)
        connecting = self._dial(self.address).connect(Lines(self._line))
        self._connecting = connecting.addCallbacks(lambda _line: None, self._failed)

    def _line(self) -> Line:
        self.line = Line("player", self.terms, self, self._clock, self._blame)
        return self.line

    def _blame(self, fault: PeersFault) -> None:
        self._fault = fault

    def _failed(self, failure: Failure) -> None:
        why = failure.value
        self._lost(why.code if isinstance(why, PeersFault) else "", failure.getErrorMessage())

    def expect(self, within: float | None) -> None:
        """Give it so long for what is due next; None: nothing is."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None
        if within is not None:
            self._deadline = self._clock.callLater(within, self._too_late)

    def _too_late(self) -> None:
        self.close()
        self._ear.lost(self, Lost("", "no answer in time"))

    def close(self) -> None:
        """Close without being lost."""
        if self.over:
            return
        line, connecting = self.line, self._connecting
        self._end()
        if line is not None and line.transport is not None:
            line.hang_up("bye", "")
        elif connecting is not None:
            connecting.cancel()

    def opened(self, line: Line) -> None:  # noqa: ARG002
        """The peer has greeted."""
        self.up = True
        self._ready()

    def closed(self, reason: str) -> None:
        """The line is down. If that was for a fault of the peer, the fault is the reason."""
        if self._fault is None:
            self._lost("", reason if self.up else f"{reason} {UNGREETED}")
        else:
            self._lost(self._fault.code, str(self._fault))

    def _lost(self, code: str, text: str) -> None:
        if not self.over:
            self._end()
            self._ear.lost(self, Lost(code, text))

    def _end(self) -> None:
        """What nothing holds goes at once, and need not be found by a look for garbage, during
        which nobody plays."""
        self.over = True
        self.expect(None)
        self.line = self._connecting = None

    def say(self, message: Any) -> None:
        """Say it, if the line is up."""
        if self.line is not None and self.up and not self.over:
            self.line.say(message)

    def heard(self, message: Any) -> None:
        """The peer said this."""
        raise NotImplementedError

    def _ready(self) -> None:
        """The peer has greeted: say what comes first."""
        raise NotImplementedError


class RouterConnection(PlayerConnection):
    """The way in: hello, pings, redirect."""

    terms = LineTerms(ROUTER_TO_PLAYER, RATE)

    def __init__(
        self,
        clock: IReactorTime,
        dial: Dial,
        address: str,
        ear: RouterEar,
        hello: Hello,
        answer_s: float = ANSWER_S,
    ) -> None:
        super().__init__(clock, dial, address, ear)
        self._router_ear, self._hello, self._answer_s = ear, hello, answer_s

    def _ready(self) -> None:
        self._router_ear.greeted(self)
        self.expect(self._answer_s)
        self.say(self._hello)

    def tell_pings(self, pings: dict[str, float]) -> None:
        """Answer with round trips in milliseconds, by member."""
        self.expect(self._answer_s)
        self.say(Pings(pings=pings))

    def heard(self, message: Any) -> None:
        """The router said this. It has so long for its next word, but where we stand in line, or
        where it waits for ours."""
        match message:
            case Identity():
                self.expect(self._answer_s)
                self._router_ear.identified(message.player, message.token)
            case Candidates():
                self.expect(ANSWER_S)
                self._router_ear.asked(message.candidates)
            case Waiting():
                self.expect(None)
                self._router_ear.queued(message.position, message.estimate_s)
                self.say(Here())
            case Redirect():
                self.expect(None)
                self._ear.redirected(self, message)
            case Goodbye():
                self._lost(message.code, message.text)


class ServerConnection(PlayerConnection):
    """A connection to a game server: pinged, joined, played on.

    `tally` knows which inputs there are; tickets are bound to `secret`.
    """

    terms = LineTerms(SERVER_TO_PLAYER, RATE)

    def __init__(
        self,
        clock: IReactorTime,
        dial: Dial,
        address: str,
        ear: ServerEar,
        tally: Tally[View],
        secret: str,
    ) -> None:
        super().__init__(clock, dial, address, ear)
        self._server_ear, self._tally, self._secret = ear, tally, secret
        self.member = ""
        self.ticket = ""
        self.welcomed = False
        self.fed = False  # whether every input goes here
        self.viewed = False  # whether a view has come
        self.rtts: list[float] = []  # seconds, the latest few
        self._beside = False
        self._pinged_at = 0.0
        self._n = 0

    def _ready(self) -> None:
        if self.ticket:
            self._join()
        else:
            self.ping()

    def stands_for(self, member: str) -> None:
        """It leads to this member, as far as the router says."""
        self.member = member

    def saw_view(self) -> bool:
        """A view came; answers whether it is the first."""
        first, self.viewed = not self.viewed, True
        return first

    def ping(self) -> None:
        """Measure a round trip."""
        self._n += 1
        self._pinged_at = self._clock.seconds()
        last_ms = round(self.rtts[-1] * 1000, 3) if self.rtts else None
        self.say(Ping(n=self._n, rtt_ms=last_ms))

    def join(self, where: Redirect, beside: bool) -> None:
        """Show the ticket, now or as soon as there is a connection; `beside` another server or as
        the only one."""
        self.member, self.ticket, self._beside = where.member, where.ticket, beside
        if self.up:
            self._join()

    def _join(self) -> None:
        """Beside another server everything that no view has acknowledged follows at once: by the
        time that this one takes over it has what it needs. What is older is in the snapshot."""
        self.say(Join(ticket=self.ticket, secret=self._secret, oldest=self._tally.oldest()))
        if self._beside:
            self._feed(self._tally.acked)

    def _feed(self, known: int) -> None:
        self.fed = True
        for each in self._tally.after(known):
            self.say(Input(each.seq, each.body))

    def heard(self, message: Any) -> None:
        """The server said this; mostly it is a view."""
        match message:
            case View():
                self._server_ear.viewed(self, message)
            case Chunk() | Item() | Offered() | Denied():
                self._server_ear.streamed(message)
            case Pong():
                self._ponged(message)
            case Welcome():
                self._welcomed(message)
            case Redirect():
                self._ear.redirected(self, message)
            case Goodbye():
                self._lost(message.code, message.text)

    def _ponged(self, message: Pong) -> None:
        if message.n == self._n:
            took = max(0.0, self._clock.seconds() - self._pinged_at)
            self.rtts = [*self.rtts[-7:], took]
            if len(self.rtts) < PINGS and not self.welcomed:
                self.ping()
            else:
                self._server_ear.measured()

    def _welcomed(self, message: Welcome) -> None:
        """The server says what it has: send the rest, unless it gets everything already."""
        self._tally.period_s = 1.0 / message.rate
        self._tally.continue_from(message.ack, message.skipped)
        self.welcomed = True
        if not self.fed:
            self._tally.taken_up(message.ack)
            self._feed(message.ack)
