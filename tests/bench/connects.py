"""What a router keeps of strangers who come and go: bytes, and what only the collector can free.

    python tests/bench/connects.py [--connects 4000] [--per-s 1000] [--said nothing|hello|web]
    python tests/bench/connects.py --said flood

In one process, over loopback, with its garbage collector set as a daemon's. Prints how much the
process grew, and which objects nobody but the collector could free. A flood is three WebSocket
strangers who go on sending for 5 s after the router's goodbye (or until it has grown by 500 MB).
"""

from __future__ import annotations

import argparse
import gc
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from clientmigration.net.settings import keep_what_is_loaded
from clientmigration.router import tap
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Greeting, Hello

PORT = 45100
PEAK = [0.0]  # bytes of the process, at most, during a flood
HI = encode(Greeting(role="player"))
WEB = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SAID = {"flood": b"", "nothing": b"", "hello": HI + encode(Hello(holder="0" * 64)), "web": WEB}


def knock(said: bytes) -> None:
    """One stranger."""
    with socket.create_connection(("127.0.0.1", PORT)) as visitor:
        visitor.sendall(said)


def knocking(reactor: Any, said: bytes, connects: int, per_s: float) -> None:
    """All of them, from a thread, and then the end."""
    began = time.monotonic()
    for n in range(connects):
        knock(said)
        time.sleep(max(0.0, began + n / per_s - time.monotonic()))
    time.sleep(7.0)
    reactor.callFromThread(reactor.stop)


def flood(reactor: Any, until: float, most: float) -> None:
    """One WebSocket stranger that says what may not be said, and then goes on talking."""
    frame = b"\x82\xfe\x0f\xa0" + bytes(4) + bytes(4000)
    process = psutil.Process()
    with socket.create_connection(("127.0.0.1", PORT)) as visitor:
        visitor.settimeout(1.0)
        visitor.sendall(WEB)
        visitor.recv(65536)
        try:
            while time.monotonic() < until and process.memory_info().rss < most:
                visitor.sendall(frame * 64)
                PEAK[0] = max(PEAK[0], process.memory_info().rss)
        except OSError:
            return


def flooding(reactor: Any, _said: bytes, _connects: int, _per_s: float) -> None:
    """Three of them, and then the end."""
    until, most = time.monotonic() + 5.0, psutil.Process().memory_info().rss + 5e8
    three = [threading.Thread(target=flood, args=(reactor, until, most)) for _ in range(3)]
    for each in three:
        each.start()
    for each in three:
        each.join()
    reactor.callFromThread(reactor.stop)


def main(argv: Sequence[str] | None = None) -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connects", type=int, default=4000)
    parser.add_argument("--per-s", type=float, default=1000)
    parser.add_argument("--said", choices=SAID, default="hello")
    parser.add_argument("--types", action="store_true", help="no collections; count what is left")
    options = parser.parse_args(argv)
    from twisted.internet import reactor

    folder = Path(tempfile.mkdtemp())
    (folder / "secret").write_text("0" * 64)
    flags = tap.Options()
    flags.parseOptions(
        f"--players tcp:{PORT}:interface=127.0.0.1 --members tcp:{PORT + 1}:interface=127.0.0.1 "
        f"--ledger {folder}/ledger --secret-file {folder}/secret --forget "
        "--graphite http://127.0.0.1:1 --carbon tcp:127.0.0.1:1".split()
    )
    service: Any = tap.assemble(reactor, flags)
    service.privilegedStartService()
    service.startService()
    for _ in range(3):
        knock(SAID[options.said])
    process = psutil.Process()
    figures: dict[str, float] = {}
    threads: Any = reactor

    def begin() -> None:
        keep_what_is_loaded()
        if options.types:
            gc.disable()
        figures["before"] = process.memory_info().rss
        said = SAID[options.said]
        come = flooding if options.said == "flood" else knocking
        threads.callInThread(come, reactor, said, options.connects, options.per_s)

    reactor.callLater(1.0, begin)
    reactor.run()
    grown = max(process.memory_info().rss, PEAK[0]) - figures["before"]
    left = Counter(type(each).__qualname__ for each in gc.get_objects())
    print(f"{options.said}: {options.connects} connects, {grown / 1e6:.1f} MB more,", end=" ")
    print(f"{sum(left.values())} objects that are not freed by themselves")
    for name, n in left.most_common(25 if options.types else 0):
        print(f"  {n:8} {name}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
