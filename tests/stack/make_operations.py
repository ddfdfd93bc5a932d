"""Fills in what the code knows better in the pages of docs/: flags, ports, commands, measures.

Run it after a change of those: `python tests/stack/make_operations.py`. A part stands between
`<!-- made: NAME -->` and `<!-- end -->`; a test holds the pages to what this says.
"""

from __future__ import annotations

import re
from argparse import Action, ArgumentParser
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from twisted.python import usage

from clientmigration.cli.main import COMMANDS, EXITS
from clientmigration.cli.router import router_flags
from clientmigration.client import tap as crowd
from clientmigration.core.measures.metrics import SPREAD, Measure, measures
from clientmigration.gameserver import tap as gameserver
from clientmigration.router import tap as router
from clientmigration.stack import tap as stack
from clientmigration.stack.ports import WANTED_BY, Ports
from clientmigration.status import tap as status

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(
    ROOT / "docs" / f"{name}.md" for name in ("daemons", "network", "commands", "measures")
)
PART = re.compile(r"(<!-- made: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

# Flags.

DAEMONS: dict[str, type[usage.Options]] = {
    "router": router.Options,
    "gameserver": gameserver.Options,
    "crowd": crowd.Options,
    "status": status.Options,
    "stack": stack.Options,
}


def flags(options: type[usage.Options]) -> Iterable[str]:
    """A daemon's own flags, then those that daemons share."""
    yield "| flag | default | |"
    yield "|---|---|---|"
    classes = [each for each in options.__mro__ if "optParameters" in vars(each)]
    for each in classes:
        for long, short, default, text, *_ in vars(each)["optParameters"]:
            spelled = f"`--{long}`" + (f", `-{short}`" if short else "")
            yield f"| {spelled} | {_default(default)} | {text} |"
        for long, _, text in vars(each).get("optFlags", ()):
            yield f"| `--{long}` | off | {text} |"


def _default(value: Any) -> str:
    if value in ("", None):
        return "none"
    return f"`{value}`"


def ports() -> Iterable[str]:
    """The stack's ports, as it chooses them when it is not told."""
    yield "| port | for | flag |"
    yield "|---:|---|---|"
    for name, port in Ports().named():
        yield f"| {port} | {WANTED_BY[name]} | `--{name.replace('_', '-')}-port` |"


# Commands.


def commands() -> Iterable[str]:
    """Each command, what it takes beside the flags that all have, and what it does."""
    yield "| command | |"
    yield "|---|---|"
    for command in COMMANDS:
        words = " ".join(filter(None, map(_word, _actions(command.flags))))
        yield f"| `{f'{command.name} {words}'.strip()}` | {command.text} |"


def _actions(add: Callable[[ArgumentParser], None]) -> list[Action]:
    parser = ArgumentParser(add_help=False)
    add(parser)
    return parser._actions


SHARED = [each.option_strings for each in _actions(router_flags)]


def _word(action: Action) -> str:
    if action.option_strings in SHARED:
        return ""
    name = str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return name if action.nargs is None else f"[{name}]"
    value = "" if action.nargs == 0 else f" {name}"
    return f"[{action.option_strings[0]}{value}]"


def router_command_flags() -> Iterable[str]:
    """What every command that talks with a router takes."""
    yield "| flag | default | |"
    yield "|---|---|---|"
    for action in _actions(router_flags):
        text = str(action.help).partition("; default")[0]
        yield f"| `{action.option_strings[0]}` | `{action.default}` | {text} |"


def exit_codes() -> Iterable[str]:
    """What a program can tell from a command's end."""
    yield "| code | |"
    yield "|---:|---|"
    for code, text in EXITS.items():
        yield f"| {code} | {text} |"


# Measures.

RANKS = tuple(f"_{rank}" for rank in SPREAD)


def catalogue(role: str) -> Iterable[str]:
    """Every measure of a role; the four of a spread in one line."""
    yield "| measure | unit | when history gets coarser | |"
    yield "|---|---|---|---|"
    known = measures(role)
    for name, measure in known.items():
        stem = name.removesuffix(RANKS[0])
        spread = [known[stem + rank] for rank in RANKS if stem + rank in known]
        if measure.sparse and stem == name:
            assert name.endswith(RANKS)
        elif measure.sparse:
            yield _spread_row(stem, spread)
        else:
            yield f"| `{name}` | {measure.unit} | {measure.fold} | {measure.text} |"


def _spread_row(stem: str, spread: list[Measure]) -> str:
    median, *others = spread
    assert len(spread) == len(RANKS)
    assert {each.fold for each in others} == {"max"}
    text = median.text.partition(": ")[2]
    folds = f"{median.fold}, from p95 on max"
    ranks = ",".join(rank[1:] for rank in RANKS)
    return f"| `{stem}_{{{ranks}}}` | {median.unit} | {folds} | {text[0].upper()}{text[1:]} |"


def of(what: Callable[[Any], Iterable[str]], argument: Any) -> Callable[[], list[str]]:
    """One part of the page."""
    return lambda: list(what(argument))


PARTS: dict[str, Callable[[], list[str]]] = {
    **{f"{name} flags": of(flags, options) for name, options in DAEMONS.items()},
    **{f"{role} measures": of(catalogue, role) for role in ("gameserver", "router", "crowd")},
    "ports": lambda: list(ports()),
    "commands": lambda: list(commands()),
    "router command flags": lambda: list(router_command_flags()),
    "exit codes": lambda: list(exit_codes()),
}


def made(page: str) -> str:
    """The page with every part as the code says it."""
    return PART.sub(lambda part: part[1] + "\n".join(PARTS[part[2]]()) + "\n" + part[3], page)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(made(page.read_text()))
