"""The operator link, as the router hears it: proof first, then questions, and orders from those
who may give them.

It shows what the router knows and passes orders on to where they are carried out anyway. Whoever
watches costs the router one encoding a second, however many watch; who does not read misses it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from twisted.logger import Logger

from clientmigration.errors import OutOfTurn
from clientmigration.net.beats import Beats
from clientmigration.net.line import MEMBER_UNREAD, Line, LineTerms
from clientmigration.net.named_keys import RESERVED, NamedKeys, alone
from clientmigration.net.tickets import Proofs, Seals
from clientmigration.wire.connection import OPERATOR_TO_ROUTER, encode
from clientmigration.wire.messages import Challenge, Goodbye, Here
from clientmigration.wire.operators import (
    Announce,
    Answer,
    AskBans,
    AskOrders,
    Banned,
    Because,
    Ended,
    Enter,
    Entered,
    Explain,
    Find,
    Found,
    Govern,
    Listing,
    MoveWish,
    OperatorRole,
    Order,
    OrdersGiven,
    Overview,
    Players,
    Watch,
    World,
)

log = Logger()

ROLES: tuple[OperatorRole, ...] = ("watcher", "operator")
RATE = (20.0, 100.0)  # a person, or a page that asks for what its visitors ask
TERMS = LineTerms(OPERATOR_TO_ROUTER, RATE, unread=MEMBER_UNREAD)
LINKS = 32  # operators and watchers at a time; a page serves all its visitors over one


@dataclass(frozen=True)
class OperatorPorts:
    """What operators are answered with: pictures of now, answers, what became of an order that an
    operator of this name gave, and what became of a player's own wish."""

    overview: Callable[[], Overview]
    world: Callable[[], World]
    found: Callable[[Find], Awaitable[Found | Ended]]
    because: Callable[[Explain], Because]
    players: Callable[[Listing], Awaitable[Players]]
    banned: Callable[[AskBans], Awaitable[Banned]]
    latest: Callable[[AskOrders], Awaitable[OrdersGiven]]
    carry_out: Callable[[Order | Govern | Announce, str], Awaitable[Ended]]
    wish: Callable[[MoveWish], Awaitable[Ended]]


class Operators:
    """Everyone who looks on at the router of this `name`, and what they are shown."""

    def __init__(self, name: str, ports: OperatorPorts, beats: Beats) -> None:
        self.name = name
        self._ports, self._beats = ports, beats
        self._lines: list[OperatorLine] = []
        self._frames: dict[str, bytes] = {}  # what is shown in this second, if anybody looks

    @property
    def lines(self) -> tuple[OperatorLine, ...]:
        """Those who have proved themselves, in the order in which they came."""
        return tuple(self._lines)

    def enter(self, line: OperatorLine) -> bool:
        """Somebody has proved itself. Whether there is room for it."""
        room = len(self._lines) < LINKS
        if room:
            self._lines.append(line)
        return room

    def leave(self, line: OperatorLine) -> None:
        """Its link is gone."""
        if line in self._lines:
            self._lines.remove(line)

    def tick(self) -> None:
        """Once a second: show everyone who watches how things stand."""
        self._frames.clear()
        for each in self.lines:
            if each.revoked():
                each.line.hang_up("revoked", f"the key of {each.name} is not good any more")
            else:
                self.show(each)

    def show(self, each: OperatorLine) -> None:
        """Show one how things stand, in the frames of this second."""
        if each.watches is not None:
            each.line.show(self._frame("overview", self._ports.overview))
            if each.watches.world:
                each.line.show(self._frame("world", self._ports.world))

    def _frame(self, name: str, make: Callable[[], Overview | World]) -> bytes:
        if name not in self._frames:
            self._frames[name] = encode(make())
        return self._frames[name]

    # Questions and orders.

    def ask(self, line: OperatorLine, question: Find | Listing | AskBans | AskOrders) -> None:
        """Where is this player, who plays, who is banned, who gave which orders?"""
        answering: Awaitable[Answer]
        match question:
            case Find():
                answering = self._ports.found(question)
            case Listing():
                answering = self._ports.players(question)
            case AskBans():
                answering = self._ports.banned(question)
            case AskOrders():
                answering = self._ports.latest(question)
        self._beats.spawn("a question", _reply(line, question.n, answering))

    def explain(self, line: OperatorLine, message: Explain) -> None:
        """What happened, and why?"""
        line.line.say(self._ports.because(message))

    def order(self, line: OperatorLine, message: Order | Govern | Announce) -> None:
        """Do it, and say when it is done."""
        doing = self._ports.carry_out(message, line.name)
        self._beats.spawn("an order", _reply(line, message.n, doing))

    def wish(self, line: OperatorLine, message: MoveWish) -> None:
        """A player's own wish, which proves itself, whoever passes it on."""
        self._beats.spawn("a wish", _reply(line, message.n, self._ports.wish(message)))


