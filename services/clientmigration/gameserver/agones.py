"""Tells Agones' sidecar how this server does: ready, healthy, who plays, and that it is over.

The sidecar's REST interface, as Agones publishes it. It may start after the server, be slow or go:
then it is told later, and nobody who plays notices. `next_words` decides what it is told next.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.iweb import IAgent

from clientmigration.errors import ConfigurationError
from clientmigration.gameserver.use import EVERY_S, Use
from clientmigration.net.agent import sent
from clientmigration.net.beats import Beats

log = Logger()

PORT = 9358  # where the sidecar is unless AGONES_SDK_HTTP_PORT says otherwise
ANSWER_S = 2.0  # it is on the same machine
LABELS_S = 10.0  # labels are writes to the cluster's own database: not more often than this
FAREWELL_S = 3.0  # to say that it is over; without it Agones finds out by itself


@dataclass(frozen=True)
class Word:
    """One request: method, path below the sidecar, and what is said."""

    method: str
    path: str
    body: dict[str, str] = field(default_factory=dict)


LABEL = "/metadata/label"
HEALTH = Word("POST", "/health")
READY = Word("POST", "/ready")
SHUTDOWN = Word("POST", "/shutdown")


@dataclass(frozen=True)
class Told:
    """What the sidecar has taken so far: that we are ready, and labels, with the time at which it
    was told any last, whether it took them or not."""

    ready: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    labelled_at: float = float("-inf")


def label(key: str, value: str) -> Word:
    """A label of the GameServer; Agones puts `agones.dev/sdk-` before its key."""
    return Word("PUT", LABEL, {"key": key, "value": value})


def labels(use: Use) -> dict[str, str]:
    """The labels that a server has, as Kubernetes allows them: 63 letters, none but letters and
    digits at both ends."""
    name = use.member[:63].strip("_-")
    return {"member": name, "players": str(use.players), "capacity": str(use.capacity)}


def next_words(use: Use, told: Told, now: float) -> list[Word]:
    """What to say next. Healthy is who ticks, whether or not a router is there: everybody plays on
    without one, and must not be ended for it. Ready is who is in a fleet; labels follow."""
    words = [HEALTH] if use.ticking else []
    if use.useful and not told.ready:
        words.append(READY)
    if use.member and now - told.labelled_at >= LABELS_S:
        wanted = labels(use).items()
        words += [label(key, value) for key, value in wanted if told.labels.get(key) != value]
    return words


def after(told: Told, word: Word, taken: bool, now: float) -> Told:
    """What the sidecar knows once it has answered a word."""
    if word == READY:
        return replace(told, ready=told.ready or taken)
    if word.path == LABEL:
        new = {word.body["key"]: word.body["value"]} if taken else {}
        return replace(told, labels={**told.labels, **new}, labelled_at=now)
    return told


def sidecar_url(environ: Mapping[str, str]) -> str:
    """Where the sidecar of this process is. ConfigurationError when the port is none."""
    port = environ.get("AGONES_SDK_HTTP_PORT") or str(PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ConfigurationError(f"AGONES_SDK_HTTP_PORT is {port}: a port is from 1 to 65535")
    return f"http://127.0.0.1:{port}"


class Sidecar(Service):
    """Looks once a second, and says one word after the other, each within `ANSWER_S`."""

    def __init__(
        self, agent: IAgent, base: str, use: Callable[[], Use], clock: IReactorTime
    ) -> None:
        self._agent, self._base, self._use, self._clock = agent, base, use, clock
        self._told, self._missed = Told(), 0
        self._beats = Beats(clock)
        self._beats.every(EVERY_S, "telling Agones", self._look)

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._beats.start()

    def stopService(self) -> Deferred[None]:
        """Whoever played here has been moved away: it is over. Within `FAREWELL_S`."""
        super().stopService()
        self._beats.stop()
        return Deferred.fromCoroutine(self._farewell())

    def _look(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._say(next_words(self._use(), self._told, self._now())))

    async def _say(self, words: list[Word]) -> None:
        for word in words:
            taken = await self._taken(word, ANSWER_S)
            if taken is None or not self.running:
                return
            self._told = after(self._told, word, taken, self._now())

    async def _farewell(self) -> None:
        await self._taken(SHUTDOWN, FAREWELL_S)

    async def _taken(self, word: Word, within_s: float) -> bool | None:
        """Whether the sidecar has taken it; None when it gives no answer."""
        url, body = f"{self._base}{word.path}".encode(), json.dumps(word.body).encode()
        asked = Deferred.fromCoroutine(sent(self._agent, word.method.encode(), url, body))
        try:
            status = await asked.addTimeout(within_s, self._clock)
        except Exception as error:  # whatever it is: it is told again
            self._failed(str(error) or type(error).__name__)
            return None
        if status >= 300:
            self._failed(f"{word.path} has status {status}")
        elif word == HEALTH:
            self._answers()
        return status < 300

    def _failed(self, reason: str) -> None:
        if not self._missed:
            log.warn("Agones' sidecar is not told how we do: {reason}", reason=reason)
        self._missed += 1

    def _answers(self) -> None:
        if self._missed:
            log.info("Agones' sidecar is told how we do; {n} requests failed", n=self._missed)
        self._missed = 0

    def _now(self) -> float:
        return self._clock.seconds()
