"""Runs one program of the stack in its own place: `python launcher.py PARENT COMMAND ARGUMENT...`.

The program gets a session of its own, so that Ctrl-C on a terminal reaches the stack alone, which
then stops everything in order; and where the system can (Linux) it is told to end when the stack
ends, whatever ended the stack. Standard library only: it runs before any environment matters.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Ask the system to terminate this process when `parent` ends; raise if that was already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the stack that started this has ended")


def main(argv: Sequence[str]) -> None:
    """Never returns: the command takes this process over."""
    os.setsid()
    end_with_parent(int(argv[1]))
    os.execvp(argv[2], list(argv[2:]))


if __name__ == "__main__":
    main(sys.argv)
