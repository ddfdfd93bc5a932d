"""`clientmigration policy check FILE`: says whether a router would accept it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import msgspec
from rich.table import Table

from clientmigration.cli.command import DONE, NO, Command, Output
from clientmigration.cli.simulate import read
from clientmigration.core.decisions.rounds import peculiar
from clientmigration.core.fleet.policy import Policy
from clientmigration.errors import ConfigurationError


def _flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="a policy file; docs/policy.toml has every field"
    )


def _run(flags: Namespace, answer: Output) -> int:
    mapping = read(flags.file)
    try:
        policy = Policy.parse(mapping)
    except ConfigurationError as wrong:
        answer.tell({"good": False, "wrong": str(wrong), "changed": {}}, f"no: {wrong}")
        return NO
    changed = peculiar(policy)
    answer.tell({"good": True, "wrong": "", "changed": changed}, _picture(changed))
    return DONE


def _picture(changed: dict[str, dict[str, object]]) -> Table | str:
    if not changed:
        return "good: it changes none of the defaults"
    usual = msgspec.to_builtins(Policy())
    shown = Table(title="good: it changes", title_justify="left")
    for heading in ("field", "default", "here"):
        shown.add_column(heading)
    for section, fields in changed.items():
        for name, value in fields.items():
            shown.add_row(f"{section}.{name}", str(usual[section][name]), str(value))
    return shown


CHECK = Command(
    "policy check",
    "Check whether a router would accept a policy file, and list what it changes.",
    _flags,
    _run,
)
