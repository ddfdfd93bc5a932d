"""The files that a game server offers: those of one folder, read once, at the start.

They are kept in memory, because reading a disk would stop the tick. A folder that is too large is
refused at the start; a file that changes later is not noticed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from clientmigration.core.player.feeds import TOPICS
from clientmigration.errors import ConfigurationError
from clientmigration.wire.work import NAME_LIMIT

LIMIT = 67_108_864  # bytes of all files together


@dataclass(frozen=True)
class File:
    """One file: its bytes, and their SHA-256 in hex."""

    body: bytes
    sha256: str

    @classmethod
    def of(cls, body: bytes) -> File:
        """These bytes as a file."""
        return cls(body, hashlib.sha256(body).hexdigest())


class Files:
    """Files by name. That of the empty name is the catalogue: what there is, as JSON."""

    def __init__(self, bodies: Mapping[str, bytes] | None = None) -> None:
        files = {name: File.of(body) for name, body in sorted((bodies or {}).items())}
        listed = [
            {"name": name, "size": len(file.body), "sha256": file.sha256}
            for name, file in files.items()
        ]
        topics = [{"name": name, "period": topic.period} for name, topic in TOPICS.items()]
        self.files = {
            "": File.of(msgspec.json.encode({"files": listed, "topics": topics})),
            **files,
        }

    def get(self, name: str) -> File | None:
        """The file of that name, if there is one."""
        return self.files.get(name)

    @classmethod
    def of_folder(cls, folder: str) -> Files:
        """The plain files of a folder, hidden ones left out; "" is no folder, and no files.

        Raises ConfigurationError when it can not be read or is too large.
        """
        if not folder:
            return cls()
        try:
            found = [path for path in Path(folder).iterdir() if path.is_file()]
            paths = [path for path in found if not path.name.startswith(".")]
            total = sum(path.stat().st_size for path in paths)
            if total > LIMIT:
                raise ConfigurationError(f"{folder}: {total:,} bytes, {LIMIT:,} can be offered")
            return cls({_named(path): path.read_bytes() for path in paths})
        except OSError as error:
            raise ConfigurationError(f"{folder}: {error.strerror}") from error


def _named(path: Path) -> str:
    size = len(os.fsencode(path.name))
    if size > NAME_LIMIT or not path.name.isprintable():
        raise ConfigurationError(f"{path!r}: a name of 1 to {NAME_LIMIT} bytes in UTF-8 is wanted")
    return path.name
