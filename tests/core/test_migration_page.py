"""docs/migration.md: its diagrams are the machines of the code."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from automat import TypeMachineBuilder

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("make_diagrams.py")))
PARTS: dict[str, Callable[[], list[str]]] = MADE["PARTS"]
MACHINES: dict[str, Any] = MADE["MACHINES"]
PAGE: str = MADE["PAGE"].read_text()


@pytest.mark.parametrize("name", PARTS)
def test_what_the_machines_make_of_the_page_is_up_to_date(name: str) -> None:
    part = re.search(rf"<!-- made: {name} -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)
    assert part is not None
    assert part[1].split("\n") == PARTS[name](), "run tests/core/make_diagrams.py"


@pytest.mark.parametrize("name", MACHINES)
def test_every_transition_is_drawn_or_shared_or_ignored(name: str) -> None:
    machine = MACHINES[name]
    listed = MADE["edges"](machine)
    shared = sum(map(len, MADE["ways_out"](machine).values()))
    ignored = sum(edge.idle for edge in listed)
    assert len(listed) == len(MADE["drawn"](machine)) + shared + ignored
    assert len(listed) == len({(edge.before, edge.event) for edge in listed})


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_and_every_event_is_on_the_page(name: str) -> None:
    told = "\n".join(line for part in PARTS if part.startswith(name) for line in PARTS[part]())
    for edge in MADE["edges"](MACHINES[name]):
        for word in edge[:3]:
            assert re.search(rf"\b{word}\b", told), word


def test_a_machine_that_changes_would_be_noticed() -> None:
    class Inputs:
        def go(self) -> None: ...

    class Other:
        builder: Any = TypeMachineBuilder(Inputs, object)
        here = builder.state("here")
        there = builder.state("there")

    Other.here.upon(Inputs.go).to(Other.there).returns(None)
    before = MADE["diagram"](Other)
    assert list(before)[2:4] == ["    [*] --> here", "    here --> there : go"]
    Other.there.upon(Inputs.go).to(Other.here).returns(None)
    assert "    there --> here : go" in MADE["diagram"](Other)
