"""A shorter way from a socket to its protocol, under Twisted's epoll reactor.

Twisted (26.10, epollreactor.py) hands on each event within a logging context of its own, which
costs as much as all the rest of the way (tests/bench/speed.py). Nobody here reads that context. So
the usual event, something to read, is handed on without it. What plain sockets have is read first
and handed on then: a call into the kernel between any two would leave the CPU's caches cold.
Whatever else happens goes Twisted's way, and what fails is logged and ends its connection as there.
"""

from __future__ import annotations

from functools import partial
from select import EPOLLIN
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.tcp import Client, Server
from twisted.python import log

PLAIN = frozenset({Client, Server})  # whose doRead is `recv`, and then `_dataReceived`
AT_ONCE = 64  # sockets that are read before what they had is handed on: 4 MB at most


def short(reactor: Any) -> Any:
    """This reactor, polled as described above, if it is Twisted's epoll reactor. Answers the same
    one. `doIteration` is what ReactorBase's main loop calls (base.py), so an attribute of the
    instance is all it takes."""
    if type(reactor) is EPollReactor:
        vars(reactor)["doIteration"] = partial(_poll, reactor)
    return reactor


def _poll(reactor: Any, timeout: float | None) -> None:
    """Wait for events, at most `timeout` seconds (None: for ever), and hand them on."""
    selectables = reactor._selectables
    try:
        events = reactor._poller.poll(-1 if timeout is None else timeout, len(selectables))
    except InterruptedError:
        return
    for start in range(0, len(events), AT_ONCE):
        _hand_on(reactor, selectables, events[start : start + AT_ONCE])


def _hand_on(reactor: Any, selectables: dict[int, Any], events: list[tuple[int, int]]) -> None:
    read: list[tuple[int, Any, bytes]] = []
    for number, event in events:
        selectable = selectables.get(number)
        if selectable is None:
            continue  # closed by one that was handed on before
        if event != EPOLLIN:
            log.callWithLogger(selectable, reactor._doReadOrWrite, selectable, number, event)
        elif type(selectable) not in PLAIN:
            _do(reactor, selectable, selectable.doRead)
        else:
            try:
                read.append((number, selectable, selectable.socket.recv(selectable.bufferSize)))
            except BlockingIOError:
                """There was nothing after all."""
            except OSError:
                reactor._disconnectSelectable(selectable, CONNECTION_LOST, True)
    for number, one, data in read:
        known: Any = selectables.get(number)
        if known is one:
            _do(reactor, one, one._dataReceived, data)


def _do(reactor: Any, selectable: Any, do: Any, *data: bytes) -> None:
    try:
        why = do(*data)
    except BaseException as error:
        why = error
        log.err()
    if why:
        reactor._disconnectSelectable(selectable, why, True)
