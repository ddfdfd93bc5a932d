"""What a server with several routers says of a player beside its line in the roster."""

import msgspec


class Shared(msgspec.Struct, frozen=True, array_like=True):
    """`router` has ordered the player's migration, over a link that is there; "" if that is gone,
    or there is none. `since_s`: for how long the player has stood still, or its migration has had
    no router. `moved_s`: how long ago a move brought it here, null if not lately."""

    router: str
    since_s: float
    moved_s: float | None = None
