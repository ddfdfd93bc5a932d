"""Contexts: a name for each fleet, with its routers and keys, and which one is meant now.

They are in one file, `~/.config/clientmigration/contexts.json` (below `XDG_CONFIG_HOME`), or where
`CLIENTMIGRATION_CONTEXTS` says. It has paths of keys in it and no key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from clientmigration.errors import ConfigurationError

FILE = "CLIENTMIGRATION_CONTEXTS"
NAMED = "CLIENTMIGRATION_CONTEXT"
SETTINGS = ("router", "secret-file", "graphite", "ledger", "play", "tls-ca", "tls-cert", "tls-key")
"""What a context may say: flags of commands, by their names."""
FILES = ("secret-file", "tls-ca", "tls-cert", "tls-key")


class Contexts(msgspec.Struct, frozen=True):
    """All of them by name, and the name of the one that is meant when nobody says which."""

    current: str = ""
    contexts: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)

    def named(self, name: str, said_by: str) -> dict[str, str]:
        """The settings of one. ConfigurationError if there is none of that name."""
        try:
            return self.contexts[name]
        except KeyError:
            known = ", ".join(sorted(self.contexts)) or "none is kept"
            raise ConfigurationError(
                f"{said_by} {name}: there is no such context ({known})"
            ) from None


def where(environ: Mapping[str, str]) -> Path:
    """Their file."""
    if environ.get(FILE):
        return Path(environ[FILE])
    home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".config"
    return Path(home) / "clientmigration" / "contexts.json"


def read(environ: Mapping[str, str]) -> Contexts:
    """All that are kept; none if there is no file. ConfigurationError if it cannot be read."""
    file = where(environ)
    try:
        return msgspec.json.decode(file.read_bytes(), type=Contexts)
    except FileNotFoundError:
        return Contexts()
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"{file}: {error}") from error


def write(environ: Mapping[str, str], kept: Contexts) -> Path:
    """Keep these. The file that is there stays whole until the new one is."""
    file = where(environ)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
    fresh.replace(file)
    return file


def variable(setting: str) -> str:
    """The environment variable that says the same as a flag."""
    return "CLIENTMIGRATION_" + setting.replace("-", "_").upper()


def said(environ: Mapping[str, str], context: str | None) -> dict[str, str]:
    """What the environment and the context say, where no flag does: the environment first."""
    kept = Contexts() if context == "" else read(environ)
    if context:
        chosen = kept.named(context, "--context")
    elif environ.get(NAMED):
        chosen = kept.named(environ[NAMED], NAMED)
    else:
        chosen = kept.contexts.get(kept.current, {})
    return {**chosen, **{s: v for s in SETTINGS if (v := environ.get(variable(s)))}}
