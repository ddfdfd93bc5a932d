"""What is said beside the usual where there are several routers: equal ones, or a tree of them."""

from __future__ import annotations

import msgspec


class Shared(msgspec.Struct, frozen=True, array_like=True):
    """`router` has ordered the player's migration, over a link that is there; "" if that is gone,
    or there is none. `since_s`: for how long the player has stood still, or its migration has had
    no router. `moved_s`: how long ago a move brought it here, null if not lately."""

    router: str
    since_s: float
    moved_s: float | None = None


class Seated(msgspec.Struct, frozen=True):
    """Which game server of a router below it is, where players reach it, and the epoch that the
    player's ticket has to say."""

    member: str
    address: str
    epoch: int


class About(msgspec.Struct, frozen=True):
    """What is known of a player who is to be placed by a router below: where it will stand (null:
    nobody knows), its group, and its pings there, in ms by the name of each member or zone."""

    place: tuple[float, float] | None = None
    group: str = ""
    pings: dict[str, float] = {}
