"""`clientmigration units`: systemd's units of the daemons, for this installation.

It prints them, or with `--install` puts them where systemd looks, with settings beside them. It
asks systemd for nothing, and never writes over a secret or a setting that is there.
"""

from __future__ import annotations

import os
import secrets
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from clientmigration.cli.command import DONE, Command, Output
from clientmigration.errors import ConfigurationError
from clientmigration.net.shipped import shipped
from clientmigration.net.tickets import Seals

INTO = "/etc/systemd/system"
SETTINGS = "/etc/clientmigration"
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
"""What a unit does not see: ProtectHome, PrivateTmp."""
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-")
"""What a path may have that stands in a unit as it is."""
ODD = "blanks and signs that mean something to systemd"
DO = (
    "install it for all, such as: python3 -m venv /opt/clientmigration &&"
    " /opt/clientmigration/bin/pip install clientmigration,"
    " and then /opt/clientmigration/bin/clientmigration units --install"
)
NEXT = """
Flags are in {settings}: every address is this machine's own until they say otherwise.
Start a router, the homepage and two game servers, now and whenever the machine starts:
  systemctl daemon-reload
  systemctl enable --now clientmigration-router clientmigration-status
  systemctl enable --now clientmigration-gameserver@gs-1 clientmigration-gameserver@gs-2"""
EXAMPLES = {
    "router": "--players tcp:4100 --members tcp:4101:interface=10.0.0.1",
    "gameserver": "--listen tcp:0:interface=0.0.0.0 --router tcp:10.0.0.1:4101",
    "gameserver-gs-1": "--listen tcp:4200 --advertise play-1.example.org:4200 --capacity 300",
    "status": "--listen tcp:8000 --play :4100",
}


def units(folder: Path, program: str, settings: str) -> dict[str, str]:
    """The text of each unit by its file's name."""

    def filled(text: str) -> str:
        return text.replace("@program@", program).replace("@settings@", settings)

    return {each.name: filled(each.read_text()) for each in sorted(folder.glob("*.service"))}


def check_paths(program: str, settings: str) -> None:
    """ConfigurationError unless a unit can have them: its user has no home and is nobody."""
    for flag, path in (("program", program), ("settings", settings)):
        if not Path(path).is_absolute() or not set(path) <= PLAIN:
            raise ConfigurationError(
                f"--{flag} {path}: it has to be an absolute path without {ODD}"
            )
    for place in (Path(program), Path(program).resolve(), Path(sys.prefix).resolve()):
        if any(place.is_relative_to(each) for each in HIDDEN) or not open_to_all(place):
            raise ConfigurationError(
                f"{place} cannot be used by a unit, whose user is nobody: {DO}"
            )


def open_to_all(place: Path) -> bool:
    """Whether anybody may run it, or enter it and every folder above."""
    return all(each.exists() and each.stat().st_mode & 0o001 for each in (place, *place.parents))


def flags(own: ArgumentParser) -> None:
    """Add the flags of `units`."""
    program = Path(sys.executable).parent / "clientmigration"
    own.add_argument("--install", action="store_true", help="write them, instead of printing them")
    own.add_argument("--into", default=INTO, metavar="FOLDER", help=f"for units; default {INTO}")
    own.add_argument(
        "--settings",
        default=SETTINGS,
        metavar="FOLDER",
        help=f"for the secret and the daemons' flags; default {SETTINGS}",
    )
    own.add_argument(
        "--program", default=str(program), metavar="FILE", help="what they start; default: this one"
    )


def run(given: Namespace, answer: Output) -> int:
    """Print the units, or install them."""
    settings = str(Path(given.settings).absolute())
    made = units(shipped("systemd"), given.program, settings)
    if not given.install:
        answer.tell(made, "\n".join(f"# {name}\n{text}" for name, text in made.items()))
        return DONE
    check_paths(given.program, settings)
    try:
        written = install(made, Path(given.into), Path(settings))
    except OSError as error:
        raise ConfigurationError(f"cannot write {error.filename}: {error.strerror}") from error
    answer.tell([str(each) for each in written], told(written, settings))
    return DONE


def install(made: dict[str, str], into: Path, settings: Path) -> list[Path]:
    """Write units, and what they need and is not there yet. Answers what was written."""
    settings.mkdir(mode=0o700, parents=True, exist_ok=True)
    into.mkdir(parents=True, exist_ok=True)
    secret, key = settings / "cluster.secret", settings / "watch.key"
    written = [secret] if fresh(secret, secrets.token_hex(32) + "\n") else []
    if written or not key.exists():
        key.unlink(missing_ok=True)
        fresh(key, Seals.from_file(secret).proofs("watcher").in_hex() + "\n")
        written.append(key)
    for name, example in EXAMPLES.items():
        file = settings / f"{name}.env{'.example' if name.count('-') else ''}"
        text = f"# Flags: `clientmigration run {name.partition('-')[0]} --help` lists them.\n"
        if fresh(file, f'{text}#FLAGS="{example}"\n'):
            written.append(file)
    for name, unit in made.items():
        (into / name).write_text(unit)
        (into / name).chmod(0o644)
        written.append(into / name)
    return written


def fresh(file: Path, text: str) -> bool:
    """Write what only root may read, unless it is there. Answers whether it was not."""
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(opened, "w") as out:
        out.write(text)
    return True


def told(written: list[Path], settings: str) -> str:
    """What was written, and what to do next."""
    return "\n".join((*(f"wrote {each}" for each in written), NEXT.format(settings=settings)))


COMMAND = Command("units", "Print or install systemd's units of the daemons.", flags, run)
