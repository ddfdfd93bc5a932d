"""`clientmigration top`: shows the fleet live, and takes orders by key.

With `--json` it prints a line of JSON every second instead. What is shown and what keys mean is in
`screen.py`; here are a connection that comes back by itself, and the terminal.
"""

from __future__ import annotations

import os
import sys
import termios
import tty
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from rich.live import Live
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.cli.command import DONE, Command, Output, waited
from clientmigration.cli.router import credentials_of, endpoint_of, router_flags
from clientmigration.cli.screen import Screen, keys, picture, pressed, spelled
from clientmigration.errors import Away, ClientMigrationError, ConfigurationError
from clientmigration.net.door import steady
from clientmigration.net.line import Line
from clientmigration.net.operator import OperatorClient
from clientmigration.net.worldclock import monotonic
from clientmigration.wire.operators import Asked, Ended, Found, OperatorRole, Order, Overview, World


def run(given: Namespace, answer: Output) -> int:
    """Show the fleet until somebody ends it."""
    if not answer.as_json and not (sys.stdin.isatty() and answer.console.is_terminal):
        raise ConfigurationError("top needs a terminal; for a program there is --json")
    waited(lambda reactor: Top(monotonic(reactor), given, answer).watch())
    return DONE


class Top:
    """A person who watches: `screen` is what is shown, `client` the connection there is now."""

    def __init__(self, reactor: Any, given: Namespace, answer: Output) -> None:
        self.reactor, self.answer = reactor, answer
        role: OperatorRole = "watcher" if answer.as_json else "operator"
        self.credentials = credentials_of(given, role)
        self.link = steady(endpoint_of(reactor, given), self._line, reactor)
        self.where, self.patience_s = given.router, given.timeout
        self.screen = Screen()
        self.client: OperatorClient | None = None
        self.live: Live | None = None
        self.over: Deferred[None] = Deferred()

    async def watch(self) -> None:
        """Until `q` or Ctrl-C. A router that is not there at the beginning is an error."""
        self.link.startService()
        self.reactor.addSystemEventTrigger("before", "shutdown", self._end)
        patience = self.reactor.callLater(self.patience_s, self._late)
        try:
            if self.answer.as_json:
                await self.over
            else:
                with self._terminal():
                    await self.over
        finally:
            if patience.active():
                patience.cancel()
            await self.link.stopService()

    def _late(self) -> None:
        if self.screen.overview is None:
            self._end(Away(f"no router at {self.where} within {self.patience_s:g} s"))

    def _end(self, error: Exception | None = None) -> None:
        if not self.over.called:
            self.over.errback(error) if error else self.over.callback(None)

    # The router.

    def _line(self) -> Line:
        self.client = OperatorClient(
            self.reactor, self.credentials, on_update=self._updated, on_end=self._ended
        )
        return self.client.line

    def _updated(self, overview: Overview | World) -> None:
        assert isinstance(overview, Overview)
        self.screen = self.screen.updated(overview)
        if self.answer.as_json:
            self.answer.tell(overview, "")
            if self.answer.unheard:
                self._end()
        question = self.screen.question()
        if question is not None:
            self._ask(question)
        self._draw()

    def _ended(self, error: Exception) -> None:
        self.screen = replace(self.screen, away=str(error))
        if self.screen.overview is None and not isinstance(error, Away):
            self._end(error)
        self._draw()

    def _ask(self, question: Asked) -> None:
        if self.client is None:
            return

        def answered(answer: Found | Ended) -> None:
            if isinstance(answer, Found):
                self.screen = replace(self.screen, found=answer if self.screen.follow else None)
            elif isinstance(question, Order):
                said = f"{spelled(question)}: {answer.text or answer.outcome}"
                self.screen = replace(self.screen, said=said)
            else:
                self.screen = replace(self.screen, follow="", found=None, said=answer.text)
            self._draw()

        def failed(failure: Failure) -> None:
            failure.trap(ClientMigrationError)  # the screen says that the router is away

        self.client.ask(question).addCallbacks(answered, failed)

    # The terminal.

    @contextmanager
    def _terminal(self) -> Iterator[None]:
        console, stdin = self.answer.console, sys.stdin.fileno()
        before = termios.tcgetattr(stdin)
        reader = Keys(stdin, self._pressed)
        with Live(console=console, screen=True, auto_refresh=False) as self.live:
            tty.setcbreak(stdin)
            mode = termios.tcgetattr(stdin)
            mode[3] &= ~termios.ISIG  # Ctrl-C is a key, and ends it in order
            termios.tcsetattr(stdin, termios.TCSADRAIN, mode)
            self.reactor.addReader(reader)
            self._draw()
            try:
                yield
            finally:
                self.reactor.removeReader(reader)
                termios.tcsetattr(stdin, termios.TCSADRAIN, before)

    def _pressed(self, said: str) -> None:
        for key in keys(said):
            self.screen, asked = pressed(self.screen, key)
            if asked is not None:
                self._ask(asked)
        self._draw()
        if self.screen.over:
            self._end()

    def _draw(self) -> None:
        if self.live is not None:
            self.live.update(picture(self.screen, self.answer.console.height), refresh=True)


@implementer(IReadDescriptor)
class Keys:
    """The keyboard, as the reactor reads it."""

    def __init__(self, descriptor: int, pressed: Any) -> None:
        self.descriptor, self.pressed = descriptor, pressed

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self.descriptor

    def doRead(self) -> Failure | None:
        """Pass on the keys that have been pressed."""
        said = os.read(self.descriptor, 1024)
        self.pressed(said.decode(errors="replace") or "q")  # the terminal is gone
        return None

    def connectionLost(self, reason: Failure) -> None:
        """Nothing: a terminal that is gone is read as `q`."""

    def logPrefix(self) -> str:
        """What the reactor calls it in its log."""
        return "keys"


COMMAND = Command("top", "Watch the fleet live, and give orders by key.", router_flags, run)
