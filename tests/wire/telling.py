"""A world for one player in which a story is told: what happens to it, and what it does about that.

The Python player's side of docs/behaviour.json: the test is at the other end of each connection,
and time is the story's own. What is random in a message (holders, secrets, streams) becomes a word.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any, cast

import msgspec
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from clientmigration.client.entrance import Login
from clientmigration.client.player import Player
from clientmigration.net.tickets import hashed
from clientmigration.wire import connection as wire
from clientmigration.wire.messages import Chunk, Input, Item, View

STEP_S = 0.01  # a wait passes in steps of this
COUNTS = ("missed", "lost", "doubled", "skipped", "acked", "sent", "moves", "rejoins")
SECRET = "secret"
ANY = "*"
_dialects = {"router": wire.PLAYER_TO_ROUTER, "gs": wire.PLAYER_TO_SERVER}


class End:
    """The other end of one connection that the player has dialled."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address
        self.connecting: Deferred[Any] = Deferred(lambda _: self._cancelled())
        self.factory: Any = None
        self.protocol: Any = None
        self.transport = StringTransport()
        self.heard: list[Any] = []
        self.closed = self.over = self.joined = False
        kind = "router" if address.startswith("router") else "gs"
        self._hears = wire.Connection(_dialects[kind])
        self._read = 0

    def connect(self, factory: Any) -> Deferred[Any]:
        """As an endpoint."""
        self.factory = factory
        return self.connecting

    def _cancelled(self) -> None:
        self.closed = self.over = True

    def opens(self) -> None:
        """It is made."""
        self.protocol = self.factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 1))
        self.protocol.makeConnection(self.transport)
        self.connecting.callback(self.protocol)

    def said(self) -> list[Any]:
        """What the player has said since this was asked last, but for pings while it plays and its
        answer to a goodbye."""
        data = self.transport.value()[self._read :]
        self._read += len(data)
        return [each for each in map(self._told, self._hears.receive(data)) if each]

    def _told(self, message: Any) -> Any:
        if isinstance(message, Input):
            return {"input": message.seq, "body": message.body.hex()}
        told = msgspec.to_builtins(message)
        self.joined |= told["t"] == "join"
        if (told["t"] == "ping" and self.joined) or (told["t"] == "goodbye" and self.over):
            return None
        self.over |= told["t"] == "goodbye"
        return told


