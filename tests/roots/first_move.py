"""Times a stack up to its first move, then stops it: `first_move.py make run STACK='--servers 2'`.

For any Python from 3.9 on, whatever starts the stack. It ends with 0 when somebody was moved, no
tick was missed, and Ctrl-C stopped everything.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

PATIENCE_S = 1800


def main(command: Sequence[str]) -> int:
    began = time.monotonic()
    signal.alarm(PATIENCE_S)
    run = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    moved = missed = None
    assert run.stdout is not None
    for line in run.stdout:
        print(f"{time.monotonic() - began:6.1f} s  {line}", end="", flush=True)
        told = re.search(r"(\d+) moves, (\d+) missed ticks", line)
        if told and int(told[1]) and moved is None:
            moved, missed = time.monotonic() - began, int(told[2])
            os.killpg(run.pid, signal.SIGINT)
    code = run.wait()
    if moved is None:
        print(f"nobody was moved; it ended with {code}")
        return 1
    print(f"first move seen {moved:.0f} s after `{' '.join(command[:2])}`, {missed} missed ticks")
    return int(bool(missed) or code not in (0, -signal.SIGINT))  # make ends so, by Ctrl-C


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
