"""What TLS costs per view: in the process, in a proxy (nginx) before it, and not at all.

One process holds the doors as a game server does and shows each player a view per tick; another is
all the players: they send inputs and read what comes. Told is the CPU time of the first and of the
proxy, the resident memory that a connection takes, and what a handshake costs. By hand:

    .venv/bin/python tests/bench/tls.py [--players 300] [--seconds 6] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import selectors
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from authority import Authority
from web import BODY, HERTZ, INPUTS_S, REQUEST, Guest, message

from clientmigration.net.door import Door, listening
from clientmigration.net.encryption import Encryption
from clientmigration.net.line import Line, LineTerms
from clientmigration.net.web import Reception
from clientmigration.wire.connection import PLAYER_TO_SERVER, encode
from clientmigration.wire.messages import Greeting, Input, View
from clientmigration.wire.web import Origins

KINDS = ("tcp", "tls", "tls by proxy", "ws", "wss", "wss by proxy")
PROXY = """
load_module {modules}/ngx_stream_module.so;
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 4096; }}
stream {{
  server {{
    listen 127.0.0.1:{stream} ssl; proxy_pass {behind}; tcp_nodelay on;
    ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
  }}
}}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{http} ssl;
    ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
    location / {{
      proxy_pass http://{behind}; proxy_http_version 1.1; proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
    }}
  }}
}}
"""


def serve(asked: argparse.Namespace) -> None:
    """Be the server: say the port, wait for all, show views, say what it cost."""
    from twisted.internet import reactor
    from twisted.internet.task import LoopingCall

    clock: Any = reactor
    lines: set[Line] = set()
    shown = 0
    before = psutil.Process().memory_info().rss
    cpu_before = [time.process_time()]
    began: list[tuple[float, float]] = []
    joined: list[float] = []

    def line() -> Line:
        return Line("gameserver", LineTerms(PLAYER_TO_SERVER, (60, 600)), Guest(lines), clock)

    def tick() -> None:
        nonlocal shown
        if len(lines) < asked.players:
            return
        if not began:
            joined.append(time.process_time() - cpu_before[0])
            began.append((time.monotonic(), time.process_time()))
        number, body = int(time.time() * HERTZ), bytes(BODY)
        shown += sum(each.show(encode(View(number, 1, 1, 1, body))) for each in lines)
        if time.monotonic() - began[0][0] > asked.seconds:
            cpu = time.process_time() - began[0][1]
            held = (psutil.Process().memory_info().rss - before) / asked.players
            print(cpu, shown, Guest.heard_so_far, held, joined[0] / asked.players, flush=True)
            os._exit(0)

    reception = Reception(line, Origins(), clock, lambda _fault: None)
    flags = {"tls-cert": asked.cert, "tls-key": asked.key} if asked.cert else {}
    where = "tcp:0:interface=127.0.0.1:backlog=1000"
    endpoint = listening(clock, where, Encryption.of(flags))
    told: Callable[[str], None] = lambda address: print(address, flush=True)  # noqa: E731
    Door(endpoint, reception, told).privilegedStartService()
    LoopingCall(tick).start(1 / HERTZ)
    clock.run()


def visit(address: str, kind: str, players: int) -> None:
    """Be all the players, until the server goes."""
    host, _, port = address.rpartition(":")
    spoken = "tcp" if kind.startswith("t") else "websocket"
    greeting = message(encode(Greeting(role="player")), spoken)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    watch = selectors.DefaultSelector()
    crowd: list[socket.socket] = []
    for _ in range(players):
        one = socket.create_connection((host, int(port)))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if kind not in ("tcp", "ws"):
            one = context.wrap_socket(one)
        if spoken == "websocket":
            one.sendall(REQUEST)
            assert b" 101 " in one.recv(4096)
        one.sendall(greeting)
        one.setblocking(False)
        watch.register(one, selectors.EVENT_READ)
        crowd.append(one)
    act = message(encode(Input(1, b"\1" + bytes(8))), spoken)
    due, n = time.monotonic(), 0
    while True:
        for key, _ in watch.select(0.002):
            try:
                if not key.fileobj.recv(65536):  # type: ignore[union-attr]
                    return
            except ssl.SSLWantReadError:
                pass
        while due < time.monotonic():
            crowd[n % players].send(act)
            due, n = due + 1 / (INPUTS_S * players), n + 1


class Proxy:
    """nginx before one address, in a process of its own."""

    def __init__(self, folder: Path, behind: str, cert: str, key: str) -> None:
        held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.stream, self.http = (each.getsockname()[1] for each in held)
        for each in held:
            each.close()
        settings = folder / "nginx.conf"
        modules = "/usr/lib/nginx/modules"
        ports = {"stream": self.stream, "http": self.http, "cert": cert, "key": key}
        settings.write_text(PROXY.format(folder=folder, behind=behind, modules=modules, **ports))
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx"
        self.process = subprocess.Popen([nginx, "-c", str(settings), "-p", str(folder)])
        for _ in range(100):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.http)) == 0:
                    break
            time.sleep(0.05)

    def cpu(self) -> float:
        """CPU seconds so far, of all its processes."""
        every = [psutil.Process(self.process.pid)]
        every += every[0].children()
        return sum(each.cpu_times().user + each.cpu_times().system for each in every)


def measured(kind: str, asked: argparse.Namespace, folder: Path) -> tuple[float, ...]:
    """Microseconds of CPU per view of the server and of the proxy, kB of memory per connection,
    milliseconds of CPU to connect one."""
    given = Authority(folder / "tls").give()
    cert, key = str(given.certificate), str(given.key)
    sizes = ["--players", str(asked.players), "--seconds", str(asked.seconds)]
    argv = [sys.executable, __file__, *sizes]
    inside = ["--cert", cert, "--key", key] if kind in ("tls", "wss") else []
    with subprocess.Popen([*argv, "--serve", *inside], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        proxy = None
        if kind.endswith("proxy"):
            proxy = Proxy(folder, address, cert, key)
            address = f"127.0.0.1:{proxy.stream if kind.startswith('t') else proxy.http}"
        with subprocess.Popen([*argv, "--visit", address, kind], stderr=subprocess.DEVNULL) as all_:
            time.sleep(1.0)
            spent = proxy.cpu() if proxy else 0.0
            told = server.stdout.readline().split()
            spent = proxy.cpu() - spent if proxy else 0.0
            cpu, shown, heard, held, joining = (float(each) for each in told)
            all_.kill()
        if proxy:
            proxy.process.terminate()
            proxy.process.wait()
    assert heard > asked.players
    return cpu / shown * 1e6, spent / shown * 1e6, held / 1e3, joining * 1e3


def main() -> None:
    """Each kind in turn, several rounds."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--players", type=int, default=300)
    options.add_argument("--seconds", type=float, default=6.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--kinds", nargs="*", default=KINDS)
    options.add_argument("--serve", action="store_true")
    options.add_argument("--visit", nargs=2)
    options.add_argument("--cert", default="")
    options.add_argument("--key", default="")
    asked = options.parse_args()
    if asked.serve:
        serve(asked)
    elif asked.visit:
        address, kind = asked.visit
        visit(address, kind, asked.players)
    else:
        told: dict[str, list[tuple[float, ...]]] = {kind: [] for kind in asked.kinds}
        for _ in range(asked.rounds):
            for kind in asked.kinds:
                with tempfile.TemporaryDirectory() as folder:
                    told[kind].append(measured(kind, asked, Path(folder)))
        for kind, rounds in told.items():
            here, there, held, joining = (
                statistics.median(each) for each in zip(*rounds, strict=True)
            )
            print(
                f"{kind:>12}  {here:6.1f} + {there:5.1f} us of CPU per view,"
                f" {held:6.1f} kB and {joining:5.2f} ms a connection"
            )


if __name__ == "__main__":
    main()