class World:
    """One player, and what has been told of it."""

    def __init__(self, token: str = "", group: str = "", login: str = "") -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.ends: list[End] = []
        self.player = Player(
            self.clock,
            "router:4100",
            cast(Any, self._dial),
            Random(1),
            Login(login) if login else token,
            group,
        )
        self.steps: list[dict[str, Any]] = []
        self._ticks: list[int] = []
        self._told: list[dict[str, Any]] = []
        self._counts: dict[str, Any] = dict.fromkeys(COUNTS, 0)
        self._words: dict[str, str] = {}
        self._dialled: list[str] = []
        self.player.on("view", lambda view: self._ticks.append(view.tick))

    def _dial(self, address: str) -> End:
        number = 1 + sum(each.address == address for each in self.ends)
        end = End(address.partition(":")[0] + (f" {number}" if number > 1 else ""), address)
        self.ends.append(end)
        self._dialled.append(address)
        return end

    def end(self, name: str) -> End:
        """The other end of the connection that is called so."""
        return next(each for each in self.ends if each.name == name)

    # What happens.

    def start(self) -> None:
        """The program wants to play."""
        self.player.start()
        self._done({"start": True})

    def stop(self) -> None:
        """The program wants to go home."""
        self.player.stop()
        self._done({"stop": True})

    def act(self, body: str) -> None:
        """The program sends an input."""
        self.player.act(bytes.fromhex(body))
        self._done({"act": body})

    def fetch(self, name: str) -> None:
        """The program wants a file."""
        fetching = self.player.fetch(name)
        fetching.addCallbacks(
            lambda file: self._told.append({"file": name, "body": file.body.hex()}),
            lambda _: self._told.append({"failed": name}),
        )
        self._done({"fetch": name})

    def follow(self, topic: str) -> None:
        """The program follows a topic."""

        def entry(it: Any) -> None:
            told = {"topic": topic, "seq": it.seq, "missed": it.missed, "body": it.body.hex()}
            self._told.append(told)

        self.player.subscribe(topic, entry)
        self._done({"follow": topic})

    def opens(self, name: str) -> None:
        """A connection is made, and the other side greets."""
        end = self.end(name)
        end.opens()
        role = "router" if name.startswith("router") else "gameserver"
        greeting = {"t": "greeting", "protocol": "clientmigration", "version": 1, "role": role}
        self._send(end, msgspec.json.encode(greeting))
        self._done({"opens": name})

    def hears(self, name: str, t: str, **fields: Any) -> None:
        """The other side says a control message."""
        message = {"t": t, **fields}
        real = {**message, **({"id": self._id(fields["id"])} if "id" in fields else {})}
        end = self.end(name)
        end.over |= t == "goodbye"
        self._send(end, msgspec.json.encode(real))
        self._done({"hears": name, "message": message})

    def _send(self, end: End, body: bytes) -> None:
        frame = (len(body) + 1).to_bytes(4, "little") + b"\0" + body
        end.protocol.dataReceived(frame)

    def view(self, name: str, tick: int, last: int = 0, digest: int = 0, **more: int) -> None:
        """The other side shows a view."""
        applied = more.get("applied", last)
        self.end(name).protocol.dataReceived(wire.encode(View(tick, last, applied, digest, b"")))
        view = {"tick": tick, "last": last, "applied": applied, "digest": digest, "body": ""}
        self._done({"hears": name, "view": view})

    def chunk(self, name: str, stream: str, offset: int, body: str) -> None:
        """The other side sends a part of a file."""
        chunk = Chunk(self._id(stream), offset, bytes.fromhex(body))
        self.end(name).protocol.dataReceived(wire.encode(chunk))
        self._done({"hears": name, "chunk": {"id": stream, "offset": offset, "body": body}})

    def item(self, name: str, stream: str, seq: int, body: str) -> None:
        """The other side sends an entry of a topic."""
        item = Item(self._id(stream), seq, bytes.fromhex(body))
        self.end(name).protocol.dataReceived(wire.encode(item))
        self._done({"hears": name, "item": {"id": stream, "seq": seq, "body": body}})

    def breaks(self, name: str) -> None:
        """A connection ends without a word."""
        end = self.end(name)
        end.over = True
        if end.protocol is None:
            end.connecting.errback(ConnectionLost())
        else:
            end.protocol.connectionLost(Failure(ConnectionLost()))
        self._done({"breaks": name})

    def wait(self, seconds: float) -> None:
        """Time passes."""
        for _ in range(round(seconds / STEP_S)):
            self.clock.advance(STEP_S)
        self._done({"wait": seconds})

    # What comes of it.

    def _id(self, word: str) -> int:
        return int.from_bytes(bytes.fromhex(self._words[word]), "little")

    def _done(self, what: dict[str, Any]) -> None:
        then: dict[str, Any] = {}
        if self._dialled:
            then["dials"], self._dialled = self._dialled, []
        said = {end.name: self._worded(end.said()) for end in self.ends if end.transport}
        if any(said.values()):
            then["says"] = {name: each for name, each in said.items() if each}
        closed = [end.name for end in self.ends if end.closed]
        if closed:
            then["gives up"] = closed
            for end in self.ends:
                end.closed = False
        for key, list_ in (("shows", self._ticks), ("gets", self._told)):
            if list_:
                then[key] = list(list_)
                list_.clear()
        then["state"] = self.player.state
        counts = {name: getattr(self.player.counts, name) for name in COUNTS}
        news = {name: value for name, value in counts.items() if value != self._counts[name]}
        if news:
            then["counts"] = news
        self._counts = counts
        self.steps.append({"do": what, "then": then})

    def _worded(self, said: list[Any]) -> list[Any]:
        return [self._word(each) for each in said]

    def _word(self, told: dict[str, Any]) -> dict[str, Any]:
        if "input" in told:
            return {**told, "body": self._streams(told["body"])}
        if told.get("t") == "hello":
            secret = self.player.traveller._secret
            assert told["holder"] == hashed(secret)
            return {**told, "holder": ANY}
        if told.get("t") == "join":
            assert told["secret"] == self.player.traveller._secret
            return {**told, "secret": ANY}
        return told

    def _streams(self, body: str) -> str:
        """A body of the server's own, with words in place of streams: <a>, <b>, ..."""
        asks = re.match(r"8[12]", body)
        if asks and body[2:10] not in self._words.values():
            self._words["abcdefgh"[len(self._words)]] = body[2:10]
        if re.match(r"8[1-4]", body):
            for word, digits in self._words.items():
                body = body.replace(digits, f"<{word}>")
        return body
