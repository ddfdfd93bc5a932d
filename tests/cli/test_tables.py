"""What people read: each number in its place, at 80 columns, with and without colour."""

from __future__ import annotations

import pytest
from overviews import ADA, member, moved, overview
from rich.console import Console, RenderableType

from clientmigration.cli import tables
from clientmigration.wire.operators import Found, MemberStatus


def drawn(picture: RenderableType, width: int = 80) -> list[str]:
    """Its lines, on a terminal without colour."""
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as said:
        console.print(picture)
    return [line.rstrip() for line in said.get().splitlines()]


def test_an_overview_fits_a_small_terminal() -> None:
    lines = drawn(
        tables.picture(
            overview(
                member("gs-1", pairs=(30, 9)),
                member("gs-2", 190, 0.85, pairs=(70, 3)),
                member("gs-3", 0, 0.0, closed="draining"),
                MemberStatus("gs-4", "gameserver", "192.0.2.7:4200"),
                recent=[moved(gap_ms=3.5, missed=0), moved("refused", reason="full")],
                failed=1,
            )
        )
    )
    assert lines == [
        "router  22:13:20 UTC  200 of 400 players on 4 servers, 1 wait, 2 being moved",
        "since 22:12:20: 30 joins, 13 moves, 1 of them failed; 12% of pairs are split",
        "server  state       players           load  health  tick ms  late ms  cpu %",
        "● gs-1  fit          10/200  ██░░░░░░  25%    0.75      4.5      1.2   25.0",
        "● gs-2  overloaded  190/200  ███████░  85%    0.15      4.5      1.2   85.0",
        "● gs-3  draining      0/200  ░░░░░░░░   0%    1.00      4.5      1.2    0.0",
        "● gs-4  silent",
        "moved UTC  player            from  to    outcome          took     gap  missed",
        "22:13:19   a1b2c3d4e5f60718  gs-1  gs-2  settled        212 ms  3.5 ms       0",
        "22:13:19   a1b2c3d4e5f60718  gs-1  gs-2  refused: full  212 ms",
    ]


def test_zones_are_shown_when_there_are_some() -> None:
    assert "zone" not in drawn(tables.servers([member("gs-1", zone="gs-1")]))[0]
    lines = drawn(tables.servers([member("gs-1", zone="fra"), member("gs-2", zone="nyc")]))
    assert lines[0].split()[:2] == ["server", "zone"]
    assert lines[1].split()[1:3] == ["gs-1", "fra"]


def test_a_player_is_described_with_its_last_moves() -> None:
    player = Found(
        n=1, player=ADA, member="gs-2", epoch=4, state="playing", x=512.5, y=40.25, ping_ms=12.5,
        stored_at=1_700_000_000.0, since=1_699_999_999.0, moves=[moved(gap_ms=3.5, missed=0)],
    )  # fmt: skip
    lines = drawn(tables.found(player), width=120)
    assert lines[0] == (
        f"{ADA} is on gs-2 since 22:13:19 (playing at 512, 40 m, ping 12.5 ms), "
        "epoch 4, stored 22:13:20"
    )
    assert " ".join(lines[-1].split()) == f"22:13:19 {ADA} gs-1 gs-2 settled 212 ms 3.5 ms 0"


def test_a_player_that_is_nowhere_is_said_to_be() -> None:
    player = Found(n=1, player=ADA, member="", epoch=4, moves=[])
    assert drawn(tables.found(player))[0].startswith(f"{ADA} is on no server (not listed at 0, 0")


@pytest.mark.parametrize(
    ("load", "text"), [(0.0, "░░░░░░░░   0%"), (0.5, "████░░░░  50%"), (1.5, "████████ 150%")]
)
def test_a_bar_is_as_long_as_its_load(load: float, text: str) -> None:
    assert tables.bar(load).plain == text


def test_each_owner_has_a_colour_of_its_own() -> None:
    colours = [tables.colour(owner) for owner in range(1, 256)]
    assert len(set(colours)) == 255
    assert all(len(each) == 7 and int(each[1:], 16) >= 0 for each in colours)
    assert tables.colour(0) == "grey50"
