"""What a router is made from: what it finds around it, what it is told, what carries out its work.

Values only; who makes them is the tap, or the Arena.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures.metrics import Sink
from clientmigration.net.beats import Beats, MakeBeats
from clientmigration.net.ledger import LastingLedger, TimedLedger
from clientmigration.net.named_keys import NamedKeys
from clientmigration.net.probe import Probe
from clientmigration.net.tickets import Seals
from clientmigration.router.above import Above
from clientmigration.router.identities import Admission
from clientmigration.router.move import MoveCarrier
from clientmigration.router.names import Names
from clientmigration.router.recovery import Recovery
from clientmigration.router.warm_start import Ask


class EventPost(Protocol):
    """graphite-web, for events."""

    def post(self, what: str, tags: list[str], when: int, data: str = "") -> None:
        """Post one event, of a Unix second, and return at once."""

    def take_dropped(self) -> int:
        """How many events were lost since this was asked last."""


@dataclass(frozen=True)
class RouterOutside:
    """What a router finds around it. Nobody sets `clock`; `wall` answers what the host's clock
    shows, if that is another. `past` is asked for the last seconds before its start; `dropped`
    answers how many datapoints carbon did not get since it was asked last; `operators` are those
    who have keys of their own, `admission` says who may play, `login_keys`
    measures the key set."""

    clock: IReactorTime
    ledger: LastingLedger
    seals: Seals
    sink: Sink
    events: EventPost
    probe: Probe
    entropy: Callable[[int], bytes]
    dropped: Callable[[], int] = lambda: 0
    past: Ask | None = None
    wall: Callable[[], float] | None = None
    operators: NamedKeys = field(default_factory=NamedKeys)
    admission: Admission = field(default_factory=Admission)
    login_keys: Callable[[], Mapping[str, float]] = lambda: {
        "login_keys": 0,
        "login_keys_failed": 0,
    }


@dataclass(frozen=True)
class RouterSettings:
    """What a router is told at its start: `name` is its own in Graphite, and among its equals; it
    may have some if its ledger is `shared`. `policy_file` is where the policy was read. It is
    to be attached to so many `parents`: equal routers above it, to whom it and its own equals are
    one `zone`, of that name if it has one."""

    name: str
    policy: Policy
    shared: bool = False
    policy_file: str = ""
    parents: int = 0
    zone: str = ""

    @property
    def zone_name(self) -> str:
        """What it is called above, and what its fleet as a whole is called in Graphite."""
        return self.zone or self.name


@dataclass(frozen=True)
class RouterParts:
    """What carries out migrations, keeps the ledger's rules, compares members with it, gives
    names, knows the router above and repeats what comes again: put something else here to try it,
    or to plant a bug."""

    carrier: type[MoveCarrier] = MoveCarrier
    ledger: type[TimedLedger] = TimedLedger
    recovery: type[Recovery] = Recovery
    names: type[Names] = Names
    above: type[Above] = Above
    beats: MakeBeats = Beats
