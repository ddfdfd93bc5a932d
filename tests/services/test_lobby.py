"""The lobby: a greeting's role picks the listener of a line."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from clientmigration.net.line import Line, LineTerms
from clientmigration.net.lobby import Lobby, PeerKind
from clientmigration.wire.connection import PLAYER_TO_SERVER, SERVER_TO_SERVER, encode
from clientmigration.wire.messages import Challenge, Greeting, Ping


class Transport(StringTransport):
    """What a Line needs beside a StringTransport."""

    def abortConnection(self) -> None:
        self.disconnected = True


class Told:
    """A listener that remembers what it is told."""

    def __init__(self, name: str, said: list[str]) -> None:
        self.name, self.said = name, said

    def opened(self, line: Line) -> None:
        self.said.append(f"{self.name} opened by {line.peer_role}")

    def heard(self, message: Any) -> None:
        self.said.append(f"{self.name} heard {type(message).__name__}")

    def closed(self, reason: str) -> None:  # noqa: ARG002
        self.said.append(f"{self.name} closed")


def entered() -> tuple[Line, list[str], Clock]:
    """A line that has just connected to a door for players, by which servers may come in too."""
    said: list[str] = []
    clock = Clock()
    slow = LineTerms(SERVER_TO_SERVER, (1.0, 1.0), 3.0)
    lobby = Lobby(
        "gameserver",
        clock,
        lambda fault: said.append(f"blamed: {fault}"),
        PeerKind(LineTerms(PLAYER_TO_SERVER, (5.0, 5.0), 15.0), lambda _: Told("player", said)),
        {"gameserver": PeerKind(slow, lambda _: Told("link", said))},
    )
    line = lobby.line()
    line.makeConnection(Transport())
    return line, said, clock


def test_whose_role_is_not_named_comes_in_by_the_usual_entrance() -> None:
    line, said, _ = entered()
    line.dataReceived(encode(Greeting(role="player")))
    line.dataReceived(encode(Ping(n=1)))
    line.connectionLost(Failure(ConnectionDone()))
    assert said == ["player opened by player", "player heard Ping", "player closed"]


def test_whose_role_is_named_is_heard_by_another_in_its_own_words_at_its_own_pace() -> None:
    line, said, clock = entered()
    line.dataReceived(encode(Greeting(role="gameserver")))
    line.dataReceived(encode(Challenge(nonce="1")))
    assert said == ["link opened by gameserver", "link heard Challenge"]
    clock.advance(2.0)
    line.dataReceived(encode(Challenge(nonce="2")) + encode(Challenge(nonce="3")))
    assert said[2:] == ["link heard Challenge", "blamed: more than 1 messages a second"]


def test_who_says_nothing_for_as_long_as_its_entrance_allows_is_gone() -> None:
    line, said, clock = entered()
    line.dataReceived(encode(Greeting(role="gameserver")))
    clock.advance(3.0)
    assert said == ["link opened by gameserver", "blamed: said nothing for too long"]


def test_who_leaves_before_its_greeting_was_with_the_usual_listener() -> None:
    line, said, _ = entered()
    line.connectionLost(Failure(ConnectionDone()))
    assert said == ["player closed"]
