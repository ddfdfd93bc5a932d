"""How the players of a crowd behave: what a game's own behaviour is asked, and what it is told.

Pure: a seed decides everything, and the crowd's clock is the only one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from clientmigration.client.loads import Shares


@dataclass(frozen=True)
class Habits:
    """How many players there are and how they behave; `seed` decides the rest.

    Each asks its server for `burn_us` microseconds of CPU per tick, at a party for `party_us`.
    `lays`: whether they also do what a killed server loses, such as to lay coins down.
    """

    size: int
    seed: int = 1
    burn_us: int = 40
    party_us: int = 160
    shares: Shares = field(default_factory=Shares)
    lays: bool = True


@dataclass(frozen=True, slots=True)
class Around:
    """What a player of a crowd knows when it is asked what it does: seconds since the crowd began,
    the server that it plays on, all servers, and the names of some others of the crowd."""

    now_s: float
    member: str
    members: Sequence[str]
    others: Sequence[str]


class Behaviour(Protocol):
    """One player of a crowd, made of its own chance and of the crowd's habits."""

    def see(self, body: bytes) -> None:
        """What it sees now: the body of a view."""

    def act(self, scene: Around) -> bytes | None:
        """The body of its next input, ten times a second; None: nothing now."""


MakeBehaviour = Callable[[Random, Habits], Behaviour]


class Idle:
    """The behaviour in a game that has none of its own: it is there, and watches."""

    def __init__(self, random: Random, habits: Habits) -> None:
        """Nothing is kept."""

    def see(self, body: bytes) -> None:
        """It does not care."""

    def act(self, scene: Around) -> None:  # noqa: ARG002
        """Nothing."""
        return
