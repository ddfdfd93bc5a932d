"""The links to other game servers: direct, one per pair, dialled by the name that sorts first.

Each tick each side shows the other who stands where the other's players look, and forwards letters.
A neighbour that is slow misses sights; nothing is queued for it, and nobody here waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from twisted.application.internet import ClientService
from twisted.logger import Logger

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.errors import OutOfTurn
from clientmigration.net.door import Dial, steady
from clientmigration.net.line import MEMBER_SILENCE_S, Line
from clientmigration.wire.connection import SERVER_TO_SERVER, encode
from clientmigration.wire.messages import Challenge, Goodbye, Neighbour, Waived
from clientmigration.wire.messages import Neighbours as Listed
from clientmigration.wire.neighbours import Begun, Kept, Look, Meet, Met, Post, Sight, Waive

if TYPE_CHECKING:
    from clientmigration.gameserver.service import GameServer

log = Logger()

PACE = (5_000.0, 20_000.0)  # a sight per tick, and letters


class Link:
    """The `Listener` of one connection between two servers; a new one for each connection. `name`
    is the other's; as long as it has not proved itself, only whom we called has one."""

    def __init__(self, server: GameServer, name: str = "", line: Line | None = None) -> None:
        self.server, self.name, self.calling = server, name, bool(name)
        self.nonce = server.entropy(16).hex()
        self.challenge = ""
        self.met = False
        self.look = b""  # what the other side's players look at
        self.told = b""  # what we said that ours look at
        pace = TokenBucket(*PACE)
        if line is None:
            line = Line(
                "gameserver", SERVER_TO_SERVER, self, server.clock, pace, server.blame,
                MEMBER_SILENCE_S,
            )  # fmt: skip
        else:
            line.turn(SERVER_TO_SERVER, self, pace, MEMBER_SILENCE_S)
        self.line = line

    def opened(self, line: Line) -> None:
        """Who is called speaks first: its challenge."""
        if not self.calling:
            line.say(Challenge(nonce=self.nonce))

    def heard(self, message: Any) -> None:
        """See `Listener`."""
        if isinstance(message, Goodbye):
            self.line.hang_up("bye", "")
        elif self.met:
            self._heard(message)
        elif isinstance(message, Challenge) and self.calling:
            self._prove(message)
        elif isinstance(message, Meet) and not self.calling:
            self._meet(message)
        elif isinstance(message, Met) and self.challenge:
            self.server.seals.proven(message.proof, "called", *self._parts(self.server.member))
            self._known()
        else:
            raise OutOfTurn(f"{type(message).__name__} before the two have met")

    def _heard(self, message: Any) -> None:
        server = self.server
        if isinstance(message, Sight):
            server.game.lend(self.name, message.tick, message.body)
        elif isinstance(message, Look):
            server.game.sight(message.body)  # whether it can be answered
            self.look = message.body
        elif isinstance(message, Post):
            server.letters.bring(message, self)
        elif isinstance(message, Kept):
            server.letters.kept(message)
        elif isinstance(message, Waive):
            server.waivers.asked(message, self)
        elif isinstance(message, Waived):
            server.waivers.waived(message, self.name)
        elif isinstance(message, Begun):
            server.waivers.begun(message, self.name)
        else:
            raise OutOfTurn(f"{type(message).__name__} after the two have met")

    def _parts(self, caller: str) -> tuple[str, ...]:
        called = self.name if self.calling else self.server.member
        nonces = (self.challenge, self.nonce) if self.calling else (self.nonce, self.challenge)
        return (*nonces, caller, called)

    def _prove(self, message: Challenge) -> None:
        self.challenge = message.nonce
        name = self.server.member
        proof = self.server.seals.proof("caller", *self._parts(name))
        self.line.say(Meet(name=name, nonce=self.nonce, proof=proof))

    def _meet(self, message: Meet) -> None:
        self.challenge = message.nonce
        self.server.seals.proven(message.proof, "caller", *self._parts(message.name))
        if not message.name < self.server.member:
            raise OutOfTurn("the name that sorts first calls the other")
        self.name = message.name
        self.line.say(Met(proof=self.server.seals.proof("called", *self._parts(self.name))))
        self._known()

    def _known(self) -> None:
        self.met = True
        self.server.neighbours.met(self)

    def tell_look(self, look: bytes) -> None:
        """Say what our players look at, when it has changed."""
        if look != self.told and self.line.show(encode(Look(look))):
            self.told = look

    def closed(self, reason: str) -> None:
        """See `Listener`."""
        self.server.neighbours.closed(self, reason)


class NeighbourLinks:
    """Every neighbour there is, called or calling. `sent` and `received` count bytes."""

    def __init__(self, server: GameServer, dial: Dial, jitter: Callable[[], float]) -> None:
        self.server, self.dial, self.jitter = server, dial, jitter
        self.links: dict[str, Link] = {}
        self.calls: dict[str, tuple[str, ClientService]] = {}
        self.listed: dict[str, Neighbour] = {}

    def learn(self, message: Listed) -> None:
        """The router says who there is. Links that stand are kept even if it does not know the
        other side just now: it may have been away itself."""
        self.server.game.owner = message.owner
        self.listed = {each.name: each for each in message.neighbours}
        for each in message.neighbours:
            if each.name > self.server.member:
                self._call(each)
        self._hush()

    def _call(self, neighbour: Neighbour) -> None:
        name, address = neighbour.name, neighbour.address
        if name in self.calls and self.calls[name][0] == address:
            return
        self._give_up(name)
        calling = steady(
            self.dial(address), lambda: Link(self.server, name).line, self.server.clock, self.jitter
        )
        self.calls[name] = (address, calling)
        calling.startService()

    def _give_up(self, name: str) -> None:
        if name in self.calls:
            self.calls.pop(name)[1].stopService()

    def _hush(self) -> None:
        for name in [each for each in self.calls if each not in self.listed | self.links]:
            self._give_up(name)

    def met(self, link: Link) -> None:
        """The other side has proved itself. The newest link to it counts."""
        before, self.links[link.name] = self.links.get(link.name), link
        if before is not None:
            before.line.hang_up("replaced", "there is a newer link")
        log.info("{name} is a neighbour now", name=link.name)
        link.tell_look(self._look())

    def closed(self, link: Link, reason: str) -> None:
        """A link is gone. What it showed last is shown until it is stale."""
        self.server.count_neighbour(link.line)
        if self.links.get(link.name) is link:
            del self.links[link.name]
            log.warn("lost the neighbour {name}: {reason}", name=link.name, reason=reason)
            self._hush()

    def _look(self) -> bytes:
        coming = [seat.coming for seat in self.server.seats.values() if seat.coming]
        return self.server.game.look(coming)

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
                sights[link.look] = encode(Sight(tick, self.server.game.sight(link.look)))
            if link.look and not link.line.choked:
                link.line.show(sights[link.look])
        self.look()

    def say(self, message: msgspec.Struct) -> int:
        """Say it to all; answers to how many."""
        for link in self.links.values():
            link.line.say(message)
        return len(self.links)

    def stop(self) -> None:
        """Call nobody any more, and say goodbye."""
        for name in list(self.calls):
            self._give_up(name)
        for link in list(self.links.values()):
            link.line.hang_up("bye", "the server stops")
