"""The arrays of placement say what plain functions of one member after the other say."""

import random

import pytest
from msgspec.structs import replace
from plain_placement import candidates as plainly_worth_pinging
from plain_placement import draw
from plain_placement import place as plainly

from clientmigration.core.fleet.columns import Columns
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.member import CLOSED
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import candidates, place
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.scores import Score
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.metrics import measurements

BEGIN = 1000
POLICIES = (
    Policy(),
    Policy.parse({"placement": {"tie": 0.0}, "limits": {"candidates": 3, "group": 4}}),
    Policy.parse({"placement": {"tie": 0.2, "ping_patience_s": 0.0, "ping_weight": 0.0}}),
    Policy.parse({"placement": {"position_weight": 0.0}, "health": {"unhealthy_s": 0.0}}),
    Policy.parse({"placement": {"position_weight": 3.0}, "rebalance": {"finish": 0.0}}),
)


def a_fleet(chance: random.Random) -> tuple[Fleet, float]:
    """A fleet after a while in which all that can happen to one has happened to some; and now."""
    fleet, names = Fleet(), [f"s{n * n}" for n in range(chance.choice((0, 1, 2, 5, 12, 40)))]
    zones = chance.choice((names, ["eu", "us", "asia"], ["home"])) or ["home"]
    alike = chance.random() < 0.3
    loads = {name: 0.4 if alike else chance.uniform(0, 1.2) for name in names}
    for name in names:
        fleet.attach(name, "gameserver", f"{name}:4000", chance.choice(zones))
    sick = {name for name in names if chance.random() < 0.15}
    late = {name for name in names if chance.random() < 0.1}
    for second in range(BEGIN, BEGIN + chance.choice((1, 4, 14))):
        now = second + 0.5
        for name in names:
            if name in late and chance.random() < 0.9:
                continue
            values = a_report(chance, loads[name], name in sick, alike)
            fleet.observe(measurements("gameserver", name, values, second), now)
            befall(fleet, name, names, chance, now)
        fleet.columns(POLICIES[second % 2])  # who looks at it changes nothing
    if names and chance.random() < 0.2:
        fleet.detach(names.pop())
    return fleet, now + chance.choice((0.0, 0.7, 3.0))


def a_report(chance: random.Random, load: float, sick: bool, alike: bool) -> dict[str, float]:
    """What a member says of one second."""
    return {
        "load": load,
        "health": 0.0 if sick and chance.random() < 0.9 else chance.uniform(0.05, 1),
        "players": 50.0 if alike else chance.choice((0.0, 3.0, float(chance.randrange(300)))),
        "capacity": chance.choice((0.0, 200.0, 250.0)) if not alike else 200.0,
        "draining": float(chance.random() < 0.05),
        "centre_x_m": chance.choice((0.0, chance.uniform(-900, 900))),
        "centre_y_m": chance.choice((0.0, chance.uniform(-900, 900))),
        "spread_m": chance.choice((0.0, chance.uniform(0, 300))),
    }


def befall(fleet: Fleet, name: str, names: list[str], chance: random.Random, now: float) -> None:
    """Players are sent there or do not come, moves are decided, it cannot be reached."""
    what = chance.randrange(12)
    if what < 3:
        for _ in range(what + 1):
            fleet.placed(name, now)
    elif what == 3:
        fleet.stays_away(name)
    elif what == 4 and len(names) > 1:
        other = chance.choice([each for each in names if each != name])
        fleet.decided([Flow(name, other, chance.randrange(1, 9), "high: so")], now)
    elif what == 5:
        fleet.shut(name, now + chance.choice((-1, 9)), now + chance.choice((-1, 2)))


