"""Several routers behind one flag: `--router` once for each, or once with commas between them, or a
name of several addresses.

They are equals on one ledger. A game server dials all of them; whoever asks or watches dials one,
and the next when that one is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from twisted.python import usage
from zope.interface import implementer

from clientmigration.net.addresses import check_dialling, named_host

TURN_S = 1.5  # to connect to one of several, then the next has its turn
ANSWER_S = 4.0  # then a resolver has no answer
MOST = 16  # addresses of one name that are dialled

Dialling = Callable[[str, str], IStreamClientEndpoint]  # an endpoint's description, at an address


def each_of(text: str) -> list[str]:
    """The endpoints that a flag names."""
    return [each for each in text.split(",") if each] or [text]


def check_each(text: str, flag: str) -> None:
    """ConfigurationError unless each of them can be dialled."""
    for each in each_of(text):
        check_dialling(each, flag)


def at_most(text: str) -> int:
    """How many routers a flag may stand for; of a name that is not known before."""
    return sum(MOST if named_host(each) else 1 for each in each_of(text))


@dataclass(frozen=True)
class Way:
    """One router: the endpoint that a flag `said`, `at` which of its host's addresses; "" if it
    says one itself."""

    said: str
    at: str = ""

    def __str__(self) -> str:
        return f"{self.said} ({self.at})" if self.at else self.said


def ways_of(said: str, addresses: Iterable[str]) -> list[Way]:
    """The routers behind a name of these addresses, at most `MOST`. A host may have an address of
    each family: of the two the one counts that has more addresses, or IPv4. Without any there is
    the name, so that who dials hears why it leads nowhere."""
    families: dict[int, list[str]] = {4: [], 6: []}
    for address in sorted({*addresses}, key=lambda each: int(ip_address(each))):
        families[ip_address(address).version].append(address)
    found = max(families.values(), key=len)
    return [Way(said, each) for each in found[:MOST]] or [Way(said)]


@implementer(IResolutionReceiver)
class _Found:
    """The addresses that a resolver finds."""

    def __init__(self) -> None:
        self._addresses: list[str] = []
        self.all: Deferred[list[str]] = Deferred()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """It looks."""

    def addressResolved(self, address: IAddress) -> None:
        """One more."""
        self._addresses.append(address.host)  # type: ignore[attr-defined]

    def resolutionComplete(self) -> None:
        """There are no more."""
        if not self.all.called:
            self.all.callback(self._addresses)


async def looked_up(clock: IReactorTime, resolver: IHostnameResolver, said: str) -> list[Way]:
    """The routers that one endpoint stands for now. It never takes longer than `ANSWER_S`."""
    host = named_host(said)
    if not host:
        return [Way(said)]
    found = _Found()
    resolver.resolveHostName(found, host)
    try:
        return ways_of(said, await found.all.addTimeout(ANSWER_S, clock))
    except DeferredTimeout:
        return [Way(said)]


async def each_way(reactor: Any, text: str) -> list[Way]:
    """All routers that a flag stands for now."""
    found = list[Way]()
    for said in each_of(text):
        if named_host(said):
            found += await looked_up(reactor, reactor.nameResolver, said)
        else:
            found.append(Way(said))
    return found


def dialled_in_turn(reactor: Any, dialling: Dialling, text: str) -> IStreamClientEndpoint:
    """Where the flag says: its only router, or one of several, each as `dialling` makes the way."""
    if at_most(text) == 1:
        return dialling(text, "")
    return OneOfSeveral(reactor, partial(each_way, reactor, text), dialling)


@implementer(IStreamClientEndpoint)
class OneOfSeveral:
    """Connects to the first that lets it, beginning with the one after that of the last time:
    whoever connects again has lost that one. `ways` answers which there are."""

    def __init__(self, clock: IReactorTime, ways: Callable[[], Any], dialling: Dialling) -> None:
        self._clock, self._ways, self._dialling = clock, ways, dialling
        self._next = 0

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """One of them; or the reason why the last one did not."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        ways: Sequence[Way] = await self._ways()
        for left in reversed(range(len(ways))):
            way = ways[self._next % len(ways)]
            self._next += 1
            connecting = self._dialling(way.said, way.at).connect(factory)
            try:
                return await (connecting.addTimeout(TURN_S, self._clock) if left else connecting)
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
