"""`clientmigration new-secret`, `drop-secret`: change the cluster's secret while everybody plays.

They write the file and ask nobody: each daemon reads its own copy anew within two seconds. A file
is replaced as a whole, so that nobody reads half of it.
"""

from __future__ import annotations

import os
import secrets
from argparse import ArgumentParser, Namespace
from pathlib import Path

from clientmigration.cli.command import DONE, Command, Output
from clientmigration.cli.router import secret_flag
from clientmigration.errors import ConfigurationError, Refused
from clientmigration.net.tickets import SECRETS, Seals, secrets_in

BYTES = 32  # of a new secret


def flags(own: ArgumentParser) -> None:
    """Add the flag that says which file."""
    secret_flag(own)


def _known(path: Path) -> tuple[str, ...]:
    known = secrets_in(path)
    Seals(*known)  # or it says what is wrong with them
    return known


def written(path: Path, lines: tuple[str, ...]) -> None:
    """These secrets are in the file from now on, for whom it belongs to and nobody else."""
    path = path.resolve()  # a link stays one
    fresh = path.with_name(f"{path.name}.fresh")
    before = path.stat()
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
            if os.geteuid() == 0:
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
        os.replace(fresh, path)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error


def begin(given: Namespace, answer: Output) -> int:
    """A new secret, and the one of before: both are good."""
    path = Path(given.secret_file)
    known = _known(path)
    if len(known) == SECRETS:
        raise Refused(f"{path} has two secrets already: drop-secret ends a change that was begun")
    written(path, (secrets.token_hex(BYTES), *known))
    answer.tell(
        {"secrets": SECRETS},
        f"{path} has a new secret, and the one of before, which is good until drop-secret:"
        " copy it to every daemon",
    )
    return DONE


def end(given: Namespace, answer: Output) -> int:
    """The new secret alone."""
    path = Path(given.secret_file)
    known = _known(path)
    if len(known) == 1:
        raise Refused(f"{path} has one secret only: new-secret begins a change")
    written(path, known[:1])
    answer.tell({"secrets": 1}, f"{path} has the new secret alone: copy it to every daemon")
    return DONE


NEW = Command(
    "new-secret",
    "Begin to change the cluster's secret: a new one is put before the one of before.",
    flags,
    begin,
)
DROP = Command(
    "drop-secret",
    "End the change of the cluster's secret: the one of before is not good any more.",
    flags,
    end,
)
