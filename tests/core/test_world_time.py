"""World time goes on evenly, whatever is done to the clocks that it follows."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.measures.ticks import due
from clientmigration.core.measures.worldtime import (
    CONFIRMED,
    NEAR_S,
    ROUTER,
    SERVER,
    Steering,
    WorldTime,
    believed,
)

START = 1_700_000_000.0
RATE = 20


def world(offset: float = 0.0) -> WorldTime:
    return WorldTime.starting(START, START + offset)


def followed(time: WorldTime, off: float, seconds: int, how: Steering = ROUTER) -> list[float]:
    """The dates second by second while the reference is `off` seconds ahead of the clock."""
    dates = []
    for now in (START + n for n in range(seconds)):
        time = time.steered(now, now + off, how)
        dates.append(time.now(now + 1))
    return dates


def test_a_clock_that_nobody_sets_is_taken_to_the_last_bit() -> None:
    time = world()
    for n in range(1000):
        now = START + n * 0.1
        time = time.steered(now, now, ROUTER)
        assert time.now(now + 0.05) == now + 0.05


def test_half_a_minute_back_is_made_up_for_in_ten_without_going_back() -> None:
    dates = followed(world(), -30.0, 700)
    seconds = [later - earlier for earlier, later in pairwise(dates)]
    assert min(seconds) >= 1 - ROUTER.slew - 1e-6
    assert max(seconds) <= 1 + 1e-6
    assert abs(dates[-1] - (START + 700 - 30.0)) < 0.01


def test_half_a_minute_ahead_is_made_up_for_too_without_a_step() -> None:
    dates = followed(world(), 30.0, 700)
    seconds = [later - earlier for earlier, later in pairwise(dates)]
    assert max(seconds) <= 1 + ROUTER.slew + 1e-6
    assert abs(dates[-1] - (START + 700 + 30.0)) < 0.01


def test_hours_ahead_are_stepped_once_they_are_confirmed() -> None:
    dates = followed(world(), 7200.0, CONFIRMED + 1)
    assert dates[CONFIRMED - 2] < START + CONFIRMED
    assert dates[CONFIRMED - 1] == START + CONFIRMED + 7200.0


def test_a_clock_that_is_wrong_for_a_moment_moves_nothing() -> None:
    time = world()
    for n, off in enumerate((7200.0, 7200.0, 0.0, 7200.0, 0.0)):
        time = time.steered(START + n, START + n + off, ROUTER)
    assert abs(time.now(START + 5) - (START + 5)) < 4 * ROUTER.slew


def test_hours_back_are_followed_slowly_for_ever() -> None:
    dates = followed(world(), -7200.0, 100)
    assert abs(dates[-1] - (START + 100 * (1 - ROUTER.slew))) < 1e-3


def test_two_hours_back_take_forty_in_which_each_tick_comes_once_and_none_is_left_out() -> None:
    time, tick, ticks = world(), START * RATE, list[int]()
    for n in range(60 * 100):  # a minute, looked at every 10 ms
        now = START + n / 100
        if n % 100 == 0:
            time = time.steered(now, now - 7200.0, ROUTER)
        found = due(int(tick), time.now(now), RATE)
        assert found.skipped == 0
        ticks += found.ticks
        tick = ticks[-1] if ticks else tick
    assert ticks == list(range(int(START * RATE) + 1, int(tick) + 1))
    assert len(ticks) in (60 * 19 - 1, 60 * 19)
    assert 7200.0 / ROUTER.slew == 40 * 3600


def test_a_server_keeps_up_with_a_router_that_makes_up_for_half_a_minute() -> None:
    router, server = world(), world()
    for n in range(700):
        now = START + n
        router = router.steered(now, now - 30.0, ROUTER)
        server = server.steered(now, router.now(now), SERVER)
        assert abs(router.now(now + 1) - server.now(now + 1)) < 0.6


def test_a_server_that_is_behind_by_more_than_a_second_steps() -> None:
    dates = followed(world(), 20.0, CONFIRMED, SERVER)
    assert dates[-1] == START + CONFIRMED + 20.0


def test_a_server_believes_its_router_and_its_own_clock_only_when_that_is_near() -> None:
    assert believed(START, START + NEAR_S / 2, None) == START + NEAR_S / 2
    assert believed(START, START - 30.0, None) is None
    assert believed(START, START - 30.0, START + 0.1) == START + 0.1


@given(
    st.lists(
        st.tuples(st.floats(0.01, 5.0), st.none() | st.floats(-1e5, 1e5)), min_size=1, max_size=60
    ),
    st.sampled_from([ROUTER, SERVER]),
)
def test_it_never_goes_back_and_skips_only_by_a_step(
    samples: list[tuple[float, float | None]], how: Steering
) -> None:
    time, now = world(), START
    for passed, off in samples:
        before = time.now(now + passed)
        now += passed
        steered = time.steered(now, None if off is None else now + off, how)
        assert steered.now(now) >= before - 1e-6
        stepped = steered.now(now) - before > 1e-6
        assert not stepped or (steered.now(now) - before > how.step_s - 1e-6)
        assert 1 - how.slew <= steered.rate <= 1 + how.slew
        time = steered
