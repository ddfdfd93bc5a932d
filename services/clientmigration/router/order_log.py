"""The order log: what operators ordered, who gave it, and what came of it.

Each order is one line in the log, one event in Graphite, and one entry that the ledger keeps before
the operator is answered. It hinders no order: what the ledger does not take now is written later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from twisted.logger import Logger

from clientmigration.core.player import given as rules
from clientmigration.core.player.given import Given
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.expulsions import date_of
from clientmigration.wire.operators import AskOrders, Ended, Order, OrdersGiven

log = Logger()

WRITE_S = 0.5
WAITING = rules.KEPT  # for the ledger, at most: the oldest are left out

CarryOut = Callable[[Order, str], Awaitable[Ended]]


class OrderNotice(Protocol):
    """Where events are posted."""

    def post(self, what: str, tags: list[str], when: int, data: str = "") -> None:
        """Post one event, of a Unix second, and return at once."""


class OrderLog:
    """The orders that this router (`name`) is given. `carry_out` does what one says."""

    def __init__(
        self,
        name: str,
        ledger: TimedLedger,
        events: OrderNotice,
        now: Callable[[], float],
        carry_out: CarryOut,
    ) -> None:
        self._name, self._ledger, self._events = name, ledger, events
        self._now, self._carry_out = now, carry_out
        self._waiting: list[Given] = []

    async def carry_out(self, order: Order, by: str) -> Ended:
        """Have it done; what came of it is told, and kept."""
        try:
            ended = await self._carry_out(order, by)
        except Exception as error:
            await self._note(order, by, f"failed: {error}")
            raise
        why = f": {ended.text}" if ended.text and ended.outcome != "done" else ""
        await self._note(order, by, f"{ended.outcome}{why}")
        return ended

    async def _note(self, order: Order, by: str, outcome: str) -> None:
        at, subject, text = self._now(), order.player or order.member, _with(order)
        entry = Given(at, by, str(order.do), subject, text, outcome, self._name)
        log.info("order: {line}", line=entry.line, by=by, do=entry.do, subject=subject)
        self._events.post("order", ["clientmigration", "order"], int(at), entry.line)
        self._waiting = [*self._waiting[1 - WAITING :], entry]
        try:
            await self.write()
        except Exception as failure:
            log.warn("an order is not kept yet: {why}", why=str(failure))

    async def write(self) -> None:
        """Have the ledger keep what it does not have yet."""
        entries = self._waiting[-WAITING:]
        if entries:
            await self._ledger.rule([(rules.KEY, rules.given(entries))])
            self._waiting = [each for each in self._waiting if each not in entries]

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
