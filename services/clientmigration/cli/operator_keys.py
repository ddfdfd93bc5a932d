"""`clientmigration operators add|renew|drop|list`: keys of operators who have names.

They write the file that routers read (`--operators`), and ask nobody: each router reads its own
copy anew within two seconds. The key itself is printed once, for the operator alone.
"""

from __future__ import annotations

import os
import secrets
from argparse import ArgumentParser, Namespace
from pathlib import Path

from clientmigration.cli.command import DONE, Command, Output
from clientmigration.cli.secret import written
from clientmigration.errors import ConfigurationError, Refused
from clientmigration.net.named_keys import KEY_BYTES, Named, check_operator, named_keys_in
from clientmigration.net.tickets import SECRETS

FILE = "run/operators.keys"


def _file_flag(own: ArgumentParser) -> None:
    own.add_argument(
        "--operators",
        default=FILE,
        metavar="FILE",
        help=f"file with the keys of operators, as the router's; default {FILE}",
    )


def _flags(own: ArgumentParser) -> None:
    _file_flag(own)
    own.add_argument("operator", metavar="NAME", help="what the operator is called")


def _drop_flags(own: ArgumentParser) -> None:
    _flags(own)
    own.add_argument(
        "--old", action="store_true", help="only the key of before, after `operators renew`"
    )


def _known(path: Path) -> Named:
    if not path.exists():
        return {}
    try:
        return named_keys_in(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"no keys of operators in {path}: {error}") from error


def _write(path: Path, keys: Named) -> None:
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        except OSError as error:
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
    lines = (f"{name} {key.hex()}" for name in sorted(keys) for key in keys[name])
    written(path, tuple(lines))


def _tell(answer: Output, name: str, key: bytes) -> int:
    line = f"{name} {key.hex()}"
    answer.tell({"operator": name, "key": key.hex()}, line)
    return DONE


def add(given: Namespace, answer: Output) -> int:
    """A key for a new operator."""
    path, name = Path(given.operators), given.operator
    check_operator(name)
    keys = _known(path)
    if name in keys:
        raise Refused(f"{name} has a key already: `operators renew` makes another one")
    key = secrets.token_bytes(KEY_BYTES)
    _write(path, {**keys, name: (key,)})
    return _tell(answer, name, key)


def renew(given: Namespace, answer: Output) -> int:
    """A new key, and the one of before: both are good."""
    path, name = Path(given.operators), given.operator
    keys = _known(path)
    if name not in keys:
        raise Refused(f"{name} has no key in {path}")
    if len(keys[name]) == SECRETS:
        raise Refused(f"{name} has two keys already: `operators drop --old` ends that")
    key = secrets.token_bytes(KEY_BYTES)
    _write(path, {**keys, name: (key, *keys[name])})
    return _tell(answer, name, key)


def drop(given: Namespace, answer: Output) -> int:
    """An operator is none any more, or has the new key alone."""
    path, name = Path(given.operators), given.operator
    keys = dict(_known(path))
    if name not in keys:
        raise Refused(f"{name} has no key in {path}")
    if given.old and len(keys[name]) == 1:
        raise Refused(f"{name} has one key only: `operators renew` begins a change")
    if given.old:
        keys[name] = keys[name][:1]
    else:
        del keys[name]
    _write(path, keys)
    left = len(keys.get(name, ()))
    text = f"{name} has the new key alone" if left else f"{name} is no operator any more"
    answer.tell({"operator": name, "keys": left}, text)
    return DONE


def listed(given: Namespace, answer: Output) -> int:
    """Who has a key."""
    keys = _known(Path(given.operators))
    lines = [f"{name}{' (two keys)' if len(keys[name]) > 1 else ''}" for name in sorted(keys)]
    text = "\n".join(lines) or f"nobody has a key in {given.operators}"
    answer.tell({name: len(keys[name]) for name in sorted(keys)}, text)
    return DONE


COMMANDS = (
    Command("operators add", "Make a key for a new operator, and print it.", _flags, add),
    Command("operators renew", "Make another key for an operator; both are good.", _flags, renew),
    Command("operators drop", "Take an operator's key: it is none any more.", _drop_flags, drop),
    Command("operators list", "Show who has a key.", _file_flag, listed),
)
