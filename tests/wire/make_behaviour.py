"""Makes docs/behaviour.json: what a player does, for clients in any language to be tested with.

Run it after a change of what players do: `python tests/wire/make_behaviour.py`, and read what has
changed. The Python player tells what it does; the JavaScript player is held to the same file.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from telling import World

from clientmigration.core.player.snapshot import chained

FILE = Path(__file__).parents[2] / "docs" / "behaviour.json"
ADA = "a1b2c3d4e5f60718"
MAP = bytes(range(256)) * 4
Story = Callable[[], World]
STORIES: list[tuple[str, dict[str, str], Story]] = []


def story(**options: str) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """A story of a player with these options; what it shows is its docstring."""

    def keep(tell: Callable[[World], None]) -> Callable[[World], None]:
        def told() -> World:
            world = World(**options)
            tell(world)
            return world

        STORIES.append((str(tell.__doc__), options, told))
        return tell

    return keep


def digest(*bodies: str, of: int = 0, first: int = 1) -> int:
    """The digest after these inputs, from that one on."""
    for seq, body in enumerate(bodies, first):
        of = chained(of, seq, bytes.fromhex(body))
    return of


def redirect(member: str) -> dict[str, Any]:
    return {"member": member, "address": f"{member}:4200", "ticket": f"ticket for {member}"}


def seek(w: World, router: str = "router", member: str = "gs-1", token: str = "a token") -> None:
    """It comes to the router, and is sent on at once."""
    w.opens(router)
    w.hears(router, "identity", player=ADA, token=token)
    w.hears(router, "redirect", **redirect(member))


def play(w: World, tick: int = 100) -> None:
    """It plays at gs-1."""
    w.start()
    seek(w)
    w.opens("gs-1")
    w.hears("gs-1", "welcome", player=ADA, member="gs-1", ack=0, rate=20)
    w.view("gs-1", tick)


def cross(w: World, ack: int = 0) -> None:
    """It is sent to gs-2, and is welcome there."""
    w.hears("gs-1", "redirect", **redirect("gs-2"))
    w.opens("gs-2")
    w.hears("gs-2", "welcome", player=ADA, member="gs-2", ack=ack, rate=20)


@story(group="red")
def come_in(w: World) -> None:
    """A newcomer says hello, measures two round trips to each candidate, tells the better ones, and
    plays on the connection that it has pinged."""
    w.start()
    w.opens("router")
    w.hears("router", "identity", player=ADA, token="a token")
    both = [{"member": each, "address": f"{each}:4200"} for each in ("gs-1", "gs-2")]
    w.hears("router", "candidates", candidates=both)
    for each in ("gs-1", "gs-2"):
        w.opens(each)
    for n in (1, 2):
        w.wait(0.02)
        w.hears("gs-1", "pong", n=n)
        w.wait(0.03)
        w.hears("gs-2", "pong", n=n)
    w.hears("router", "redirect", **redirect("gs-2"))
    w.hears("gs-2", "welcome", player=ADA, member="gs-2", ack=0, rate=20)
    w.view("gs-2", 100)


@story()
def wait_in_line(w: World) -> None:
    """In line it answers each word about its place, for as long as it takes."""
    w.start()
    w.opens("router")
    w.hears("router", "identity", player=ADA, token="a token")
    w.hears("router", "waiting", position=2, estimate_s=30.0)
    w.wait(5.0)
    w.hears("router", "waiting", position=1, estimate_s=None)
    w.wait(5.0)
    w.hears("router", "redirect", **redirect("gs-1"))


@story()
def early_input(w: World) -> None:
    """An input that is sent before there is a server waits, and goes when a server welcomes the
    player. Then each goes at once."""
    w.start()
    w.act("02")
    seek(w)
    w.opens("gs-1")
    w.hears("gs-1", "welcome", player=ADA, member="gs-1", ack=0, rate=20)
    w.view("gs-1", 100)
    w.act("04")
    w.view("gs-1", 101, 2, digest("02", "04"))


@story()
def move(w: World) -> None:
    """A move: inputs go to both, what no view has acknowledged right after join; views of both are
    shown once each, in order; half a second after the switch it says what that cost."""
    play(w)
    w.act("02")
    w.view("gs-1", 101, 1, digest("02"))
    w.act("03")
    w.hears("gs-1", "redirect", **redirect("gs-2"))
    w.opens("gs-2")
    w.act("04")
    w.hears("gs-2", "welcome", player=ADA, member="gs-2", ack=1, rate=20)
    w.view("gs-1", 102, 2, digest("02", "03"))
    w.wait(0.05)
    w.view("gs-2", 103, 3, digest("02", "03", "04"))
    w.view("gs-1", 103, 2, digest("02", "03"))
    w.act("05")
    w.wait(0.05)
    w.view("gs-2", 104, 4, digest("02", "03", "04", "05"))
    w.hears("gs-1", "goodbye", code="released", text="the player is somewhere else")
    w.wait(0.55)


@story()
def early_switch(w: World) -> None:
    """The first view that arrives on the second connection is the switch, also if its tick was
    shown already; what it acknowledges counts."""
    play(w)
    w.act("02")
    cross(w)
    w.view("gs-1", 101)
    w.view("gs-1", 102)
    w.view("gs-2", 101, 1, digest("02"))
    w.view("gs-1", 103)
    w.view("gs-2", 103, 1, digest("02"))


@story()
def held(w: World) -> None:
    """While there are two connections a view that is ahead waits 250 ms for those before it, and is
    then shown without them. From the tick of the switch on the first connection shows nothing."""
    play(w)
    cross(w)
    w.view("gs-2", 103)
    w.view("gs-1", 101)
    w.wait(0.1)
    w.view("gs-1", 103)
    w.view("gs-1", 102)
    w.view("gs-2", 106)
    w.wait(0.2)
    w.view("gs-2", 108)
    w.wait(0.1)
    w.view("gs-2", 109)


@story()
def held_of_the_first(w: World) -> None:
    """What is held of the first connection from the tick of the switch on is dropped."""
    play(w)
    cross(w)
    w.view("gs-1", 103)
    w.view("gs-2", 102)
    w.view("gs-1", 101)
    w.view("gs-2", 103)


@story()
def called_off(w: World) -> None:
    """A move that is called off costs nothing and nothing is said of it; so does one to a server
    that cannot be reached."""
    play(w)
    cross(w)
    w.view("gs-1", 101)
    w.hears("gs-2", "goodbye", code="cancelled", text="the move was called off")
    w.view("gs-1", 102)
    w.act("02")
    w.hears("gs-1", "redirect", **redirect("gs-3"))
    w.breaks("gs-3")
    w.view("gs-1", 103, 1, digest("02"))
    w.wait(0.6)


@story()
def replaced_redirect(w: World) -> None:
    """A second redirect before the switch replaces the first."""
    play(w)
    cross(w)
    w.hears("gs-1", "redirect", **redirect("gs-3"))
    w.opens("gs-3")
    w.hears("gs-3", "welcome", player=ADA, member="gs-3", ack=0, rate=20)
    w.view("gs-3", 101)


@story()
def moved_again(w: World) -> None:
    """A redirect within the half second after a switch: what the first move cost is said at once,
    and the time of the second begins."""
    play(w)
    cross(w)
    w.view("gs-2", 101)
    w.wait(0.2)
    w.hears("gs-2", "redirect", **redirect("gs-3"))
    w.opens("gs-3")
    w.view("gs-2", 102)
    w.hears("gs-3", "welcome", player=ADA, member="gs-3", ack=0, rate=20)
    w.view("gs-3", 103)
    w.wait(0.6)


@story()
def landing(w: World) -> None:
    """If the first connection is lost during a move, the second is waited for; no view is held
    then, for there is one connection only."""
    play(w)
    w.act("02")
    cross(w)
    w.breaks("gs-1")
    w.view("gs-2", 102, 1, digest("02"))
    w.act("03")
    w.wait(0.6)


@story()
def both_lost(w: World) -> None:
    """If both are lost during a move, it goes to the router, at once."""
    play(w)
    cross(w)
    w.breaks("gs-1")
    w.breaks("gs-2")
    seek(w, "router 2")


@story()
def resend(w: World) -> None:
    """A server that takes over after a crash knows less than views had acknowledged: everything
    after its ack is sent again, and its digest is the same. In a move then, what it took back
    belongs to the inputs that no view has acknowledged."""
    play(w)
    for body in ("02", "03", "04"):
        w.act(body)
    w.view("gs-1", 101, 3, digest("02", "03", "04"))
    w.act("05")
    w.breaks("gs-1")
    seek(w, "router 2", "gs-2")
    w.opens("gs-2")
    w.hears("gs-2", "welcome", player=ADA, member="gs-2", ack=1, rate=20)
    w.view("gs-2", 140, 1, digest("02"))
    w.hears("gs-2", "redirect", **redirect("gs-3"))
    w.opens("gs-3")
    w.view("gs-2", 141, 4, digest("02", "03", "04", "05"))


@story(token="an old token")
def resumed(w: World) -> None:
    """A new program for an old player: it goes on from ack + 1, and begins to count and to chain at
    the first view. Inputs of before the welcome get new numbers. A digest that is another says that
    something was lost."""
    w.start()
    w.act("02")
    seek(w, token="an old token")
    w.opens("gs-1")
    w.hears("gs-1", "welcome", player=ADA, member="gs-1", ack=57, rate=20)
    w.act("03")
    w.view("gs-1", 100, 57, 3735928559, applied=55)
    after = digest("02", "03", of=3735928559, first=58)
    w.view("gs-1", 101, 59, after, applied=57)
    w.act("04")
    w.view("gs-1", 102, 60, digest("05", of=after, first=60), applied=58)


@story(token="an old token")
def resumed_within(w: World) -> None:
    """A new program again; the first view has one of the new inputs already: the chain begins
    behind it."""
    w.start()
    seek(w, token="an old token")
    w.opens("gs-1")
    w.hears("gs-1", "welcome", player=ADA, member="gs-1", ack=57, rate=20)
    w.act("02")
    w.act("03")
    w.view("gs-1", 100, 58, 12345, applied=58)
    w.view("gs-1", 101, 59, digest("03", of=12345, first=59), applied=59)


@story()
def wrong_counts(w: World) -> None:
    """Inputs that are lost or applied twice are found by what views say."""
    play(w)
    for body in ("02", "03", "04"):
        w.act(body)
    w.view("gs-1", 101, 2, digest("02", "03"), applied=1)
    w.view("gs-1", 102, 3, digest("02", "03", "04"), applied=4)


@story()
def skipped(w: World) -> None:
    """A server that passed over inputs says how many, once."""
    play(w)
    w.breaks("gs-1")
    seek(w, "router 2")
    w.opens("gs-1 2")
    w.hears("gs-1 2", "welcome", player=ADA, member="gs-1", ack=0, rate=20, skipped=4)
    w.view("gs-1 2", 140)


@story()
def missed(w: World) -> None:
    """Views that were left out are counted; none is shown twice or late."""
    play(w)
    w.view("gs-1", 102)
    w.view("gs-1", 101)
    w.view("gs-1", 102)
    w.view("gs-1", 105)


@story()
def frozen(w: World) -> None:
    """A server that stands still is given up after 2 s without a view (it is looked once a second).
    Sent there again, it waits 3.5 s, and goes back to the router after a wait."""
    play(w)
    w.wait(1.9)
    w.wait(1.3)
    seek(w, "router 2")
    w.wait(3.3)
    w.wait(0.6)
    seek(w, "router 3", "gs-2")
    w.opens("gs-2")
    w.hears("gs-2", "welcome", player=ADA, member="gs-2", ack=0, rate=20)
    w.view("gs-2", 250)


@story()
def waits(w: World) -> None:
    """Waits before the router is asked again: 0.1 s, doubled each time, times 0.5 to 1.5; they
    begin anew at the first view of a server that was joined as the only one, and not before."""
    w.start()
    w.breaks("router")
    w.wait(0.04)
    w.wait(0.13)
    w.breaks("router 2")
    w.wait(0.09)
    w.wait(0.23)
    seek(w, "router 3")
    w.breaks("gs-1")
    w.wait(0.19)
    w.wait(0.43)
    seek(w, "router 4")
    w.opens("gs-1 2")
    w.hears("gs-1 2", "welcome", player=ADA, member="gs-1", ack=0, rate=20)
    w.view("gs-1 2", 100)
    w.breaks("gs-1 2")
    w.breaks("router 5")
    w.wait(0.04)
    w.wait(0.13)


@story(token="a strange token")
def forgotten(w: World) -> None:
    """A token that is refused is forgotten: it comes back without, as somebody new, and what no
    view has acknowledged is numbered from 1."""
    w.start()
    w.opens("router")
    w.act("02")
    w.hears("router", "goodbye", code="not_authentic", text="this identity is not one of ours")
    w.wait(0.17)
    seek(w, "router 2", token="another token")
    w.opens("gs-1")
    w.hears("gs-1", "welcome", player=ADA, member="gs-1", ack=0, rate=20)
    w.view("gs-1", 100, 1, digest("02"))


def ends(code: str, text: str) -> None:
    """Two stories: an end after which it does not come back, at a server and at the router."""

    @story()
    def at_a_server(w: World) -> None:
        play(w)
        w.hears("gs-1", "goodbye", code=code, text=text)
        w.wait(6.0)

    @story()
    def at_the_router(w: World) -> None:
        w.start()
        w.opens("router")
        w.hears("router", "goodbye", code=code, text=text)
        w.wait(6.0)

    for number, where in ((-2, "a server"), (-1, "the router")):
        _, options, told = STORIES[number]
        STORIES[number] = (f"After `{code}` of {where} it does not come back.", options, told)


ends("replaced", "the player came back on another connection")
ends("banned", "you are banned: it cheats")
ends("kicked", "an operator asks you to leave")


@story()
def broken(w: World) -> None:
    """After any other end it comes back: also after a code that it does not know."""
    play(w)
    w.hears("gs-1", "goodbye", code="tomorrow", text="a code of a later version")
    seek(w, "router 2")


@story(login="a.login.token")
def login(w: World) -> None:
    """Who has a login says it at first, and then comes back with the token that the router gave."""
    play(w)
    w.breaks("gs-1")
    w.opens("router 2")
    w.hears("router 2", "goodbye", code="not_authentic", text="your login was too long ago")
    w.wait(0.17)
    w.opens("router 3")
    w.hears("router 3", "goodbye", code="login_refused", text="your login expired 60 s ago")
    w.wait(6.0)


@story()
def home(w: World) -> None:
    """Going home: leave, and goodbye."""
    play(w)
    w.stop()


SHA256 = hashlib.sha256(MAP).hexdigest()


@story()
def fetch(w: World) -> None:
    """A file across a move: acknowledged as it comes; chunks that are here already are dropped, of
    one that overlaps the rest is taken; complete, it is stopped."""
    play(w)
    w.fetch("map")
    w.hears("gs-1", "offered", id="a", size=len(MAP), sha256=SHA256)
    w.chunk("gs-1", "a", 0, MAP[:300].hex())
    w.wait(0.04)
    w.chunk("gs-1", "a", 200, MAP[200:500].hex())
    w.wait(0.04)
    w.view("gs-1", 101)
    cross(w)
    w.view("gs-2", 102)
    w.hears("gs-2", "offered", id="a", size=len(MAP), sha256=SHA256)
    w.chunk("gs-2", "a", 300, MAP[300:400].hex())
    w.chunk("gs-2", "a", 400, MAP[400:].hex())


@story()
def spoilt(w: World) -> None:
    """A file with a hole is given up, and one that is another file at the next server."""
    play(w)
    w.fetch("map")
    w.hears("gs-1", "offered", id="a", size=len(MAP), sha256=SHA256)
    w.chunk("gs-1", "a", 10, MAP[10:20].hex())
    w.fetch("map")
    w.hears("gs-1", "offered", id="b", size=len(MAP), sha256=SHA256)
    w.hears("gs-1", "offered", id="b", size=len(MAP), sha256="0" * 64)
    w.fetch("none")
    w.hears("gs-1", "denied", id="c", reason="there is no such file here")


@story()
def follow(w: World) -> None:
    """A topic: each entry once, in order, with how many were left out before it; acknowledged once
    a second, or every 16 entries."""
    play(w)
    w.follow("scores")
    w.item("gs-1", "a", 20, "00")
    w.item("gs-1", "a", 21, "01")
    w.item("gs-1", "a", 21, "01")
    w.item("gs-1", "a", 24, "04")
    for seq in range(25, 41):
        w.item("gs-1", "a", seq, f"{seq:02x}")
    w.view("gs-1", 101)


def made() -> str:
    """The whole file."""
    stories = [
        {"shows": " ".join(shows.split()), "options": options, "steps": told().steps}
        for shows, options, told in STORIES
    ]
    lines = ",\n".join(_story(each) for each in stories)
    head = '{\n"protocol": "clientmigration",\n"version": 1,\n"stories": [\n'
    return f"{head}{lines}\n]\n}}\n"


def _story(story: dict[str, Any]) -> str:
    steps = ",\n  ".join(json.dumps(step) for step in story["steps"])
    shows, options = json.dumps(story["shows"]), json.dumps(story["options"])
    return f'{{"shows": {shows}, "options": {options}, "steps": [\n  {steps}\n]}}'


if __name__ == "__main__":
    FILE.write_text(made())
