"""Asks Agones' sidecar where players reach this server: the port of the node is known to nobody
before Agones has given it. The link to the router waits for the answer, and not for ever.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from twisted.application.service import IService, Service
from twisted.internet.abstract import isIPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.web.iweb import IAgent

from clientmigration.errors import ConfigurationError
from clientmigration.net.addresses import check_address
from clientmigration.net.agent import body_of

log = Logger()

WITHIN_S = 10.0  # a sidecar starts at about the same time; it asks the cluster's own database
AGAIN_S = 0.5
ANSWER_S = 2.0
PORT = "players"  # the port of that name, else the first


class PortStatus(msgspec.Struct, frozen=True):
    """One port of the node that leads here."""

    port: int
    name: str = ""


class NodePlace(msgspec.Struct, frozen=True):
    """Where Agones has put a GameServer; an address is "" while it does not know."""

    address: str = ""
    ports: list[PortStatus] = []


class GameServerStatus(msgspec.Struct, frozen=True):
    """What the sidecar answers, as far as it matters here."""

    status: NodePlace = NodePlace()


def address_in(answer: bytes) -> str:
    """host:port of an answer; "" while there is none. ValueError when it is no such answer."""
    status = msgspec.json.decode(answer, type=GameServerStatus).status
    named = [each for each in status.ports if each.name == PORT] or status.ports
    if not status.address or not named:
        return ""
    host = f"[{status.address}]" if isIPv6Address(status.address) else status.address
    try:
        check_address(f"{host}:{named[0].port}", "")
    except ConfigurationError as error:
        raise ValueError(str(error)) from error
    return f"{host}:{named[0].port}"


class Asking(Service):
    """Starts `link` when the sidecar has said where players reach us, which `told` hears, or after
    `WITHIN_S` without. Stops it too."""

    def __init__(
        self,
        agent: IAgent,
        base: str,
        told: Callable[[str], None],
        link: IService,
        clock: IReactorTime,
    ) -> None:
        self._agent, self._url, self._told = agent, f"{base}/gameserver".encode(), told
        self._link, self._clock = link, clock
        self._asking: Deferred[None] | None = None

    def startService(self) -> None:
        """Begin to ask."""
        super().startService()
        self._asking = Deferred.fromCoroutine(self._ask())

    def stopService(self) -> Deferred[None] | None:
        """Ask no more, and stop the link if there is one."""
        super().stopService()
        if self._asking is not None:
            self._asking.cancel()
        return self._link.stopService() if self._link.running else None

    async def _ask(self) -> None:
        until, why = self._clock.seconds() + WITHIN_S, "it has none yet"
        try:
            while self._clock.seconds() < until:
                try:
                    if address := address_in(await self._answer()):
                        self._told(address)
                        break
                except CancelledError:
                    raise
                except Exception as error:  # it is asked again
                    why = str(error) or type(error).__name__
                await deferLater(self._clock, AGAIN_S, lambda: None)
            else:
                log.warn("Agones' sidecar does not say where we are: {why}", why=why)
        except CancelledError:
            return
        self._link.startService()

    def _answer(self) -> Deferred[bytes]:
        return Deferred.fromCoroutine(self._fetch()).addTimeout(ANSWER_S, self._clock)

    async def _fetch(self) -> bytes:
        response = await self._agent.request(b"GET", self._url)
        return await body_of(response)
