"""The situation that decisions are made in: the fleet, the policy to judge it by, and the time."""

from __future__ import annotations

from collections.abc import Callable

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.policy import Policy


class Situation:
    """What nearly every question to `core.fleet` takes. `now` answers Unix seconds."""

    def __init__(self, fleet: Fleet, policy: Policy, now: Callable[[], float]) -> None:
        self.fleet, self.now = fleet, now
        self._policy = policy

    @property
    def policy(self) -> Policy:
        """The one that holds now: whoever keeps it keeps an old one."""
        return self._policy

    def govern(self, policy: Policy) -> None:
        """This one holds from now on."""
        self._policy = policy
