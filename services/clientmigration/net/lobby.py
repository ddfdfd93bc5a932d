"""The lobby of a door: what a peer calls itself in its greeting decides who listens to it.

A door is made for one kind of peer, and a few others may come in by it. The lobby looks at the
greeting's role and at nothing else; whether the peer is what it says has to be proved to whoever
listens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IReactorTime

from clientmigration.errors import PeersFault
from clientmigration.net.line import Line, LineTerms, Listener


@dataclass(frozen=True)
class PeerKind:
    """Peers of one kind: the terms on which they are heard, and who listens to one of them."""

    terms: LineTerms
    listen: Callable[[Line], Listener]


class Lobby:
    """Makes the lines of one door. `role` is what this side calls itself; who greets with a role
    that is not among the `others` is of the `usual` kind.

    The usual listener is made as soon as somebody connects, any other when the greeting asks for it
    (the usual one is forgotten then, without a word).
    """

    def __init__(
        self,
        role: str,
        clock: IReactorTime,
        blame: Callable[[PeersFault], None],
        usual: PeerKind,
        others: Mapping[str, PeerKind],
    ) -> None:
        self._role, self._clock, self._blame = role, clock, blame
        self._usual, self._others = usual, others

    def line(self) -> Line:
        """A line for a peer that has just connected."""
        usual, guest = self._usual, _Guest(self._others)
        line = Line(self._role, usual.terms, guest, self._clock, self._blame)
        guest.usual = usual.listen(line)
        return line


class _Guest:
    """The `Listener` of a line until its greeting."""

    usual: Listener

    def __init__(self, others: Mapping[str, PeerKind]) -> None:
        self._others = others

    def opened(self, line: Line) -> None:
        """Hand the line on to whoever listens to peers of this role."""
        kind = self._others.get(line.peer_role)
        if kind is None:
            line.listen(self.usual)
        else:
            line.turn(kind.terms, kind.listen(line))
        line.listener.opened(line)

    def heard(self, message: Any) -> None:
        """Nothing is heard before a greeting; a line sees to that."""
        self.usual.heard(message)

    def closed(self, reason: str) -> None:
        """It left without a greeting."""
        self.usual.closed(reason)
