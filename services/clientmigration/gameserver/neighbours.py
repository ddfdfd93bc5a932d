"""The links to other game servers: direct, one per pair, dialled by the name that sorts first.

Each tick each side shows the other who stands where the other's players look. A neighbour that is
slow misses sights; nothing is queued for it, and nobody here waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.internet import ClientService
from twisted.logger import Logger

from clientmigration.errors import GameFault
from clientmigration.gameserver.game import Game
from clientmigration.gameserver.link import Link, Named
from clientmigration.gameserver.traffic import Traffic
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Neighbour, Neighbours
from clientmigration.wire.neighbours import Sight

log = Logger()

Coming = Callable[[], Sequence[tuple[float, float]]]  # where those will stand who come, metres
Call = Callable[[str, str], ClientService]  # from name and address: a link that comes back


class NeighbourLinks:
    """Every neighbour there is, called or calling. `links` are those that have proved themselves,
    by name; `number` is this server's own in views, 0 before the router has said it."""

    def __init__(
        self, ours: Named, game: Game, traffic: Traffic, coming: Coming, call: Call
    ) -> None:
        self._ours, self._game, self._traffic = ours, game, traffic
        self._coming, self._call = coming, call
        self.links: dict[str, Link] = {}
        self.number = 0
        self._calls: dict[str, tuple[str, ClientService]] = {}
        self._listed: dict[str, Neighbour] = {}

    def learn(self, message: Neighbours) -> None:
        """The router says who there is. Links that stand are kept even if it does not know the
        other side just now: it may have been away itself."""
        self.number = message.owner
        self._game.numbered(message.owner)
        self._listed = {each.name: each for each in message.neighbours}
        for each in message.neighbours:
            if each.name > self._ours.member:
                self._dial(each.name, each.address)
        self._hush()

    def _dial(self, name: str, address: str) -> None:
        if name in self._calls and self._calls[name][0] == address:
            return
        self._give_up(name)
        calling = self._call(name, address)
        self._calls[name] = (address, calling)
        calling.startService()

    def _give_up(self, name: str) -> None:
        if name in self._calls:
            self._calls.pop(name)[1].stopService()

    def _hush(self) -> None:
        for name in [each for each in self._calls if each not in self._listed | self.links]:
            self._give_up(name)

    def met(self, link: Link) -> None:
        """The other side has proved itself. The newest link to it counts."""
        before, self.links[link.name] = self.links.get(link.name), link
        self._traffic.neighbour(link.line)
        if before is not None:
            before.line.hang_up("replaced", "there is a newer link")
        log.info("{name} is a neighbour now", name=link.name)
        link.tell_look(self._look())

    def closed(self, link: Link, reason: str) -> None:
        """A link is gone. What it showed last is shown until it is stale."""
        if self.links.get(link.name) is link:
            del self.links[link.name]
            log.warn("lost the neighbour {name}: {reason}", name=link.name, reason=reason)
            self._hush()

    def _look(self) -> bytes:
        return self._game.look(self._coming())

    def look(self) -> None:
        """Tell everyone what our players look at, or will in a moment, if it has changed."""
        if self.links:
            look = self._look()
            for link in self.links.values():
                link.tell_look(look)

    def show(self, tick: int) -> None:
        """Show everyone who stands where it looks. Who does not read misses it."""
        sights: dict[bytes, bytes] = {}
        for link in self.links.values():
            if link.look not in sights and link.look:
                sights[link.look] = self._sight(tick, link.look)
            if link.look and not link.line.choked and (sight := sights[link.look]):
                link.line.show(sight)
        self.look()

    def _sight(self, tick: int, look: bytes) -> bytes:
        """As a frame; nothing while the game cannot tell."""
        try:
            return encode(Sight(tick, self._game.sight(look)))
        except GameFault:
            return b""

    def say(self, message: Any) -> None:
        """Say it to all."""
        for link in self.links.values():
            link.line.say(message)

    def say_to(self, name: str, message: Any) -> None:
        """Say it to one, if there is a link to it."""
        link = self.links.get(name)
        if link is not None:
            link.line.say(message)

    def measures(self) -> dict[str, float]:
        """Of the catalogue."""
        return {"neighbours": len(self.links)}

    def stop(self) -> None:
        """Call nobody any more, and say goodbye."""
        for name in list(self._calls):
            self._give_up(name)
        for link in list(self.links.values()):
            link.line.hang_up("bye", "the server stops")
