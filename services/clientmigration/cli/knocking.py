"""Knocks at doors as players do: connects, greets, hears a greeting, and leaves. Nobody joins."""

from __future__ import annotations

from collections.abc import Iterable
from time import time
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.defer import TimeoutError as DeferredTimeout

from clientmigration.cli.findings import Knock
from clientmigration.client.finding import dialer, scheme_of
from clientmigration.net.certificate import left_days
from clientmigration.net.door import Lines
from clientmigration.net.line import UNGREETED, Line, LineTerms
from clientmigration.net.trust import Trust
from clientmigration.wire.connection import ROUTER_TO_PLAYER

KNOCK_S = 4.0  # to connect and to be greeted
RATE = (100.0, 1_000.0)


class Knocker:
    """The `Listener` of a line that only wants to be greeted."""

    def __init__(self) -> None:
        self.greeted: Deferred[None] = Deferred()

    def opened(self, line: Line) -> None:
        """That is all."""
        if not self.greeted.called:
            self.greeted.callback(None)
        line.hang_up("bye", "")

    def heard(self, message: Any) -> None:
        """Whatever it is, we are leaving."""

    def closed(self, reason: str) -> None:
        """Before it greeted, or after."""
        if not self.greeted.called:
            self.greeted.errback(ConnectionError(f"{reason} {UNGREETED}"))


async def knock(reactor: Any, trust: Trust, address: str) -> Knock:
    """At one door: host:port, or a URL as players have it."""
    caller, began = Knocker(), reactor.seconds()
    terms = LineTerms(ROUTER_TO_PLAYER, RATE)
    make = Lines(lambda: Line("player", terms, caller, reactor))
    try:
        scheme = scheme_of(address) if "://" in address else ""
        endpoint = dialer(reactor, trust=trust, scheme=scheme)(address)
        protocol = await endpoint.connect(make).addTimeout(KNOCK_S, reactor)
        days = _days(protocol)
        await caller.greeted.addTimeout(KNOCK_S, reactor)
    except (DeferredTimeout, CancelledError):
        return Knock(error=f"does not answer within {KNOCK_S:g} s")
    except ValueError:
        return Knock(error="is no address of a door, such as clientmigration://HOST:4100")
    except Exception as error:  # whatever keeps players out is what is to be told
        return Knock(error=str(error) or type(error).__name__)
    return Knock(reactor.seconds() - began, days=days)


async def knock_at(reactor: Any, trust: Trust, addresses: Iterable[str]) -> list[Knock]:
    """At all of them, together."""
    knocks = [Deferred.fromCoroutine(knock(reactor, trust, each)) for each in addresses]
    return await gatherResults(knocks)


def _days(protocol: Any) -> float | None:
    """How long the certificate is good that was shown, if one was."""
    transport = getattr(protocol, "transport", None)
    shown = getattr(transport, "getPeerCertificate", lambda: None)()
    return left_days(shown.to_cryptography().not_valid_after_utc, time()) if shown else None
