"""A player that any program can use: connect by URL, send inputs, get views, be moved, come back.

    player = Player.by_url(reactor, "clientmigration://play.example.org")
    player.start()
    player.act(meadow.move(1.0, 0.0))
    async for view in player.views():
        ...

It is one and the same player across moves, crashes and restarts (keep `token`). Views come in
order, each tick once; inputs are applied exactly once. The JavaScript player has the same names and
does the same: see status/static/clientmigration.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from clientmigration.client.entrance import Login, Passport
from clientmigration.client.finding import dialer, parse_url, scheme_of
from clientmigration.client.listeners import Listeners, PlayerEvent
from clientmigration.client.streams import Fetched, Subscription
from clientmigration.client.told import Counts, TopicEntry
from clientmigration.client.traveller import Traveller
from clientmigration.core.player.tally import Tally
from clientmigration.errors import BadInput
from clientmigration.net.door import Dial
from clientmigration.net.encryption import Encryption
from clientmigration.net.worldclock import monotonic
from clientmigration.wire import work
from clientmigration.wire.connection import INPUT_LIMIT
from clientmigration.wire.messages import View

__all__ = ["Player"]

VIEWS = 64  # views kept for a program that reads them slowly: three seconds; older ones are dropped


class Player:
    """One player of the router at the address `router` (what `parse_url` answers, or host:port).

    `clock` is a reactor, or a clock of a test; `dial` connects to an address. A `token` says who
    the player is, if it has been here before; a `Login` does so by the game's own backend. Players
    of one `group`, a word of at most 64 characters, are kept together as far as that can be. Raises
    BadInput for a longer one.
    """

    def __init__(
        self,
        clock: IReactorTime,
        router: str,
        dial: Dial,
        random: Random,
        token: str | Login = "",
        group: str = "",
    ) -> None:
        secret = random.getrandbits(128).to_bytes(16, "big").hex()
        passport = Passport(router, secret, token, group)
        self._listeners = Listeners()
        self.tally: Tally[View] = Tally()
        self.traveller = Traveller(clock, dial, random, passport, self.tally, self._listeners)
        self.streams = self.traveller.streams

    @classmethod
    def by_url(
        cls,
        reactor: IReactorTime,
        url: str,
        token: str = "",
        group: str = "",
        tls_ca: str = "",
        login: str | Callable[[], str | Deferred[str]] = "",
    ) -> Player:
        """A player of the router at `url`, clientmigration://host[:port], on a real reactor, whose
        timers no longer follow the wall clock from then on (`net/worldclock.py`).

        `clientmigrations://` is the same by TLS, `wss://host[:port][/path]` by WebSocket: what is
        encrypted at the router stays so everywhere. Certificates have to be of the names that are
        dialled, from an authority that this system trusts, or one in the file `tls_ca` (PEM).
        `login` is a token of the game's own backend (JWT) that says who the player is, in place of
        `token`; or a function that gets one, now or as a Deferred: it is called when one is needed,
        which is at the start, and later when the player has to come back after some hours.
        Raises ConfigurationError when the URL is no such one, or the file is not good; BadInput
        when the group or the login is too long.
        """
        from random import SystemRandom

        clock, router = monotonic(reactor), parse_url(url)
        trust = Encryption.of({"tls-ca": tls_ca}).trust
        dial = dialer(clock, trust=trust, scheme=scheme_of(url))
        return cls(clock, router, dial, SystemRandom(), Login(login) if login else token, group)

    def start(self) -> Player:
        """Begin to play, and keep playing whatever happens. Answers the player itself."""
        self.traveller.start()
        return self

    def stop(self) -> None:
        """Go home. The player is kept: to come back, make another `Player` with its token."""
        self.traveller.stop()

    def act(self, body: bytes) -> int:
        """Send one input, and answer its number. Before there is a server it waits.

        Raises BadInput when it is not bytes, or more than 256 of them.
        """
        if not isinstance(body, bytes) or len(body) > INPUT_LIMIT:
            raise BadInput(f"an input is bytes, and at most {INPUT_LIMIT} of them")
        return self.traveller.act(body)

    def burn(self, us: int) -> int:
        """Have the server spend so many microseconds of its CPU in each tick; 0 ends it.

        Answers the number of the input. Raises BadInput when it is not a number from 0 to 5,000.
        """
        if not isinstance(us, int) or not 0 <= us <= work.BURN_LIMIT_US:
            raise BadInput(f"a burn is 0 to {work.BURN_LIMIT_US} microseconds")
        return self.traveller.act(work.burn(us))

    def on(self, event: PlayerEvent, listener: Callable[[Any], object]) -> Callable[[], None]:
        """Call `listener(value)` at each `event`, until what this answers is called.

        `view`: a `View`, each tick once and in order. `state`: the new state. `move`: a `FeltMove`,
        half a second after a move. `lost`: a `Lost`, when the server or the router is gone; unless
        the state is `ended` then, the player comes back by itself. `position`: the place in line
        while all servers are full, 0 when that is over. `identity`: the player's name.
        """
        return self._listeners.on(event, listener)

    async def views(self) -> AsyncIterator[View]:
        """Every view from now on, in order, until the player stops. For a reader that is slow, old
        ones are dropped: 64 are kept."""
        views: deque[View] = deque(maxlen=VIEWS)
        asleep: list[Deferred[None]] = []

        def wake(_state: object) -> None:
            if asleep:  # its reader may fall asleep again at once
                asleep.pop().callback(None)

        def seen(view: View) -> None:
            views.append(view)
            wake(view)

        offs = (self.on("view", seen), self.on("state", wake))
        try:
            while True:
                while views:
                    yield views.popleft()
                if self.state == "ended":
                    return
                asleep.append(Deferred())
                await asleep[-1]
        finally:
            for off in offs:
                off()

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
        Fails with BadInput (a name of more than 200 bytes), NotOffered, Corrupted or PlayerStopped,
        or with what the sink raised. Cancel it to stop.
        """
        return self.streams.fetch(name, sink, have, digest)

    def subscribe(
        self,
        topic: str,
        on_entry: Callable[[TopicEntry], object],
        on_denied: Callable[[str], object] = lambda _reason: None,
    ) -> Subscription:
        """Follow a topic from now on: `on_entry(entry)` gets each entry once, in order, until
        `stop()` of what this answers is called; `on_denied(reason)` is told why nothing comes.

        Raises BadInput when the name has more than 200 bytes.
        """
        return self.streams.subscribe(topic, on_entry, on_denied)

    @property
    def state(self) -> str:
        """idle, seeking, waiting, joining, playing, crossing, landing or ended. `crossing` is a
        move under way: play goes on."""
        return self.traveller.journey.state()

    @property
    def ended(self) -> str:
        """Why it stopped by itself, "" if it did not: another program plays this player now, what
        answers is no router, it was kicked or banned, or may not play as it says that it is."""
        return self.traveller.ended

    @property
    def name(self) -> str:
        """The player's name: 16 hex digits, "" until the router has told it."""
        return self.traveller.entrance.name

    @property
    def token(self) -> str:
        """What proves who the player is. Keep it like a password."""
        return self.traveller.entrance.token

    @property
    def member(self) -> str:
        """The server that plays us, "" while there is none."""
        home = self.traveller.home
        return home.member if home is not None and home.viewed else ""

    @property
    def position(self) -> int:
        """The place in line while all servers are full, else 0."""
        return self.traveller.entrance.position

    @property
    def estimate_s(self) -> float | None:
        """Seconds until it is our turn in line, if it goes on as lately; None: nobody knows."""
        return self.traveller.entrance.estimate_s

    @property
    def moves(self) -> int:
        """How often it has been moved."""
        return self.traveller.moves

    @property
    def rejoins(self) -> int:
        """How often it came back by way of the router."""
        return self.traveller.rejoins

    @property
    def counts(self) -> Counts:
        """What this player has counted for itself so far."""
        tally, home = self.tally, self.traveller.home
        return Counts(
            views=tally.views,
            missed=tally.missed,
            lost=tally.lost,
            doubled=tally.doubled,
            skipped=tally.skipped,
            sent=tally.seq,
            acked=tally.acked,
            tick=tally.last_tick,
            moves=self.moves,
            rejoins=self.rejoins,
            longest_gap_ms=tally.longest_gap_s * 1000,
            rtt_ms=home.rtts[-1] * 1000 if home is not None and home.rtts else None,
            last_move=self.traveller.last_move,
        )
