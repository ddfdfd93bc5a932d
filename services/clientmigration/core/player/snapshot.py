"""A player's data while it travels, and the fence that keeps an older copy from winning.

A snapshot is a value: whoever holds it may store or forward it, nobody may change it.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import msgspec

from clientmigration.core.player.mailbox import Mail


class Progress(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How far one player's inputs have been applied. The proof that none was lost or doubled.

    `last` is the sequence number of the newest input applied (0: none yet), `applied` how many were
    applied in this player's whole life, `digest` a CRC-32 chained over them in the order applied.
    """

    last: int = 0
    applied: int = 0
    digest: int = 0

    def after(self, seq: int, body: bytes) -> Progress:
        """The progress once the input `seq` with `body` has been applied on top of this one."""
        digest = crc32(body, crc32(seq.to_bytes(4, "little"), self.digest))
        return Progress(seq, self.applied + 1, digest)


def chained(digest: int, seq: int, body: bytes) -> int:
    """The digest after one more input: CRC-32 of the 4-byte little-endian `seq` and `body`."""
    return crc32(body, crc32(seq.to_bytes(4, "little"), digest))


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a game server needs to go on with one player.

    `epoch` counts changes of owner, `seq` counts snapshots within one epoch: together the fence.
    `tick` is the world tick whose end this shows; `game` is the game's own JSON object; `workloads`
    is the exact place of every running workload; `holder` is the SHA-256 (hex) of the secret that
    whoever redeems a ticket for this player must show; `mail` is what it sends other players;
    `group` is whom it wants to stay with; `title` and `version` say which game stored its state.
    """

    player: str
    epoch: int
    seq: int
    tick: int
    x: float
    y: float
    holder: str
    progress: Progress = Progress()
    game: dict[str, Any] = {}
    workloads: list[dict[str, Any]] = []
    mail: Mail = Mail()
    group: str = ""
    title: str = ""
    version: int = 1

    @property
    def fence(self) -> tuple[int, int]:
        """Newer snapshots compare greater: (epoch, seq)."""
        return (self.epoch, self.seq)
