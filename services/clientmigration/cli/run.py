"""`clientmigration run DAEMON` and `clientmigration demo`: what `twistd` and `make run` do, where
there is neither, as after `pipx install clientmigration`."""

from __future__ import annotations

import os
import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from collections.abc import Sequence

from twisted.scripts import twistd

from clientmigration.cli.command import DONE, Command, Output

DAEMONS = ("router", "gameserver", "crowd", "status", "stack")


def arguments(daemon: str, flags: Sequence[str]) -> list[str]:
    """The command line of twistd that runs a daemon here, in front."""
    return ["twistd", "-n", "--pidfile=", daemon, *flags]


def _flags(own: ArgumentParser) -> None:
    own.add_argument("daemon", choices=DAEMONS, help="which")
    own.add_argument("flags", nargs=REMAINDER, metavar="FLAG", help="its flags; --help lists them")


def _run(given: Namespace, _answer: Output) -> int:
    sys.argv[:] = arguments(given.daemon, given.flags)
    twistd.run()
    return DONE


def with_flags(words: Sequence[str]) -> list[str]:
    """A command line that argparse can read: it leaves the flags that come after `demo` alone only
    when a word comes first that is none."""
    if list(words[:1]) == ["demo"] and not {"-h", "--help"} & set(words[1:2]):
        return ["demo", "stack", *words[1:]]
    return list(words)


def _demo_flags(own: ArgumentParser) -> None:
    own.add_argument("flags", nargs=REMAINDER, metavar="FLAG", help="flags of `run stack`")


def _demo(given: Namespace, _answer: Output) -> int:
    """Become the stack's own program, which may import what this one may not."""
    os.execv(sys.executable, [sys.executable, "-m", "clientmigration.stack.demo", *given.flags[1:]])


RUN = Command("run", "Run a daemon, as twistd does.", _flags, _run)
DEMO = Command(
    "demo",
    "Start everything on this machine: Graphite, a router, game servers, a crowd, the homepage.",
    _demo_flags,
    _demo,
)
