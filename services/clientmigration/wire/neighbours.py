"""The messages between game servers, which connect on the port on which players come in.

Frozen values with pinned tags, as in `messages.py`.
"""

from __future__ import annotations

import msgspec

from clientmigration.core.player.mailbox import Letter
from clientmigration.wire.base import Message
from clientmigration.wire.messages import Challenge, Goodbye, Greeting, Waived


class Meet(Message, frozen=True, tag="meet"):
    """Game server that calls: I am `name`; `proof` shows that I know the secret and whom I call."""

    name: str
    nonce: str
    proof: str


class Met(Message, frozen=True, tag="met"):
    """Game server that is called: I believe you, and here is my own proof."""

    proof: str


class Post(Message, frozen=True, tag="post"):
    """Game server: the letters of `sender` to `to`, all that are not answered, oldest first."""

    sender: str
    to: str
    letters: list[Letter]


class Kept(Message, frozen=True, tag="kept"):
    """Game server: `to` has every letter of `sender` up to `n`, and so has the ledger. `over`: the
    sender's server says so, of whose outbox the ledger has no such letter any more."""

    sender: str
    to: str
    n: int
    over: bool = False


class Waive(Message, frozen=True, tag="waive"):
    """Game server: I froze `player` at `epoch` for this migration to you, and nobody goes on with
    it. If you have not begun it, never do."""

    migration: str
    player: str
    epoch: int


class Begun(Message, frozen=True, tag="begun"):
    """Game server: `player` is mine by the ledger, at this epoch, later than the one you named."""

    player: str
    epoch: int


class Look(msgspec.Struct, frozen=True):
    """Game server: what my players look at, or will in a moment; `body` is the game's."""

    body: bytes


class Sight(msgspec.Struct, frozen=True):
    """Game server: who of mine stood at `tick` where your players look; `body` is the game's."""

    tick: int
    body: bytes


ServerToServer = Greeting | Goodbye | Challenge | Meet | Met | Post | Kept | Waive | Waived | Begun
