"""The Arena: routers, game servers and players in one process, on one clock, from one seed.

Everything is the real thing but the network, the time and the disk. A run with the same seed does
the same to the last byte. Use it to test a game, a policy, or this package:

    arena = Arena(seed=7)
    arena.start_router()
    eu, us = arena.start_server("eu"), arena.start_server("us")
    ada = arena.start_player()
    arena.run(3.0)
    assert arena.home_of(ada) in ("eu", "us")

`Parts` puts something else in the place of a part. `arena.network` can `cut`, `heal` and `reset`,
`arena.kill` and `arena.drain` take servers away, and a `Disk` makes the ledger slow and bad.

Whole schedules of moves and faults, each from one seed, are explored by

    python -m clientmigration.testing --seeds 1000      # on all cores; `make arena` does the same
    python -m clientmigration.testing --seed 7          # one of them, with its transcript
    python -m clientmigration.testing --faults all      # with everything that may go wrong

and from Python `perform(seed, parts)` answers a `Verdict`: its `violation` is "" when all is well.

To read how: `schedule.py` says what a seed decides, `scene.py` what it is carried out in,
`faults.py` and `surroundings.py` what is done to that, `stage.py` lets the time go on, and
`checks.py` says what has to hold after every single event.
"""

from clientmigration.testing.arena import EPOCH, SECRET, Arena, Parts
from clientmigration.testing.clock import HostClock, Timeline
from clientmigration.testing.fakes import Disk, Glade, LedgerAway, Silent, SlowLedger, Still
from clientmigration.testing.network import End, Host, Network
from clientmigration.testing.stage import Verdict, perform

__all__ = [
    "EPOCH",
    "SECRET",
    "Arena",
    "Disk",
    "End",
    "Glade",
    "Host",
    "HostClock",
    "LedgerAway",
    "Network",
    "Parts",
    "Silent",
    "SlowLedger",
    "Still",
    "Timeline",
    "Verdict",
    "perform",
]
