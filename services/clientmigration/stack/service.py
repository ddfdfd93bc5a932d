"""The stack as one service: it starts programs in order, says how they do, and stops them.

It knows programs, not what they are. Whatever happens, what it started is gone when it has stopped.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.errors import ClientMigrationError
from clientmigration.net.beats import Beats
from clientmigration.net.reactor import Reactor
from clientmigration.stack import logs
from clientmigration.stack.processes import Child, Program, quoted

log = Logger()


@dataclass(frozen=True)
class Surroundings:
    """All that the stack sees and says.

    `say` gets lines for a person; `accepts` tells whether a TCP port of loopback does; `truth`
    gives a line every `every_s` seconds, or raises ClientMigrationError, whose text is the line;
    `welcome` is said once everything serves; `give_up` is called when something cannot be brought
    to serve, and should stop the reactor.
    """

    reactor: Reactor
    say: Callable[[str], None]
    accepts: Callable[[int], Awaitable[bool]]
    truth: Callable[[], Awaitable[str]]
    give_up: Callable[[], None]
    welcome: tuple[str, ...] = ()
    every_s: float = 5.0


class Stack(Service):
    """The programs of `groups`: each group starts once the one before it serves.

    They stop in the opposite order; `stopService` fires when all are gone.
    """

    def __init__(self, around: Surroundings, groups: Sequence[Sequence[Program]]) -> None:
        self._around, self._programs = around, groups
        self._groups: list[list[Child]] = []
        self._beats = Beats(around.reactor)
        self._beats.every(
            around.every_s, "the line of truth", lambda: Deferred.fromCoroutine(self._tell())
        )

    def startService(self) -> None:
        super().startService()
        Deferred.fromCoroutine(self._rise()).addErrback(self._failed)

    def stopService(self) -> Deferred[None]:
        super().stopService()
        self._beats.stop()
        return Deferred.fromCoroutine(self._lower())

    def hurry(self) -> None:
        """End whatever is still there at once, without asking. For a stop that takes too long."""
        for child in reversed(self._children()):
            child.kill()

    def _children(self) -> list[Child]:
        return [child for group in self._groups for child in group]

    async def _rise(self) -> None:
        for group in self._programs:
            if self.running:
                await self._raise(group)
        if self.running:
            for line in self._around.welcome:
                self._around.say(line)
            self._beats.start()

    async def _raise(self, group: Sequence[Program]) -> None:
        self._around.say(f"starting {_names(group)}")
        children = [Child(self._around.reactor, each, self._ended) for each in group]
        self._groups.append(children)
        for child in children:
            child.startService()
        for child in children:
            await child.serving(self._around.accepts)

    async def _tell(self) -> None:
        try:
            line = await self._around.truth()
        except ClientMigrationError as problem:
            line = str(problem)
        if self.running:
            self._around.say(line)
        for child in self._children():
            logs.trim(child.program.log)

    async def _lower(self) -> None:
        for group in reversed(self._groups):
            self._around.say(f"stopping {_names([child.program for child in group])}")
            await gatherResults([child.stopService() for child in group])
        self._around.say("everything has stopped")

    def _ended(self, program: Program, how: str) -> None:
        log.warn("{program} ended {how}", program=program.name, how=how)
        self._around.say(f"{program.name} ended {how}; it is started again.{quoted(program)}")

    def _failed(self, failure: Failure) -> None:
        if not failure.check(ClientMigrationError):
            log.failure("the stack broke", failure)
        self._around.say(failure.getErrorMessage())
        self._around.give_up()


def _names(programs: Sequence[Program]) -> str:
    return ", ".join(program.name for program in programs)
