"""The program `clientmigration`: reads the command line, runs one command, ends with its code."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import shtab
from rich.console import Console

from clientmigration.cli import (
    announce,
    context,
    doctor,
    events,
    explain,
    govern,
    ledger,
    operator_keys,
    orders,
    players,
    policy,
    replay,
    restart,
    run,
    secret,
    simulate,
    status,
    top,
    units,
    watchkey,
)
from clientmigration.cli.command import AWAY, DONE, NO, NOT_AUTHENTIC, USAGE, Command, Output
from clientmigration.cli.router import settle
from clientmigration.errors import (
    Away,
    ClientMigrationError,
    ConfigurationError,
    NotAuthentic,
)
from clientmigration.net.terminal import make_legible

COMMANDS: tuple[Command, ...] = (
    status.COMMAND,
    top.COMMAND,
    doctor.COMMAND,
    orders.DRAIN,
    orders.UNDRAIN,
    orders.MIGRATE,
    orders.FORGET_ZONE,
    *players.COMMANDS,
    *operator_keys.COMMANDS,
    restart.COMMAND,
    events.COMMAND,
    announce.COMMAND,
    replay.COMMAND,
    explain.COMMAND,
    policy.CHECK,
    govern.LOAD,
    simulate.COMMAND,
    watchkey.COMMAND,
    secret.NEW,
    secret.DROP,
    *ledger.COMMANDS,
    *context.COMMANDS,
    run.RUN,
    run.DEMO,
    units.COMMAND,
)

CODES: tuple[tuple[type[ClientMigrationError], int], ...] = (
    (ConfigurationError, USAGE),
    (Away, AWAY),
    (NotAuthentic, NOT_AUTHENTIC),
    (ClientMigrationError, NO),
)
EXITS = {
    DONE: "done",
    NO: "the answer is no: an order was refused, or a check found something",
    USAGE: "the command line, or a file that it names, is wrong",
    AWAY: "the router or Graphite is away, or does not answer in time",
    NOT_AUTHENTIC: "the secret is another cluster's",
}
WIDE = 10_000  # columns
EPILOG = "exit codes: " + "; ".join(f"{code} {text}" for code, text in EXITS.items())


def parser(commands: Sequence[Command] = COMMANDS) -> ArgumentParser:
    """The whole command line. A command of two words is in a group named by the first."""
    top = ArgumentParser(
        "clientmigration", description="See how a fleet is doing, and give it orders."
    )
    top.epilog = EPILOG
    top.add_argument("--version", action="version", version=version("clientmigration"))
    shtab.add_argument_to(
        top, "--print-completion", help="print a completion script for a shell, and end"
    )
    groups: dict[str, Any] = {"": top.add_subparsers(metavar="COMMAND", required=True)}
    for command in commands:
        group, _, name = command.name.rpartition(" ")
        if group not in groups:
            between = groups[""].add_parser(group, help=f"see `clientmigration {group} --help`")
            groups[group] = between.add_subparsers(metavar="COMMAND", required=True)
        own = groups[group].add_parser(
            name, help=command.text, description=command.text, epilog=EPILOG
        )
        own.add_argument("--json", action="store_true", help="answer in JSON")
        own.add_argument(
            "--wide", action="store_true", help="cut nothing, however narrow the terminal"
        )
        own.set_defaults(command=command)
        command.flags(own)
    return top


def console_of(wide: bool) -> Console:
    """For people at a terminal as wide as that; where nobody sees an edge nothing is cut."""
    at_a_terminal = sys.stdout.isatty() and not wide
    return Console() if at_a_terminal else Console(width=WIDE, soft_wrap=True)


def main(argv: Sequence[str] | None = None, commands: Sequence[Command] = COMMANDS) -> int:
    """Run one command; answers its exit code."""
    make_legible(sys.stdout, sys.stderr)
    words = run.with_flags(sys.argv[1:] if argv is None else argv)
    flags = parser(commands).parse_args(words)
    try:
        settle(flags)
        return int(flags.command.run(flags, Output(console_of(flags.wide), flags.json)))
    except ClientMigrationError as error:
        print(f"clientmigration: {error}", file=sys.stderr)
        return next(code for kind, code in CODES if isinstance(error, kind))
