"""The Python and the JavaScript player have one API: what one makes public the other does too.

Names are compared as they are; Python's snake_case is JavaScript's camelCase. What only one of them
has is listed here, with the reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any, get_args

import pytest
from test_javascript import HERE, PACKAGE, node

from clientmigration import client
from clientmigration.client import Counts, FeltMove, Fetched, Lost, Player, TopicEntry, View
from clientmigration.client.listeners import PlayerEvent
from clientmigration.core.player import journey

ONLY_PYTHON = {
    "Login",
    "by_url",  # JavaScript's constructor takes the URL: it needs no reactor
    "ConfigurationError",  # a URL that is none: JavaScript has TypeError for it
}
ONLY_JAVASCRIPT = {
    "Sha256",  # Python has hashlib's
}
ONLY_TYPES = {
    "Store", "Options",  # where a browser keeps a token; what else the constructor takes
    "Events", "State",  # Python says them in the docstring of `on` and `state`
    "Sha256",
}  # fmt: skip
VALUES = (Counts, FeltMove, Fetched, Lost, TopicEntry)


@pytest.fixture(scope="module")
def javascript() -> dict[str, list[str]]:
    told: dict[str, list[str]] = json.loads(node(str(HERE / "names.mjs")))
    return told


def camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda letter: letter[1].upper(), name)


def named(values: Any) -> set[str]:
    return {camel(name) for name in values}


def typed() -> dict[str, str]:
    """What index.d.ts declares, by name: the text between its braces, if it has any."""
    text = (PACKAGE / "index.d.ts").read_text()
    names = re.findall(r"^export (?:interface|class|type) (\w+)", text, re.MULTILINE)
    whole = r"^export (?:interface|class) (\w+)[^\n]*\{\n(.*?)^\}"
    return {**dict.fromkeys(names, ""), **dict(re.findall(whole, text, re.DOTALL | re.MULTILINE))}


def declared(text: str) -> set[str]:
    """The names within the braces of a type."""
    return set(re.findall(r"^  (?:readonly )?(\w+)[?(:<]", text, re.MULTILINE))


def test_both_players_have_the_same_members(javascript: dict[str, list[str]]) -> None:
    ours = {name for name in vars(Player) if not name.startswith("_")} - ONLY_PYTHON
    assert named(ours) == set(javascript["members"])


def test_both_packages_offer_the_same_names(javascript: dict[str, list[str]]) -> None:
    types = {each.__name__ for each in (*VALUES, View, client.Subscription)}
    ours = set(client.__all__) - ONLY_PYTHON - types
    assert ours == set(javascript["exports"]) - ONLY_JAVASCRIPT
    assert types | ours | ONLY_TYPES == set(typed())


def test_both_players_tell_the_same_events(javascript: dict[str, list[str]]) -> None:
    assert set(get_args(PlayerEvent)) == set(javascript["events"]) == declared(typed()["Events"])


def test_both_players_count_the_same(javascript: dict[str, list[str]]) -> None:
    assert named(each.name for each in fields(Counts)) == set(javascript["counts"])


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_what_is_handed_to_a_program_has_the_same_fields(value: type) -> None:
    assert named(each.name for each in fields(value)) == declared(typed()[value.__name__])


def test_a_view_and_a_subscription_have_the_same_fields() -> None:
    assert set(View.__struct_fields__) == declared(typed()["View"])
    ours = {name for name in vars(client.Subscription("", print)) if not name.startswith("_")}
    assert ours | {"stop"} == declared(typed()["Subscription"])


def test_both_players_have_the_same_states() -> None:
    states = {each.name for each in journey.everywhere}
    text = (PACKAGE / "index.d.ts").read_text()
    union = re.search(r"^export type State =(.*?);", text, re.DOTALL | re.MULTILINE)
    assert union is not None
    assert states == set(re.findall(r'"(\w+)"', union[1]))
    assert f"{Player.state.__doc__}".startswith("idle, seeking, waiting, joining, playing,")


def test_the_types_say_what_the_player_has(javascript: dict[str, list[str]]) -> None:
    assert declared(typed()["Player"]) - {"constructor"} == set(javascript["members"])


def test_what_a_module_of_the_client_makes_public_is_there() -> None:
    for name in client.__all__:
        assert getattr(client, name).__doc__, name
