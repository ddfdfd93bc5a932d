"""Takes what a player says most, inputs, before anything else of its connection is looked at.

An input that came whole and by itself needs no message, no protocol and no transport. A look at
each of those costs cache misses, which are most of what hearing costs. So there is no more here
than it takes, and whatever is not taken goes the usual way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.wire.connection import INPUT_HEAD, LENGTH, input_in, input_of

Said = tuple[Any, int, bytes, float]
"""Whose input it is, its number, its body, and when it came, seconds of the line's clock."""

Unwrap = Callable[[bytes], bytes | None]
"""Answers the frame, without its length, if what came is one message of a WebSocket, after others
that were whole."""


class ByteCounts:
    """The bytes that some lines have sent and received: counted together, so that nobody has to
    look through all of them."""

    __slots__ = ("_received", "_sent")

    def __init__(self) -> None:
        self._sent = self._received = 0

    def send(self, size: int) -> None:
        """So many more."""
        self._sent += size

    def receive(self, size: int) -> None:
        """So many more."""
        self._received += size

    def take(self) -> tuple[int, int]:
        """Sent and received since this was asked last."""
        sent, received, self._sent, self._received = self._sent, self._received, 0, 0
        return sent, received


class InputTaker:
    """Puts each input of one peer into `inputs` as `whose`, as long as they are not too many for
    its `bucket`, and their bytes in `counts`. Only for a peer that may say inputs now."""

    __slots__ = ("_between", "_bucket", "_inputs", "_receive", "_whose")

    def __init__(
        self, bucket: TokenBucket, counts: ByteCounts, inputs: list[Said], whose: Any
    ) -> None:
        self._bucket, self._receive = bucket, counts.receive
        self._inputs, self._whose = inputs, whose
        self._between = True

    def heard(self, between: bool) -> None:
        """Something that was not taken was heard: whether what comes next begins a frame."""
        self._between = between

    def takes(self, data: bytes, now: float) -> bool:
        """Whether that is one whole input, and not too many: it is taken then."""
        if not self._between or not (seq := input_in(data)) or not self._bucket.allows(now):
            return False
        self._receive(len(data))
        self._inputs.append((self._whose, seq, data[INPUT_HEAD:], now))
        return True


class MessageTaker(InputTaker):
    """The same over a WebSocket."""

    __slots__ = ("_unwrap",)

    def __init__(
        self,
        bucket: TokenBucket,
        counts: ByteCounts,
        inputs: list[Said],
        whose: Any,
        unwrap: Unwrap,
    ) -> None:
        super().__init__(bucket, counts, inputs, whose)
        self._unwrap = unwrap

    def takes(self, data: bytes, now: float) -> bool:
        """Whether that is one whole message with an input, and not too many: it is taken then."""
        payload = self._unwrap(data)
        if payload is None or not (seq := input_of(payload)) or not self._bucket.allows(now):
            return False
        self._receive(len(data))
        self._inputs.append((self._whose, seq, payload[INPUT_HEAD - LENGTH :], now))
        return True
