"""What a seed decides: who takes part, how good network and ledger are, and what is done to them.

A pure function of the seed. Nothing here touches an arena: `faults.py` does what a step says.

What a seed decides depends on every word and weight of the tables below, on their order, and on
the order in which `random` is asked. They stay letter for letter (that is why "thief" still stands
for a ticket that is replayed): a seed has to do tomorrow what it did when it found a bug. Another
kind of fault is another `Repertoire`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from clientmigration.core.fleet.policy import (
    HealthPolicy,
    Limits,
    PlacementPolicy,
    Policy,
    RebalancePolicy,
)
from clientmigration.testing.fakes import Disk

OPEN_S = 1.6  # the servers are attached and have reported: players may come
BEGIN_S, HEAL_S = 3.0, 10.0  # between these things are done; then everything is made well again

# A small fleet that makes up its mind fast, so that short schedules see it rebalance.
POLICY = Policy(
    placement=PlacementPolicy(ping_patience_s=0.2, arrival_s=1.0),
    rebalance=RebalancePolicy(
        period_s=1.0, lag_s=0.5, hold_s=1.0, settle_s=1.0, datapoints=1, imbalance=1.1, margin=0.02
    ),
    limits=Limits(cooldown_s=1.5),
)

CALM = {"move": 12, "burst": 2, "newcomer": 1, "leave": 1, "return": 2, "drain": 1, "thief": 1}
ROUGH = {
    **{word: weight * 2 for word, weight in CALM.items()},
    "kill server": 3,
    "kill router": 3,
    "kill player": 2,
    "cut": 5,
    "half cut": 4,
    "reset": 5,
    "bad disk": 3,
}
FROZEN = {"freeze server": 9, "freeze router": 4, "freeze player": 4}
# What stands around the players gives way: their ways, their game, clocks, CPU, what comes again.
AROUND = {
    "part": 3,
    "part all": 1,
    "player fault": 8,
    "world fault": 5,
    "jump": 6,
    "starve": 5,
    "no ticks": 3,
    "beat fault": 6,
}
# A ledger on other machines, and another router on it: see engine.py.
ENGINES = {"late claim": 9, "stale reads": 4, "lost answers": 3, "outage": 5, "rival": 5}
# Several routers on one ledger: one goes, and both want the same player. See equals.py.
EQUALS = {"kill equal": 5, "stop equal": 4, "part equal": 4, "both": 8}
FAULTS = frozenset({**ROUGH, **FROZEN, **AROUND, **ENGINES, **EQUALS}) - frozenset(CALM)
Ranges = tuple[tuple[float, float], ...]
FREEZE_S: Ranges = ((0.1, 1.0), (1.0, 4.0), (4.0, 8.0), (8.0, 30.0))  # each as likely as the others
LATE_S: Ranges = ((0.02, 0.3), (0.02, 0.3), (0.3, 2.0))
AWAY_S: Ranges = ((0.5, 2.0), (2.0, 8.0))
SHORTER_S: Ranges = (*FREEZE_S, *FREEZE_S[:2] * 3)
PART_S: Ranges = ((1.0, 5.0), (1.0, 5.0), (5.0, 9.0), (17.0, 24.0))
SLOW_S: Ranges = ((1.0, 4.0), (4.0, 9.0))
STANDS_S: Ranges = ((1.0, 4.0), (7.0, 9.0), (7.0, 9.0))
SPARED_S: Ranges = ((0.1, 1.0), (1.0, 4.0), (4.0, 10.0))
BESIDE = 0.7  # the share of freezes that fall into moves


@dataclass(frozen=True)
class Step:
    """Something that is done `at` seconds after the start, and lasts `seconds` where it can last.

    `word` says what (a word of `rough` in its repertoire); `dice` (0..1) say to whom."""

    at: float
    word: str
    dice: tuple[float, float, float]
    seconds: float


@dataclass(frozen=True)
class Repertoire:
    """What can happen in a schedule. `kinds` are the kinds of schedules with their weights, `rough`
    the words of a rough one with theirs; `tag` is in the name of the chance that a seed stands for.
    `lasts` are the seconds for which some words last, `most` the steps of a rough one."""

    name: str
    tag: str
    kinds: Mapping[str, int]
    rough: Mapping[str, int]
    lasts: Mapping[str, Ranges] = field(default_factory=lambda: dict.fromkeys(FROZEN, FREEZE_S))
    most: int = 26
    policy: Policy = POLICY
    routers: tuple[int, ...] = ()  # how many there may be; one, where it does not say


# Calm schedules in which only these words are wrong: much more has to hold there.
ALONE = {
    "freeze": ("freeze server",),
    "parted": ("part",),
    "shut": ("part all",),
    "game": ("player fault", "player fault"),
    "world": ("world fault",),
    "clocks": ("jump", "jump"),
    "starved": ("starve",),
    "tickless": ("no ticks",),
    "beats": ("beat fault", "beat fault", "beat fault"),
}
ENGINES_ALONE = {
    "late": ("late claim", "late claim"),
    "stale": ("stale reads",),
    "unheard": ("lost answers",),
    "silent": ("outage",),
    "rivalled": ("rival", "rival"),
}
EQUALS_ALONE = {
    "killed": ("kill equal", "both", "both"),
    "stopped": ("stop equal", "both", "both"),
    "cut off": ("part equal", "both", "both"),
    "wanted": ("both",) * 6,
}
LASTS = {
    **dict.fromkeys(FROZEN, SHORTER_S),
    **dict.fromkeys(("part", "part all"), PART_S),
    "starve": SLOW_S,
    "no ticks": STANDS_S,
}
SOON_UNHEALTHY = Policy(
    placement=POLICY.placement,
    rebalance=POLICY.rebalance,
    limits=POLICY.limits,
    health=HealthPolicy(fresh_s=2.0, unhealthy_s=5.0),
)

FIRST = Repertoire("first", "", {"calm": 4, "crash": 1, "rough": 7}, ROUGH)
FREEZES = Repertoire("freezes", " freezes", {"freeze": 4, "rough": 8}, ROUGH | FROZEN)
ALL = Repertoire(
    "all",
    " all",
    {"calm": 1, "crash": 1, **dict.fromkeys(ALONE, 1), "rough": 10},
    ROUGH | FROZEN | AROUND,
    LASTS,
    16,
    SOON_UNHEALTHY,
)
ENGINE = Repertoire(
    "engine",
    " engine",
    {"calm": 1, **dict.fromkeys(ENGINES_ALONE, 2), "rough": 8},
    ROUGH | FROZEN | ENGINES,
    {**LASTS, "late claim": LATE_S, "outage": AWAY_S},
    16,
)
EQUAL = Repertoire(
    "equals",
    " equals",
    {"calm": 1, **dict.fromkeys(EQUALS_ALONE, 3), "rough": 8},
    ROUGH | FROZEN | ENGINES | EQUALS,
    {
        **LASTS,
        "late claim": LATE_S,
        "outage": AWAY_S,
        **dict.fromkeys(("kill equal", "stop equal", "part equal"), SPARED_S),
    },
    16,
    routers=(1, 2, 2, 3),
)
REPERTOIRES = {each.name: each for each in (FIRST, FREEZES, ALL, ENGINE, EQUAL)}


@dataclass(frozen=True)
class Schedule:
    """All that a seed decides beforehand, times in seconds.

    `kind` is "calm" (no fault but a slow ledger), "crash" (calm, and one server is killed),
    a key of `ALONE`, `ENGINES_ALONE` or `EQUALS_ALONE` (calm, and only that is wrong) or "rough"
    (everything).
    `ways` are the one-way delays between hosts, `skew` how far the clock of each is ahead, `lossy`
    the share of what is sent that comes late, `cost` a player's load."""

    seed: int
    kind: str
    servers: tuple[str, ...]
    players: int
    rate: int
    ways: dict[tuple[str, str], float]
    jitter_s: float
    lossy: float
    skew: dict[str, float]
    disk: Disk
    cost: float
    policy: Policy
    ground: bool  # whether coins are laid down: what lies on a server dies with it
    steps: tuple[Step, ...]
    routers: tuple[str, ...] = ("router",)


