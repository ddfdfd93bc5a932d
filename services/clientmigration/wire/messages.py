"""The messages between players, routers and game servers: a frozen value each, and who says it.

Tags are pinned: renaming a class never changes the wire. Control messages are JSON objects whose
field `t` is the tag; `Input`, `View`, `Chunk` and `Item` are packed (see `connection.py`). Fields
that a peer does not know are ignored, so one may be added without a new version.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from clientmigration.core.player.snapshot import Snapshot
from clientmigration.wire.base import Drain as Drain
from clientmigration.wire.base import Expel, Message, Pardon, Stays, Wants
from clientmigration.wire.shared import About, Seated, Shared

PROTOCOL = "clientmigration"
VERSION = 1

# What strangers say ends up in packed frames, in sums and in tokens: it has to fit.
Count = Annotated[int, msgspec.Meta(ge=0, le=4_294_967_295)]
Size = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854_775_807)]
Ms = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Rate = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Holder = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Address = Annotated[str, msgspec.Meta(pattern=r"^.+:[0-9]{1,5}(/[!-~]*)?\Z", max_length=300)]
Inner = Annotated[str, msgspec.Meta(pattern=r"^(.+:[0-9]{1,5})?\Z", max_length=300)]
Owner = Annotated[int, msgspec.Meta(ge=0, le=255)]
Token = Annotated[str, msgspec.Meta(max_length=1024)]
Login = Annotated[str, msgspec.Meta(max_length=2560)]
Label = Annotated[str, msgspec.Meta(max_length=64)]


# Said by everyone.


class Greeting(Message, frozen=True, kw_only=True, tag="greeting"):
    """The first frame in both directions: what is spoken here, and by whom."""

    protocol: str = PROTOCOL
    version: int = VERSION
    role: str


LEAVING = "leaving"  # a member's goodbye that is for good: it stops, and nothing has happened to it


class Goodbye(Message, frozen=True, tag="goodbye"):
    """The last frame before the sender closes: a code to act on and a sentence to read."""

    code: str
    text: str = ""


# Player to router, router to player.


class Hello(Message, frozen=True, tag="hello"):
    """Player: let me in; `token` says who I am (none: somebody new), `holder` binds my tickets.

    Players who say the same `group` want to play on the same server, as far as that can be.
    `login`: a token of the game's own backend, which says who I am instead.
    """

    holder: Holder
    token: Token = ""
    group: Label = ""
    login: Login | msgspec.UnsetType = msgspec.UNSET


class Pings(Message, frozen=True, tag="pings"):
    """Player: round trips in milliseconds to the candidates I could reach."""

    pings: dict[str, float]


class Here(Message, frozen=True, tag="here"):
    """Player in the queue, or whoever watches: I heard that, and I am still here."""


class Identity(Message, frozen=True, tag="identity"):
    """Router: who you are; keep the token and show it when you come back."""

    player: str
    token: Token


class Candidate(msgspec.Struct, frozen=True):
    """One server worth a ping."""

    member: str
    address: Address


class Candidates(Message, frozen=True, tag="candidates"):
    """Router: ping these and tell me."""

    candidates: list[Candidate]


class Waiting(Message, frozen=True, tag="waiting"):
    """Router: everything is full; you are at `position` (1 is next) and keep your place.

    `estimate_s`: seconds until it is your turn, if the queue goes on as lately (null: unknown).
    """

    position: Count
    estimate_s: Seconds | None = None


class Redirect(Message, frozen=True, tag="redirect"):
    """Router, or the server being left: show `ticket` at `address` and play there."""

    member: str
    address: Address
    ticket: Token


# Player to game server, game server to player.


class Ping(Message, frozen=True, tag="ping"):
    """Player: answer this; `rtt_ms` is what the last answer took."""

    n: Count
    rtt_ms: Ms | None = None


class Pong(Message, frozen=True, tag="pong"):
    """Game server: the answer to `Ping` `n`."""

    n: Count


class Join(Message, frozen=True, tag="join"):
    """Player: here is my ticket, the secret it is bound to, and the oldest input I can send again.

    `oldest` 0: I remember nothing, tell me where I was.
    """

    ticket: Token
    secret: Token
    oldest: Count = 0


class Welcome(Message, frozen=True, omit_defaults=True, tag="welcome"):
    """Game server: your ticket is good; send every input after `ack`; views will follow.

    `skipped` inputs up to `ack` were passed over, because you can not send them again: they will
    never be applied. It is left out when there are none.
    """

    player: str
    member: str
    ack: Count
    rate: Rate
    skipped: Count = 0


class Offered(Message, frozen=True, tag="offered"):
    """Game server: the file you asked for as stream `id`; chunks follow."""

    id: Count
    size: Size
    sha256: Holder


class Denied(Message, frozen=True, tag="denied"):
    """Game server: you get nothing as stream `id`, for this reason."""

    id: Count
    reason: str


class Felt(Message, frozen=True, tag="felt"):
    """Player, and its server to the router: what the move just made cost the player.

    `missed` ticks never shown, `gap_ms` the longest wait between two views beyond one tick,
    `stall_ms` the longest an input waited to be acknowledged.
    """

    missed: Count
    gap_ms: Ms
    stall_ms: Ms
    player: str = ""


class Leave(Message, frozen=True, tag="leave"):
    """Player: I go home; keep my things."""


class Input(msgspec.Struct, frozen=True):
    """Player: one input. Sequence numbers start at 1 and have no holes; `body` is the game's."""

    seq: int
    body: bytes


