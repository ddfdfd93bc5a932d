"""Reads series and events from graphite-web, as values.

It only asks. No decision and no player waits for the answer. Behind https, graphite-web has to
prove that it was meant: to `trust`, or as the system's authorities say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    DNSLookupError,
)
from twisted.web.client import ResponseFailed
from twisted.web.error import SchemeNotSupported
from twisted.web.iweb import IAgent

from clientmigration.core.measures.metrics import Datapoint
from clientmigration.errors import Away, PeersFault
from clientmigration.net.agent import agent_for, body_of
from clientmigration.net.reactor import Reactor
from clientmigration.net.trust import Trust

ANSWERS_WITHIN_S = 5.0

T = TypeVar("T")


class GraphiteAway(Away):
    """graphite-web gave no answer that can be read. The text says what it gave."""


class Series(msgspec.Struct, frozen=True):
    """One series of a render answer: (value or None, whole Unix second), oldest first."""

    target: str
    datapoints: tuple[tuple[float | None, int], ...]

    def known(self) -> list[float]:
        """Its values, oldest first, without the seconds that have none."""
        return [value for value, _ in self.datapoints if value is not None]

    def latest(self, since: float) -> float | None:
        """Its last value, if that is not older than `since`."""
        fresh = [value for value, when in self.datapoints if value is not None and when >= since]
        return fresh[-1] if fresh else None

    def step_s(self) -> int:
        """Seconds from one datapoint to the next; 0 when there are fewer than two."""
        return self.datapoints[1][1] - self.datapoints[0][1] if len(self.datapoints) > 1 else 0

    def points(self) -> list[Datapoint]:
        """Its values as they were sent, if its step is one second."""
        return [
            Datapoint(self.target, value, when)
            for value, when in self.datapoints
            if value is not None
        ]


class GraphiteEvent(msgspec.Struct, frozen=True):
    """One event: `when` in Unix seconds, `what` its title, `data` its text."""

    when: float
    what: str
    data: str = ""
    tags: tuple[str, ...] = ()


async def fetch(
    reactor: Reactor, url: str, within_s: float = ANSWERS_WITHIN_S, trust: Trust | None = None
) -> bytes:
    """The body at a URL. Raises GraphiteAway: no connection, no 200, or not in time."""
    try:
        asked = Deferred.fromCoroutine(_get(agent_for(reactor, 0, trust), url))
        return await asked.addTimeout(within_s, reactor)
    except (TimeoutError, ConnectingCancelledError) as problem:
        raise GraphiteAway(f"Graphite does not answer within {within_s:g} s") from problem
    except ResponseFailed as problem:
        late = any(each.check(CancelledError) for each in problem.reasons)
        why = f" within {within_s:g} s" if late else f": {_why(problem)}"
        raise GraphiteAway(f"Graphite does not answer{why}") from problem
    except (ConnectError, ConnectionClosed, DNSLookupError, PeersFault) as problem:
        raise GraphiteAway(f"Graphite does not answer: {problem}") from problem
    except (SchemeNotSupported, ValueError) as problem:
        raise GraphiteAway(f"{url[:80]} is no address of Graphite: {problem}") from problem


def _why(failed: ResponseFailed) -> str:
    """What went wrong with an answer, in words."""
    return "; ".join(dict.fromkeys(each.getErrorMessage() for each in failed.reasons))


async def _get(agent: IAgent, url: str) -> bytes:
    response = await agent.request(b"GET", url.encode("ascii"))
    body = await body_of(response)
    if response.code != 200:
        raise GraphiteAway(f"Graphite answers {response.code}: {words(body)}")
    return body


def words(body: bytes) -> str:
    """The beginning of an answer, for a person: without the tags of a page, on one line."""
    page = body[:4000].decode(errors="replace").strip()
    if page.startswith("<"):
        page = re.sub(r"(?is)<(head|script|style)\b.*?(</\1>|$)|<[^>]*>?", " ", page).strip()
        page = f"a page that says: {page}" if page else "a page without words"
    return " ".join(page.split())[:200]


def read(body: bytes, kind: type[T]) -> T:
    """An answer as a value, or GraphiteAway."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as problem:
        if body.lstrip().startswith(b"<"):
            raise GraphiteAway(
                "something else than Graphite answers at its address, with a page for browsers"
            ) from problem
        raise GraphiteAway(f"Graphite's answer cannot be read: {problem}") from problem


async def render(
    reactor: Reactor,
    base: str,
    targets: Sequence[str],
    back_s: int = 60,
    within_s: float = ANSWERS_WITHIN_S,
    trust: Trust | None = None,
) -> tuple[Series, ...]:
    """What graphite-web at `base` knows of the targets in the last `back_s` s. Or GraphiteAway."""
    query = [("target", target) for target in targets]
    query += [("from", f"-{back_s}s"), ("format", "json")]
    url = f"{base}/render?{urlencode(query)}"
    return read(await fetch(reactor, url, within_s, trust=trust), tuple[Series, ...])


async def between(
    reactor: Reactor,
    base: str,
    targets: Sequence[str],
    since: int,
    until: int,
    within_s: float,
    trust: Trust | None = None,
) -> tuple[Series, ...]:
    """The targets from second `since` to second `until`, both with it, as finely as they are kept.
    Or GraphiteAway."""
    query = [("target", target) for target in targets]
    query += [("from", str(since - 1)), ("until", str(until)), ("format", "json")]
    url = f"{base}/render?{urlencode(query)}"
    return read(await fetch(reactor, url, within_s, trust), tuple[Series, ...])


async def events(
    reactor: Reactor,
    base: str,
    tags: Sequence[str],
    since: int,
    until: int,
    within_s: float,
    trust: Trust | None = None,
) -> tuple[GraphiteEvent, ...]:
    """Events with any of these tags from second `since` to second `until`, oldest first. Or
    GraphiteAway."""
    query = [("tags", " ".join(tags)), ("set", "union"), ("from", since), ("until", until)]
    url = f"{base}/events/get_data?{urlencode(query)}"
    return read(await fetch(reactor, url, within_s, trust), tuple[GraphiteEvent, ...])
