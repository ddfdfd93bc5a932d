"""The flags that daemons share, and the values made of them. Nothing but a `tap.py` reads flags."""

from __future__ import annotations

import gc
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from twisted.python import usage

from clientmigration.core.fleet.policy import Policy
from clientmigration.errors import ConfigurationError
from clientmigration.net.tickets import Seals
from clientmigration.net.worldclock import monotonic
from clientmigration.wire.web import Origins

S = TypeVar("S")

GARBAGE = 10_000  # objects: a few megabytes, and a few milliseconds to look through


def served(assemble: Callable[[Any, Any], S], options: Any) -> S:
    """What `assemble(reactor, options)` makes, on a reactor whose timers nobody can set; a wrong
    setting ends the program with one line."""
    from twisted.internet import reactor

    try:
        made = assemble(monotonic(reactor), options)
    except ConfigurationError as error:
        raise SystemExit(f"clientmigration: {error}") from None
    reactor.callWhenRunning(keep_what_is_loaded)
    return made


def keep_what_is_loaded() -> None:
    """Make garbage collections short and rare, because everything stops during one. Modules and
    settings stay for ever, so they are never looked through. Most other objects go without a
    collection; the rest, some ten for each connection that ended, wait until they are `GARBAGE`."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 10, 10)


def positive(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise ValueError(f"{text} is not above 0")
    return number


def hertz(text: str) -> int:
    """A tick rate that the protocol can say: 1 to 1000."""
    if not 1 <= int(text) <= 1000:
        raise ValueError(f"{text} is not from 1 to 1000")
    return int(text)


def percent(text: str) -> float:
    """A share of all, 0 to 100."""
    number = float(text)
    if not 0 <= number <= 100:
        raise ValueError(f"{text} is not from 0 to 100")
    return number


ORIGINS = ("origins", None, "", "origins whose web pages may play, besides this host's own; or *")


def policy_from(path: str) -> Policy:
    """The policy that a TOML file says. ConfigurationError names what is wrong with it."""
    try:
        return Policy.parse(tomllib.loads(Path(path).read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"--policy {path}: {error}") from error


class Common(usage.Options):
    """Flags common to the daemons."""

    optParameters: Sequence[Sequence[Any]] = (
        ("carbon", None, "tcp:127.0.0.1:2003", "endpoint of carbon's plaintext port"),
        ("secret-file", None, "run/cluster.secret", "file with the cluster's secret"),
        ("policy", None, "", "TOML file with the placement and rebalancing policy"),
    )

    def seals(self) -> Seals:
        """Made from the cluster's secret."""
        return Seals.from_file(Path(self["secret-file"]))

    def origins(self) -> Origins:
        """The pages that may connect, of a daemon that has `ORIGINS` among its flags."""
        return Origins.parse(self["origins"])

    def read_policy(self) -> Policy:
        """The policy that `--policy` names, or the default one."""
        return policy_from(self["policy"]) if self["policy"] else Policy()
