"""TLS on a connection that is open already, by the standard library; it does no I/O of its own.

Twisted's own TLS is not used: it brings pyOpenSSL, cryptography and cffi, which every daemon would
load at its start once they are there. NATS speaks first in the clear, so that an endpoint that
begins with TLS would not do either.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress

_PIECE = 65_536


class Sealed:
    """One side of TLS, that of the client. `write` is given what is to go out.

    Whatever the peer does wrong, a certificate of somebody else too, is an `ssl.SSLError`.
    """

    def __init__(self, context: ssl.SSLContext, host: str, write: Callable[[bytes], None]) -> None:
        self._in, self._out, self._write = ssl.MemoryBIO(), ssl.MemoryBIO(), write
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        self._agreed = False
        self._waiting: list[bytes] = []
        self._agree()

    def send(self, plain: bytes) -> None:
        """Seal it and write it, once both sides agree on how."""
        if not self._agreed:
            self._waiting.append(plain)
            return
        self._tls.write(plain)
        self._flush()

    def received(self, sealed: bytes) -> bytes:
        """What the peer said, as far as it can be read by now."""
        self._in.write(sealed)
        if not self._agreed:
            self._agree()
        return b"".join(self._read()) if self._agreed else b""

    def _agree(self) -> None:
        try:
            with suppress(ssl.SSLWantReadError):
                self._tls.do_handshake()
                self._agreed = True
        finally:  # what is wrong with it, the peer is told too
            self._flush()
        if self._agreed:
            for plain in self._waiting:
                self.send(plain)
            self._waiting.clear()

    def _read(self) -> list[bytes]:
        pieces = []
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while piece := self._tls.read(_PIECE):
                pieces.append(piece)
        self._flush()
        return pieces

    def _flush(self) -> None:
        if self._out.pending:
            self._write(self._out.read())
