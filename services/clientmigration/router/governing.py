"""Governing: the policy that decisions are made by may be changed while the router works.

A policy that is wrong, or that changes what is only read at a start, is refused with the reason,
and the one that holds stays.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from twisted.logger import Logger

from clientmigration.core.decisions.rounds import peculiar
from clientmigration.core.fleet.policy import Policy
from clientmigration.errors import ConfigurationError
from clientmigration.router.situation import Situation
from clientmigration.wire.operators import Ended, Govern

log = Logger()

AT_A_START = (
    ("rebalance", "cell_m"),
    ("rebalance", "period_s"),
    ("placement", "remember_s"),
    ("limits", "place_kept_s"),
)
"""What is made with these at the start is not made again."""


def fingerprint(policy: Policy) -> str:
    """The same for equal policies, and for no others: so it is seen whether routers agree."""
    return sha256(msgspec.json.encode(peculiar(policy), order="sorted")).hexdigest()[:12]


class Governing:
    """Takes a new policy. `before` is called first: what was decided is by the old one. `file` is
    what `--policy` names, if anything."""

    def __init__(self, situation: Situation, before: Callable[[], None], file: str) -> None:
        self._situation, self._before, self._file = situation, before, file

    def take(self, said: Mapping[str, Any]) -> list[str]:
        """From now on this policy holds; answers what it changes. ConfigurationError: it does not
        hold, and why."""
        policy = Policy.parse(said)
        changed = self.changes(policy)
        if changed:
            self._before()
            self._situation.govern(policy)
        return changed

    def changes(self, policy: Policy) -> list[str]:
        """What would be another then. ConfigurationError if that needs a start."""
        before, after = (msgspec.to_builtins(each) for each in (self._situation.policy, policy))
        fixed = [
            f"{section}.{name}" for section, name in AT_A_START
            if before[section][name] != after[section][name]
        ]  # fmt: skip
        if fixed:
            raise ConfigurationError(f"{', '.join(fixed)} can only be changed by a start")
        return [
            f"{section}.{name}: {before[section][name]} to {value}"
            for section, fields in after.items()
            for name, value in fields.items()
            if before[section][name] != value
        ]

    def order(self, message: Govern) -> Ended:
        """An operator says so. With `take` false it only asks whether it would be taken."""
        try:
            changed = (
                self.take(message.policy)
                if message.take
                else self.changes(Policy.parse(message.policy))
            )
        except ConfigurationError as error:
            return Ended(message.n, "refused", str(error))
        return Ended(message.n, "done", _said(changed))

    def read_again(self) -> None:
        """SIGHUP: the file that `--policy` names may be another now."""
        if not self._file:
            log.info("SIGHUP: there is no --policy to read again")
            return
        try:
            changed = self.take(tomllib.loads(Path(self._file).read_text()))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ConfigurationError) as error:
            log.warn("policy {file} not taken, the old one holds: {error}",
                     file=self._file, error=str(error))  # fmt: skip
        else:
            log.info("policy {file} read again: {what}", file=self._file, what=_said(changed))


def _said(changed: list[str]) -> str:
    return "; ".join(changed) or "it changes nothing"
