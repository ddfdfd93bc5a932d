"""Equal routers on one ledger: which of them does what, so that everybody comes to the same.

Pure functions of who is attached to whom, without a lease and without a vote. For a moment two
routers may think themselves meant, or none: what must not happen twice the ledger decides, by
compare-and-set, and the seat.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b


def primary(member: str, routers: Iterable[str]) -> str:
    """Which of these routers, to which a member is attached, stores its checkpoints; "" of none.

    The highest of a hash of both names (rendezvous): members are spread over the routers, and when
    one of these goes, only its own members change theirs.
    """
    return max(routers, key=lambda router: (_weight(member, router), router), default="")


def _weight(member: str, router: str) -> bytes:
    return blake2b(f"{router}\n{member}".encode(), digest_size=8).digest()


def timekeeper(routers: Iterable[str]) -> str:
    """Which of these routers says what date it is in the world: the same one to all servers."""
    return min(routers, default="")


def planner(attached: Mapping[str, Collection[str]]) -> str:
    """Which router plans moves: the one to which most members are attached, by their own reports;
    of several the first by name, and "" while no member reports. `attached` has the routers by
    member; who is silent may not be in it."""
    counts = Counter(router for routers in attached.values() for router in set(routers))
    return min(counts, key=lambda router: (-counts[router], router), default="")
