"""docs/behaviour.json: the Python player does what it says (JavaScript's: tests/js)."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from telling import World

MADE = runpy.run_path(str(Path(__file__).with_name("make_behaviour.py")))
STORIES: list[dict[str, Any]] = json.loads(MADE["FILE"].read_text())["stories"]


def test_the_committed_file_is_what_the_code_says() -> None:
    assert MADE["FILE"].read_text() == MADE["made"](), "run tests/wire/make_behaviour.py"


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["shows"][:60])
def test_the_python_player_does_what_a_story_says(story: dict[str, Any]) -> None:
    """From the file alone, as anybody would."""
    world = World(**story["options"])
    for step in story["steps"]:
        play(world, step["do"])
        assert world.steps[-1]["then"] == step["then"], step["do"]


def play(world: World, do: dict[str, Any]) -> None:
    """One step."""
    match do:
        case {"start": True}:
            world.start()
        case {"stop": True}:
            world.stop()
        case {"hears": name, "message": message}:
            world.hears(name, **message)
        case {"hears": name, "view": view}:
            more = {key: view[key] for key in ("last", "digest", "applied")}
            world.view(name, view["tick"], **more)
        case {"hears": name, "chunk": chunk}:
            world.chunk(name, chunk["id"], chunk["offset"], chunk["body"])
        case {"hears": name, "item": item}:
            world.item(name, item["id"], item["seq"], item["body"])
        case _:
            ((what, value),) = do.items()
            getattr(world, what)(value)


def test_each_part_of_playing_has_its_story() -> None:
    told = json.dumps(STORIES)
    for part in ("dials", "says", "shows", "gets", "gives up", "counts", "wait", "breaks"):
        assert f'"{part}"' in told
    for code in ("replaced", "banned", "kicked", "cancelled", "released", "not_authentic"):
        assert f'"code": "{code}"' in told
    assert len(STORIES) >= 25
