"""One connection between two game servers: they prove themselves to each other, and then talk.

Who calls proves itself first. Nothing but the proofs is heard before the two have met.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, Self

from clientmigration.errors import GameFault, OutOfTurn
from clientmigration.gameserver.game import Game
from clientmigration.net.line import MEMBER_SILENCE_S, MEMBER_UNREAD, Line, LineTerms
from clientmigration.net.tickets import Seals
from clientmigration.wire.connection import SERVER_TO_SERVER, encode
from clientmigration.wire.messages import Challenge, Goodbye, Waived
from clientmigration.wire.neighbours import Begun, Kept, Look, Meet, Met, Post, Sight, Waive

RATE = (5_000.0, 20_000.0)  # a sight per tick, and letters
TERMS = LineTerms(SERVER_TO_SERVER, RATE, MEMBER_SILENCE_S, MEMBER_UNREAD)


class Named(Protocol):
    """What this server is called."""

    member: str


@dataclass(frozen=True)
class Papers:
    """With what a link proves who we are. `entropy` answers so many random bytes."""

    ours: Named
    seals: Seals
    entropy: Callable[[int], bytes]


class LetterEar(Protocol):
    """Who hears of letters."""

    def bring(self, post: Post, bringer: Line) -> None:
        """A neighbour brings letters."""

    def kept(self, kept: Kept) -> None:
        """A neighbour has kept what was brought to it."""


class Promises(Protocol):
    """Who hears of players that were frozen when their router went."""

    def asked(self, message: Waive, line: Line) -> None:
        """A neighbour asks to waive a player."""

    def waived(self, message: Waived, target: str) -> None:
        """The target has waived a player."""

    def begun(self, message: Begun, target: str) -> None:
        """The target plays a player."""


class Links(Protocol):
    """Who keeps the links."""

    def met(self, link: Link) -> None:
        """The other side has proved itself."""

    def closed(self, link: Link, reason: str) -> None:
        """A link is gone."""


@dataclass(frozen=True)
class Ears:
    """Who hears what other servers say."""

    links: Links
    game: Game
    letters: LetterEar
    promises: Promises


class Link:
    """The `Listener` of one connection between two servers; a new one for each connection. `name`
    is the other's; as long as it has not proved itself, only whom we called has one."""

    line: Line

    def __init__(self, papers: Papers, ears: Ears, name: str = "") -> None:
        self._papers, self._ears = papers, ears
        self.name, self.calling = name, bool(name)
        self.nonce = papers.entropy(16).hex()
        self.challenge = ""
        self.met = False
        self.look = b""  # what the other side's players look at
        self.told = b""  # what we said that ours look at

    def on(self, line: Line) -> Self:
        """This line carries it."""
        self.line = line
        return self

    def opened(self, line: Line) -> None:
        """Who is called speaks first: its challenge."""
        if not self.calling:
            line.say(Challenge(nonce=self.nonce))

    def heard(self, message: Any) -> None:
        """Proofs first, then everything else."""
        match message:
            case Goodbye():
                self.line.hang_up("bye", "")
            case _ if self.met:
                self._hear(message)
            case Challenge() if self.calling:
                self._prove(message)
            case Meet() if not self.calling:
                self._meet(message)
            case Met() if self.challenge:
                self._papers.seals.proven(message.proof, "called", *self._parts(self._ours))
                self._known()
            case _:
                raise OutOfTurn(f"{type(message).__name__} before the two have met")

    def _hear(self, message: Any) -> None:
        ears = self._ears
        match message:
            case Sight():
                ears.game.lend(self.name, message.tick, message.body)
            case Look():
                with suppress(GameFault):  # of ours, not the other side's
                    ears.game.sight(message.body)  # whether it can be answered
                self.look = message.body
            case Post():
                ears.letters.bring(message, self.line)
            case Kept():
                ears.letters.kept(message)
            case Waive():
                ears.promises.asked(message, self.line)
            case Waived():
                ears.promises.waived(message, self.name)
            case Begun():
                ears.promises.begun(message, self.name)
            case _:
                raise OutOfTurn(f"{type(message).__name__} after the two have met")

    @property
    def _ours(self) -> str:
        return self._papers.ours.member

    def _parts(self, caller: str) -> tuple[str, ...]:
        called = self.name if self.calling else self._ours
        nonces = (self.challenge, self.nonce) if self.calling else (self.nonce, self.challenge)
        return (*nonces, caller, called)

    def _prove(self, message: Challenge) -> None:
        self.challenge = message.nonce
        proof = self._papers.seals.proof("caller", *self._parts(self._ours))
        self.line.say(Meet(name=self._ours, nonce=self.nonce, proof=proof))

    def _meet(self, message: Meet) -> None:
        self.challenge = message.nonce
        self._papers.seals.proven(message.proof, "caller", *self._parts(message.name))
        if not message.name < self._ours:
            raise OutOfTurn("the name that sorts first calls the other")
        self.name = message.name
        self.line.say(Met(proof=self._papers.seals.proof("called", *self._parts(self.name))))
        self._known()

    def _known(self) -> None:
        self.met = True
        self.line.guest.proven()
        self._ears.links.met(self)

    def tell_look(self, look: bytes) -> None:
        """Say what our players look at, when it has changed."""
        if look != self.told and self.line.show(encode(Look(look))):
            self.told = look

    def closed(self, reason: str) -> None:
        """The connection is over."""
        self._ears.links.closed(self, reason)
