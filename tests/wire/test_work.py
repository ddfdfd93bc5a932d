"""Workloads: asked for in the stream of inputs, within limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.client.streams import FEEDS, FILES
from clientmigration.errors import MalformedFrame
from clientmigration.games.meadow import wire as meadow
from clientmigration.gameserver import streams
from clientmigration.wire import work
from clientmigration.wire.connection import INPUT_LIMIT


def test_a_burn_is_pinned() -> None:
    assert work.burn(40) == bytes.fromhex("8028000000")
    assert work.BURN_LIMIT_US == 5000


@given(us=st.integers(0, work.BURN_LIMIT_US))
def test_a_burn_is_read_as_it_was_written(us: int) -> None:
    assert work.decode(work.burn(us)) == work.Burn(us)


@given(us=st.integers(work.BURN_LIMIT_US + 1, 2**32 - 1))
def test_a_burn_above_the_limit_is_refused(us: int) -> None:
    with pytest.raises(MalformedFrame, match="5000 are allowed"):
        work.decode(work.burn(us))


U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
NAMES = st.text(st.characters(codec="utf-8"), max_size=50)
PLACES = st.dictionaries(U32, U64, min_size=1, max_size=work.GOT_LIMIT)


@given(id=U32, place=U64, name=NAMES)
def test_an_ask_is_read_as_it_was_written(id: int, place: int, name: str) -> None:
    assert work.decode(work.fetch(id, place, name)) == work.Fetch(id, place, name)
    assert work.decode(work.follow(id, place, name)) == work.Follow(id, place, name)
    assert work.decode(work.stop(id)) == work.Stop(id)


@given(places=PLACES)
def test_places_are_read_as_they_were_written(places: dict[int, int]) -> None:
    assert work.decode(work.got(places)) == work.Got(tuple(places.items()))


def test_streams_are_pinned() -> None:
    assert work.fetch(1, 2, "map").hex() == "81010000000200000000000000" + b"map".hex()
    assert work.follow(1, 2, "clock").hex() == "82010000000200000000000000" + b"clock".hex()
    assert work.got({1: 2}).hex() == "83010000000200000000000000"
    assert work.stop(1).hex() == "8401000000"


def test_everything_that_can_be_asked_fits_into_an_input() -> None:
    places = dict.fromkeys(range(work.GOT_LIMIT), 2**64 - 1)
    longest = (work.fetch(1, 1, "x" * work.NAME_LIMIT), work.got(places))
    assert all(len(body) <= INPUT_LIMIT for body in longest)
    assert work.GOT_LIMIT >= FILES + FEEDS
    assert (FILES, FEEDS) == (streams.FILES, streams.FEEDS)


@pytest.mark.parametrize(
    "body",
    [
        work.fetch(1, 1, "x" * (work.NAME_LIMIT + 1)),
        work.fetch(1, 1, "")[:-1],
        work.follow(1, 1, "") + b"\xff",
        work.got({}),
        work.got({1: 1}) + b"\0",
        work.got(dict.fromkeys(range(work.GOT_LIMIT + 1), 1)),
        work.stop(1)[:-1],
        b"\x85",
        b"\xff",
    ],
    ids=lambda body: body[:20].hex(),
)
def test_what_asks_for_nothing_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedFrame):
        work.decode(body)


@given(body=st.binary(max_size=260).map(lambda rest: rest or b"\0"), first=st.integers(128, 255))
def test_any_workload_is_read_and_written_alike_or_malformed(body: bytes, first: int) -> None:
    body = bytes([first]) + body
    try:
        asked = work.decode(body)
    except MalformedFrame:
        return
    match asked:
        case work.Burn(us):
            assert work.burn(us) == body
        case work.Fetch(id, place, name):
            assert work.fetch(id, place, name) == body
        case work.Follow(id, place, name):
            assert work.follow(id, place, name) == body
        case work.Stop(id):
            assert work.stop(id) == body
        case work.Got(places):
            assert len(body) == 1 + 12 * len(places)


@pytest.mark.parametrize(
    "body", [meadow.move(0.0, 0.0), meadow.pick(), meadow.give("00" * 8), meadow.drop(), b""]
)
def test_no_input_of_the_game_is_a_workload(body: bytes) -> None:
    assert not work.is_work(body)


@given(first=st.integers(128, 255), rest=st.binary(max_size=4))
def test_every_input_from_128_up_is_the_servers_own(first: int, rest: bytes) -> None:
    assert work.is_work(bytes([first]) + rest)
