"""A shorter way from a socket to its protocol, under Twisted's epoll reactor.

Twisted (26.10, epollreactor.py) hands on each event within a logging context of its own, which
costs as much as all the rest of the way (tests/bench/speed.py). Nobody here reads that context. So
the usual event, something to read, is handed on without it; whatever else happens goes Twisted's
way, and what fails is logged and ends its connection as there.
"""

from __future__ import annotations

from functools import partial
from select import EPOLLIN
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.python import log


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
    for number, event in events:
        selectable = selectables.get(number)
        if selectable is None:
            continue  # closed by one that was handed on before
        if event != EPOLLIN:
            log.callWithLogger(selectable, reactor._doReadOrWrite, selectable, number, event)
            continue
        try:
            why = selectable.doRead()
        except BaseException as error:
            why = error
            log.err()
        if why:
            reactor._disconnectSelectable(selectable, why, True)