def a_newcomer(chance: random.Random, fleet: Fleet, now: float) -> Newcomer:
    """Somebody of whom more or less is known."""
    names = [member.name for member in fleet.members()] + ["gone"]
    zones = sorted({member.zone for member in fleet.members()} | {"nowhere"})
    some = [name for name in names if chance.random() < 0.3]
    newcomer = Newcomer(f"p{chance.randrange(10**6)}", None, {})
    if chance.random() < 0.7:
        pings = {zone: chance.uniform(0, 250) for zone in zones if chance.random() < 0.7}
        newcomer = replace(newcomer, pings=pings, waited_s=chance.choice((0.0, 1.5, 9.0)))
    if chance.random() < 0.7:
        place_ = Position(chance.uniform(-900, 900), 0.0)
        near = {name: chance.randrange(30) for name in some}
        newcomer = replace(newcomer, position=place_, near=chance.choice(({}, near)))
    if chance.random() < 0.3:
        newcomer = replace(newcomer, mates={name: chance.randrange(1, 20) for name in some})
    if chance.random() < 0.3:
        avoids = {name: now + chance.choice((-1.0, 1.0)) for name in some}
        newcomer = replace(newcomer, avoids=avoids, stranded=chance.random() < 0.5)
    if chance.random() < 0.2:
        newcomer = replace(newcomer, refused_by=frozenset(some))
    return newcomer


def parts(score: Score) -> list[float]:
    return [score.ping, score.load, score.position, score.group, score.total]


@pytest.mark.parametrize("seed", range(400))
def test_arrays_place_as_plain_functions_do(seed: int) -> None:
    chance = random.Random(seed)
    fleet, now = a_fleet(chance)
    for policy in chance.sample(POLICIES, 2):
        newcomer = a_newcomer(chance, fleet, now)
        answer, told = place(newcomer, fleet, policy, now), plainly(newcomer, fleet, policy, now)
        assert answer.member == (told[0].member if told and not told[0].excluded else None)
        assert [(s.member, s.excluded) for s in answer.reasons] == [
            (s.member, s.excluded) for s in told
        ]
        for one, other in zip(answer.reasons, told, strict=True):
            assert parts(one) == pytest.approx(parts(other), abs=1e-12)
        asked = plainly_worth_pinging(newcomer, fleet, policy, now)
        assert candidates(newcomer, fleet, policy, now) == asked


def test_a_row_that_was_written_is_the_row_of_a_fleet_that_was_made_now() -> None:
    chance = random.Random(5)
    for _ in range(30):
        fleet, now = a_fleet(chance)
        kept, fresh = fleet.columns(POLICIES[0]), Columns(fleet.members(), POLICIES[0])
        assert kept._figures.tobytes() == fresh._figures.tobytes()
        words = [member.closed(POLICIES[0], now) for member in fleet.members()]
        assert [CLOSED[n] for n in kept.closed(now)] == words


def test_columns_that_are_kept_answer_at_any_time_as_those_that_are_made_then() -> None:
    chance, policy = random.Random(6), POLICIES[0]
    for _ in range(30):
        fleet, now = a_fleet(chance)
        kept = fleet.columns(policy)
        for _ in range(40 * bool(kept.names)):
            now += chance.choice((0.0, 0.01, 0.5, 1.0, policy.health.fresh_s))
            name = chance.choice(kept.names)
            if chance.random() < 0.5:
                fleet.placed(name, now)
            else:
                fleet.stays_away(name)
            fresh = Columns(fleet.members(), policy)
            assert fleet.columns(policy) is kept
            assert kept.closed(now).tolist() == fresh.closed(now).tolist()
            assert kept.outlook().pressure.tolist() == fresh.outlook().pressure.tolist()


def test_the_draw_of_many_names_at_once_is_the_draw_of_each() -> None:
    fleet = Fleet()
    names = ["a", "b", "eu-1", "eu-22", "gs-1", "a-member-with-a-long-name"]
    for name in names:
        fleet.attach(name, "gameserver", "")
    columns = fleet.columns(Policy())
    for player in ("", "ada", "bob" * 9):
        rows = [columns.row[name] for name in names]
        drawn = columns.draws(player, columns.zone[rows]).tolist()
        assert drawn == [draw(player, columns.names[n]) for n in columns.zone[rows]]
