"""`clientmigration context`: names for fleets, so that no command needs flags."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.table import Table
from rich.text import Text

from clientmigration.cli.command import DONE, NO, Command, Output
from clientmigration.cli.contexts import FILES, SETTINGS, Contexts, read, variable, where, write
from clientmigration.core.measures.metrics import NotADatapoint, clean
from clientmigration.errors import ConfigurationError

WORDS = {
    "router": "endpoint of a router's member door, or several with commas",
    "secret-file": "file with the cluster's secret",
    "graphite": "graphite-web",
    "ledger": "as the router's",
    "play": "where players reach the router",
    "tls-ca": "authorities to trust",
    "tls-cert": "certificate to show",
    "tls-key": "its key",
}


def _nothing(_own: ArgumentParser) -> None:
    """No flags."""


def _named(own: ArgumentParser) -> None:
    own.add_argument("name", metavar="NAME", help="of the context")


def _set_flags(own: ArgumentParser) -> None:
    _named(own)
    own.set_defaults(as_they_are=True)
    for setting in SETTINGS:
        own.add_argument(f"--{setting}", metavar="VALUE", help=WORDS[setting])


def _list(_given: Namespace, answer: Output) -> int:
    kept = read(os.environ)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("", "context", "router", "secret", "more"):
        table.add_column(title, no_wrap=True)
    for name, settings in sorted(kept.contexts.items()):
        more = " ".join(
            f"{key}={value}"
            for key, value in settings.items()
            if key not in ("router", "secret-file")
        )
        mark = "*" if name == kept.current else ""
        router, secret = (settings.get(key, "") for key in ("router", "secret-file"))
        table.add_row(mark, Text(name, "bold"), router, secret, more)
    said = [f"{variable(each)} is set" for each in SETTINGS if os.environ.get(variable(each))]
    if said:
        table.caption = "; ".join(said) + ": it counts before any context"
    nothing = "no context is kept: clientmigration context set NAME --router ENDPOINT"
    answer.tell(kept, table if kept.contexts else nothing)
    return DONE


def _set(given: Namespace, answer: Output) -> int:
    try:
        good = clean(given.name) == given.name
    except NotADatapoint:
        good = False
    if not good:
        raise ConfigurationError(f"{given.name!r}: a context's name has a-z, digits, _ and inner -")
    kept = read(os.environ)
    settings = dict(kept.contexts.get(given.name, {}))
    for setting in SETTINGS:
        value = getattr(given, setting.replace("-", "_"))
        if value is not None:
            settings[setting] = str(Path(value).absolute()) if setting in FILES and value else value
    settings = {setting: value for setting, value in settings.items() if value}
    if not settings:
        raise ConfigurationError(f"{given.name} would say nothing: give --router, for example")
    current = kept.current or given.name
    file = write(os.environ, Contexts(current, {**kept.contexts, given.name: settings}))
    now = "" if current == given.name else f"; {current} is still the current one"
    answer.tell({"context": given.name, "settings": settings}, f"{given.name} is in {file}{now}")
    return DONE


def _use(given: Namespace, answer: Output) -> int:
    kept = read(os.environ)
    settings = kept.named(given.name, "use")
    write(os.environ, Contexts(given.name, kept.contexts))
    said = f"commands now mean {given.name}: " + ", ".join(f"{k} {v}" for k, v in settings.items())
    answer.tell({"context": given.name, "settings": settings}, said)
    return DONE


def _remove(given: Namespace, answer: Output) -> int:
    kept = read(os.environ)
    if given.name not in kept.contexts:
        answer.tell({"context": given.name, "removed": False}, f"there was no context {given.name}")
        return NO
    left = {name: each for name, each in kept.contexts.items() if name != given.name}
    write(os.environ, Contexts(kept.current if kept.current in left else "", left))
    text = f"{given.name} is not in {where(os.environ)} any more"
    answer.tell({"context": given.name, "removed": True}, text)
    return DONE


COMMANDS = (
    Command("context list", "List the fleets that have a name here.", _nothing, _list),
    Command("context set", "Give a fleet a name, or change what is kept of it.", _set_flags, _set),
    Command("context use", "Mean this fleet from now on.", _named, _use),
    Command("context remove", "Forget a fleet's name.", _named, _remove),
)