def schedule(seed: int, repertoire: Repertoire = FIRST) -> Schedule:
    """The schedule of this seed."""
    random = Random(f"plan {seed}{repertoire.tag}")  # see the law above
    kind = random.choices(tuple(repertoire.kinds), tuple(repertoire.kinds.values()))[0]
    servers = ("a", "b", "c")
    furthest = random.choice((0.001, 0.005, 0.02, 0.04))
    zones = ("router", "player", *servers)
    ways = {(one, two): random.uniform(0.0002, furthest) for one in zones for two in zones}
    return Schedule(
        seed=seed,
        kind=kind,
        servers=servers,
        players=random.randint(3, 6),
        rate=random.choice((10, 10, 10, 20)),
        ways=ways,
        jitter_s=random.choice((0.0, 0.001, 0.005, 0.02)),
        lossy=random.choice((0.0, 0.001, 0.003)) if kind == "rough" else 0.0,
        skew={zone: random.uniform(-0.01, 0.01) for zone in zones},
        disk=_disk(random, kind),
        cost=random.choice((0.02, 0.1)),
        policy=repertoire.policy,
        ground=random.random() < 0.4,
        steps=_steps(random, kind, repertoire),
        routers=_routers(random, kind, repertoire),
    )


def _routers(random: Random, kind: str, repertoire: Repertoire) -> tuple[str, ...]:
    count = random.choice(repertoire.routers) if repertoire.routers else 1
    if kind in EQUALS_ALONE:
        count = max(2, count)
    return ("router", "router-2", "router-3")[:count]


