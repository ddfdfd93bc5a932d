"""What goes over this server's lines to players and neighbours, in bytes, and which were closed.

Bytes are counted when a line is over, and once a report while it is not.
"""

from __future__ import annotations

from clientmigration.core.measures.meter import Meter
from clientmigration.errors import PeersFault
from clientmigration.net.line import Line


class Traffic:
    """The lines that are counted. A line to another server counts from when the two have met."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._players: set[Line] = set()
        self._neighbours: set[Line] = set()

    def player(self, line: Line) -> None:
        """A player has connected, or somebody of whom nothing is known yet."""
        self._players.add(line)

    def no_player(self, line: Line) -> None:
        """It turned out that it was no player."""
        self._players.discard(line)

    def player_over(self, line: Line) -> None:
        """A player's line is over."""
        self._carried(line)
        self._players.discard(line)

    def neighbour(self, line: Line, instead_of: Line | None) -> None:
        """Another server has proved itself on this line."""
        self._neighbours.add(line)
        if instead_of is not None:
            self._neighbours.discard(instead_of)

    def neighbour_over(self, line: Line) -> None:
        """A line to another server is over."""
        self._exchanged(line)
        self._neighbours.discard(line)

    def count(self) -> None:
        """Count what every line carried since it was counted last."""
        self._carried(*self._players)
        self._exchanged(*self._neighbours)

    def blame(self, fault: PeersFault) -> None:
        """A line is closed for its peer's fault."""
        self._meter.count("closed_connections")
        if fault.code == "ticket_refused":
            self._meter.count("refused_tickets")

    def turned_away(self) -> None:
        """There was no descriptor for a stranger."""
        self._meter.count("turned_away")

    def _carried(self, *lines: Line) -> None:
        counts = [line.take_counts() for line in lines]
        self._meter.count("sent_bytes", sum(sent for sent, _ in counts))
        self._meter.count("received_bytes", sum(received for _, received in counts))

    def _exchanged(self, *lines: Line) -> None:
        counts = [line.take_counts() for line in lines]
        self._meter.count("neighbour_sent_bytes", sum(sent for sent, _ in counts))
        self._meter.count("neighbour_received_bytes", sum(received for _, received in counts))
