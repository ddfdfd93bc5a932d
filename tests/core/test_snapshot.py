"""A snapshot is a value with a fence; progress proves that no input was lost or doubled."""

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.player.snapshot import Progress, Snapshot, chained

BODIES = st.lists(st.binary(max_size=8), min_size=2, max_size=8)


def snapshot(epoch: int, seq: int) -> Snapshot:
    return Snapshot(player="aa" * 8, epoch=epoch, seq=seq, tick=1, x=0.0, y=0.0, holder="")


NOTHING = Progress()


def applied(bodies: list[bytes], progress: Progress = NOTHING) -> Progress:
    for seq, body in enumerate(bodies, progress.last + 1):
        progress = progress.after(seq, body)
    return progress


def test_nobody_has_applied_anything_at_first() -> None:
    assert Progress() == Progress(last=0, applied=0, digest=0)


def test_the_digest_is_a_crc32_over_the_four_byte_number_and_the_body() -> None:
    assert chained(0, 1, b"abc") == zlib.crc32(b"\x01\0\0\0abc")
    assert chained(7, 258, b"") == zlib.crc32(b"\x02\x01\0\0", 7)


def test_progress_counts_the_input_and_chains_it() -> None:
    first = Progress().after(1, b"a")
    assert first == Progress(1, 1, chained(0, 1, b"a"))
    assert first.after(2, b"b") == Progress(2, 2, chained(first.digest, 2, b"b"))


@given(BODIES, st.data())
def test_inputs_in_another_order_have_another_digest(
    bodies: list[bytes], data: st.DataObject
) -> None:
    swapped = data.draw(st.permutations(bodies))
    if swapped != bodies:
        assert applied(swapped).digest != applied(bodies).digest
    else:
        assert applied(swapped) == applied(bodies)


@given(BODIES, st.integers(0, 7))
def test_it_makes_no_difference_where_the_stream_changes_servers(
    bodies: list[bytes], cut: int
) -> None:
    assert applied(bodies[cut:], applied(bodies[:cut])) == applied(bodies)


@pytest.mark.parametrize(
    ("older", "newer"), [((1, 1), (1, 2)), ((1, 900), (2, 1)), ((9, 9), (10, 0))]
)
def test_a_newer_fence_is_greater_whatever_the_other_part_says(
    older: tuple[int, int], newer: tuple[int, int]
) -> None:
    assert snapshot(*older).fence < snapshot(*newer).fence


def test_nobody_can_change_a_snapshot() -> None:
    with pytest.raises(AttributeError):
        snapshot(1, 1).seq = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Progress().last = 2  # type: ignore[misc]


def test_two_snapshots_share_no_game_and_no_workloads() -> None:
    one, other = snapshot(1, 1), snapshot(1, 1)
    one.game["coins"] = 7
    one.workloads.append({})
    assert other.game == {}
    assert other.workloads == []


def test_a_snapshot_is_the_same_after_a_journey_as_json() -> None:
    there = Snapshot(
        player="aa" * 8,
        epoch=3,
        seq=4,
        tick=2**40,
        x=0.1,
        y=-2.5,
        holder="ff" * 32,
        progress=applied([b"a", b"b"]),
        game={"coins": 3, "bag": [{"sword": 1.5}], "name": "Zoë"},
        workloads=[{"kind": "burn", "us_per_tick": 50}],
    )
    assert msgspec.json.decode(msgspec.json.encode(there), type=Snapshot) == there
