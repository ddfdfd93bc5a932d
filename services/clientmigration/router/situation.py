"""The situation that decisions are made in: the fleet, the policy to judge it by, and the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.policy import Policy


@dataclass(frozen=True)
class Situation:
    """What nearly every question to `core.fleet` takes. `now` answers Unix seconds."""

    fleet: Fleet
    policy: Policy
    now: Callable[[], float]
