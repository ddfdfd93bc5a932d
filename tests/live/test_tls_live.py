"""TLS with real processes: every door, every dialling side, and what each refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from authority import Authority
from real_parts import Cluster, eventually

from clientmigration.client.finding import dialer
from clientmigration.net.door import Dial
from clientmigration.net.tls import Encryption
from clientmigration.wire import meadow

MOVES = 5


class Encrypted(Cluster):
    """A cluster whose doors all speak TLS, with certificates of an authority of its own."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.authority = Authority(folder / "tls")
        self.given = self.authority.give(file="fleet")
        super().__init__(folder, flags=(*self.given.flags, *flags))

    def launch(self, name: str, *flags: str) -> None:
        more = ("--tls-ca", str(self.authority.file), *self.given.flags)
        super().launch(name, *more, *flags)

    def dial(self, scheme: str = "clientmigrations", ca: Path | None = None) -> Dial:
        encryption = Encryption.of({"tls-ca": str(ca or self.authority.file)})
        return dialer(self.reactor, trust=encryption.trust, scheme=scheme)


@pytest_twisted.async_yield_fixture()
async def encrypted(tmp_path: Path) -> AsyncIterator[Encrypted]:
    running = Encrypted(tmp_path)
    running.start()
    yield running
    await running.stop()


@pytest.mark.parametrize("scheme", ["clientmigrations", "wss"])
@pytest_twisted.ensureDeferred
async def test_a_player_is_moved_by_tls_without_a_missed_tick(
    encrypted: Encrypted, scheme: str
) -> None:
    await encrypted.server("one", "two")
    ada = await encrypted.player(dial=encrypted.dial(scheme))
    assert encrypted.router.fleet.member("one").address.startswith("clientmigrations://127.0.0.1:")  # type: ignore[union-attr]
    for _ in range(MOVES):
        there = "two" if ada.member == "one" else "one"
        ada.act(meadow.move(1.0, 0.0))
        await encrypted.spread([ada], [there])
    await encrypted.quiet(ada)
    assert ada.moves >= MOVES
    assert (ada.tally.missed, ada.tally.lost, ada.tally.doubled, ada.rejoins) == (0, 0, 0, 0)
    await eventually(lambda: "is a neighbour now" in encrypted.log("one"))
