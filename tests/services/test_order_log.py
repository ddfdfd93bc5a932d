"""Orders are written to the ledger together when they come together, and nobody waits long."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred

from clientmigration.core.player.given import orders_in
from clientmigration.errors import Away
from clientmigration.net.ledger import Change, Changed, MemoryLedger, TimedLedger
from clientmigration.router.order_log import Deeds, OrderLog
from clientmigration.testing.fakes import Silent
from clientmigration.wire.operators import Ended, Order

NOW = 1_700_000_000.0


class Slow(MemoryLedger):
    """A ledger that writes when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.writing: list[Deferred[None]] = []

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[Changed]]:
        self.writing.append(Deferred())
        change = super().change
        return self.writing[-1].addCallback(lambda _: change(players, changes))


def given_at_once(count: int, ledger: Slow) -> tuple[OrderLog, list[Ended]]:
    """An order log that was given so many orders, and whom it has answered of them."""

    async def kicked(order: Order, by: str) -> Ended:
        return Ended(order.n, "done")

    timed, answered = TimedLedger(ledger, lambda: NOW, lambda _: None, lambda: NOW), list[Ended]()
    deeds = Deeds(kicked, None, None, None)  # type: ignore[arg-type]
    orders = OrderLog("r", timed, Silent(), lambda: NOW, deeds)
    for n in range(count):
        done = orders.carry_out(Order(n, "kick", player=f"p-{n}"), "ada")
        Deferred.fromCoroutine(done).addCallback(answered.append)
    return orders, answered


def test_orders_that_come_together_are_written_together_and_answered_once_they_are() -> None:
    ledger = Slow()
    _, answered = given_at_once(100, ledger)
    for answers in (1, 100):
        assert len(answered) < answers
        ledger.writing[-1].callback(None)
        assert len(answered) == answers
    assert len(ledger.writing) == 2
    assert len(orders_in(ledger.records["kept-orders"])) == 100


def test_a_ledger_that_is_away_keeps_operators_waiting_for_two_writings_at_most() -> None:
    ledger = Slow()
    orders, answered = given_at_once(100, ledger)
    for answers in (1, 100):
        ledger.writing[-1].errback(Away("an outage"))
        assert len(answered) == answers
    orders.write()
    ledger.writing[-1].callback(None)
    assert len(ledger.writing) == 3
    assert len(orders_in(ledger.records["kept-orders"])) == 100
