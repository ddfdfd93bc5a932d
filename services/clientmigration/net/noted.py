"""Where a stack listens, noted beside its cluster's secret, so that the command line asks there.

A file of JSON in the stack's folder, for as long as the stack runs: what is not in it, or not
readable, is as if it were not noted.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

NAME = "addresses.json"


def note(folder: Path, addresses: Mapping[str, str]) -> None:
    """Write them down."""
    fresh = folder / f"{NAME}.fresh"
    fresh.write_bytes(msgspec.json.encode(dict(addresses)))
    fresh.rename(folder / NAME)


def forget(folder: Path) -> None:
    """They are no longer true."""
    (folder / NAME).unlink(missing_ok=True)


def noted(folder: Path) -> dict[str, str]:
    """What the stack of this folder wrote down; empty if there is none."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}
