"""The messages between a router and those who watch it or give it orders, on its member door.

A *watcher* sees everything and changes nothing; an *operator* may give orders too. Both get the
same overview, encoded once a second for all of them. Frozen values, as in `messages.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from clientmigration.core.player.fact import Fact
from clientmigration.wire.messages import (
    Challenge,
    Count,
    Goodbye,
    Greeting,
    Here,
    Message,
    Owner,
)

OperatorRole = Literal["watcher", "operator"]
Verb = Literal["drain", "undrain", "move"]
Name = Annotated[str, msgspec.Meta(max_length=200)]

# Operator to router.


class Enter(Message, frozen=True, tag="enter"):
    """Operator: let me in as what I said in my greeting; `proof` shows that I may."""

    nonce: Name
    proof: Name


class Watch(Message, frozen=True, tag="watch"):
    """Operator: tell me the `overview` now and every second; with `world` where everybody is."""

    world: bool = False


class Find(Message, frozen=True, tag="find"):
    """Operator: question `n`: where is this player? The beginning of its name is enough."""

    n: Count
    player: Name


class Explain(Message, frozen=True, tag="explain"):
    """Operator: question `n`: what happened to this player, move or member, and why? For a player
    or a move the beginning of its name is enough."""

    n: Count
    subject: Name


class Order(Message, frozen=True, tag="order"):
    """Operator: order `n`: empty this member, let it fill again, or move this player to it.

    A drain that leaves players nowhere to go is refused, unless it is said with `force`.
    """

    n: Count
    do: Verb
    member: Name
    player: Name = ""
    force: bool = False


# Router to operator.


class Entered(Message, frozen=True, tag="entered"):
    """Router: I am `router`, you are in, and here is my own proof."""

    router: str
    proof: str


class MemberSample(msgspec.Struct, frozen=True):
    """What a member's datapoints say of second `at`, its newest. `measures` has a few more values,
    by their names in the catalogue."""

    at: int
    health: float
    load: float
    grade: int
    players: int
    capacity: int
    draining: bool
    x: float
    y: float
    spread_m: float
    measures: dict[str, float] = {}


class MemberStatus(msgspec.Struct, frozen=True):
    """One member now; `closed` says why nobody is sent there (silent, draining, unhealthy,
    unreachable, or "").

    `owner` is its number in views; `sample` is null until it has reported. `under` are the members
    of one that is a router, as it said itself.
    """

    name: str
    role: str
    address: str
    zone: str = ""
    owner: Owner = 0
    closed: str = ""
    sample: MemberSample | None = None
    under: list[MemberStatus] = []


class Moved(msgspec.Struct, frozen=True):
    """A move that ended `at` (Unix seconds), and what it cost the player, once that has said so.

    `took_ms` is the router's own time from its first word to its last.
    """

    at: float
    player: str
    source: str
    target: str
    outcome: str
    reason: str
    took_ms: float
    gap_ms: float | None = None
    missed: int | None = None
    stall_ms: float | None = None


class Overview(Message, frozen=True, kw_only=True, tag="overview"):
    """Router: this is how things stand `now`; `joins` and `moves` count since `started`.

    `moves` has a number for each outcome; `recent` the latest moves, newest first.
    """

    router: str
    now: float
    started: float
    members: list[MemberStatus]
    players: int
    capacity: int
    waiting: int
    moving: int
    joins: int
    moves: dict[str, int]
    recent: list[Moved]


class Dot(msgspec.Struct, frozen=True, array_like=True):
    """One player of the world: a number that stays its own (CRC-32 of its name), metres."""

    id: Count
    x: float
    y: float


class World(Message, frozen=True, kw_only=True, tag="world"):
    """Router: where players stand, by member, from the rosters: `shown` of the `players` there are.

    When there are more than may be shown, an even selection is: the same players each time.
    """

    now: float
    players: int
    shown: int
    members: dict[str, list[Dot]]


class Found(Message, frozen=True, kw_only=True, tag="found"):
    """Router: answer `n`: the player is at `member` ("" when nowhere), at this epoch.

    `state` is its session's, `migration` the one it is part of now, `stored_at` the time (Unix s)
    of its last checkpoint, `since` that of the move that brought it there (null: none is known),
    and `moves` are its last moves, newest first.
    """

    n: Count
    player: str
    member: str
    epoch: int
    state: str = ""
    migration: str = ""
    x: float = 0.0
    y: float = 0.0
    ping_ms: float | None = None
    stored_at: float = 0.0
    since: float | None = None
    moves: list[Moved]


class Because(Message, frozen=True, kw_only=True, tag="because"):
    """Router: answer `n`: the latest facts about the subject, newest first. The router remembers
    facts since `since` (Unix seconds; 0: none yet). It was started at `started` (0: unknown)."""

    n: Count
    since: float
    facts: list[Fact]
    started: float = 0.0


class Ended(Message, frozen=True, tag="ended"):
    """Router: question or order `n` is over: `done`, `refused`, or the outcome of the move."""

    n: Count
    outcome: str
    text: str = ""


Asked = Find | Explain | Order
Answer = Found | Because | Ended
OperatorToRouter = Greeting | Goodbye | Enter | Watch | Here | Asked
RouterToOperator = Greeting | Goodbye | Challenge | Entered | Overview | World | Answer