class View(msgspec.Struct, frozen=True):
    """Game server: what the player sees at `tick`, and how far its inputs are applied."""

    tick: int
    last: int
    applied: int
    digest: int
    body: bytes


class Chunk(msgspec.Struct, frozen=True):
    """Game server: a part of the file that is stream `id`, from byte `offset` on."""

    id: int
    offset: int
    body: bytes


class Item(msgspec.Struct, frozen=True):
    """Game server: entry `seq` of the feed that is stream `id`."""

    id: int
    seq: int
    body: bytes


# Member to router.


class Attach(Message, frozen=True, tag="attach"):
    """Member: take me into your fleet; `proof` shows that I know the cluster secret.

    Members of one `zone` are equally far from any player; without one it is a zone of its own.
    `inner`: where other game servers reach it, if that is not the `address` that players are told.
    `life` is my process, if I have several routers; `program` the version of my program. I run this
    `version` of this `game`, and can read states up to version `reads`."""

    name: str
    role: str
    address: Address
    nonce: str
    proof: str
    zone: Label = ""
    inner: Inner = ""
    life: Label | msgspec.UnsetType = msgspec.UNSET
    game: Label | msgspec.UnsetType = msgspec.UNSET
    version: int | msgspec.UnsetType = msgspec.UNSET
    reads: int | msgspec.UnsetType = msgspec.UNSET
    program: Label = ""


class Report(Message, frozen=True, tag="report"):
    """Member: my datapoints, as carbon gets them; with several `routers`, those that I have now. If
    I am a router: `address` is where players may ping a server of mine; a `deputy` has an equal
    that is to be heeded as long as it is heard."""

    datapoints: list[tuple[str, float, int]]
    routers: list[Label] | msgspec.UnsetType = msgspec.UNSET
    address: Address | msgspec.UnsetType = msgspec.UNSET
    deputy: bool | msgspec.UnsetType = msgspec.UNSET


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One player in a roster; `state` is its session's, `migration` the one it is part of. `busy`:
    its game or a workload asks to leave it there. `group`: said at the router. `waived`: what its
    target has waived. `heard_s`: how long ago it was heard, null if never; 0 if it is not said."""

    player: str
    epoch: int
    state: str
    migration: str
    x: float
    y: float
    ping_ms: float | None = None
    busy: bool = False
    group: str = ""
    waived: str = ""
    heard_s: float | None = 0.0


class Roster(Message, frozen=True, tag="roster"):
    """Member: part of my list of players; `last` closes it. The rest: if I have several routers."""

    entries: list[Entry]
    last: bool
    shared: dict[str, Shared] | msgspec.UnsetType = msgspec.UNSET
    primary: Label | msgspec.UnsetType = msgspec.UNSET


class Checkpoint(Message, frozen=True, tag="checkpoint"):
    """Member: store these, number `n`."""

    n: int
    snapshots: list[Snapshot]


class Left(Message, frozen=True, tag="left"):
    """Member: this player went home; free it and tell me to forget it. `refused`: the game here did
    not take it in; place it elsewhere."""

    snapshot: Snapshot
    refused: bool = False


class Reserved(Message, frozen=True, tag="reserved"):
    """Target: there is a place for this migration's player; `plays`: I have the player already.
    `at`: on which server, if I am a router."""

    migration: str
    player: str
    plays: bool = False
    at: Seated | msgspec.UnsetType = msgspec.UNSET


class Declined(Message, frozen=True, tag="declined"):
    """Source or target: I cannot take this step, for this reason."""

    migration: str
    player: str
    reason: str


class Copied(Message, frozen=True, tag="copied"):
    """Source: the snapshot asked for; the player goes on playing here."""

    migration: str
    snapshot: Snapshot


class Prepared(Message, frozen=True, tag="prepared"):
    """Target: the snapshot is here."""

    migration: str
    player: str


class Arrived(Message, frozen=True, tag="arrived"):
    """Target: the player has shown its ticket."""

    migration: str
    player: str


class Frozen(Message, frozen=True, tag="frozen"):
    """Source: I apply nothing more; this is the final state."""

    migration: str
    snapshot: Snapshot


class Settled(Message, frozen=True, tag="settled"):
    """Target: the player plays here, its first view is sent."""

    migration: str
    player: str


class Waived(Message, frozen=True, tag="waived"):
    """Target: I had not begun this migration, and I promised its source that I never will."""

    migration: str
    player: str


# Router to member.


class Challenge(Message, frozen=True, tag="challenge"):
    """Router, or a game server that is called: prove yourself over this nonce."""

    nonce: str


class Attached(Message, frozen=True, tag="attached", omit_defaults=True):
    """Router: you are in, under this name; my own proof; my name among equal routers. `now`: the
    date in the world, Unix seconds; where nobody plays yet, be there at once."""

    name: str
    proof: str
    now: float | None = None
    router: Label | msgspec.UnsetType = msgspec.UNSET


class Stored(Message, frozen=True, tag="stored"):
    """Router: checkpoint `n` is in the ledger, except the players `refused`: another member's."""

    n: int
    refused: list[str] = []  # noqa: RUF012 # msgspec copies it


