"""Lodging: at which member a record should be, by where those are who want it.

Pure rules. A record follows its players, and not every one of them: it moves for a clear majority
only, and rests after a move, so that it never goes back and forth.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

REST_S = 3.0  # a record that was moved stays for so long, unless its server is to be empty
CLEARLY = 2  # times as many who want it elsewhere than where it is


def lodging(wanted: Mapping[str, int], able: Collection[str]) -> str:
    """The member with most of those who want it, of those that are able to have it; "" if none
    is. The first by name of equals."""
    open_to = [name for name in wanted if name in able]
    return min(open_to, key=lambda name: (-wanted[name], name), default="")


def better(owner: str, wanted: Mapping[str, int], able: Collection[str], rested_s: float) -> str:
    """Where a record should go that is at `owner`, "" when it stays; `rested_s` ago it came. Who is
    not able to have it any more (it drains) gives it away at once."""
    best = lodging(wanted, able)
    if not best or best == owner:
        return ""
    if owner not in able:
        return best
    here = wanted.get(owner, 0)
    clearly = here == 0 or wanted[best] > CLEARLY * here
    return best if clearly and rested_s >= REST_S else ""


def obstacle(
    away: bool, busy: bool, rests: bool, closed: str, strange: bool, hot: bool, seats: int
) -> str:
    """Why a player whom its game wants elsewhere is not moved there, "" when it is: it has no
    connection (`away`), it is `busy`, it `rests` from its last move, the other server is `closed`
    in one of the words for that, could not read its state (`strange`), is overloaded (`hot`), or
    has no `seats` left."""
    if away or busy or rests:
        return "away" if away else "busy" if busy else "moved_lately"
    if closed or strange:
        return closed or "older"
    return "overloaded" if hot else "" if seats > 0 else "full"
