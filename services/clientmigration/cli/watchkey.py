"""`clientmigration watch-key`: the key of watchers, who see everything and change nothing.

It asks nobody: the key is made from the cluster's secret, which cannot be made from it again.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from clientmigration.cli.command import DONE, Command, Output
from clientmigration.cli.router import proofs_of, secret_flag


def flags(own: ArgumentParser) -> None:
    """See `Command`."""
    secret_flag(own)


def run(given: Namespace, answer: Output) -> int:
    """See `Command`."""
    key = proofs_of(given, "watcher").in_hex()
    answer.tell({"key": key}, key)
    return DONE


COMMAND = Command(
    "watch-key", "Print the key with which a status page may watch, and no more.", flags, run
)
