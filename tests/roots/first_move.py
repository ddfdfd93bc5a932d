"""Times `make run` up to its first move, then stops it: `first_move.py [FLAGS OF THE STACK]`.

For any Python from 3.9 on, in a checkout where nothing was made yet. It ends with 0 when somebody
was moved, no tick was missed, and Ctrl-C stopped everything.
"""

import os
import re
import signal
import subprocess
import sys
import time

PATIENCE_S = 1800


def main(flags: str) -> int:
    began = time.monotonic()
    signal.alarm(PATIENCE_S)
    run = subprocess.Popen(
        ["make", "run", f"STACK={flags}"],
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
        print(f"nobody was moved; make ended with {code}")
        return 1
    print(f"first move seen {moved:.0f} s after `make run`, {missed} missed ticks")
    return int(bool(missed) or code not in (0, -signal.SIGINT))  # make ends as Ctrl-C ends it


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
