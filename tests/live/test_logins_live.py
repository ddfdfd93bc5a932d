"""Logins by a key set that a real HTTP server serves, and bans: real router, real players."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import pytest_twisted
from backend import AUDIENCE, ISSUER, Signer, forged, key_set_of
from node_player import NodePlayer
from real_parts import eventually
from showing import Fleet
from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutputAndValue

from clientmigration.client.entrance import Login
from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.net.logins import player_of
from clientmigration.stack.ports import LOOPBACK

PROGRAM = str(Path(sys.executable).with_name("clientmigration"))
SIGNERS = {name: Signer(name, f"first-{name}") for name in ("RS256", "ES256", "EdDSA")}
RSA = SIGNERS["RS256"]


class Backend:
    """A small real HTTP server with a key set, which may change; `asked` counts questions."""

    def __init__(self) -> None:
        backend = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                backend.asked += 1
                body = backend.body
                self.send_response(200 if body else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing is said on the terminal."""

        self.asked = 0
        self.body = key_set_of(*SIGNERS.values())
        self.server = ThreadingHTTPServer((LOOPBACK, 0), Answering)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server.server_port}/keys"


class Guarded(Fleet):
    """A fleet in which nobody plays without a login, and operators have names."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.backend = Backend()
        self.operators = folder / "operators.keys"
        self.operators.write_text("")
        self.players: list[Player] = []

    def _argv(self, daemon: str) -> tuple[str, ...]:
        argv = super()._argv(daemon)
        if daemon != "router":
            return argv
        rules = ("--login-issuer", ISSUER, "--login-audience", AUDIENCE, "--logins-only")
        keys = ("--login-keys", self.backend.url, "--operators", str(self.operators))
        return (*argv, *keys, *rules)

    def player(self, token: str | Login) -> Player:
        """One that plays from now on, or is refused."""
        address = f"{LOOPBACK}:{self.ports.players}"
        player = Player(self.reactor, address, dialer(self.reactor), random.Random(), token)
        self.players.append(player)
        return player.start()

    async def order(self, *words: str, key: Path | None = None) -> tuple[int, str]:
        """What the command line answers, and complains of."""
        where = ("--router", f"tcp:{LOOPBACK}:{self.ports.members}", "--timeout", "30")
        who = ("--operator-key", str(key)) if key else ("--secret-file", str(self.secret))
        argv = [*words, *where, *who]
        out, err, code = await getProcessOutputAndValue(PROGRAM, argv, env=dict(os.environ))
        return int(code), out.decode() + err.decode()


@pytest_twisted.async_yield_fixture(scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    """It runs for all tests here."""
    fleet = Guarded(tmp_path_factory.mktemp("guarded"))
    await fleet.router()
    for name in ("one", "two"):
        await fleet.server(name)
    await fleet.told(await fleet.desk(), servers=2)
    yield fleet
    for each in fleet.players:
        each.stop()
    await fleet.stop()
    fleet.backend.server.shutdown()


def plays(player: Player) -> bool:
    return player.state == "playing" and player.counts.views > 0


def ended(player: Player) -> bool:
    return player.state == "ended"


def by(signer: Signer, subject: str, **claims: Any) -> Login:
    return Login(signer.login(subject, time.time(), **claims))


@pytest.mark.parametrize("algorithm", SIGNERS)
@pytest_twisted.ensureDeferred
async def test_who_logs_in_plays_as_its_subject(fleet: Guarded, algorithm: str) -> None:
    player = fleet.player(by(SIGNERS[algorithm], algorithm))
    await eventually(lambda: plays(player))
    assert player.name == player_of(ISSUER, algorithm)


@pytest_twisted.ensureDeferred
async def test_every_other_login_is_refused_with_its_reason(fleet: Guarded) -> None:
    now = time.time()
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "eve", "exp": now + 600}
    header = {"kid": RSA.name, "typ": "JWT"}
    cases = {
        RSA.login("eve", now, exp=now - 60): "your login expired 6",
        RSA.login("eve", now, aud="other"): "your login is not for game",
        RSA.login("eve", now, iss="https://evil.example"): f"your login is not from {ISSUER}",
        RSA.login("<eve>", now): "the subject of a login '<eve>' is not allowed here",
        Signer("RS256", "unknown").login("eve", now): "signed by a key that is not known here",
        Signer("ES256", "first-ES256").login("eve", now): "not signed by the key that it names",
        forged({"alg": "none", **header}, claims): "are signed by RS256, ES256, EdDSA here",
        forged({"alg": "HS256", **header}, claims, RSA.pem()): "and not 'HS256'",
    }
    players = {login: fleet.player(Login(login)) for login in cases}
    anonymous = fleet.player("")
    await eventually(lambda: all(map(ended, (*players.values(), anonymous))))
    for login, said in cases.items():
        assert players[login].ended.startswith("login_refused: ")
        assert said in players[login].ended
    assert anonymous.ended.startswith("login_required: ")


@pytest_twisted.ensureDeferred
async def test_a_browsers_player_logs_in_by_websocket(fleet: Guarded) -> None:
    router = f"ws://{LOOPBACK}:{fleet.ports.players}"
    environ = {**os.environ, "LOGIN": RSA.login("web", time.time())}
    web = NodePlayer(fleet.reactor, router, environ)
    await eventually(lambda: [each for each in web.told("state") if each == "playing"])
    assert web.name == player_of(ISSUER, "web")
    bad = NodePlayer(fleet.reactor, router, {**environ, "LOGIN": RSA.login("web", 0)})
    await eventually(lambda: bad.told("lost"))
    assert bad.told("lost")[0]["code"] == "login_refused"
    assert bad.told("state")[-1] == "ended"
    web.order("stop")


@pytest_twisted.ensureDeferred
async def test_a_banned_player_is_out_within_a_second_and_does_not_come_back(
    fleet: Guarded,
) -> None:
    key = fleet.folder / "ada.key"
    code, said = await _made(fleet, "operators", "add", "ada")
    assert code == 0
    key.write_text(said)
    await deferLater(fleet.reactor, 2.5)  # the router looks at the file once a second, twice
    player = fleet.player(by(RSA, "mallory"))
    await eventually(lambda: plays(player))
    desk = await fleet.desk()
    lost: list[float] = []
    player.on("lost", lambda _why: lost.append(time.monotonic()))
    for _ in range(20):  # the next roster has it
        code, said = await fleet.order("players", "login:mallory", key=key)
        if code == 0:
            break
    assert player.name in said
    code, said = await fleet.order("ban", "login:mallory", "--reason", "it cheats", key=key)
    done = time.monotonic()
    assert (code, player.name in said) == (0, True)
    await eventually(lambda: bool(lost))
    assert lost[0] - done < 1.0
    assert player.ended == "banned: you are banned: it cheats"
    for token in (by(RSA, "mallory"), by(SIGNERS["ES256"], "mallory"), player.token):
        again = fleet.player(token)
        await eventually(partial(ended, again))
        assert again.ended == "banned: you are banned: it cheats"
    assert "order: ada says ban login:mallory (it cheats): done" in _log(fleet)
    desk.leave()
    await fleet.end("router")
    await fleet.router()
    await fleet.told(await fleet.desk(), servers=2)
    again = fleet.player(by(RSA, "mallory"))
    await eventually(lambda: again.state == "ended")
    assert again.ended == "banned: you are banned: it cheats"
    assert "it cheats" in (await fleet.order("bans", key=key))[1]
    _, audit = await fleet.order("audit", "--json", key=key)
    assert '"by":"ada","do":"ban"' in audit
    assert (await fleet.order("unban", "login:mallory", key=key))[0] == 0
    once_more = fleet.player(by(RSA, "mallory"))
    await eventually(lambda: plays(once_more))
    await _made(fleet, "operators", "drop", "ada")
    await eventually(lambda: "renewed: nobody has a key" in _log(fleet))
    code, said = await fleet.order("kick", once_more.name, key=key)
    assert (code, "no key of an operator called 'ada'" in said) == (4, True)
    assert plays(once_more)


def _log(fleet: Guarded) -> str:
    return (fleet.folder / "router.log").read_text()


async def _made(fleet: Guarded, *words: str) -> tuple[int, str]:
    argv = [*words, "--operators", str(fleet.operators)]
    out, err, code = await getProcessOutputAndValue(PROGRAM, argv, env=dict(os.environ))
    return int(code), out.decode() + err.decode()


@pytest_twisted.ensureDeferred
async def test_keys_are_changed_under_load_and_nobody_is_cut_off(fleet: Guarded) -> None:
    crowd = [fleet.player(by(RSA, f"crowd-{n}")) for n in range(20)]
    await eventually(lambda: all(map(plays, crowd)))
    ends: list[Any] = []
    for each in crowd:
        each.on("lost", ends.append)
    new = Signer("ES256", "second")
    for signer, keys in ((new, (RSA, new)), (RSA, (RSA, new)), (new, (new,))):
        fleet.backend.body = key_set_of(*keys)
        for n in range(5):
            newcomer = fleet.player(by(signer, f"newcomer-{n}"))
            await eventually(partial(plays, newcomer))
    fleet.backend.body = b""  # the backend is away: the last good set is kept
    newcomer = fleet.player(by(new, "late"))
    await eventually(lambda: plays(newcomer))
    assert not ends
    assert sum(each.counts.rejoins for each in crowd) == 0
    assert sum(each.counts.lost + each.counts.doubled for each in crowd) == 0