async def _reply(operator: OperatorLine, n: int, answering: Awaitable[Answer]) -> None:
    try:
        answer = await answering
    except Exception as error:
        log.failure("an operator's question broke")
        answer = Ended(n, "refused", str(error))
    operator.line.say(answer)


class OperatorLine:
    """The `Listener` of one operator's line. `name`: who it is, as it has proved."""

    def __init__(
        self, line: Line, nonce: str, seals: Seals, named: NamedKeys, operators: Operators
    ) -> None:
        self.line, self._role = line, line.peer_role
        self.watches: Watch | None = None
        self.name = ""
        self._nonce, self._seals, self._named, self._operators = nonce, seals, named, operators
        self._key: bytes | None = None  # its own, if it has one
        self._entered = False

    def opened(self, line: Line) -> None:
        """Have it prove itself."""
        line.say(Challenge(nonce=self._nonce))

    def heard(self, message: Any) -> None:
        """The proof; after it everything else."""
        match message:
            case Enter():
                self._enter(message)
            case Goodbye():
                self.line.hang_up("bye", "")
            case _ if not self._entered:
                raise OutOfTurn(f"{type(message).__name__} before the link is proved")
            case Here():
                pass  # that it came is all it says
            case Watch():
                self.watches = message
                self._operators.show(self)
            case Find() | Listing() | AskBans() | AskOrders():
                self._operators.ask(self, message)
            case Explain():
                self._operators.explain(self, message)
            case MoveWish():
                self._operators.wish(self, message)
            case Order() | Govern() | Announce():
                self._order(message)

    def _order(self, message: Order | Govern | Announce) -> None:
        if self._role != "operator":
            raise OutOfTurn("a watcher gives no orders")
        self._operators.order(self, message)

    def _enter(self, message: Enter) -> None:
        if self._entered:
            raise OutOfTurn("entered already")
        proofs, name = self._believe(message), self._operators.name
        self._entered = self._operators.enter(self)
        if not self._entered:
            self.line.hang_up("refused", f"{LINKS} operators are here already")
            return
        self.line.guest.proven()
        proof = proofs.proof("router", self._nonce, message.nonce, name)
        self.line.say(Entered(router=name, proof=proof))

    def _believe(self, message: Enter) -> Proofs:
        """Who is it? By its own key, or by one made from the cluster's secret."""
        if message.name:
            parts = (self._nonce, message.nonce, message.name)
            self._key = self._named.proven(message.name, message.proof, self._role, *parts)
            self.name = message.name
            return alone(self._key)
        proofs = self._seals.proofs(self._role)
        proofs.proven(message.proof, self._role, self._nonce, message.nonce)
        self.name = RESERVED[0]
        return proofs

    def revoked(self) -> bool:
        """Whether its own key has been taken from it since."""
        return self._key is not None and not self._named.holds(self.name, self._key)

    def closed(self, reason: str) -> None:  # noqa: ARG002
        """The link is gone."""
        self._operators.leave(self)
