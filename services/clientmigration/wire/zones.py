"""The messages between a router and one below it, beside those between a router and any member.

To the one above, the one below is a member: it reports, and answers in migrations. What only
routers say is here. Frozen values, as in `messages.py`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from clientmigration.core.player.bans import Ban
from clientmigration.wire import messages as m
from clientmigration.wire.base import Message
from clientmigration.wire.messages import Count, Entry, Label, Redirect
from clientmigration.wire.operators import Dot, Ended, Find, Found, Listing, MemberStatus, Players

Seconds = Annotated[float, msgspec.Meta(ge=0, le=60)]
Target = Annotated[str, msgspec.Meta(max_length=200)]

# Router to the one above it.


class Offer(Message, frozen=True, tag="offer"):
    """Router below: this player of mine can go to `target`, for which you asked."""

    player: Entry
    target: Target


class Seek(Message, frozen=True, tag="seek"):
    """Router below: question `n`: this player is at my door, and is not mine. Whose is it? If it is
    nobody's, I take it. `holder` and `group` are what it said; `new`: I have just named it."""

    n: Count
    player: str
    holder: m.Holder
    group: Label = ""
    new: bool = False


class Branch(Message, frozen=True, tag="branch"):
    """Router below: these are my members now, each with its own, if it is a router; in all so many
    game servers, of which none is among them if they are many. `dots` are where some of their
    players stand, by game server."""

    members: list[MemberStatus]
    servers: Count = 0
    dots: dict[str, list[Dot]] = msgspec.field(default_factory=dict)


class Inquired(Message, frozen=True, tag="inquired"):
    """Router below: answer `n`: I `have` that player, or may have it: do not place it."""

    n: Count
    have: bool


class Surveyed(Message, frozen=True, tag="surveyed"):
    """Router below: answer `n` to what an operator of yours asked."""

    n: Count
    answer: Players | Found | Ended


# Router to the one below it.


class Part(Message, frozen=True, tag="part"):
    """Router above: so many of your players should go to `target`; offer them, whoever you choose.
    With `player`, this one. `drains`: in the end all are to go, whoever they are."""

    target: Target
    players: Count
    player: str = ""
    drains: bool = False


class Sought(Message, frozen=True, tag="sought"):
    """Router above: answer `n`: where the player is to go; or, without a redirect, why not."""

    n: Count
    redirect: Redirect | None = None
    reason: str = ""


class Inquire(Message, frozen=True, tag="inquire"):
    """Router above: question `n`: this player has a token, and I know nothing of it. Do you?"""

    n: Count
    player: str


class Survey(Message, frozen=True, tag="survey"):
    """Router above: question `n`: an operator of mine asks this. Answer `within_s` seconds: ask
    those below you, too."""

    n: Count
    question: Listing | Find
    within_s: Seconds


class Bars(Message, frozen=True, tag="bars"):
    """Router above: these players are banned, put them out and let nobody of them in; `first`: it
    is the first part of all that I know, and what you knew is over."""

    bans: list[Ban]
    first: bool = False


AnyMemberToRouter = m.MemberToRouter | Offer | Seek | Branch | Inquired | Surveyed
RouterToAnyMember = m.RouterToMember | Part | Sought | Inquire | Survey | Bars
