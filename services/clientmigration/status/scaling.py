"""The autoscaler's webhook: it answers how many game servers there should be.

It changes nothing: whoever asks starts and stops the servers.

Question and answer are those of Agones' webhook autoscaler: a review whose request is filled in,
sent back with its response filled in. What Agones adds to the request one day comes back as it was.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import Request

from clientmigration.core.fleet.autoscale import Need, remembered, wanted
from clientmigration.core.fleet.policy import AutoscalePolicy
from clientmigration.status.answers import PublicAnswer, plain, send
from clientmigration.status.feed import Status

log = Logger()


class Replicas(msgspec.Struct, frozen=True):
    """What the asker knows of its fleet; the rest of it does not matter here."""

    replicas: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class ScaledFleet(msgspec.Struct, frozen=True):
    """Who asks, and about how many."""

    uid: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    status: Replicas


class ScalingReview(msgspec.Struct, frozen=True):
    """The question. `request` is sent back letter for letter."""

    request: msgspec.Raw


_QUESTION, _FLEET = msgspec.json.Decoder(ScalingReview), msgspec.json.Decoder(ScaledFleet)


class AutoscalerWebhook(Resource):
    """Hears every second of the fleet, and is asked over HTTP, by POST."""

    isLeaf = True

    def __init__(self, clock: IReactorTime, policy: AutoscalePolicy) -> None:
        super().__init__()
        self._clock, self._policy = clock, policy
        self._needs: tuple[Need, ...] = ()

    def status(self, status: Status) -> None:
        """One more second is known. Silent servers do not count: nothing is known of their need.
        Those that players cannot reach are there, and take nobody."""
        now = self._clock.seconds()
        heard = [server for server in status.servers if server.grade != "silent"]
        cut_off = [server for server in heard if server.closed == "unreachable"]
        others = [server for server in heard if server not in cut_off]
        need = Need.of(others, status.waiting, self._policy, now, cut_off)
        if need is not None:
            self._needs = remembered((*self._needs, need), self._policy, now)

    def answer(self, body: bytes) -> bytes:
        """The review with its response. ValidationError or DecodeError: that is no question."""
        review = _QUESTION.decode(body)
        fleet = _FLEET.decode(review.request)
        running = fleet.status.replicas
        wish = wanted(self._needs, running, self._policy, self._clock.seconds())
        if wish.servers != running:
            log.info(
                "{n} game servers are wanted, not {running}: {reason}",
                n=wish.servers, running=running, reason=wish.reason,
            )  # fmt: skip
        response = {
            "uid": fleet.uid,
            "scale": wish.servers != running,
            "replicas": wish.servers,
        }
        return msgspec.json.encode({"request": review.request, "response": response})

    def render(self, request: Request) -> bytes:
        """Answer a review that is sent by POST; anything else is an error."""
        if request.method != b"POST":
            request.setHeader("Allow", "POST")
            return send(request, plain("ask by POST"), 405)
        content: Any = request.content
        try:
            body = self.answer(content.read())
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as wrong:
            return send(request, plain(f"not a review: {wrong}"), 400)
        return send(request, PublicAnswer(body, "application/json", "no-store"))