class Noted(Message, frozen=True, tag="noted", omit_defaults=True):
    """Router: your report is here, and so am I. `now`: the date in the world, Unix seconds, while
    yours is another or my own clock is off; your ticks and datapoints follow it."""

    now: float | None = None


class Reserve(Message, frozen=True, tag="reserve"):
    """Router: keep a place for `ttl_s` s; the player's ticket has this migration and epoch. What a
    router is told `about` the player, to place it."""

    migration: str
    player: str
    epoch: int
    ttl_s: float
    about: About | msgspec.UnsetType = msgspec.UNSET


class Copy(Message, frozen=True, tag="copy"):
    """Router: send me a snapshot of this player."""

    migration: str
    player: str


class Prepare(Message, frozen=True, tag="prepare"):
    """Router: here is the snapshot of the player that will come."""

    migration: str
    snapshot: Snapshot


class Direct(Message, frozen=True, tag="direct"):
    """Router: pass this redirect on to your player."""

    migration: str
    player: str
    redirect: Redirect


class Freeze(Message, frozen=True, tag="freeze"):
    """Router: stop applying this player's inputs and send the final state."""

    migration: str
    player: str


class Own(Message, frozen=True, tag="own"):
    """Router: by the ledger this player is yours at this epoch (snapshot None: brand new)."""

    migration: str
    player: str
    epoch: int
    holder: str
    snapshot: Snapshot | None
    group: str = ""


class Release(Message, frozen=True, tag="release"):
    """Router: this player is not yours (any more) as of this epoch; forget it."""

    player: str
    epoch: int


class Retain(Message, frozen=True, tag="retain"):
    """Router: whatever became of this migration, by the ledger this player is yours, at this epoch,
    as you have it."""

    migration: str
    player: str
    epoch: int


class Cancel(Message, frozen=True, tag="cancel"):
    """Router: this migration ended without you; go on as before it."""

    migration: str
    player: str
    reason: str


class Neighbour(msgspec.Struct, frozen=True):
    """Another game server of the fleet; `owner` is its number in views."""

    name: str
    address: Address
    owner: Owner


class Neighbours(Message, frozen=True, tag="neighbours"):
    """Router: these are the other game servers now, and `owner` is your number in views."""

    owner: Owner
    neighbours: list[Neighbour]


PlayerToRouter = Greeting | Goodbye | Hello | Pings | Here
RouterToPlayer = Greeting | Goodbye | Identity | Candidates | Waiting | Redirect
PlayerToServer = Greeting | Goodbye | Ping | Join | Felt | Leave
ServerToPlayer = Greeting | Goodbye | Pong | Welcome | Redirect | Offered | Denied
FromSource = Copied | Frozen | Left | Declined
FromTarget = Reserved | Prepared | Arrived | Settled | Declined | Waived
OfItself = Report | Roster | Checkpoint | Felt | Wants
MemberToRouter = Greeting | Goodbye | Attach | OfItself | FromSource | FromTarget
ToSource = Copy | Direct | Freeze | Release | Retain | Cancel
ToTarget = Reserve | Prepare | Own | Cancel
ToAnyMember = Challenge | Attached | Neighbours | Drain | Stored | Noted | Expel | Pardon | Stays
RouterToMember = Greeting | Goodbye | ToAnyMember | ToSource | ToTarget
