"""The machine of a player's journey: to the router, to a server, and from server to server.

Make before break: while `crossing` there are two connections and the player goes on playing on the
first. It switches when the second shows it a view, and falls back when the second is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from automat import TypeMachineBuilder, pep614

from clientmigration.core.player.machine import built, ignore_the_rest


class JourneyHands(Protocol):
    """What a journey needs done. `where` is a redirect: member, address, ticket."""

    def seek(self) -> None:
        """Ask the router where to play."""

    def wait(self) -> None:
        """Wait a little (longer each time), then `retry`."""

    def join(self, where: object) -> None:
        """Connect to a server, as the only one."""

    def cross(self, where: object) -> None:
        """Connect to a second server beside the present one."""

    def switch(self) -> None:
        """The second connection is the first from now on."""

    def drop(self) -> None:
        """Close the second connection."""

    def close(self) -> None:
        """Close everything."""


class Journey(Protocol):
    """The inputs: what the connections and the program did."""

    def state(self) -> str:
        """The name of the present state."""

    def start(self) -> None:
        """The program wants to play."""

    def stop(self) -> None:
        """The program does not want to play any more."""

    def retry(self) -> None:
        """The wait is over."""

    def redirected(self, where: object) -> None:
        """The router, or the present server, names a server and a ticket."""

    def viewed(self) -> None:
        """The first server shows its first view."""

    def crossed(self) -> None:
        """The second server shows its first view."""

    def home_lost(self) -> None:
        """The connection to the router (seeking) or to the first server is gone."""

    def next_lost(self) -> None:
        """The second connection is gone, or could not be made in time."""


builder = TypeMachineBuilder(Journey, JourneyHands)  # type: ignore[type-abstract]
idle = builder.state("idle")
seeking = builder.state("seeking")
waiting = builder.state("waiting")
joining = builder.state("joining")
playing = builder.state("playing")
crossing = builder.state("crossing")
landing = builder.state("landing")
ended = builder.state("ended")
everywhere = (idle, seeking, waiting, joining, playing, crossing, landing, ended)
for each in everywhere:
    each.upon(Journey.state).loop().returns(each.name)


@pep614(idle.upon(Journey.start).to(seeking))
@pep614(waiting.upon(Journey.retry).to(seeking))
@pep614(playing.upon(Journey.home_lost).to(seeking))
@pep614(landing.upon(Journey.next_lost).to(seeking))
def seek(_: Journey, hands: JourneyHands) -> None:
    hands.seek()


@pep614(seeking.upon(Journey.home_lost).to(waiting))
@pep614(joining.upon(Journey.home_lost).to(waiting))
def wait(_: Journey, hands: JourneyHands) -> None:
    hands.wait()


@pep614(seeking.upon(Journey.redirected).to(joining))
def join(_: Journey, hands: JourneyHands, where: object) -> None:
    hands.join(where)


@pep614(playing.upon(Journey.redirected).to(crossing))
def cross(_: Journey, hands: JourneyHands, where: object) -> None:
    hands.cross(where)


@pep614(crossing.upon(Journey.redirected).loop())
def cross_elsewhere(_: Journey, hands: JourneyHands, where: object) -> None:
    hands.drop()
    hands.cross(where)


@pep614(crossing.upon(Journey.crossed).to(playing))
@pep614(landing.upon(Journey.crossed).to(playing))
def switch(_: Journey, hands: JourneyHands) -> None:
    hands.switch()


@pep614(crossing.upon(Journey.next_lost).to(playing))
def fall_back(_: Journey, hands: JourneyHands) -> None:
    hands.drop()


joining.upon(Journey.viewed).to(playing).returns(None)
crossing.upon(Journey.home_lost).to(landing).returns(None)

for state in everywhere[:-1]:

    @pep614(state.upon(Journey.stop).to(ended))
    def stop(_: Journey, hands: JourneyHands) -> None:
        hands.close()


ignore_the_rest(Journey, *everywhere)

journey: Callable[[JourneyHands], Journey] = built(builder)
