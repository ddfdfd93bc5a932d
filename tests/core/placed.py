"""A fleet to place newcomers in, and what becomes of them."""

from collections import Counter

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import place
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.scores import Score
from clientmigration.core.measures.metrics import measurements

POLICY = Policy()
NOW = 1000.5
ADA = Newcomer("ada", None, {})


def fleet_of(**members: dict[str, float]) -> Fleet:
    fleet = Fleet()
    for name, changed in members.items():
        fleet.attach(name, "gameserver", f"{name}:4000")
        report(fleet, name, **changed)
    return fleet


def report(fleet: Fleet, name: str, **changed: float) -> None:
    """One second of that member; `second` says which, all else are measures."""
    values = {"load": 0.2, "health": 1.0, "players": 100.0, "capacity": 200.0, **changed}
    second = int(values.pop("second", 1000))
    fleet.observe(measurements("gameserver", name, values, second), NOW)


def chosen(newcomer: Newcomer, fleet: Fleet, policy: Policy = POLICY) -> str | None:
    return place(newcomer, fleet, policy, NOW).member


def reason(newcomer: Newcomer, fleet: Fleet, member: str) -> Score:
    return next(s for s in place(newcomer, fleet, POLICY, NOW).reasons if s.member == member)


def burst(fleet: Fleet, joins: int, names: str = "p") -> Counter[str | None]:
    homes: Counter[str | None] = Counter()
    for n in range(joins):
        home = chosen(Newcomer(f"{names}{n}", None, {}), fleet)
        homes[home] += 1
        if home is not None:
            fleet.placed(home, NOW)
    return homes


def zoned(*zones: str) -> Fleet:
    """Members s0, s1, ... in these zones, each a little more loaded than the one before."""
    fleet = fleet_of(**{f"s{n}": {} for n in range(len(zones))})
    for n, zone in enumerate(zones):
        fleet.attach(f"s{n}", "gameserver", f"s{n}:4000", zone)
        report(fleet, f"s{n}", load=0.1 + n / 20)
    return fleet
