"""The operator link, as the router hears it: proof first, then questions, and orders from those
who may give them.

It shows what the router knows and passes orders on to where they are carried out anyway. Whoever
watches costs the router one encoding a second, however many watch; who does not read misses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.core.player.migration import Outcome
from clientmigration.errors import OutOfTurn
from clientmigration.net.line import SILENCE_S, Line
from clientmigration.router.overview import Past, because, found, overview, world
from clientmigration.wire.connection import OPERATOR_TO_ROUTER, encode
from clientmigration.wire.messages import Challenge, Drain, Felt, Goodbye, Here
from clientmigration.wire.operators import (
    Ended,
    Enter,
    Entered,
    Explain,
    Find,
    OperatorRole,
    Order,
    Watch,
)

if TYPE_CHECKING:
    from clientmigration.core.player.ledger import Record
    from clientmigration.router.moves import MoveCarrier
    from clientmigration.router.service import Router

log = Logger()

ROLES: tuple[OperatorRole, ...] = ("watcher", "operator")
PACE = (20.0, 100.0)  # a person, or a page that asks for what its visitors ask
LINKS = 32  # operators and watchers at a time; a page serves all its visitors over one


class OperatorLine:
    """The `Listener` of one operator's link, once its greeting has said that it is one."""

    def __init__(self, router: Router, line: Line) -> None:
        self.router, self.line, self.role = router, line, line.peer_role
        self.nonce = router.entropy(16).hex()
        self.entered = False
        self.watches: Watch | None = None
        line.turn(OPERATOR_TO_ROUTER, self, TokenBucket(*PACE), SILENCE_S)

    def opened(self, line: Line) -> None:
        """Have it prove itself."""
        line.say(Challenge(nonce=self.nonce))

    def heard(self, message: Any) -> None:
        """See `Listener`."""
        if isinstance(message, Enter):
            self._enter(message)
        elif isinstance(message, Goodbye):
            self.line.hang_up("bye", "")
        elif not self.entered:
            raise OutOfTurn(f"{type(message).__name__} before the link is proved")
        elif isinstance(message, Watch):
            self.watches = message
            self.router.operators.show(self)
        elif isinstance(message, Find):
            self._answer(message.n, found(self.router, message))
        elif isinstance(message, Explain):
            self.line.say(because(self.router, message))
        elif isinstance(message, Order):
            if self.role != "operator":
                raise OutOfTurn("a watcher gives no orders")
            self._answer(message.n, self.router.operators.carry_out(message))
        else:
            assert isinstance(message, Here)  # that it came is all it says

    def _enter(self, message: Enter) -> None:
        if self.entered:
            raise OutOfTurn("entered already")
        router, proofs = self.router, self.router.seals.proofs(self.role)
        proofs.proven(message.proof, self.role, self.nonce, message.nonce)
        if len(router.operators.lines) >= LINKS:
            self.line.hang_up("refused", f"{LINKS} operators are here already")
            return
        self.entered = True
        router.operators.lines.append(self)
        proof = proofs.proof("router", self.nonce, message.nonce, router.member)
        self.line.say(Entered(router=router.member, proof=proof))

    def _answer(self, n: int, answering: Any) -> None:
        def failed(failure: Failure) -> None:
            log.failure("an operator's question broke", failure)
            self.line.say(Ended(n, "refused", failure.getErrorMessage()))

        Deferred.fromCoroutine(answering).addCallbacks(self.line.say, failed)

    def closed(self, reason: str) -> None:  # noqa: ARG002
        """See `Listener`."""
        if self in self.router.operators.lines:
            self.router.operators.lines.remove(self)


class Operators:
    """Everyone who looks on, what they are shown, and what became of their orders."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.lines: list[OperatorLine] = []
        self.past = Past()
        self._frames: dict[bool, bytes] = {}  # what is shown in this second, if anybody looks

    def tick(self) -> None:
        """Once a second: show everyone who watches how things stand."""
        self._frames.clear()
        for each in self.lines:
            self.show(each)

    def show(self, each: OperatorLine) -> None:
        """Show one how things stand, in the frames of this second."""
        if each.watches is not None:
            each.line.show(self._frame(False))
            if each.watches.world:
                each.line.show(self._frame(True))

    def _frame(self, of_world: bool) -> bytes:
        if of_world not in self._frames:
            self._frames[of_world] = encode((world if of_world else overview)(self.router))
        return self._frames[of_world]

    # What it hears of moves.

    def ended(self, move: MoveCarrier, outcome: Outcome, reason: str) -> None:
        """A move is over."""
        self.past.ended(move, outcome, reason, self.router.now())

    def felt(self, target: str, message: Felt) -> None:
        """A player says what its move to `target` cost it."""
        self.past.felt(target, message)

    # Orders.

    async def carry_out(self, order: Order) -> Ended:
        """Do it; answers when it is done, or why it is not."""
        if order.do == "move":
            return await self._move(order)
        member = self.router.fleet.member(order.member)
        if member is None or member.role != "gameserver":
            return Ended(order.n, "refused", f"no game server is called {order.member!r}")
        log.info("an operator says {do} {member}", do=order.do, member=order.member)
        self.router.tell(order.member, Drain(on=order.do == "drain"))
        return Ended(order.n, "done", f"{order.member} has been told")

    async def _move(self, order: Order) -> Ended:
        router = self.router
        record = await router.timed(router.ledger.read(order.player))
        refusal = self._refusal(order, record)
        if refusal:
            return Ended(order.n, "refused", refusal)
        log.info("an operator moves {player} to {to}", player=order.player, to=order.member)
        outcome = await router.moves.start(order.player, record.owner, order.member)
        if outcome is None:
            return Ended(order.n, "refused", f"{order.player} has just left {record.owner}")
        reason = self.past.reason(order.player)
        text = f"moving {order.player} to {order.member}: {reason}" if reason else ""
        return Ended(order.n, str(outcome), text)

    def _refusal(self, order: Order, record: Record) -> str:
        if record.epoch == 0:
            return f"no player is called {order.player!r}"
        if record.owner not in self.router.members:
            return f"{order.player} plays nowhere now"
        if order.member not in self.router.members:
            return f"no member is called {order.member!r}"
        if record.owner == order.member:
            return f"{order.player} plays on {order.member} already"
        moving = order.player in self.router.moves.by_player
        return f"{order.player} is being moved already" if moving else ""
