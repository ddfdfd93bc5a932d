"""One passage: our part of one migration of the router above, and the member that carries it out.

What happens to it is only handed on: what is ordered goes down, what is answered goes up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from msgspec import UNSET

from clientmigration.router.attached import MemberLink
from clientmigration.router.move import MoveAnswer, MoveTerms
from clientmigration.wire import messages as m
from clientmigration.wire.shared import Seated


class Orderer(Protocol):
    """A link to the router above, over which it orders something and hears the answer."""

    over: bool

    def say(self, message: Any) -> None:
        """Answer it, if it is still there."""


class _Gone:
    """Nobody asks any more: what is answered is known above by our next roster."""

    over = True

    def say(self, message: Any) -> None:
        """Nobody hears it."""


NOBODY = _Gone()


@dataclass(eq=False)
class Relay:
    """One passage: `terms` as in our own fleet, where those who leave it go to `ABOVE`. It is its
    own `machine`, for what befalls it is only handed on. `epoch` is the player's at the target.
    `astray` is told when that is gone, perhaps before it heard that the player is its own."""

    terms: MoveTerms
    asker: Orderer
    link: MemberLink
    epoch: int
    surrender: Callable[[Relay, m.Frozen], None]
    over: Callable[[Relay], None]
    astray: Callable[[m.Own], None]
    address: str = ""  # of the target, if that is a game server
    plays: bool = False
    arrived: bool = False
    frozen: bool = False
    own: m.Own | None = None  # what the target was told
    heard_at: float = 0.0
    frozen_at: float = 0.0

    @property
    def machine(self) -> Relay:
        """Whatever happens to it is heard here."""
        return self

    @property
    def leaves(self) -> bool:
        """Whether the player leaves us."""
        return bool(self.terms.source)

    def hear(self, member: str, answer: MoveAnswer) -> None:
        """Hand it up. What somebody else says, or of another part, is not heard."""
        if member != self.link.name:
            return
        match answer:
            case m.Frozen() if self.leaves:
                self.frozen = True
                self.surrender(self, answer)
                return
            case m.Reserved() if not self.leaves:
                self.plays = answer.plays
                here = Seated(member, self.address, self.epoch) if answer.at is UNSET else answer.at
                answer = msgspec.structs.replace(answer, at=here)
            case m.Arrived():
                self.arrived = True
        self.asker.say(answer)
        if isinstance(answer, m.Settled) or (isinstance(answer, m.Declined) and not self.leaves):
            self.over(self)

    def player_left(self) -> None:
        """The one above hears so by itself, from whoever frees the player."""
        self.over(self)

    def turned_down(self) -> None:
        """As above."""
        self.over(self)

    def source_lost(self) -> None:
        """A step that cannot be taken."""
        self._lost("the source was lost")

    def target_lost(self) -> None:
        """A step that cannot be taken; what became of it after `own`, an equal may know."""
        if self.own is None:
            self._lost("the target was lost")
        else:
            self.astray(self.own)
        self.over(self)

    def _lost(self, reason: str) -> None:
        self.asker.say(m.Declined(self.terms.id, self.terms.player, reason))
