"""What every command of the command line is: a name, its flags, and what it does.

`main.py` has the list of them. A command answers once, through its `Output`, and returns one of the
exit codes below. For everything else it raises errors of `errors.py`, which `main.py` turns into
one line and an exit code.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from rich.console import Console, RenderableType
from twisted.internet.task import react
from twisted.python.failure import Failure

T = TypeVar("T")

DONE = 0  # it is so, or it has been done
NO = 1  # the answer is no: an order was refused, a check found something
USAGE = 2  # the command line, or a file that it names, is wrong
AWAY = 3  # the router (or Graphite) is away or does not answer in time
LONGEST_S = 86_400
NOT_AUTHENTIC = 4  # the router does not believe us, or we do not believe it


class Output:
    """Where an answer goes: as a picture for people, or with `--json` as one line of JSON.
    `unheard` says that nobody reads it any more."""

    def __init__(self, console: Console, as_json: bool) -> None:
        self.console = console
        self.as_json = as_json
        self.unheard = False

    def tell(self, value: object, picture: RenderableType) -> None:
        """Print the answer. `value` is anything that msgspec can write."""
        try:
            if self.as_json:
                self.console.file.write(msgspec.json.encode(value).decode() + "\n")
            else:
                self._draw(picture)
            self.console.file.flush()
        except BrokenPipeError:
            self.unheard = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _draw(self, picture: RenderableType) -> None:
        plain = isinstance(picture, str)
        if self.console.is_terminal:
            self.console.print(picture, soft_wrap=plain, markup=False)
            return
        with self.console.capture() as drawn:
            self.console.print(picture, soft_wrap=plain, markup=False)
        lines = drawn.get().rstrip("\n").split("\n")
        self.console.file.write("".join(line.rstrip() + "\n" for line in lines))


def seconds(word: str) -> float:
    """A flag's value: how long to wait. Names what is allowed."""
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not 0 <= number <= LONGEST_S:
        raise ArgumentTypeError(f"{word!r} is not from 0 to {LONGEST_S:,} seconds")
    return number


@dataclass(frozen=True)
class Command:
    """`name` may be two words ("policy check"). `flags` adds to a parser that has `--json`
    already; `run` answers and returns an exit code."""

    name: str
    text: str  # one sentence, for --help
    flags: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Output], int]


def waited(work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """Run the reactor until `work(reactor)` has ended: its value, or its error. Once per program.

    Ctrl-C stops the reactor and ends the program with 130, as a shell expects: what the work says
    of connections that are closed then is nothing to tell.
    """
    ended: list[T | Failure] = []
    stopped_early: list[bool] = []

    async def to_the_end(reactor: Any) -> None:
        reactor.addSystemEventTrigger("before", "shutdown", lambda: stopped_early.append(not ended))
        try:
            ended.append(await work(reactor))
        except BaseException:
            ended.append(Failure())

    with suppress(SystemExit):
        react(to_the_end)
    if not ended or any(stopped_early):
        sys.exit(130)
    result = ended[0]
    if isinstance(result, Failure):
        result.raiseException()
        raise AssertionError("unreachable")
    return result
