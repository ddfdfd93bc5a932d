"""What goes over this server's lines to players and neighbours, in bytes, and which were closed."""

from __future__ import annotations

from clientmigration.core.measures.meter import Meter
from clientmigration.errors import PeersFault
from clientmigration.net.line import Line
from clientmigration.net.taking import ByteCounts


class Traffic:
    """What players' lines carry together, and what those to other servers do, from when the two
    have met. Who has said nothing yet counts as a player."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._players, self._neighbours = ByteCounts(), ByteCounts()

    def player(self, line: Line) -> None:
        """A player has connected, or somebody of whom nothing is known yet."""
        line.count_in(self._players)

    def no_player(self, line: Line) -> None:
        """It turned out that it was no player."""
        line.count_in(ByteCounts())

    def neighbour(self, line: Line) -> None:
        """Another server has proved itself on this line."""
        line.count_in(self._neighbours)

    def count(self) -> None:
        """Put into the meter what went over them since this was asked last."""
        for name, counts in (("", self._players), ("neighbour_", self._neighbours)):
            sent, received = counts.take()
            self._meter.count(f"{name}sent_bytes", sent)
            self._meter.count(f"{name}received_bytes", received)

    def blame(self, fault: PeersFault) -> None:
        """A line is closed for its peer's fault."""
        self._meter.count("closed_connections")
        if fault.code == "ticket_refused":
            self._meter.count("refused_tickets")

    def turned_away(self) -> None:
        """There was no descriptor for a stranger."""
        self._meter.count("turned_away")
