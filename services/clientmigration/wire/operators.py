"""The messages between a router and those who watch it or give it orders, on its member door.

A *watcher* sees everything and changes nothing; an *operator* may give orders too. Both get the
same overview, encoded once a second for all of them. Frozen values, as in `messages.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from clientmigration.core.player.bans import Ban
from clientmigration.core.player.fact import Fact
from clientmigration.core.player.given import Given
from clientmigration.core.player.notices import LONGEST, Announcement, Kind
from clientmigration.wire.base import Message
from clientmigration.wire.messages import (
    Challenge,
    Count,
    Goodbye,
    Greeting,
    Here,
    Owner,
)

OperatorRole = Literal["watcher", "operator"]
Verb = Literal["drain", "undrain", "move", "stop", "forget", "kick", "ban", "unban"]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Page = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Until = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
Token = Annotated[str, msgspec.Meta(max_length=2048)]
Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]
Date = Annotated[float, msgspec.Meta(ge=0)]

# Operator to router.


class Enter(Message, frozen=True, tag="enter"):
    """Operator: let me in as what I said in my greeting; `proof` shows that I may. `name`: with the
    key of this operator, and not with one made from the cluster's secret."""

    nonce: Name
    proof: Name
    name: Name = ""


class Watch(Message, frozen=True, tag="watch"):
    """Operator: tell me the `overview` now and every second; with `world` where everybody is."""

    world: bool = False


class Find(Message, frozen=True, tag="find"):
    """Operator: question `n`: where is this player? The beginning of its name is enough, or
    `login:` and the subject of its login."""

    n: Count
    player: Name


class Explain(Message, frozen=True, tag="explain"):
    """Operator: question `n`: what happened to this player, move or member, and why? For a player
    or a move the beginning of its name is enough."""

    n: Count
    subject: Name


class Listing(Message, frozen=True, tag="listing"):
    """Operator: question `n`: who plays (at this `member`, if one is named)? Those after the name
    `after`, in order of names, `most` at most."""

    n: Count
    member: Name = ""
    after: Name = ""
    most: Page = 500


class AskBans(Message, frozen=True, tag="ask_bans"):
    """Operator: question `n`: who is banned? In order of names, as in `listing`."""

    n: Count
    after: Name = ""
    most: Page = 500


class AskOrders(Message, frozen=True, tag="ask_orders"):
    """Operator: question `n`: who gave which orders lately?"""

    n: Count
    most: Page = 500


class Order(Message, frozen=True, tag="order"):
    """Operator: order `n`: empty this `member`, let it fill again, move this `player` to it, or
    have it stop, as by a signal, or forget it: a router below you that never comes back; kick the
    player out, ban it until `until` (Unix seconds; 0: for ever) or end its ban.

    A drain that leaves players nowhere to go is refused, unless it is said with `force`. A player
    that is kicked or banned is told the `reason`.
    """

    n: Count
    do: Verb
    member: Name = ""
    player: Name = ""
    force: bool = False
    reason: Name = ""
    until: Until = 0.0


class Govern(Message, frozen=True, tag="govern"):
    """Operator: order `n`: decide by this policy from now on, by section and field; what is left
    out is as by default. Without `take`: would you?"""

    n: Count
    policy: dict[str, dict[str, bool | int | float | str]]
    take: bool = True


class Announce(Message, frozen=True, tag="announce"):
    """Operator: order `n`: tell everybody `text`, about what is planned from `start` to `end` (Unix
    seconds; 0: unknown), or has happened; or: the notice with the name `over` is over."""

    n: Count
    text: Text = ""
    kind: Kind = "maintenance"
    start: Date = 0.0
    end: Date = 0.0
    over: Name = ""


class MoveWish(Message, frozen=True, tag="wish"):
    """Operator or watcher: question `n`: the player whose `token` this is wishes to be moved."""

    n: Count
    token: Token


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

    `owner` is its number in views; `sample` is null until it has reported. `version` is that of
    its program, "" if it does not say. `under` are the members of one that is a router, as it said
    itself, without game servers if they are many; `servers` is how many of these there are, and
    `routers` how many equal routers of it are attached.
    """

    name: str
    role: str
    address: str
    zone: str = ""
    owner: Owner = 0
    closed: str = ""
    sample: MemberSample | None = None
    version: str = ""
    under: list[MemberStatus] = []
    servers: Count = 0
    routers: Count = 0


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

    `moves` has a number for each outcome; `recent` the latest moves, newest first. `version` is the
    router's program's, `policy` the same for equal policies, `routers` are the names of all that
    its members are attached to. Of `felt` moves since the start their players have told how they
    were: they `missed` so many ticks in all.
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
    version: str = ""
    policy: str = ""
    routers: list[str] = msgspec.field(default_factory=list)
    felt: Count = 0
    missed: Count = 0
    notices: tuple[Announcement, ...] = ()


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


class Listed(msgspec.Struct, frozen=True):
    """One player that plays: where, how, and the subject of its login if the router has seen it
    lately."""

    player: str
    member: str
    state: str
    x: float
    y: float
    ping_ms: float | None = None
    group: str = ""
    login: str = ""


class Players(Message, frozen=True, tag="players"):
    """Router: answer `n`: some of the `total` that play; `more`: there are others after these.
    Without those of the routers below me that are `missing`: they do not answer."""

    n: Count
    players: list[Listed]
    total: int
    more: bool = False
    missing: tuple[str, ...] = ()


class Banned(Message, frozen=True, tag="banned"):
    """Router: answer `n`: some of the `total` bans; `more`: there are others after these."""

    n: Count
    bans: list[Ban]
    total: int
    more: bool = False


class OrdersGiven(Message, frozen=True, tag="orders"):
    """Router: answer `n`: the latest orders, the newest last."""

    n: Count
    orders: list[Given]


class Ended(Message, frozen=True, tag="ended"):
    """Router: question or order `n` is over: `done`, `refused`, or the outcome of the move."""

    n: Count
    outcome: str
    text: str = ""


Asked = Find | Explain | Order | Listing | AskBans | AskOrders | Govern | Announce | MoveWish
Answer = Found | Because | Ended | Players | Banned | OrdersGiven
OperatorToRouter = Greeting | Goodbye | Enter | Watch | Here | Asked
RouterToOperator = Greeting | Goodbye | Challenge | Entered | Overview | World | Answer
