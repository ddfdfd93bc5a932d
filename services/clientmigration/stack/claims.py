"""Claims the state folder for one stack alone, and puts the secret and the sample files there."""

import fcntl
import os
import secrets
from hashlib import shake_128
from pathlib import Path
from typing import IO

from clientmigration.errors import ConfigurationError


def claim(state: Path) -> IO[str]:
    """Hold the state folder for as long as the returned file is open, or this process lives."""
    state.mkdir(parents=True, exist_ok=True)
    lock = (state / "stack.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        raise ConfigurationError(
            f"another stack (process {lock.read().strip()}) runs in {state}:"
            " stop it, or choose another folder with --state"
        ) from None
    sign(lock)
    return lock


def sign(lock: IO[str]) -> None:
    """Write down that this process holds the lock."""
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()


def keep_secret(path: Path) -> None:
    """Make the cluster's secret unless it is there. Only its owner can read it."""
    if path.exists():
        path.chmod(0o600)
        return
    fresh = path.with_suffix(".fresh")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(secrets.token_urlsafe(32))
    fresh.rename(path)


SAMPLES = {"map": 65_536, "sounds": 262_144, "world": 1_048_576}  # bytes


def keep_files(folder: Path) -> None:
    """Make a folder of files to offer, unless there is one: that is left as it is."""
    if folder.exists():
        return
    folder.mkdir()
    for name, size in SAMPLES.items():
        (folder / name).write_bytes(shake_128(name.encode()).digest(size))
