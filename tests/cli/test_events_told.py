"""What an event says, in a line."""

from __future__ import annotations

import pytest

from clientmigration.cli.events import told
from clientmigration.net.graphite import GraphiteEvent


@pytest.mark.parametrize(
    ("what", "data", "kind", "said"),
    [
        ("join", "eu at 10.0.0.1:4102 joins", "join", "eu at 10.0.0.1:4102 joins"),
        ("order", "ada says drain eu: done", "order", "ada says drain eu: done"),
        ("move 4 players", "and more\nof the same", "decision", "move 4 players"),
        ("moves", "4 settled\n\n1 refused", "moves", "4 settled; 1 refused"),
        ("join", "", "join", "join"),
    ],
)
def test_an_event_says_what_happened_to_whom(what: str, data: str, kind: str, said: str) -> None:
    assert told(GraphiteEvent(1.0, what, data, ("clientmigration", kind))) == said
