"""The log files of the stack's programs: one each, new at each start, and limited in size."""

import shutil
from pathlib import Path

LIMIT_BYTES = 20_000_000


def begin(log: Path) -> None:
    """Make room for a new log: that of the last start becomes `NAME.1`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(_aside(log))


def trim(log: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Copy a log that outgrew its limit to `NAME.1` and empty it; its program goes on appending."""
    if log.exists() and log.stat().st_size > limit_bytes:
        shutil.copyfile(log, _aside(log))
        with log.open("r+b") as open_log:
            open_log.truncate()


def last_words(log: Path, lines: int = 8) -> str:
    """The last lines of a log, indented; empty when there are none."""
    try:
        with log.open("rb") as open_log:
            open_log.seek(max(0, log.stat().st_size - 4096))
            words = open_log.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in words[-lines:])


def _aside(log: Path) -> Path:
    return log.with_name(log.name + ".1")
