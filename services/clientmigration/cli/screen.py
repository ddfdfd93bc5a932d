"""What `top` shows, and what each key does, as functions without a terminal or a router.

A key turns a `Screen` into another one, and perhaps into something to ask the router. An order that
moves players has to be confirmed first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rich.console import Group, RenderableType
from rich.text import Text

from clientmigration.cli import tables
from clientmigration.wire.operators import (
    Asked,
    Find,
    Found,
    MemberSample,
    MemberStatus,
    Order,
    Overview,
)

SORTS: dict[str, Callable[[MemberStatus], tuple[float, str]]] = {
    "server": lambda member: (0.0, member.name),
    "players": lambda member: _most(member, lambda sample: sample.players),
    "load": lambda member: _most(member, lambda sample: sample.load),
    "health": lambda member: _most(member, lambda sample: -sample.health),
    "tick ms": lambda member: _most(member, lambda s: s.measures.get("tick_ms_p95", 0.0)),
    "cpu %": lambda member: _most(member, lambda s: s.measures.get("cpu_percent", 0.0)),
}
HELP = "↑↓ pick  / search  s sort  d drain  u undrain  f follow  m move  ? help  q quit"
KEYS = (
    ("↑ ↓, k j", "choose a server"),
    ("/", "search: only servers with these letters in name, zone or state"),
    ("s, r", "sort by the next column; the other way round"),
    ("d, u", "drain the chosen server; let it fill again (asks first)"),
    ("f", "follow a player: the beginning of its name is enough; Esc: no more"),
    ("m", "move the player that is followed to the chosen server (asks first)"),
    ("?", "these keys; any key goes back"),
    ("q, Ctrl-C", "end"),
)
ENTER, ESCAPE, ERASE = "\r\n", "\x1b", "\x7f\b"
UP, DOWN = ("\x1b[A", "\x1bOA", "k"), ("\x1b[B", "\x1bOB", "j")


def _most(member: MemberStatus, of: Callable[[MemberSample], float]) -> tuple[float, str]:
    return (-of(member.sample) if member.sample else 0.0, member.name)


@dataclass(frozen=True)
class Screen:
    """What is shown. `typed` is a player's name being typed, `pending` an order to be confirmed,
    `away` why there is no router, `said` what became of the last order, `seeking` a search being
    typed, `sought` what servers have to have in them, `keys` whether the keys are shown."""

    overview: Overview | None = None
    sort: str = "server"
    backwards: bool = False
    chosen: str = ""
    typed: str | None = None
    follow: str = ""
    found: Found | None = None
    pending: Order | None = None
    said: str = ""
    away: str = ""
    over: bool = False
    seeking: str | None = None
    sought: str = ""
    keys: bool = False

    def members(self) -> list[MemberStatus]:
        """In the order in which they are shown."""
        listed = [
            each for each in (self.overview.members if self.overview else []) if self._has(each)
        ]
        return sorted(listed, key=SORTS[self.sort], reverse=self.backwards)

    def _has(self, member: MemberStatus) -> bool:
        state = tables.state_of(member).plain
        return self.sought.lower() in f"{member.name} {member.zone} {state}".lower()

    def updated(self, overview: Overview) -> Screen:
        """The screen with a newer overview. One of the servers is always chosen."""
        now = replace(self, overview=overview, away="")
        names = [member.name for member in now.members()]
        return replace(now, chosen=self.chosen if self.chosen in names else "".join(names[:1]))

    def question(self) -> Find | None:
        """What is asked every second: where the followed player is."""
        return Find(0, self.follow) if self.follow else None


def pressed(screen: Screen, key: str) -> tuple[Screen, Asked | None]:
    """What a key makes of it, and what is to be asked or ordered now."""
    if screen.typed is not None:
        return _typed(screen, screen.typed, key)
    if screen.seeking is not None:
        return _seeking(screen, screen.seeking, key), None
    if screen.keys:
        return replace(screen, keys=False, over=key == "\x03"), None
    if screen.pending is not None:
        return _confirmed(replace(screen, pending=None), screen.pending, key)
    if key in UP or key in DOWN:
        return _stepped(screen, -1 if key in UP else 1), None
    act = _KEYS.get(key)
    return (act(screen), None) if act else (screen, None)


def _typed(screen: Screen, typed: str, key: str) -> tuple[Screen, Asked | None]:
    if key in ENTER:
        followed = replace(screen, typed=None, follow=typed, found=None, said="")
        return followed, followed.question()
    if key == ESCAPE:
        return replace(screen, typed=None), None
    if key in ERASE:
        return replace(screen, typed=typed[:-1]), None
    return (replace(screen, typed=typed + key) if key.isprintable() else screen), None


def _seeking(screen: Screen, seeking: str, key: str) -> Screen:
    """Each letter narrows what is shown; Enter leaves it so."""
    if key in ENTER:
        return _chosen(replace(screen, seeking=None))
    if key == ESCAPE:
        return _chosen(replace(screen, seeking=None, sought=""))
    typed = seeking[:-1] if key in ERASE else seeking + key if key.isprintable() else seeking
    return _chosen(replace(screen, seeking=typed, sought=typed))


def _chosen(screen: Screen) -> Screen:
    return screen.updated(screen.overview) if screen.overview else screen


def _confirmed(screen: Screen, order: Order, key: str) -> tuple[Screen, Asked | None]:
    if key in ("y", "Y"):
        return replace(screen, said=f"{spelled(order)} …"), order
    return replace(screen, said="not done"), None


def spelled(order: Order) -> str:
    """An order in words."""
    words = ("move", order.player, "to") if order.do == "move" else (order.do,)
    return " ".join((*words, order.member))


def _stepped(screen: Screen, step: int) -> Screen:
    names = [member.name for member in screen.members()]
    if not names:
        return screen
    at = names.index(screen.chosen) if screen.chosen in names else 0
    return replace(screen, chosen=names[min(max(at + step, 0), len(names) - 1)])


def _next_sort(screen: Screen) -> Screen:
    names = list(SORTS)
    return replace(screen, sort=names[(names.index(screen.sort) + 1) % len(names)])


def _order(screen: Screen, order: Order) -> Screen:
    return replace(screen, pending=order, said="") if screen.chosen else screen


def _move_followed(screen: Screen) -> Screen:
    if screen.found is None:
        return replace(screen, said="follow a player first (f)")
    return _order(screen, Order(0, "move", screen.chosen, screen.found.player))


_KEYS: dict[str, Callable[[Screen], Screen]] = {
    "q": lambda screen: replace(screen, over=True),
    "\x03": lambda screen: replace(screen, over=True),
    "s": _next_sort,
    "r": lambda screen: replace(screen, backwards=not screen.backwards),
    "d": lambda screen: _order(screen, Order(0, "drain", screen.chosen)),
    "u": lambda screen: _order(screen, Order(0, "undrain", screen.chosen)),
    "f": lambda screen: replace(screen, typed="", said=""),
    "m": _move_followed,
    "/": lambda screen: replace(screen, seeking="", sought="", said=""),
    "?": lambda screen: replace(screen, keys=True),
    ESCAPE: lambda screen: _chosen(replace(screen, follow="", found=None, said="", sought="")),
}


def keys(said: str) -> Sequence[str]:
    """What a terminal sent, key by key: the sequence of an arrow is one key."""
    found: list[str] = []
    while said:
        arrow = next((each for each in (*UP, *DOWN) if len(each) > 1 and said.startswith(each)), "")
        found.append(arrow or said[0])
        said = said[len(found[-1]) :]
    return found


def picture(screen: Screen, height: int) -> RenderableType:
    """The whole screen, in so many lines."""
    if screen.overview is None:
        return Text(screen.away or "asking the router …", "yellow")
    if screen.keys:
        return _all_keys()
    overview, members = screen.overview, screen.members()
    below = len(screen.found.moves) + 3 if screen.found else 0
    shown, note = _window(members, screen.chosen, max(3, height - 6 - below))
    room = height - len(shown) - 9 - below - bool(note)
    parts: list[RenderableType] = [
        tables.headline(overview),
        tables.servers(shown, screen.chosen, screen.sort),
        Text(note, "dim"),
    ]
    if screen.found is not None:
        parts += [tables.found(screen.found), Text()]
    if overview.recent and room > 1:
        parts.append(tables.moves(overview.recent[: room - 1]))
    return Group(*parts, _footer(screen))


def _window(
    members: Sequence[MemberStatus], chosen: str, room: int
) -> tuple[Sequence[MemberStatus], str]:
    """As many as there is room for, the chosen one among them, and what is said of the others."""
    if len(members) <= room:
        return members, ""
    names = [each.name for each in members]
    at = names.index(chosen) if chosen in names else 0
    first = min(max(0, at - room // 2), len(members) - room)
    return members[first : first + room], f"{first + 1} to {first + room} of {len(members)} servers"


def _all_keys() -> RenderableType:
    lines = [Text.assemble((f"{key:<12}", "bold"), text) for key, text in KEYS]
    return Group(Text("keys", "dim"), *lines, Text("any key goes back", "dim"))


def _footer(screen: Screen) -> Text:
    if screen.seeking is not None:
        return Text.assemble(
            "search: ", (screen.seeking + "▏", "bold"), ("  Enter, Esc: all", "dim")
        )
    if screen.typed is not None:
        return Text.assemble("follow which player? ", (screen.typed + "▏", "bold"))
    if screen.pending is not None:
        return Text(f"{spelled(screen.pending)}? y/n", "bold yellow")
    if screen.away:
        return Text(f"{screen.away}; this is how things stood", "bold red")
    only = f"only servers with {screen.sought!r}; Esc: all\n" if screen.sought else ""
    said = f"{screen.said}\n" if screen.said else ""
    return Text.assemble((said, "bold"), (only, "yellow"), (HELP, "dim"))
