"""Pinging: asks the candidates that the router has named for their round trips, and reports them.

It keeps the connections until the router has decided, because the one that is chosen is played on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from clientmigration.client.connections import PINGS, PlayerConnection, ServerConnection
from clientmigration.wire.messages import Candidate

PINGS_S = 1.0  # candidates that have not answered by then are too far anyway


class Pinging:
    """The candidates of one visit to the router. `connection_to` makes a connection to an address;
    `report` is given the best round trips in milliseconds, by member, when all have answered or the
    time is up."""

    def __init__(
        self,
        clock: IReactorTime,
        connection_to: Callable[[str], ServerConnection],
        report: Callable[[dict[str, float]], None],
    ) -> None:
        self._clock, self._connection_to, self._report = clock, connection_to, report
        self._asked: list[ServerConnection] = []
        self._time_up: IDelayedCall | None = None

    def ask(self, candidates: Sequence[Candidate]) -> None:
        """Connect to these too and measure. The router may ask twice; it hears of all of them."""
        asked = [self._connection_to(each.address) for each in candidates]
        self._asked += asked
        for connection, each in zip(asked, candidates, strict=True):
            connection.stands_for(each.member)
            connection.connect(PINGS_S)
        self._stop_waiting()
        self._time_up = self._clock.callLater(PINGS_S, self._tell)

    def measured(self) -> None:
        """One more round trip is known, or will never be."""
        done = (len(each.rtts) >= PINGS or each.over for each in self._asked)
        if self._time_up is not None and all(done):
            self._tell()

    def lost(self, connection: PlayerConnection) -> None:
        """A connection is gone: if it was a candidate's, it need not be waited for."""
        if connection in self._asked:
            self.measured()

    def _tell(self) -> None:
        self._stop_waiting()
        known = [each for each in self._asked if each.rtts]
        self._report({each.member: min(each.rtts) * 1000 for each in known})

    def take(self, address: str) -> ServerConnection | None:
        """The connection to this address that stands, if there is one. All others are closed."""
        standing = (each for each in self._asked if each.up and not each.over)
        taken = next((each for each in standing if each.address == address), None)
        self._close_but(taken)
        return taken

    def close(self) -> None:
        """Nobody is asked any more."""
        self._close_but(None)

    def _close_but(self, kept: ServerConnection | None) -> None:
        self._stop_waiting()
        asked, self._asked = self._asked, []
        for each in asked:
            if each is not kept:
                each.close()

    def _stop_waiting(self) -> None:
        if self._time_up is not None and self._time_up.active():
            self._time_up.cancel()
        self._time_up = None
