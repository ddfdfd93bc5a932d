"""Where a daemon that listens is found by others."""

import pytest

from clientmigration.net.door import reachable


@pytest.mark.parametrize(
    ("listening", "here", "found"),
    [
        ("127.0.0.1:4200", "10.0.0.7:50123", "127.0.0.1:4200"),
        ("game.example.org:4200", "10.0.0.7:50123", "game.example.org:4200"),
        ("0.0.0.0:4200", "10.0.0.7:50123", "10.0.0.7:4200"),
        (":::4200", "fd00::7:50123", "fd00::7:4200"),
    ],
)
def test_who_listens_everywhere_is_found_where_it_calls_from(
    listening: str, here: str, found: str
) -> None:
    assert reachable(listening, here) == found
