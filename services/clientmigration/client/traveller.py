"""The hands of the journey: a player's connections to game servers, and what comes over them.

It decides nothing that `core/player/journey.py` (where to go) or `core/player/tally.py` (which view
to show, which input to send again) decides.
"""

from __future__ import annotations

from random import Random

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from clientmigration.client.connections import PlayerConnection, ServerConnection
from clientmigration.client.entrance import Entrance, Passport
from clientmigration.client.listeners import Listeners
from clientmigration.client.streams import Streams
from clientmigration.client.told import FeltMove, Lost
from clientmigration.core.player.journey import journey
from clientmigration.core.player.tally import Cost, Tally
from clientmigration.net.beats import Beats
from clientmigration.net.door import Dial
from clientmigration.wire.messages import (
    Chunk,
    Denied,
    Felt,
    Input,
    Item,
    Leave,
    Offered,
    Redirect,
    View,
)

log = Logger()

JOIN_S = 3.5  # from the redirect to the first view: a server that just froze is given up by then
LAND_S = 1.0  # when only the second server is left: to its first view
CROSS_S = 10.0  # the router calls a move off before this
SILENT_S = 2.0  # forty views late: the server is gone, whatever TCP thinks
AFTER_S = 0.5  # how long after a switch its effects are still counted as the move's
RETRY_S = (0.1, 5.0)  # first and longest wait before the router is asked again
BEAT_S = 1.0  # the server is pinged this often


