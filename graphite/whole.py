"""Finds files of series that are not whole, and sets them aside: `whole.py STORAGE [COMMAND ...]`.

carbon that is killed while it makes a series leaves a file that is empty or ends too early. Nobody
can read it, carbon never makes it anew, and every second's point of that series is lost. So this
runs before carbon does: it looks at every `STORAGE/whisper/**/*.wsp`, moves what is not whole to
the same place below `STORAGE/set-aside`, says so in one line each, and then becomes COMMAND. It
deletes nothing, it never reads the points, and whatever goes wrong here, COMMAND starts.
"""

import os
import shutil
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_HEADER = struct.Struct("!2LfL")  # kind of aggregation, longest retention, share, archives
_ARCHIVE = struct.Struct("!3L")  # where it begins, seconds per point, points
_POINT_BYTES = 12
_KINDS = range(1, 9)


def fault(path: str) -> str:
    """Why this is no whole whisper file; empty if it is one. Raises OSError."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            return "it is empty"
        head = file.read(_HEADER.size)
        if len(head) < _HEADER.size:
            return "its header ends too early"
        kind, _longest, share, archives = _HEADER.unpack(head)
        if kind not in _KINDS or not 0 <= share <= 1 or not archives:
            return "its header makes no sense"
        if _HEADER.size + archives * _ARCHIVE.size > size:
            return "its header ends too early"
        table = file.read(archives * _ARCHIVE.size)
    return _fault_of_archives(table, size)


def _fault_of_archives(table: bytes, size: int) -> str:
    """The archives follow each other without a gap, and the file is as long as they say."""
    end = _HEADER.size + len(table)
    for begins, step, points in _ARCHIVE.iter_unpack(table):
        if begins != end or not step or not points:
            return "its header makes no sense"
        end += points * _POINT_BYTES
    return f"it has {size} bytes of {end}" if size < end else ""


def _every(folder: Path) -> Iterator[str]:
    for here, _folders, names in os.walk(folder):
        for name in names:
            if name.endswith(".wsp"):
                yield os.path.join(here, name)


def _place(storage: Path, path: str) -> Path:
    """Where it goes: the same place below `set-aside`, with a number if that is taken."""
    wanted = storage / "set-aside" / Path(path).relative_to(storage / "whisper")
    place, number = wanted, 0
    while place.exists():
        number += 1
        place = wanted.with_name(f"{wanted.name}.{number}")
    return place


def _look_at(storage: Path, path: str, untouched_s: float) -> str:
    """What there is to say about one file; it is set aside if it is not whole."""
    try:
        why = fault(path)
        if not why or time.time() - os.stat(path).st_mtime < untouched_s:
            return ""
        place = _place(storage, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, place)
    except FileNotFoundError:  # somebody else was quicker
        return ""
    except OSError as error:
        return f"cannot look at {path} or set it aside: {error}"
    return f"set aside {path}: {why}; it is now {place}"


def set_aside(storage: Path, untouched_s: float = 0) -> Iterator[str]:
    """Look at every series, and say what was done, in lines for a log.

    While carbon runs a file may not be whole because it is being made just now: then give
    `untouched_s`, and what was written to within so many seconds is left where it is.
    """
    began, looked, said = time.monotonic(), 0, 0
    for path in _every(storage / "whisper"):
        looked += 1
        if line := _look_at(storage, path, untouched_s):
            said += 1
            yield line
    took = time.monotonic() - began
    yield f"looked at {looked} files of series in {took:.1f} s: {said} not whole"


def main(storage: str, *command: str) -> None:
    """Look, say, and become the command, if there is one."""
    try:
        for line in set_aside(Path(storage)):
            print(line, flush=True)
    except OSError as error:
        print(f"cannot look at the series: {error}", flush=True)
    if command:
        os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
