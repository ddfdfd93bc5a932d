"""A shorter way from a socket to its protocol, under Twisted's epoll reactor.

Twisted (26.10, epollreactor.py) hands on each event within a logging context of its own, which
costs as much as all the rest of the way (tests/bench/speed.py). Nobody here reads that context. So
the usual event, something to read, is handed on without it. What plain sockets have is read first
and handed on then: a call into the kernel between any two would leave the CPU's caches cold. Who
hears much may take what comes before any object of Twisted's is looked at (`ask_first`). Whatever
else happens goes Twisted's way, and what fails is logged and ends its connection as there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import read
from select import EPOLLIN
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.tcp import Client, Server
from twisted.python import log

PLAIN = frozenset({Client, Server})  # whose doRead is `recv`, and then `_dataReceived`
AT_ONCE = 64  # sockets that are read before what they had is handed on: 4 MB at most
MOST = 65536  # bytes that are read at once, as Twisted does


class Taker(Protocol):
    """Who is asked first when something comes to a socket."""

    def takes(self, data: bytes, now: float) -> bool:
        """Whether it takes what came `now`. If not, that goes the usual way."""


_TAKERS: WeakKeyDictionary[Any, dict[Any, Taker]] = WeakKeyDictionary()


def ask_first(reactor: Any, transport: Any, taker: Taker) -> Callable[[], None]:
    """Ask this one first, whenever something comes to this transport; answers how to ask it no
    more. A reactor that is not polled here asks nobody, and only plain sockets are read here."""
    takers = _TAKERS.setdefault(reactor, {})

    def no_more() -> None:
        takers.pop(transport, None)

    if type(transport) in PLAIN:
        takers[transport] = taker
    return no_more


def short(reactor: Any) -> Any:
    """This reactor, polled as described above, if it is Twisted's epoll reactor. Answers the same
    one. `doIteration` is what ReactorBase's main loop calls (base.py), so an attribute of the
    instance is all it takes."""
    if type(reactor) is EPollReactor:
        vars(reactor)["doIteration"] = partial(_poll, reactor, _TAKERS.setdefault(reactor, {}))
    return reactor


def _poll(reactor: Any, takers: dict[Any, Taker], timeout: float | None) -> None:
    """Wait for events, at most `timeout` seconds (None: for ever), and hand them on."""
    most = len(reactor._selectables)
    try:
        events = reactor._poller.poll(-1 if timeout is None else timeout, most)
    except InterruptedError:
        return
    for start in range(0, len(events), AT_ONCE):
        _hand_on(reactor, takers, events[start : start + AT_ONCE])


def _hand_on(reactor: Any, takers: dict[Any, Taker], events: list[tuple[int, int]]) -> None:
    selectables, now = reactor._selectables, reactor.seconds()
    heard: list[tuple[int, Any, bytes]] = []
    for number, event in events:
        selectable: Any = selectables.get(number)
        taker = takers.get(selectable) if event == EPOLLIN else None
        if taker is None and _goes_twisteds_way(reactor, selectable, number, event):
            continue
        try:
            data = read(number, MOST)
        except BlockingIOError:
            continue  # there was nothing after all
        except OSError:
            reactor._disconnectSelectable(selectable, CONNECTION_LOST, True)
            continue
        if taker is None or not taker.takes(data, now):
            heard.append((number, selectable, data))
    for number, one, data in heard:
        if selectables.get(number) is one:
            _do(reactor, one, one._dataReceived, data)


def _goes_twisteds_way(reactor: Any, selectable: Any, number: int, event: int) -> bool:
    """Whether this is all that there is to do: it is something else than a plain socket to read."""
    if selectable is None:
        return True  # closed by one that was handed on before
    if event != EPOLLIN:
        log.callWithLogger(selectable, reactor._doReadOrWrite, selectable, number, event)
    elif type(selectable) not in PLAIN:
        _do(reactor, selectable, selectable.doRead)
    else:
        return False
    return True


def _do(reactor: Any, selectable: Any, do: Any, *data: bytes) -> None:
    try:
        why = do(*data)
    except BaseException as error:
        why = error
        log.err()
    if why:
        reactor._disconnectSelectable(selectable, why, True)