class Traveller:
    """One player on its way: the `JourneyHands`, the ear of its servers, a guest at its router.

    It plays on `home`. During a move, `next` is the server that it will play on; after it,
    `leaving` is the one that it played on. `ended` is why it stopped by itself.
    """

    def __init__(
        self,
        clock: IReactorTime,
        dial: Dial,
        random: Random,
        passport: Passport,
        tally: Tally[View],
        told: Listeners,
    ) -> None:
        self._clock, self._dial, self._random = clock, dial, random
        self._secret, self._tally, self._told = passport.secret, tally, told
        self.entrance = Entrance(clock, dial, passport, self, told)
        self.streams = Streams(self.act, clock.seconds, random)
        self.journey = journey(self)
        self.home: ServerConnection | None = None
        self.next: ServerConnection | None = None
        self.leaving: ServerConnection | None = None
        self.ended = ""
        self.moves = self.rejoins = 0
        self.last_move: FeltMove | None = None
        self._beats = Beats(clock)
        self._beats.every(BEAT_S, "check", self._check)
        self._settling: IDelayedCall | None = None
        self._retrying: IDelayedCall | None = None
        self._state = self.journey.state()
        self._tries = 0
        self._why = ""
        self._from = 0  # the first tick that the present server showed
        self._came = ""  # the server that the latest move came from

    def start(self) -> None:
        """Begin to travel, once."""
        if self._state == "idle":
            self._beats.start()
            self.journey.start()
            self._stands()

    def stop(self) -> None:
        """Go home."""
        if self.home is not None:
            self.home.say(Leave())
        self._stop()

    def _stop(self) -> None:
        self.journey.stop()
        self._stands()

    def act(self, body: bytes) -> int:
        """Send one input to every server that may apply it; answers its number."""
        sent = self._tally.send(body, self._clock.seconds())
        for connection in (self.home, self.next):
            if connection is not None and connection.fed:
                connection.say(Input(sent.seq, sent.body))
        return sent.seq

    def _stands(self) -> None:
        state = self.journey.state()
        if state != self._state:
            self._state = state
            self._told.tell("state", state)

    # What the router says, by way of the entrance.

    def connection_to(self, address: str) -> ServerConnection:
        """A connection to a game server that has not begun to connect."""
        return ServerConnection(self._clock, self._dial, address, self, self._tally, self._secret)

    def sent(self, where: Redirect) -> None:
        """The router has found a place."""
        self.journey.redirected(where)
        self._stands()

    def turned_away(self, why: Lost) -> None:
        """The router is gone, or does not want us. A token of another cluster is forgotten."""
        if why.code == "not_authentic" and self.entrance.forget():
            self._tally.forget()
        self._home_lost(why)

    # What the servers say.

    def redirected(self, connection: PlayerConnection, where: Redirect) -> None:
        """The server that we play on sends us on."""
        if connection is self.home:
            self.journey.redirected(where)
            self._stands()

    def viewed(self, connection: ServerConnection, view: View) -> None:
        """A view came: shown if its tick was not yet; what it says of our inputs counts anyway."""
        now = self._clock.seconds()
        first = connection.saw_view()
        if first:
            connection.expect(None)
            self._from = view.tick
            self._tally.switched(view.tick)
        elif connection is self.leaving and view.tick >= self._from:
            return  # the new server has shown this tick, and knows better
        if connection is self.home or connection is self.next:
            self._tally.acknowledge(view.last, view.applied, view.digest, now)
        for shown in self._tally.show(view.tick, view, now, self._two()):
            self._told.tell("view", shown)
            self.streams.beat(shown.tick)
        if first:
            self._arrived(connection)

    def _two(self) -> bool:
        """Whether there are two connections, so that views may come on both."""
        each = (self.home, self.next, self.leaving)
        return sum(one is not None and not one.over for one in each) > 1

    def _arrived(self, connection: ServerConnection) -> None:
        """A server has shown its first view."""
        if connection is self.next:
            self.journey.crossed()
        elif connection is self.home:
            self._tries = 0
            self.journey.viewed()
        self._stands()

    def streamed(self, message: Chunk | Item | Offered | Denied) -> None:
        """Something came of a file or a topic."""
        self.streams.heard(message)

    def measured(self) -> None:
        """A round trip is known: perhaps it is the last one that the router asked for."""
        self.entrance.pinging.measured()

    def lost(self, connection: PlayerConnection, why: Lost) -> None:
        """A connection to a server is gone, and we did not close it."""
        if connection is self.next:
            self.journey.next_lost()
            self._stands()
        elif connection is self.home:
            self._home_lost(why)
        elif connection is self.leaving:
            self.leaving = None
        else:
            self.entrance.pinging.lost(connection)

    def _home_lost(self, why: Lost) -> None:
        """Come back, unless we would only be in the way of who plays, or not be understood."""
        self._why = str(why)
        if self.entrance.final(why.code):
            log.warn("{name} stops: {why}", name=self.entrance.name or "a player", why=self._why)
            self.ended = self._why
            self._stop()
        else:
            self.journey.home_lost()
            if self.next is not None:
                self.next.expect(LAND_S)
            self._stands()
        self._told.tell("lost", why)  # whoever hears it sees what became of it

    def _check(self) -> None:
        """Once a second: is the server still there, and how far is it?"""
        home = self.home
        if home is None or not home.viewed:
            return
        if self._clock.seconds() - self._tally.shown_at > SILENT_S and self.next is None:
            home.close()
            self._home_lost(Lost("", f"no view for {SILENT_S:g} s"))
        else:
            home.ping()

    # What the journey decides.

    def seek(self) -> None:
        """Ask the router where to play."""
        if self._tally.last_tick:
            name, why = self.entrance.name, self._why
            log.info("{name} comes back to the router: {why}", name=name, why=why)
            self.rejoins += 1
            self._tally.interrupted()
        self._close_all()
        self.entrance.ask()

    def wait(self) -> None:
        """Wait before the router is asked again: twice as long each time, and never in step with
        others."""
        self._close_all()
        first, longest = RETRY_S
        delay = min(longest, first * 2**self._tries) * (0.5 + self._random.random())
        self._tries += 1
        self._retrying = self._clock.callLater(delay, self._retry)

    def _retry(self) -> None:
        self.journey.retry()
        self._stands()

    def join(self, where: object) -> None:
        """Connect to a server as the only one: the connection that was pinged is the playing one
        from now on, if it stands."""
        assert isinstance(where, Redirect)
        pinged = self.entrance.pinging.take(where.address)
        self.home = pinged or self.connection_to(where.address)
        self._go(where, self.home, JOIN_S)
        self.entrance.close()

    def cross(self, where: object) -> None:
        """Connect to a second server beside the present one: a move begins."""
        assert isinstance(where, Redirect)
        self._end_move()
        self._tally.begin()
        self.next = self.connection_to(where.address)
        self._go(where, self.next, CROSS_S)

    def _go(self, where: Redirect, connection: ServerConnection, within: float) -> None:
        connection.join(where, beside=connection is self.next)
        if connection.up:
            connection.expect(within)
        else:
            connection.connect(within)

    def switch(self) -> None:
        """Play on the second connection. The old one stays a moment, for views still on their
        way."""
        self._leave()
        self._came = self.home.member if self.home is not None else ""
        self.leaving, self.home, self.next = self.home, self.next, None
        self.moves += 1
        self._settling = self._clock.callLater(AFTER_S, self._settle)

    def _leave(self) -> None:
        _cancel(self._settling)
        if self.leaving is not None:
            self.leaving.close()
            self.leaving = None

    def _settle(self) -> None:
        self._leave()
        if self.next is None:
            self._end_move()

    def _end_move(self) -> None:
        cost = self._tally.end()
        if cost is not None and self.home is not None:
            self._felt(self.home, cost)

    def _felt(self, home: ServerConnection, cost: Cost) -> None:
        home.say(Felt(missed=cost.missed, gap_ms=cost.gap_ms, stall_ms=cost.stall_ms))
        self.last_move = FeltMove(self._came, home.member, *cost)
        self._told.tell("move", self.last_move)

    def drop(self) -> None:
        """Close the second connection: there was no move."""
        if self.next is not None:
            self.next.close()
        self.next = None
        self._tally.end()

    def close(self) -> None:
        """Close everything, for good."""
        self._close_all()
        self._beats.stop()
        _cancel(self._retrying)
        self.streams.end()

    def _close_all(self) -> None:
        _cancel(self._settling)
        connections = (self.home, self.next, self.leaving)
        self.home = self.next = self.leaving = None
        self.entrance.close()
        for connection in connections:
            if connection is not None:
                connection.close()


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()
