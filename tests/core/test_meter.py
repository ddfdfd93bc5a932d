"""A meter counts one interval, and starts anew with the next."""

from clientmigration.core.measures.meter import ROOM, Meter


def test_what_was_named_at_the_start_is_zero_when_nothing_happened() -> None:
    assert Meter(("views", "inputs"), ("decision_ms",)).take() == {
        "views": 0,
        "inputs": 0,
        "decision_ms": 0,
    }


def test_counts_add_up() -> None:
    meter = Meter(("views",))
    meter.count("views")
    meter.count("views", 4)
    meter.count("surprises", 0.5)
    assert meter.take() == {"views": 5, "surprises": 0.5}


def test_a_gauge_is_the_greatest_of_the_interval() -> None:
    meter = Meter((), ("decision_ms",))
    for value in (3.0, 9.0, 1.0):
        meter.gauge("decision_ms", value)
    assert meter.take() == {"decision_ms": 9.0}


def test_samples_become_their_spread() -> None:
    meter = Meter()
    for value in range(1, 101):
        meter.sample("tick_ms", float(value))
    assert meter.take() == {
        "tick_ms_p50": 50.0,
        "tick_ms_p95": 95.0,
        "tick_ms_p99": 99.0,
        "tick_ms_max": 100.0,
    }


def test_the_next_interval_knows_nothing_of_the_last() -> None:
    meter = Meter(("views",), ("decision_ms",))
    meter.count("views")
    meter.count("surprises")
    meter.gauge("decision_ms", 9.0)
    meter.sample("tick_ms", 1.0)
    meter.take()
    assert meter.take() == {"views": 0, "decision_ms": 0}


def test_asking_for_one_kind_of_sample_does_not_mix_it_with_another() -> None:
    meter = Meter()
    meter.sample("a", 1.0)
    meter.sample("b", 2.0)
    taken = meter.take()
    assert (taken["a_max"], taken["b_max"]) == (1.0, 2.0)


def test_more_samples_than_there_is_room_for_are_dropped() -> None:
    meter = Meter()
    for _ in range(ROOM):
        meter.sample("tick_ms", 1.0)
    meter.sample("tick_ms", 1000.0)
    assert meter.take()["tick_ms_max"] == 1.0


def test_what_was_taken_is_the_takers() -> None:
    meter = Meter(("views",))
    taken = meter.take()
    taken["views"] = 99
    assert meter.take() == {"views": 0}
