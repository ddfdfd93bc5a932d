"""A player that any program can use: connect by URL, send inputs, get views, be moved, come back.

    player = Player.by_url(reactor, "clientmigration://play.example.org")
    player.start()
    player.act(meadow.move(1.0, 0.0))
    async for view in player.views():
        ...

It is one and the same player across moves, crashes and restarts (keep `token`). Views come in
order, each tick once; inputs are applied exactly once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, DeferredQueue, QueueOverflow
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from clientmigration.client.connections import PINGS_S, Leg, RouterLeg, ServerLeg
from clientmigration.client.finding import dialer as dialer
from clientmigration.client.finding import parse_url as parse_url
from clientmigration.client.streams import Fetched, Streams, Subscription
from clientmigration.core.player.journey import journey
from clientmigration.core.player.tally import Cost, Tally
from clientmigration.net.door import Dial as Dial
from clientmigration.net.tickets import hashed
from clientmigration.wire.messages import Candidate, Felt, Input, Item, Leave, Redirect, View

log = Logger()

SEEK_S = 10.0  # to find the router and hear its greeting: it may have several addresses
JOIN_S = 3.5  # from the redirect to the first view: a server that just froze is given up by then
LAND_S = 1.0  # when only the second server is left: to its first view
CROSS_S = 10.0  # the router calls a move off before this
SILENT_S = 2.0  # forty views late: the server is gone, whatever TCP thinks
AFTER_S = 0.5  # how long after a switch its effects are still counted as the move's
VIEWS = 64  # views kept for a program that reads them slowly: three seconds; older ones are dropped
RETRY_S = (0.1, 5.0)  # first and longest wait before the router is asked again


class Player:
    """The `Traveller` of a journey. `on_view(view)` is called for each view and
    `on_move(member, cost)` after each move. `secret` binds its tickets to this program. Players of
    one `group` are kept together as far as that can be. While there is no place, `waiting` is the
    position in line and `estimate_s` how long it may take (None: unknown). `ended` is why it
    stopped by itself: another program plays this player now, or what answers is no router."""

    def __init__(
        self,
        clock: IReactorTime,
        router: str,
        dial: Dial,
        random: Random,
        token: str = "",
        on_view: Callable[[View], None] = lambda _view: None,
        on_move: Callable[[str, Cost], None] = lambda _member, _cost: None,
        group: str = "",
    ) -> None:
        self.clock, self.router, self.dial, self.random = clock, router, dial, random
        self.token, self.on_view, self.on_move, self.group = token, on_view, on_move, group
        self.secret = random.getrandbits(128).to_bytes(16, "big").hex()
        self.holder = hashed(self.secret)
        self.name = ""
        self.waiting = 0
        self.estimate_s: float | None = None
        self.ended = ""
        self.moves = self.rejoins = 0
        self.tally: Tally[View] = Tally()
        self.journey = journey(self)
        self.seeker: RouterLeg | None = None
        self.home: ServerLeg | None = None
        self.next: ServerLeg | None = None
        self.leaving: ServerLeg | None = None
        self.pinged: list[ServerLeg] = []
        self._pinging: IDelayedCall | None = None
        self._settling: IDelayedCall | None = None
        self._tries = 0
        self._why = ""
        self._from = 0  # the first tick that the present server showed
        self._calls: list[IDelayedCall] = []
        self._beat = LoopingCall(self._check)
        self._beat.clock = clock
        self._views: DeferredQueue[View | None] | None = None  # None: the last one
        self.streams = Streams(self.act, clock.seconds, random)

    @classmethod
    def by_url(cls, reactor: IReactorTime, url: str, token: str = "", group: str = "") -> Player:
        """A player of the router at `url`, on a real reactor."""
        from random import SystemRandom

        return cls(reactor, parse_url(url), dialer(reactor), SystemRandom(), token, group=group)

    # For the program.

    def start(self) -> None:
        """Begin to play, and keep playing whatever happens."""
        self._beat.start(1.0, now=False)
        self.journey.start()

    def stop(self) -> None:
        """Go home. The player is kept."""
        if self.home is not None:
            self.home.say(Leave())
        if self._beat.running:
            self._beat.stop()
        self.journey.stop()
        self._hand_on(None)

    def act(self, body: bytes) -> int:
        """Send one input; answers its sequence number. Sent to every server that may apply it."""
        sent = self.tally.send(body, self.clock.seconds())
        for leg in (self.home, self.next):
            if leg is not None and leg.fed:
                leg.say(Input(sent.seq, sent.body))
        return sent.seq

    @property
    def member(self) -> str:
        """The server we play on, "" while there is none."""
        return self.home.member if self.home is not None and self.home.viewed else ""

    async def views(self) -> AsyncIterator[View]:
        """Every view from now on, in order, until the player stops. For a reader that sleeps, old
        ones are dropped."""
        self._views = DeferredQueue(size=VIEWS)
        if self.journey.state() == "ended":
            self._hand_on(None)
        while (view := await self._views.get()) is not None:
            yield view

    def fetch(
        self,
        name: str,
        sink: Callable[[bytes], object] | None = None,
        have: int = 0,
        digest: Any = None,
    ) -> Deferred[Fetched]:
        """Download a file, checked by its SHA-256; the file `""` is the catalogue (JSON).

        With a `sink` each part is handed to it, in order, and nothing is kept. A file of which
        `have` bytes are here already goes on there; `digest` is then a `hashlib.sha256` of those.
        Fails with `NotOffered` or `Corrupted`; cancel it to stop.
        """
        return self.streams.fetch(name, sink, have, digest)

    def subscribe(self, topic: str, on_item: Callable[[Item], object]) -> Subscription:
        """Follow a topic from now on: `on_item(item)` gets each entry once, in order, until
        `.stop()` of what this answers is called."""
        return self.streams.follow(topic, on_item)

    # What the legs report.

    def identified(self, name: str, token: str) -> None:
        """The router says who we are."""
        self.name, self.token = name, token

    def measure(self, listed: Sequence[Candidate]) -> None:
        """Ping these; answer when all have answered, or the time is up."""
        asked = [ServerLeg(self, each.address) for each in listed]
        self.pinged += asked
        for leg, each in zip(asked, listed, strict=True):
            leg.member = each.member
            leg.connect(PINGS_S)
        self._pinging = self.clock.callLater(PINGS_S, self._tell_pings)

    def measured(self) -> None:
        """One more round trip is known."""
        if self._pinging is not None and all(leg.rtts[1:] or leg.over for leg in self.pinged):
            self._pinging.cancel()
            self._tell_pings()

    def _tell_pings(self) -> None:
        self._pinging = None
        pings = {leg.member: min(leg.rtts) * 1000 for leg in self.pinged if leg.rtts}
        if self.seeker is not None:
            self.seeker.tell_pings(pings)

    def redirected(self, leg: ServerLeg, where: Redirect) -> None:
        """The server we play on sends us on."""
        if leg is self.home:
            self.journey.redirected(where)

    def viewed(self, leg: ServerLeg, view: View) -> None:
        """A view came: shown if its tick was not yet; what it says of our inputs counts anyway."""
        now = self.clock.seconds()
        first, leg.viewed = not leg.viewed, True
        if first:
            leg.expect(None)
            self._from = view.tick
        elif leg is self.leaving and view.tick >= self._from:
            return  # the new server has shown this tick, and knows better
        if leg is self.home or leg is self.next:
            self.tally.acknowledge(view.last, view.applied, view.digest, now)
        crossing = self.next is not None or self.leaving is not None
        for shown in self.tally.show(view.tick, view, now, crossing):
            self._show(shown)
        if first and leg is self.next:
            self.journey.crossed()
        elif first and leg is self.home:
            self._tries = 0
            self.journey.viewed()

    def _show(self, view: View) -> None:
        self.on_view(view)
        self.streams.beat(view.tick)
        self._hand_on(view)

    def _hand_on(self, view: View | None) -> None:
        if self._views is not None:
            try:
                self._views.put(view)
            except QueueOverflow:
                self._views.pending.pop(0)
                self._views.put(view)

    def lost(self, leg: Leg, reason: str) -> None:
        """A connection is gone, and we did not close it."""
        if leg is self.next:
            self.journey.next_lost()
        elif leg is self.home or leg is self.seeker:
            self._why = reason
            self.journey.home_lost()
            if self.next is not None:
                self.next.expect(LAND_S)
        elif leg is self.leaving:
            self.leaving = None
        elif leg in self.pinged:
            self.measured()

    def dismissed(self, leg: Leg, why: str) -> None:
        """We are not wanted any more, and would only be in the way of who is."""
        if leg is self.home or leg is self.seeker:
            log.warn("{name} stops: {why}", name=self.name or "a player", why=why)
            self.ended = why
            self.stop()

    def _check(self) -> None:
        """Once a second: is the server still there, and how far is it?"""
        home = self.home
        if home is None or not home.viewed:
            return
        if self.clock.seconds() - self.tally.shown_at > SILENT_S and self.next is None:
            home.close()
            self.lost_silently(home)
        else:
            home.ping()

    def lost_silently(self, home: ServerLeg) -> None:
        """The connection stands, but no views come."""
        self.lost(home, f"no view for {SILENT_S:g} s")

    # What the journey decides (see core/player/journey.py).

    def seek(self) -> None:
        """See core/player/journey.py."""
        if self.tally.last_tick:
            log.info("{name} comes back to the router: {why}", name=self.name, why=self._why)
            self.rejoins += 1
            self.tally.interrupted()
        self._close_all()
        self.seeker = RouterLeg(self, self.router)
        self.seeker.connect(SEEK_S)

    def wait(self) -> None:
        """See core/player/journey.py. Twice as long each time, and never in step with others."""
        self._close_all()
        first, longest = RETRY_S
        delay = min(longest, first * 2**self._tries) * (0.5 + self.random.random())
        self._tries += 1
        self._later(delay, self.journey.retry)

    def join(self, where: object) -> None:
        """See core/player/journey.py. The connection that was pinged becomes the playing one."""
        assert isinstance(where, Redirect)
        seeker, self.seeker = self.seeker, None
        known = [leg for leg in self.pinged if leg.address == where.address and leg.up]
        for leg in self.pinged:
            if leg not in known[:1]:
                leg.close()
        self.pinged = []
        reached = [leg for leg in known[:1] if not leg.over]
        self.home = reached[0] if reached else ServerLeg(self, where.address)
        self._go(where, self.home, JOIN_S)
        if seeker is not None:
            seeker.close()

    def cross(self, where: object) -> None:
        """See core/player/journey.py."""
        assert isinstance(where, Redirect)
        self._end_move()
        self.tally.begin()
        self.next = ServerLeg(self, where.address)
        self._go(where, self.next, CROSS_S)

    def _go(self, where: Redirect, leg: ServerLeg, within: float) -> None:
        leg.join(where)
        if leg.up:
            leg.expect(within)
        else:
            leg.connect(within)

    def switch(self) -> None:
        """The old connection stays a moment, for views still on their way."""
        if self._settling is not None and self._settling.active():
            self._settling.cancel()
            self._leave()
        self.leaving, self.home, self.next = self.home, self.next, None
        self.moves += 1
        self._settling = self._later(AFTER_S, self._settle)

    def _leave(self) -> None:
        if self.leaving is not None:
            self.leaving.close()
            self.leaving = None

    def _settle(self) -> None:
        self._leave()
        if self.next is None:
            self._end_move()

    def _end_move(self) -> None:
        self.tally.end(self._felt)

    def _felt(self, cost: Cost) -> None:
        if self.home is not None:
            self.home.say(Felt(missed=cost.missed, gap_ms=cost.gap_ms, stall_ms=cost.stall_ms))
            self.on_move(self.home.member, cost)

    def drop(self) -> None:
        """See core/player/journey.py."""
        if self.next is not None:
            self.next.close()
        self.next = self.tally.spell = None

    def close(self) -> None:
        """See core/player/journey.py."""
        self._close_all()
        for call in self._calls:
            if call.active():
                call.cancel()

    def _close_all(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
            self._pinging = None
        legs = (self.seeker, self.home, self.next, self.leaving, *self.pinged)
        self.seeker = self.home = self.next = self.leaving = None
        self.pinged = []
        for leg in legs:
            if leg is not None:
                leg.close()

    def _later(self, delay: float, call: Callable[[], None]) -> IDelayedCall:
        later = self.clock.callLater(delay, call)
        self._calls = [*(each for each in self._calls if each.active()), later]
        return later
