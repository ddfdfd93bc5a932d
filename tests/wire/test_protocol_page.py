"""docs/protocol.md: what it says is what the code does."""

import re
import runpy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from clientmigration import errors
from clientmigration.client import finding, traveller
from clientmigration.client import streams as reading
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.player import feeds, session, tally, transfer
from clientmigration.core.player import mailbox as mail
from clientmigration.games.meadow import game
from clientmigration.games.meadow import interest as sight
from clientmigration.games.meadow import wire as meadow
from clientmigration.gameserver import mail as letters
from clientmigration.gameserver import seat, streams
from clientmigration.net import tickets
from clientmigration.router import move as moves
from clientmigration.router import queue as lineup
from clientmigration.testing import SECRET
from clientmigration.wire import work
from clientmigration.wire.base import Message
from clientmigration.wire.connection import GREETING_LIMIT, encode
from clientmigration.wire.messages import VERSION, Greeting

MADE = runpy.run_path(str(Path(__file__).with_name("make_protocol.py")))
PARTS: dict[str, Callable[[], Iterable[str]]] = MADE["PARTS"]
PAGE: str = MADE["PAGE"].read_text()
TAGS = [kind.__struct_config__.tag for kind in Message.__subclasses__()]
FAULTS = [kind.code for kind in errors.PeersFault.__subclasses__()]


@pytest.mark.parametrize("name", PARTS)
def test_what_the_code_makes_of_the_page_is_up_to_date(name: str) -> None:
    part = re.search(rf"<!-- made: {name} -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
    assert part is not None
    assert part[1].split("\n") == list(PARTS[name]()), "run tests/wire/make_protocol.py"


@pytest.mark.parametrize("tag", TAGS)
def test_the_page_tells_of_every_message(tag: str) -> None:
    prose = re.sub(r"<!-- made: .*?<!-- end -->", "", PAGE, flags=re.DOTALL)
    assert f"| `{tag}` |" in PAGE
    assert f"`{tag}`" in prose


@pytest.mark.parametrize("code", FAULTS)
def test_the_page_tells_of_every_fault(code: str) -> None:
    assert f"| `{code}` | " in PAGE


def test_the_page_tells_of_every_other_goodbye() -> None:
    sources = Path(errors.__file__).parent.rglob("*.py")
    text = "".join(path.read_text() for path in sources)
    codes = set(re.findall(r'(?:hang_up|dismiss)\(\s*"(\w+)"', text))
    assert {"bye", "released", "replaced"} <= codes
    for code in codes:
        assert f"| `{code}` | " in PAGE, code


def test_the_greeting_of_the_page_is_the_one_that_is_said() -> None:
    frame = encode(Greeting(role="player"))
    assert f"{frame[:4].hex()} {frame[4:5].hex()} {frame[5:].decode()}" in PAGE
    assert f"It describes version {VERSION}." in PAGE


SAID_IN_PROSE: tuple[tuple[str, Any], ...] = (
    ("its frame may have {} bytes", GREETING_LIMIT),
    ("with a fraction, {:g} s after its issue", tickets.TICKET_TTL_S),
    ("A secret has at least {} characters", tickets._SHORTEST),
    ("({:g} s for each step", moves.STEP_S),
    ("{:g} s for the player to arrive", moves.ARRIVAL_S),
    ("whose connection is gone for {:g} s", seat.AWAY_S),
    ("no view comes for {:g} s", traveller.SILENT_S),
    ("held for a moment ({:.0f} ms)", tally.HOLD_S * 1000),
    ("repeated at least every {:g} s", lineup.TELL_S),
    ("they are not too many ({}, by the router's policy)", Policy().limits.group),
    ("your place is kept for {:g} s", Policy().limits.place_kept_s),
    ("in each tick from now on, {:,} at most", work.BURN_LIMIT_US),
    ("of these streams (1 to {})", work.GOT_LIMIT),
    ("A name is UTF-8, at most {} bytes", work.NAME_LIMIT),
    ("A player may have {} files", streams.FILES),
    ("and {} topics at a time", streams.FEEDS),
    ("| `clock` | {} |", feeds.CLOCK_TICKS),
    ("| `scores` | {} |", feeds.SCORES_TICKS),
    ("| {} bytes: SHAKE-128", feeds.SCORES_BYTES),
    ("not more than once in {:.0f} ms", reading.GOT_EVERY_S * 1000),
    ("or every {} entries", reading.LAZY),
    ("then at most {} items", streams.ENTRIES),
    ("one chunk ({:,} bytes at most)", transfer.CHUNK),
    ("At most {} entries of a topic", streams.AHEAD),
    ("it begins with {}", transfer.LEAST),
    ("more than {:.0f} ms later than the soonest", transfer.LATE_S * 1000),
    ("walk on a square of {:,.0f} m", game.SIZE_M),
    ("m/s, from now on ({:g} at most", game.FASTEST_M_PER_S),
    ("the cell: {:g} m a side", meadow.CELL_M),
    ("(column + x / {})", meadow.STEPS),
    ("at most {:g} m away", meadow.CELL_M),
    ("the word `{}` and a space, eight times over", SECRET.split()[0]),
    ("player port ({})", finding.PORT),
    ("the name itself, port {}", finding.PORT),
    ("has not answered for {:g} s", finding.SOON_S),
    ("none is waited for longer than {:g} s", finding.TARGET_S),
    ("SRV records of `{}.play.example.org`", finding.SERVICE),
    ("one bit for each of its {0} × {0} cells, {1} bytes", (meadow.SIDE, sight.LOOK_SIZE)),
    ("will see after walking {:g} m", game.AHEAD_M),
    ("nothing that is more than {} ticks old", game.STALE_TICKS),
    ("for {} ticks after its `release`", game.STALE_TICKS),
    ("answered, oldest first; {} at most", mail.OUTBOX_LIMIT),
    ("repeats step 2 every {:g} s", letters.AGAIN_S),
)


@pytest.mark.parametrize(("phrase", "number"), SAID_IN_PROSE, ids=lambda each: str(each))
def test_numbers_in_the_prose_are_those_of_the_code(phrase: str, number: Any) -> None:
    assert phrase.format(*(number if isinstance(number, tuple) else (number,))) in PAGE


def test_the_states_of_a_roster_are_those_of_a_session() -> None:
    states = (session.arriving, session.playing, session.frozen, session.departed)
    names = [str(state.name) for state in states]
    assert "`state` is `{}`, `{}`, `{}` or `{}`".format(*names) in PAGE
    assert SECRET == "arena " * 8
