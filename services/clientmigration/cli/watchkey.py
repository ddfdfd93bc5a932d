"""`clientmigration watch-key`: prints the key of watchers, who see everything and change nothing.

It asks nobody: the key is made from the cluster's secret. The secret cannot be made from the key.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from clientmigration.cli.command import DONE, Command, Output
from clientmigration.cli.router import proofs_of, secret_flag


def flags(own: ArgumentParser) -> None:
    """Add the flag of `watch-key`."""
    secret_flag(own)


def run(given: Namespace, answer: Output) -> int:
    """Make the key and print it."""
    key = proofs_of(given, "watcher").in_hex()
    answer.tell({"key": key}, key)
    return DONE


COMMAND = Command(
    "watch-key",
    "Print a key that lets a status page watch the fleet, and give no orders.",
    flags,
    run,
)