def _disk(random: Random, kind: str) -> Disk:
    slow = random.choice((0.0, 0.002, 0.02, 0.1))
    alone = kind in ALONE or kind in ENGINES_ALONE or kind in EQUALS_ALONE
    if kind == "crash" or alone or random.random() < 0.5:
        return Disk(slow)
    return Disk(slow, random.uniform(0, 0.1), random.uniform(0, 0.3))


def _steps(random: Random, kind: str, repertoire: Repertoire) -> tuple[Step, ...]:
    weights = repertoire.rough if kind == "rough" else CALM
    steps = [
        _step(random, word, repertoire)
        for word in random.choices(
            list(weights),
            list(weights.values()),
            k=random.randint(6, repertoire.most if kind == "rough" else repertoire.most + 10),
        )
    ]
    if kind == "crash":
        steps = [each for each in steps if each.word in ("move", "burst", "newcomer")]
        steps.append(Step(random.uniform(6, HEAL_S), "kill server", _dice(random), 20.0))
    alone = ALONE.get(kind) or ENGINES_ALONE.get(kind) or EQUALS_ALONE.get(kind)
    if alone:
        steps = [each for each in steps if each.word in ("move", "burst", "newcomer")]
        steps += [_step(random, word, repertoire) for word in alone]
    for each in [each for each in steps if each.word in FROZEN]:
        steps += _beside(random, each)
    for each in [each for each in steps if each.word == "no ticks"]:
        late = each.at + each.seconds * random.uniform(0.85, 0.95)
        steps += [Step(late + n / 20, "newcomer", _dice(random), 0.0) for n in range(2)]
    return tuple(sorted(steps, key=lambda step: step.at))


def _beside(random: Random, freeze: Step) -> list[Step]:
    """Moves that are under way when something freezes."""
    if random.random() > BESIDE:
        return []
    at = max(BEGIN_S, freeze.at - random.uniform(0, 0.4))
    return [Step(at, random.choice(("move", "move", "burst")), _dice(random), 0.0)]


def _dice(random: Random) -> tuple[float, float, float]:
    return random.random(), random.random(), random.random()


def _step(random: Random, word: str, repertoire: Repertoire) -> Step:
    if word in repertoire.lasts:
        seconds = random.uniform(*random.choice(repertoire.lasts[word]))
    else:
        seconds = random.choice((0.1, 0.5, 1.0, 2.5, 4.0, 7.0)) * random.uniform(0.5, 1.5)
    return Step(random.uniform(BEGIN_S, HEAL_S), word, _dice(random), seconds)
