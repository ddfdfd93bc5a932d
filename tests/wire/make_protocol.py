"""Fills in what the code knows better in docs/protocol.md: limits, messages, transcripts.

Run it after a change of the protocol: `python tests/wire/make_protocol.py`. A part stands between
`<!-- made: NAME -->` and `<!-- end -->`; a test holds the page to what this says.
"""

from __future__ import annotations

import re
import runpy
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jwt
import msgspec
from msgspec import inspect

from clientmigration.client import connections, entrance, finding, pinging, traveller
from clientmigration.core.fleet import grace
from clientmigration.core.player import inbox, tally
from clientmigration.core.player import mailbox as mail
from clientmigration.core.player.bans import Ban
from clientmigration.core.player.fact import Fact
from clientmigration.core.player.given import Given
from clientmigration.core.player.snapshot import Progress, Snapshot
from clientmigration.games.meadow import game
from clientmigration.gameserver import mail as mail_room
from clientmigration.gameserver import players as playing
from clientmigration.gameserver import rosters, seat, streams
from clientmigration.net import line, tickets
from clientmigration.router import move as moves
from clientmigration.router import operators, overview
from clientmigration.router import players as visiting
from clientmigration.testing import Arena
from clientmigration.wire import connection as wire
from clientmigration.wire import messages as m
from clientmigration.wire import neighbours as n
from clientmigration.wire import operators as o
from clientmigration.wire import shared, work
from clientmigration.wire import zones as z

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "protocol.md"
PART = re.compile(r"(<!-- made: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

# Limits.


def limits() -> Iterable[str]:
    """What each direction allows."""
    arena = Arena()
    server, visit = arena.start_router(), arena.router.player_line()
    host = arena.start_server("gs-1")
    arena.start_server("gs-2")
    ada = arena.start_player()
    arena.run(3.0)
    desk = arena.start_desk()
    arena.run(2.0)
    assert ada.traveller.home is not None
    assert ada.traveller.home.line is not None
    hears = (
        (wire.PLAYER_TO_ROUTER, visit),
        (wire.ROUTER_TO_PLAYER, ada.traveller.home.line),
        (wire.PLAYER_TO_SERVER, host.player_line()),
        (wire.SERVER_TO_PLAYER, ada.traveller.home.line),
        (wire.MEMBER_TO_ROUTER, server.member_line()),
        (wire.ROUTER_TO_MEMBER, host.router_line()),
        (wire.SERVER_TO_SERVER, host.neighbours.links["gs-2"].line),
        (wire.OPERATOR_TO_ROUTER, server.operators.lines[0].line),
        (wire.ROUTER_TO_OPERATOR, desk.line),
    )
    yield "| direction | kinds | largest frame | messages per second | at once | silence |"
    yield "|---|---|---:|---:|---:|---:|"
    for dialect, ear in hears:
        kinds = ", ".join(map(str, sorted(dialect.kinds)))
        pace = f"{ear.bucket.per_s:,.0f} | {ear.bucket.burst:,.0f} | {ear.silence_s:g} s"
        yield f"| {dialect.name} | {kinds} | {dialect.limit:,} | {pace} |"


NUMBERS = (
    (f"{wire.GREETING_LIMIT} bytes", "the greeting's frame"),
    (f"{wire.PROOF_LIMIT:,} bytes", "the frame after a member's or a neighbour's greeting"),
    (f"{operators.LINKS}", "operators and watchers at a time"),
    (f"{overview.RECENT}", "moves in an overview"),
    (f"{overview.DOTS:,}", "players in a world, about"),
    (f"{overview.BEGINNING}", "letters of a player's name that are enough to find it"),
    (f"{wire.INPUT_LIMIT} bytes", "the body of an input"),
    (f"{line.GREETING_WAIT_S:g} s", "from the connection to the greeting"),
    (f"{visiting.HELLO_S:g} s", "from the greeting to `hello`, at the router"),
    (f"{visiting.PINGS_S:g} s", "from `candidates` to `pings`; later ones do not count"),
    (f"{visiting.TRIES}", "servers that may refuse a newcomer before it is sent off"),
    (
        f"{grace.GRACE_S:g} s",
        "a player's server may be away, then the player is placed elsewhere",
    ),
    (f"{grace.RETURN_S:g} s", "the same after a start of the router, for a server not seen yet"),
    (f"{tickets.TICKET_TTL_S:g} s", "from a ticket's issue to its expiry; `ttl_s` of `reserve`"),
    (f"{playing.STRANGER_PINGS}", "pings on a connection on which no ticket was shown"),
    (f"{inbox.ROOM}", "inputs that wait at a server for one that is missing"),
    (f"{streams.FILES}", "files that a player may fetch at a time"),
    (f"{streams.FEEDS}", "topics that a player may follow at a time"),
    (f"{work.NAME_LIMIT} bytes", "the name of a file or a topic"),
    (f"{mail.OUTBOX_LIMIT}", "letters of one player that wait for an answer"),
    (f"{mail_room.AGAIN_S:g} s", "from a `post` to the same again, while there is no answer"),
    (f"{game.STALE_TICKS}", "ticks for which the sight of a neighbour is shown"),
    (f"{seat.AWAY_S:g} s", "a player without a connection keeps its place at its server"),
    (f"{moves.STEP_S:g} s", "for each step of a migration but the next"),
    (f"{moves.ARRIVAL_S:g} s", "from `direct` to `arrived`: a player has to show its ticket"),
    (f"{rosters.ROSTER_S:g} s", "between two rosters of a member"),
    (f"{rosters.CUT}", "entries of one `roster` message"),
)
CLIENT_NUMBERS = (
    (f"{finding.LOOKUP_S:g} s", "for the answer of DNS"),
    (f"{finding.TARGET_S:g} s", "for one router of a name to let us in"),
    (f"{finding.ALL_S:g} s", f"for all of them together, {finding.MOST} at most"),
    (f"{connections.PINGS}", "round trips measured to each candidate, the best counts"),
    (f"{pinging.PINGS_S:g} s", "for all of them together"),
    (f"{entrance.SEEK_S:g} s", "to find the router and hear its greeting"),
    (
        f"{connections.ANSWER_S:g} s",
        "from one word of the router to the next, until `redirect` or `waiting`",
    ),
    (f"{traveller.JOIN_S:g} s", "from the redirect to the first view"),
    (f"{traveller.CROSS_S:g} s", "from a redirect while playing to the new server's first view"),
    (f"{traveller.LAND_S:g} s", "the same, from when the old server's connection is gone"),
    (f"{tally.HOLD_S:g} s", "a view waits for an earlier one while there are two connections"),
    (f"{traveller.AFTER_S:g} s", "the old connection is kept after a switch; then `felt`"),
    (f"{traveller.BEAT_S:g} s", "between pings while playing"),
    (f"{traveller.SILENT_S:g} s", "without a view: the server is given up"),
    (f"{tally.ROOM}", "inputs are remembered, acknowledged or not, however old they are"),
    (f"{traveller.RETRY_S[0]:g} s", "before the router is asked again; doubled each time"),
    (f"{traveller.RETRY_S[1]:g} s", "the longest such wait; each is varied by half of it"),
)


def listed(head: str, rows: Iterable[tuple[str, str]]) -> Callable[[], Iterable[str]]:
    """A table of values and what they are of."""
    lines = [f"| {head} | |", "|---:|---|", *(f"| {value} | {what} |" for value, what in rows)]
    return lambda: lines


# Messages.


def said_by(*said: Any) -> Callable[[], Iterable[str]]:
    """A table of the messages of some unions, each once."""
    kinds = dict.fromkeys(kind for union in said for kind in typing.get_args(union))
    return lambda: table(kind for kind in kinds if kind not in (m.Greeting, m.Goodbye))


def table(kinds: Iterable[Any], head: str = "`t`") -> Iterable[str]:
    """Tag, fields, and the sentence of each kind."""
    yield f"| {head} | fields | |"
    yield "|---|---|---|"
    for kind in kinds:
        tag = kind.__struct_config__.tag or _spaced(kind.__name__)
        sentence = " ".join(kind.__doc__.split("\n\n")[0].split())
        yield f"| `{tag}` | {fields(kind)} | {sentence} |"


def fields(kind: Any) -> str:
    """Names, types and defaults."""
    known = inspect.type_info(kind)
    assert isinstance(known, inspect.StructType)
    return ", ".join(map(_field, known.fields)) or "no fields"


def _field(field: inspect.Field) -> str:
    if field.required:
        return f"`{field.name}` {spelled(field.type)}"
    if field.default is msgspec.NODEFAULT:
        return f"`{field.name}` {spelled(field.type)} = empty"
    return f"`{field.name}` {spelled(field.type)} = {msgspec.json.encode(field.default).decode()}"


def spelled(kind: inspect.Type) -> str:
    """A type in words."""
    match kind:
        case inspect.IntType(ge=int(least), le=int(most)):
            return "u32" if most == 2**32 - 1 else f"integer {least} to {most}"
        case inspect.FloatType(le=float()):
            return "ms"
        case inspect.StrType(pattern=str(pattern)):
            return "64 hex digits" if "{64}" in pattern else "host:port"
        case inspect.StrType(max_length=int(most)):
            return f"string of at most {most}"
        case inspect.LiteralType(values=said) | inspect.UnionType(types=said):
            words = (
                spelled(each) if isinstance(each, inspect.Type) else f"`{each}`" for each in said
            )
            return " or ".join(words)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"list of {spelled(item)}"
        case inspect.TupleType(item_types=items):
            return f"[{', '.join(map(spelled, items))}]"
        case inspect.DictType(value_type=value):
            return f"object of {spelled(value)}"
        case inspect.StructType(cls=cls):
            return _spaced(cls.__name__)
    return WORDS[type(kind)]


def _spaced(name: str) -> str:
    """`MemberStatus` as the page says it: member status."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _alternative(said: Any) -> str:
    return spelled(said) if isinstance(said, inspect.Type) else f"`{said}`"


WORDS: dict[type[inspect.Type], str] = {
    inspect.AnyType: "anything",
    inspect.BoolType: "true or false",
    inspect.FloatType: "number",
    inspect.IntType: "integer",
    inspect.NoneType: "null",
    inspect.StrType: "string",
}


# What was really said.

SCENES: dict[str, Callable[[], list[str]]] = runpy.run_path(str(HERE / "make_transcripts.py"))[
    "SCENES"
]


def scene(name: str) -> Callable[[], Iterable[str]]:
    """A transcript."""
    return lambda: ("```text", *SCENES[name](), "```")


def claims() -> Iterable[str]:
    """What the tokens of the transcript of joining say."""
    found = re.findall(r'"(token|ticket)":"(eyJ[^"…]+)"', "\n".join(SCENES["joining"]()))
    for name, token in dict.fromkeys(found):
        opened = jwt.decode(token, options={"verify_signature": False})
        yield f"{name:>7}  {msgspec.json.encode(opened).decode()}"


PARTS: dict[str, Callable[[], Iterable[str]]] = {
    "limits": limits,
    "numbers": listed("limit", NUMBERS),
    "client numbers": listed("reference client", CLIENT_NUMBERS),
    "by everyone": lambda: table((m.Greeting, m.Goodbye)),
    "player and router": said_by(m.PlayerToRouter, m.RouterToPlayer),
    "player and server": said_by(m.PlayerToServer, m.ServerToPlayer),
    "member to router": said_by(m.MemberToRouter),
    "router to member": said_by(m.RouterToMember),
    "routers in a tree": lambda: table(
        (
            *(z.Offer, z.Seek, z.Branch, z.Inquired, z.Surveyed),
            *(z.Part, z.Sought, z.Inquire, z.Survey, z.Bars),
        )
    ),
    "tree values": lambda: table((shared.Seated, shared.About), "value"),
    "server to server": said_by(n.ServerToServer),
    "operator to router": said_by(o.OperatorToRouter),
    "router to operator": said_by(o.RouterToOperator),
    "values": lambda: table(
        (m.Candidate, m.Entry, m.Neighbour, Snapshot, Progress, mail.Mail, mail.Letter), "value"
    ),
    "operator values": lambda: table(
        (o.MemberStatus, o.MemberSample, o.Moved, Fact, o.Dot, o.Listed, Ban, Given), "value"
    ),
    "claims": lambda: ("```text", *claims(), "```"),
    **{f"{name} transcript": scene(name) for name in SCENES},
}


def made(page: str) -> str:
    """The page with every part as the code says it."""
    return PART.sub(lambda part: part[1] + "\n".join(PARTS[part[2]]()) + "\n" + part[3], page)


if __name__ == "__main__":
    PAGE.write_text(made(PAGE.read_text()))
