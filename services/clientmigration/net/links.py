"""Links to all routers that a flag stands for, whatever its names come to stand for meanwhile.

Nobody waits for a resolver. Who is attached stays so, whatever is said of names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.internet import ClientService
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger

from clientmigration.net.addresses import named_host
from clientmigration.net.beats import Beats
from clientmigration.net.door import steady
from clientmigration.net.line import Line
from clientmigration.net.routers import MOST, Dialling, Way, each_of, looked_up

log = Logger()

AGAIN_S = 1.0  # after a name was looked up that stands for nothing
EVERY_S = 5.0  # what a name stands for is looked up


class _Link:
    """A connection to one router that comes back, and whether it is there."""

    def __init__(
        self, endpoint: IStreamClientEndpoint, make: Callable[[], Line], clock: IReactorTime
    ) -> None:
        self._make = make
        self._line: Line | None = None
        self.service: ClientService = steady(endpoint, self._made, clock)

    def _made(self) -> Line:
        self._line = self._make()
        return self._line

    @property
    def there(self) -> bool:
        """Whether it is connected."""
        return self._line is not None and not self._line.over


class _Named:
    """The routers of one name: `links` to them, when it is `due` to be looked up, and whether it
    was `told` that it stands for nobody."""

    def __init__(self, said: str) -> None:
        self.said, self.due, self.told = said, 0.0, False
        self.links: dict[Way, _Link] = {}


class RouterLinks(MultiService):
    """A connection, as `make` makes lines, to every router that a flag stands for; its names are
    looked up every `EVERY_S`. A new address is dialled; one that is gone from its name is not
    dialled again, once its connection has ended. What no resolver answers changes nothing."""

    def __init__(
        self, reactor: Any, dialling: Dialling, text: str, make: Callable[[], Line]
    ) -> None:
        super().__init__()
        self._reactor, self._dialling, self._make = reactor, dialling, make
        self._names: list[_Named] = []
        for said in each_of(text):
            if named_host(said):
                self._names.append(_Named(said))
            else:
                self._dial(Way(said))
        self._beats = Beats(reactor)
        for named in self._names:
            work = lambda named=named: self._look(named)  # noqa: E731
            self._beats.every(AGAIN_S, f"looking up {named.said}", work)

    def startService(self) -> None:
        """Connect, and look up."""
        super().startService()
        self._beats.start()
        for named in self._names:
            self._beats.spawn(f"looking up {named.said}", self._look_up(named))

    def stopService(self) -> Any:
        """Look up no more, and close the connections."""
        self._beats.stop()
        return super().stopService()

    def _look(self, named: _Named) -> Deferred[None] | None:
        if self._reactor.seconds() < named.due:
            return None
        return Deferred.fromCoroutine(self._look_up(named))

    async def _look_up(self, named: _Named) -> None:
        now = self._reactor.seconds
        named.due = now() + EVERY_S
        ways = await looked_up(self._reactor, self._reactor.nameResolver, named.said)
        if self.running and ways != [Way(named.said)]:
            self._follow(named, ways)
        elif self.running and not named.links:
            if not named.told:
                log.warn("{said}: no address is known of this name", said=named.said)
            named.due, named.told = now() + AGAIN_S, True

    def _follow(self, named: _Named, ways: Sequence[Way]) -> None:
        """The name stands for these now."""
        for way, link in list(named.links.items()):
            if way not in ways and not link.there:
                log.info("{way} is dialled no more", way=str(way))
                del named.links[way]
                self._beats.attempt("leaving a router", link.service.disownServiceParent)
        for way in ways:
            if way not in named.links and len(named.links) < 2 * MOST:
                named.links[way] = self._dial(way)

    def _dial(self, way: Way) -> _Link:
        link = _Link(self._dialling(way.said, way.at), self._make, self._reactor)
        link.service.setServiceParent(self)
        return link
