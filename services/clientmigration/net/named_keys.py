"""The keys of operators who have names: a file with a name and a key on each line.

Two lines of one name are two keys that are good at the same time, while one is changed. Whoever is
not in the file any more is no operator any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from clientmigration.errors import ConfigurationError, NotAuthentic
from clientmigration.net.tickets import SECRETS, Proofs

NAME = r"[a-z0-9][a-z0-9._-]{0,31}"
"""What an operator may be called."""
RESERVED = ("secret",)  # the name of whoever has the cluster's secret, in the order log
KEY_BYTES = 32
_line = re.compile(rf"({NAME})\s+([0-9a-f]{{{2 * KEY_BYTES}}})").fullmatch

Named = Mapping[str, tuple[bytes, ...]]


def check_operator(name: str) -> None:
    """ConfigurationError unless an operator may be called so."""
    if not re.fullmatch(NAME, name) or name in RESERVED:
        raise ConfigurationError(
            f"no operator may be called {name!r}: letters a-z, digits, and . _ - but not first,"
            f" at most 32; and not {', '.join(RESERVED)}"
        )


def named_keys_in(text: str, where: str) -> Named:
    """What a file says. ConfigurationError names the line that is wrong."""
    found: dict[str, tuple[bytes, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].strip()
        if not words:
            continue
        parts = _line(words)
        if parts is None:
            raise ConfigurationError(f"{where}, line {number}: no name with a key in hex")
        name, key = parts.groups()
        check_operator(name)
        found[name] = (*found.get(name, ()), bytes.fromhex(key))
        if len(found[name]) > SECRETS:
            raise ConfigurationError(f"{where}: {name} has more than {SECRETS} keys")
    return found


class NamedKeys:
    """The keys that are good now."""

    def __init__(self, keys: Named | None = None) -> None:
        self._keys: Named = keys or {}

    @classmethod
    def from_file(cls, path: Path) -> NamedKeys:
        """From a file. ConfigurationError says what is wrong with it."""
        keys = cls()
        keys.read(path)
        return keys

    def read(self, path: Path) -> str:
        """These are good from now on, and no others; answers who has some."""
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise ConfigurationError(f"no keys of operators in {path}: {why}") from error
        self._keys = named_keys_in(text, str(path))
        return ", ".join(sorted(self._keys)) or "nobody has a key"

    def proven(self, name: str, proof: str, side: str, *parts: str) -> bytes:
        """The key of this operator by which that is its proof; NotAuthentic if there is none."""
        for key in self._keys.get(name, ()):
            try:
                alone(key).proven(proof, side, *parts)
            except NotAuthentic:
                continue
            return key
        raise NotAuthentic(f"this is no key of an operator called {name!r}")

    def holds(self, name: str, key: bytes) -> bool:
        """Whether this is still a key of this operator."""
        return key in self._keys.get(name, ())


def alone(key: bytes) -> Proofs:
    """Proofs with one key."""
    keys: Sequence[bytes] = (key,)
    return Proofs(lambda: keys)


def own_key(path: Path) -> tuple[str, bytes]:
    """The name and the newest key of the one operator whose file this is."""
    try:
        keys = named_keys_in(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigurationError(f"no key of an operator in {path}: {why}") from error
    if len(keys) != 1:
        raise ConfigurationError(f"{path} has keys of {len(keys)} operators, and not of one")
    ((name, (newest, *_)),) = keys.items()
    return name, newest
