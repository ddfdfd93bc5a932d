"""The order log: what operators ordered, who gave it, and what came of it.

Each order, a notice and a policy among them, is one line in the log, one event in Graphite, and one
entry that the ledger keeps before the operator is answered. It hinders no order: what the ledger
does not take now is written later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.player import given as rules
from clientmigration.core.player.given import Given
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.expulsions import date_of
from clientmigration.wire.operators import (
    Announce,
    AskOrders,
    Ended,
    Govern,
    Order,
    OrdersGiven,
)

log = Logger()

WRITE_S = 0.5
WAITING = rules.KEPT  # for the ledger, at most: the oldest are left out

LONGEST = 200  # letters of what an order was given with

Commanded = Order | Govern | Announce


@dataclass(frozen=True)
class Deeds:
    """Those who do what is ordered: one each, with who gave it where that matters."""

    order: Callable[[Order, str], Awaitable[Ended]]
    forget: Callable[[Order], Awaitable[Ended]]
    govern: Callable[[Govern], Ended]
    announce: Callable[[Announce], Awaitable[Ended]]

    async def done(self, command: Commanded, by: str) -> Ended:
        """Have it done."""
        match command:
            case Order(do="forget"):
                return await self.forget(command)
            case Order():
                return await self.order(command, by)
            case Govern():
                return self.govern(command)
            case Announce():
                return await self.announce(command)


class OrderNotice(Protocol):
    """Where events are posted."""

    def post(self, what: str, tags: list[str], when: int, data: str = "") -> None:
        """Post one event, of a Unix second, and return at once."""


class OrderLog:
    """The orders that this router (`name`) is given, and the `deeds` that they ask for."""

    def __init__(
        self,
        name: str,
        ledger: TimedLedger,
        events: OrderNotice,
        now: Callable[[], float],
        deeds: Deeds,
    ) -> None:
        self._name, self._ledger, self._events = name, ledger, events
        self._now, self._deeds = now, deeds
        self._waiting: list[Given] = []
        self._asked: list[Deferred[None]] = []  # those who wait for the next writing
        self._writing = False

    async def carry_out(self, command: Commanded, by: str) -> Ended:
        """Have it done; what came of it is told, and kept."""
        if isinstance(command, Govern) and not command.take:
            return await self._deeds.done(command, by)  # a question
        try:
            ended = await self._deeds.done(command, by)
        except Exception as error:
            await self._note(self._words(command, None), by, f"failed: {error}")
            raise
        why = f": {ended.text}" if ended.text and ended.outcome != "done" else ""
        await self._note(self._words(command, ended), by, f"{ended.outcome}{why}")
        return ended

    def _words(self, command: Commanded, ended: Ended | None) -> tuple[str, str, str]:
        """What was to be done, to whom, and with what."""
        answer = ended.text if ended and ended.outcome == "done" else ""
        match command:
            case Order(do="forget"):
                return "forget", command.member, answer
            case Order():
                return str(command.do), command.player or command.member, _with(command)
            case Govern():
                return "policy", self._name, answer
            case Announce():
                return "announce", command.over or answer, _told(command)

    async def _note(self, words: tuple[str, str, str], by: str, outcome: str) -> None:
        at, (do, subject, text) = self._now(), words
        entry = Given(at, by, do, subject, text[:LONGEST], outcome, self._name)
        log.info("order: {line}", line=entry.line, by=by, do=do, subject=subject)
        self._events.post("order", ["clientmigration", "order"], int(at), entry.line)
        self._waiting = [*self._waiting[1 - WAITING :], entry]
        try:
            await self.write()
        except Exception as failure:
            log.warn("an order is not kept yet: {why}", why=str(failure))

    def write(self) -> Deferred[None]:
        """Have the ledger keep what it does not have yet. Fails if it did not; what comes while it
        writes is written after that, all at once."""
        asked: Deferred[None] = Deferred()
        self._asked.append(asked)
        if not self._writing:
            self._writing = True
            Deferred.fromCoroutine(self._write())
        return asked

    async def _write(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, []
            entries = self._waiting
            try:
                if entries:
                    await self._ledger.rule([(rules.KEY, rules.given(entries))])
                self._waiting = [each for each in self._waiting if each not in entries]
            except Exception:
                why = Failure()
                for each in asked:
                    each.errback(why)
            else:
                for each in asked:
                    each.callback(None)
        self._writing = False

    async def latest(self, asked: AskOrders) -> OrdersGiven:
        """So many orders, whichever router was given them."""
        record = await self._ledger.read(rules.KEY)
        known = [*rules.orders_in(record), *self._waiting]
        return OrdersGiven(n=asked.n, orders=known[-asked.most :])

    async def keep(self) -> None:
        """Write them anew, so that no ledger drops them as old; if there are any."""
        if not rules.orders_in(await self._ledger.read(rules.KEY)):
            return
        await self._ledger.rule([(rules.KEY, rules.given(()))])


def _with(order: Order) -> str:
    """What an order says besides what to do to whom."""
    words = (
        f"to {order.member}" if order.player and order.member else "",
        f"until {date_of(order.until)}" if order.until else "",
        order.reason,
        "by force" if order.force else "",
    )
    return ", ".join(filter(None, words))


def _told(notice: Announce) -> str:
    """What a notice says."""
    if notice.over:
        return "over"
    words = (
        notice.kind,
        f"from {date_of(notice.start)}" if notice.start else "",
        f"until {date_of(notice.end)}" if notice.end else "",
        notice.text.strip(),
    )
    return ", ".join(filter(None, words))
