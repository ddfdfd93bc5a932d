"""A peer goes as fast as it may and no faster; the limiter only knows the time it is told."""

from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.measures.bucket import TokenBucket


def allowed(bucket: TokenBucket, now: float, asked: int = 1000) -> int:
    return sum(bucket.allows(now) for _ in range(asked))


def test_a_burst_is_allowed_at_once_and_not_one_more() -> None:
    assert allowed(TokenBucket(per_s=5.0, burst=7.0), 100.0) == 7


def test_the_clock_may_start_anywhere() -> None:
    for start in (-1e9, 0.0, 1.7e9):
        assert allowed(TokenBucket(5.0, 7.0), start) == 7


def test_after_a_burst_it_goes_on_at_the_rate() -> None:
    bucket = TokenBucket(per_s=5.0, burst=7.0)
    allowed(bucket, 100.0)
    assert allowed(bucket, 100.19) == 0
    assert allowed(bucket, 100.21) == 1
    assert allowed(bucket, 101.21) == 5


def test_being_refused_costs_nothing() -> None:
    bucket = TokenBucket(per_s=1.0, burst=1.0)
    assert bucket.allows(0.0)
    assert [bucket.allows(n / 8) for n in range(1, 9)] == [False] * 7 + [True]


def test_a_long_rest_saves_up_no_more_than_a_burst() -> None:
    bucket = TokenBucket(per_s=5.0, burst=7.0)
    allowed(bucket, 0.0)
    assert allowed(bucket, 1e6) == 7


def test_a_clock_that_is_set_back_takes_nothing_away_and_gives_nothing() -> None:
    bucket = TokenBucket(per_s=5.0, burst=10.0)
    allowed(bucket, 1000.0, asked=4)
    assert allowed(bucket, 10.0) == 6
    assert allowed(bucket, 10.25) == 1


@given(
    st.sampled_from([0.5, 4.0, 64.0]),
    st.sampled_from([1.0, 2.5, 16.0]),
    st.lists(st.sampled_from([-1.0, 0.0, 1 / 128, 1 / 64, 0.25, 3.0]), max_size=60),
)
def test_one_that_is_full_again_before_each_asks_no_more_than_any_other(
    per_s: float, burst: float, pauses: list[float]
) -> None:
    """It takes a shorter way then."""
    bucket, now, left, at = TokenBucket(per_s, burst), 50.0, burst, 50.0
    for pause in pauses:
        now += pause
        left, at = min(burst, left + max(0.0, now - at) * per_s), now
        assert bucket.allows(now) == (left >= 1)
        left -= left >= 1
        assert bucket.at == now


@given(
    st.floats(0.5, 50.0),
    st.floats(1.0, 50.0),
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=80),
)
def test_nobody_ever_gets_more_than_the_burst_and_the_rate(
    per_s: float, burst: float, pauses: list[float]
) -> None:
    bucket, now, got = TokenBucket(per_s, burst), 50.0, 0
    for pause in pauses:
        now += pause
        got += allowed(bucket, now, asked=30)
        assert got <= burst + (now - 50.0 - pauses[0]) * per_s + 1e-6
