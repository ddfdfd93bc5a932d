"""Several routers behind one flag: `--router` once for each, or once with commas between them.

They are equals on one ledger. A game server dials all of them; whoever asks or watches dials one,
and the next when that one is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.python import usage
from zope.interface import implementer

from clientmigration.net.addresses import check_dialling

TURN_S = 1.5  # to connect to one of several, then the next has its turn


def each_of(text: str) -> list[str]:
    """The endpoints that a flag names."""
    return [each for each in text.split(",") if each] or [text]


def check_each(text: str, flag: str) -> None:
    """ConfigurationError unless each of them can be dialled."""
    for each in each_of(text):
        check_dialling(each, flag)


def dialled_in_turn(
    clock: IReactorTime, dialling: Callable[[str], IStreamClientEndpoint], text: str
) -> IStreamClientEndpoint:
    """Where the flag says: its only router, or one of several, each as `dialling` makes the way."""
    endpoints = [dialling(each) for each in each_of(text)]
    return endpoints[0] if len(endpoints) == 1 else OneOfSeveral(clock, endpoints)


@implementer(IStreamClientEndpoint)
class OneOfSeveral:
    """Connects to the first that lets it, beginning with the one after that of the last time:
    whoever connects again has lost that one."""

    def __init__(self, clock: IReactorTime, endpoints: Sequence[IStreamClientEndpoint]) -> None:
        self._clock, self._endpoints, self._next = clock, endpoints, 0

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """One of them; or the reason why the last one did not."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        for left in reversed(range(len(self._endpoints))):
            endpoint = self._endpoints[self._next % len(self._endpoints)]
            self._next += 1
            try:
                return await endpoint.connect(factory).addTimeout(TURN_S, self._clock)
            except Exception:
                if not left:
                    raise
        raise AssertionError("there is at least one")


class Joined:
    """A flag of twistd that may be given several times: what it says is joined by commas."""

    def __init__(self, options: usage.Options, flag: str) -> None:
        self._options, self._flag, self._given = options, flag, list[str]()

    def __call__(self, _name: str, value: str) -> None:
        """It was given once more."""
        self._given.append(value)
        self._options.opts[self._flag] = ",".join(self._given)
