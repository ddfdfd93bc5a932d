"""A tally that plays, and a server that applies what it sends."""

from __future__ import annotations

from clientmigration.core.player.inbox import Inbox
from clientmigration.core.player.snapshot import Progress
from clientmigration.core.player.tally import Sent, Tally

TICK_S = 0.05


def playing(last_tick: int = 0) -> Tally[str]:
    """A player that a server has welcomed, and has shown views up to `last_tick`."""
    tally: Tally[str] = Tally(TICK_S)
    tally.continue_from(0)
    for tick in range(1, last_tick + 1):
        see(tally, tick)
    return tally


def see(
    tally: Tally[str], tick: int, by: str = "a", late_s: float = 0.0, crossing: bool = False
) -> list[str]:
    return tally.show(tick, f"{by}{tick}", tick * TICK_S + late_s, crossing)


def act(tally: Tally[str], *bodies: bytes, now: float = 0.0) -> list[Sent]:
    return [tally.send(body, now) for body in bodies]


class Server:
    """Applies what it gets as a game server would, and tells as a view would."""

    def __init__(self, progress: Progress = Progress()) -> None:  # noqa: B008
        self.inbox = Inbox(progress)

    def gets(self, sent: list[Sent]) -> None:
        for each in sent:
            assert self.inbox.offer(each.seq, each.body, 0.0)
        while self.inbox.take() is not None:
            pass

    def tells(self, tally: Tally[str], now: float = 0.0) -> None:
        done = self.inbox.progress
        tally.acknowledge(done.last, done.applied, done.digest, now)


def server_after(*bodies: bytes) -> Server:
    server, tally = Server(), playing()
    server.gets(act(tally, *bodies))
    return server
