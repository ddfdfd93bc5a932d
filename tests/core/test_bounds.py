"""Bounds: what one address may have of a door, whatever others do, and all of them together."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.measures.bounds import (
    ADDRESSES,
    Bounds,
    Occupancy,
    Trusted,
    source_of,
)

FEW = Bounds(
    connections=20,
    all_connections=100,
    strangers=10,
    all_strangers=40,
    connects=(10.0, 50.0),
    all_connects=(1e6, 1e6),
    joins=(2.0, 5.0),
    all_joins=(1000.0, 1000.0),
)


def test_an_ipv6_host_is_its_64_and_an_ipv4_address_in_ipv6_is_the_ipv4_address() -> None:
    assert source_of("2001:db8::1") == source_of("2001:db8::ffff:2") == "2001:db8::"
    assert source_of("2001:db8:0:1::1") == "2001:db8:0:1::"
    assert source_of("::ffff:192.0.2.7") == source_of("192.0.2.7") == "192.0.2.7"
    assert source_of("fe80::1%eth0") == "fe80::"
    assert source_of("somewhere") == "somewhere"


def test_one_address_has_so_many_strangers_and_others_have_theirs() -> None:
    door = Occupancy(FEW)
    assert [door.come("a", 0.0) for _ in range(11)] == [""] * 10 + ["strangers"]
    assert door.come("b", 0.0) == ""


def test_who_has_said_who_it_is_makes_room_for_a_stranger_until_the_connections_are_too_many() -> (
    None
):
    door = Occupancy(FEW)
    for _ in range(20):
        assert door.come("a", 0.0) == ""
        door.known("a")
    assert door.come("a", 0.0) == "connections"
    door.gone("a")
    assert door.come("a", 0.0) == ""


def test_who_connects_too_fast_is_refused_until_it_goes_slower() -> None:
    door = Occupancy(FEW)
    said = []
    for _ in range(60):
        said.append(door.come("a", 0.0))
        if not said[-1]:
            door.known("a")
            door.gone("a")
    assert said == [""] * 50 + ["connects"] * 10
    assert door.come("b", 0.0) == ""
    assert [door.come("a", 1.0) for _ in range(11)] == [""] * 10 + ["connects"]


def test_joins_are_counted_apart_from_connects() -> None:
    door = Occupancy(FEW)
    assert [door.join("a", 0.0) for _ in range(6)] == [""] * 5 + ["joins"]
    assert door.join("b", 0.0) == ""
    assert door.come("a", 0.0) == ""
    assert door.join("a", 1.0) == ""


def test_who_is_over_its_own_rate_takes_nothing_of_the_rate_of_all() -> None:
    door = Occupancy(replace(FEW, all_joins=(1.0, 10.0)))
    for _ in range(1000):
        door.join("a", 0.0)
    assert [door.join(f"b{n}", 0.0) for n in range(6)] == [""] * 5 + ["joins"]


def test_many_addresses_together_leave_room_for_one_that_has_nothing_yet() -> None:
    """Thirty that want as much as they can get: each gets less, the less is left."""
    door = Occupancy(FEW)
    taken = sum(door.come(f"a{n}", 0.0) == "" for _ in range(40) for n in range(30))
    assert taken < FEW.all_strangers
    assert door.come("honest", 0.0) == ""


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["come", "known", "gone"]))))
def test_whatever_happens_nothing_is_over_its_bound_and_nothing_is_left_behind(
    happens: list[tuple[int, str]],
) -> None:
    door = Occupancy(replace(FEW, connects=(1e6, 1e6)))
    strange: list[str] = []
    here: list[str] = []
    for who, what in happens:
        source = str(who)
        if what == "come" and not door.come(source, 0.0):
            strange.append(source)
        elif what == "known" and source in strange:
            door.known(source)
            strange.remove(source)
            here.append(source)
        elif what == "gone" and source in here:
            door.gone(source)
            here.remove(source)
        for each in map(str, range(6)):
            assert strange.count(each) <= FEW.strangers
            assert strange.count(each) + here.count(each) <= FEW.connections
    for source in strange:
        door.known(source)
    for source in here + strange:
        door.gone(source)
    assert door.sources <= 6  # the rates alone


def test_a_bounded_number_of_addresses_is_remembered() -> None:
    door = Occupancy(FEW)
    for n in range(ADDRESSES + 500):
        assert door.join(str(n), 0.0) in ("", "joins")
        if not door.come(str(n), 0.0):
            door.known(str(n))
            door.gone(str(n))
    assert door.sources == 2 * ADDRESSES


def test_networks_are_trusted_in_all_their_clothes() -> None:
    trusted = Trusted.parse("127.0.0.1, 10.0.0.0/8, ::1")
    assert all(each in trusted for each in ("127.0.0.1", "::ffff:10.9.9.9", "10.1.2.3", "::1"))
    assert not any(each in trusted for each in ("127.0.0.2", "11.0.0.1", "::2", "", "nobody"))
    assert "1.2.3.4" not in Trusted.parse("")
    assert "1.2.3.4" in Trusted.parse("0.0.0.0/0")
    assert "::5" not in Trusted.parse("0.0.0.0/0")


@pytest.mark.parametrize("text", ["localhost", "10.0.0.0/33", "10.0.0.1/8", "1.2.3"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text.partition("/")[0]):
        Trusted.parse(text)


@pytest.mark.parametrize(
    ("peer", "chain", "whose"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),  # 6.6.6.6: anybody's word
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"),
        ("10.0.0.1", "2001:db8::9", "2001:db8::9"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("203.0.113.7", "127.0.0.1", "203.0.113.7"),  # who is not trusted speaks for itself
    ],
)
def test_a_trusted_proxy_says_for_whom_it_comes_and_nobody_else_does(
    peer: str, chain: str, whose: str
) -> None:
    assert Trusted.parse("10.0.0.0/8, 127.0.0.1").forwarded(peer, chain) == whose
