"""Files on their way: how much may be under way, and what the receiver makes of what comes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.player.transfer import CHUNK, LATE_S, LEAST, MOST, Download, Window
from clientmigration.errors import Corrupted

BODY = Random(1).randbytes(5000)
SHA256 = hashlib.sha256(BODY).hexdigest()


def download(have: int = 0) -> tuple[Download, bytearray]:
    """A download of BODY, and what it has handed on."""
    handed = bytearray()
    one = Download("a", handed.extend, have, hashlib.sha256(BODY[:have]))
    one.offered(len(BODY), SHA256)
    return one, handed


@given(cuts=st.lists(st.integers(1, 4999), max_size=20), again=st.lists(st.integers(0, 5000)))
def test_each_byte_is_handed_on_once_however_it_is_cut_and_repeated(
    cuts: list[int], again: list[int]
) -> None:
    one, handed = download()
    edges = [0, *sorted(cuts), len(BODY)]
    for start, end in pairwise(edges):
        one.take(start, BODY[start:end])
        for earlier in again:
            if earlier <= one.have:
                one.take(earlier, BODY[earlier : one.have])
    assert bytes(handed) == BODY
    assert one.done()


def test_a_chunk_that_overlaps_brings_only_what_is_new() -> None:
    one, handed = download()
    one.take(0, BODY[:100])
    one.take(50, BODY[50:150])
    one.take(0, BODY[:20])
    assert (bytes(handed), one.have) == (BODY[:150], 150)


def test_a_hole_is_a_fault() -> None:
    one, _ = download()
    one.take(0, BODY[:100])
    with pytest.raises(Corrupted, match="1 bytes are missing"):
        one.take(101, b"x")


def test_nothing_is_done_before_the_offer_and_the_last_byte() -> None:
    one = Download("a", lambda _: None)
    assert not one.done()
    one.offered(len(BODY), SHA256)
    one.take(0, BODY[:-1])
    assert not one.done()
    one.take(len(BODY) - 1, BODY[-1:])
    assert one.done()


@pytest.mark.parametrize("body", [BODY[:-1] + b"?", BODY + b"?"])
def test_other_bytes_than_those_offered_are_never_done(body: bytes) -> None:
    one, _ = download()
    one.take(0, body)
    with pytest.raises(Corrupted, match="SHA-256"):
        one.done()


def test_another_server_must_offer_the_same_file() -> None:
    one, _ = download()
    one.offered(len(BODY), SHA256)
    with pytest.raises(Corrupted, match="another file"):
        one.offered(len(BODY) + 1, SHA256)


@given(have=st.integers(0, 5000))
def test_a_download_goes_on_where_a_former_program_stopped(have: int) -> None:
    one, handed = download(have)
    one.take(have, BODY[have:])
    assert one.done()
    assert bytes(handed) == BODY[have:]


# Windows.


def sent(
    window: Window, seconds: float, rtt_s: Callable[[int], float], tick_s: float = 0.05
) -> int:
    """Bytes that get through: a chunk per tick, acknowledged `rtt_s(bytes under way)` later."""
    place = 0
    coming: list[tuple[float, int]] = []
    for n in range(round(seconds / tick_s)):
        now = n * tick_s
        for when, upto in [each for each in coming if each[0] <= now]:
            window.got(1, upto, when)
        coming = [each for each in coming if each[0] > now]
        if room := window.room():
            place += room
            window.send(1, place, room, now)
            coming.append((now + rtt_s(window.under_way), place))
    return place


def test_a_window_begins_small_and_opens_where_nothing_queues() -> None:
    window = Window()
    assert window.room() == LEAST
    assert sent(window, 5.0, lambda _: 0.01) > 90 * CHUNK
    assert LEAST < window.size <= MOST
    assert window.room() <= CHUNK


@pytest.mark.parametrize("rtt_s", [0.04, 0.15, 0.3])
def test_a_long_way_is_no_reason_to_send_little(rtt_s: float) -> None:
    assert sent(Window(), 10.0, lambda _: rtt_s) > 0.7 * 200 * CHUNK


@pytest.mark.parametrize("bytes_per_s", [20_000, 100_000])
def test_a_narrow_line_keeps_the_window_small(bytes_per_s: float) -> None:
    window = Window()
    sent(window, 20.0, lambda under_way: 0.02 + under_way / bytes_per_s)
    assert window.size <= 2 * LATE_S * bytes_per_s + LEAST


def test_what_is_not_acknowledged_fills_the_window() -> None:
    window = Window()
    window.send(1, LEAST, LEAST, 0.0)
    assert window.room() == 0
    window.got(2, LEAST, 0.1)
    window.got(1, LEAST - 1, 0.1)
    assert window.room() == 0
    window.got(1, LEAST, 0.1)
    assert window.room() >= LEAST


def test_a_stream_that_is_stopped_leaves_its_room_to_the_others() -> None:
    window = Window()
    window.send(1, LEAST, LEAST, 0.0)
    window.drop(1)
    assert (window.under_way, window.room()) == (0, LEAST)


def test_one_lucky_round_trip_does_not_count_for_ever() -> None:
    window = Window()
    window.send(1, 1, 1, 0.0)
    window.got(1, 1, 0.0)  # another server had sent the same bytes before
    assert sent(window, 30.0, lambda _: 0.1) > 100 * CHUNK
