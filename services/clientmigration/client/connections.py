"""A player's connections: one to the router while it seeks, one or two to game servers.

A leg knows how to connect and what was said on it. What that means is the player's to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.net.door import Lines
from clientmigration.net.line import Line
from clientmigration.wire.connection import ROUTER_TO_PLAYER, SERVER_TO_PLAYER, Dialect
from clientmigration.wire.messages import (
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

if TYPE_CHECKING:
    from clientmigration.client.player import Player

ANSWER_S = 6.0  # from one word of the router to the next: it waits 4.5 s for a server at most
FINAL = ("replaced", "not_our_protocol")  # after such a goodbye, to come back would not help
PINGS = 2  # round trips per candidate; the best counts, the first one may include a cold start
PINGS_S = 1.0  # candidates that have not answered by then are too far anyway


class Leg:
    """One connection of a player, from the attempt to its end. The `Listener` of its line."""

    dialect: Dialect

    def __init__(self, player: Player, address: str) -> None:
        self.player = player
        self.address = address
        self.up = False
        self.over = False
        self.line: Line | None = None
        self._deadline: IDelayedCall | None = None
        self._connecting: Deferred[None] | None = None

    def connect(self, within: float) -> None:
        """Connect, and be of use `within` so many seconds, or be lost."""
        self.expect(within)
        connecting = self.player.dial(self.address).connect(Lines(self._line))
        self._connecting = connecting.addCallbacks(lambda _line: None, self._failed)

    def _line(self) -> Line:
        self.line = Line(
            "player", self.dialect, self, self.player.clock, TokenBucket(5000.0, 20000.0)
        )
        return self.line

    def _failed(self, failure: Failure) -> None:
        self._lost(failure.getErrorMessage())

    def expect(self, within: float | None) -> None:
        """Give it so long for what is due next; None: nothing is."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None
        if within is not None:
            self._deadline = self.player.clock.callLater(within, self._too_late)

    def _too_late(self) -> None:
        self.close()
        self.lost("no answer in time")

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
        """See `Listener`."""
        self.up = True
        self.ready()

    def closed(self, reason: str) -> None:
        """See `Listener`."""
        self._lost(reason)

    def _lost(self, reason: str) -> None:
        if not self.over:
            self._end()
            self.lost(reason)

    def dismissed(self, goodbye: Goodbye) -> None:
        """The peer ends it, and says why."""
        why = f"{goodbye.code}: {goodbye.text}"
        if goodbye.code in FINAL:
            self.player.dismissed(self, why)
        self._lost(why)

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

    def ready(self) -> None:
        """The peer has greeted."""

    def lost(self, reason: str) -> None:
        """It ended, and not by us."""

    def heard(self, message: Any) -> None:
        """See `Listener`."""


class RouterLeg(Leg):
    """The way in: hello, pings, redirect."""

    dialect = ROUTER_TO_PLAYER

    def ready(self) -> None:
        """See `Leg`."""
        player = self.player
        self.expect(ANSWER_S)
        self.say(Hello(holder=player.holder, token=player.token, group=player.group))

    def heard(self, message: Any) -> None:
        """See `Listener`."""
        player = self.player
        self.expect(ANSWER_S)
        if isinstance(message, Identity):
            player.identified(message.player, message.token)
        elif isinstance(message, Candidates):
            player.measure(message.candidates)
        elif isinstance(message, Waiting):
            self.expect(None)
            player.waiting, player.estimate_s = message.position, message.estimate_s
            self.say(Here())
        elif isinstance(message, Redirect):
            self.expect(None)
            player.waiting = 0
            player.journey.redirected(message)
        elif isinstance(message, Goodbye):
            self.dismissed(message)

    def tell_pings(self, pings: dict[str, float]) -> None:
        """What was measured."""
        self.say(Pings(pings=pings))

    def lost(self, reason: str) -> None:
        """See `Leg`."""
        self.player.lost(self, reason)


class ServerLeg(Leg):
    """A game server: pinged, joined, played on."""

    dialect = SERVER_TO_PLAYER

    def __init__(self, player: Player, address: str) -> None:
        super().__init__(player, address)
        self.member = ""
        self.ticket = ""
        self.welcomed = False
        self.fed = False  # whether every input goes here
        self.viewed = False
        self.rtts: list[float] = []
        self._pinged_at = 0.0
        self._n = 0

    def ready(self) -> None:
        """See `Leg`."""
        if self.ticket:
            self._join()
        else:
            self.ping()

    def ping(self) -> None:
        """Measure a round trip."""
        self._n += 1
        self._pinged_at = self.player.clock.seconds()
        last_ms = round(self.rtts[-1] * 1000, 3) if self.rtts else None
        self.say(Ping(n=self._n, rtt_ms=last_ms))

    def join(self, redirect: Redirect) -> None:
        """Show the ticket, now or as soon as there is a connection."""
        self.member, self.ticket = redirect.member, redirect.ticket
        if self.up:
            self._join()

    def _join(self) -> None:
        """Beside another server everything that no view has acknowledged follows at once: by the
        time that this one takes over it has what it needs. What is older is in the snapshot."""
        player = self.player
        self.say(Join(ticket=self.ticket, secret=player.secret, oldest=player.tally.oldest()))
        if self is player.next:
            self._feed(player.tally.acked)

    def _feed(self, known: int) -> None:
        self.fed = True
        for each in self.player.tally.after(known):
            self.say(Input(each.seq, each.body))

    def heard(self, message: Any) -> None:
        """See `Listener`."""
        if isinstance(message, View):
            self.player.viewed(self, message)
        elif isinstance(message, Chunk | Item | Offered | Denied):
            self.player.streams.heard(message)
        elif isinstance(message, Pong):
            self._ponged(message)
        elif isinstance(message, Welcome):
            self._welcomed(message)
        elif isinstance(message, Redirect):
            self.player.redirected(self, message)
        elif isinstance(message, Goodbye):
            self.dismissed(message)

    def _ponged(self, message: Pong) -> None:
        if message.n == self._n:
            took = max(0.0, self.player.clock.seconds() - self._pinged_at)
            self.rtts = [*self.rtts[-7:], took]
            if len(self.rtts) < PINGS and not self.welcomed:
                self.ping()
            else:
                self.player.measured()

    def _welcomed(self, message: Welcome) -> None:
        """The server says what it has: send the rest, unless it gets everything already."""
        tally = self.player.tally
        tally.period_s = 1.0 / message.rate
        tally.continue_from(message.ack, message.skipped)
        self.welcomed = True
        if not self.fed:
            self._feed(message.ack)

    def lost(self, reason: str) -> None:
        """See `Leg`."""
        self.player.lost(self, reason)
