"""Draws the state machines of core/ into docs/migration.md, from the machines themselves.

Run it after a change of a machine: `python tests/core/make_diagrams.py`. A part stands between
`<!-- made: NAME -->` and `<!-- end -->`; a test holds the page to what this says. Automat tells
its transitions and its kinds of states only by private names; this is the one place that knows
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from automat._typed import TypedDataState, TypedState

from clientmigration.core.player import journey, migration, session

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"
PART = re.compile(r"(<!-- made: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
WIDE = 2  # events on one line of a label
ALIKE = 3  # so many states with the same way out: it is told once, beside the diagram

MACHINES = {"migration": migration, "session": session, "journey": journey}


class Edge(NamedTuple):
    """One transition. `does` is the function that runs, "" when nothing is done."""

    before: str
    event: str
    after: str
    does: str

    @property
    def idle(self) -> bool:
        """Whether it changes nothing at all."""
        return self.before == self.after and not self.does

    @property
    def label(self) -> str:
        """`event / what is done`."""
        return f"{self.event} / {self.does}" if self.does else self.event


def states(module: ModuleType) -> list[str]:
    """The names of a machine's states in the order of their declaration; the first is initial."""
    first = module.builder._automaton.initialState
    kinds = (TypedState, TypedDataState)
    declared = [each.name for each in vars(module).values() if isinstance(each, kinds)]
    assert declared[0] == first.name
    return list(dict.fromkeys(declared))


def edges(module: ModuleType) -> list[Edge]:
    """Every transition but those that only tell the state, in the order of the declarations."""
    found = [
        Edge(before.name, event, after.name, _does(outputs))
        for before, event, after, outputs in module.builder._automaton._transitions
        if event != "state"
    ]
    names, events = states(module), list(vars(module.builder.inputProtocol))
    return sorted(found, key=lambda edge: (names.index(edge.before), events.index(edge.event)))


def _does(outputs: Iterable[Any]) -> str:
    """But for what makes the data of the next state, and for what does nothing."""
    return ", ".join(e.name for e in outputs if not e.name.startswith(("returns(", "data:")))


def ways_out(module: ModuleType) -> dict[tuple[str, str, str], list[str]]:
    """States by event, what is done and where it leads, for what at least `ALIKE` of them share."""
    shared: dict[tuple[str, str, str], list[str]] = {}
    for edge in edges(module):
        if edge.before != edge.after:
            shared.setdefault((edge.event, edge.does, edge.after), []).append(edge.before)
    return {way: where for way, where in shared.items() if len(where) >= ALIKE}


def drawn(module: ModuleType) -> list[Edge]:
    """The transitions that the diagram shows."""
    shared = ways_out(module)
    known = edges(module)
    return [e for e in known if not e.idle and (e.event, e.does, e.after) not in shared]


def diagram(module: ModuleType) -> Iterable[str]:
    """A mermaid state diagram, one arrow for each pair of states."""
    known, listed = edges(module), states(module)
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {listed[0]}"
    arrows: dict[tuple[str, str], list[str]] = {}
    for edge in drawn(module):
        arrows.setdefault((edge.before, edge.after), []).append(edge.label)
    for (before, after), labels in arrows.items():
        rows = [", ".join(labels[n : n + WIDE]) for n in range(0, len(labels), WIDE)]
        yield f"    {before} --> {after} : {'<br>'.join(rows)}"
    left = {edge.before for edge in known if edge.before != edge.after}
    yield from (f"    {name} --> [*]" for name in listed if name not in left)
    yield "```"


def alike(module: ModuleType) -> Iterable[str]:
    """The ways out that several states share."""
    together: dict[tuple[str, ...], list[str]] = {}
    for (event, does, after), where in ways_out(module).items():
        told = f"`{Edge('', event, after, does).label}` to {after}"
        together.setdefault(tuple(where), []).append(told)
    yield "| from each of | on event / what is done |"
    yield "|---|---|"
    for names, all_told in together.items():
        yield f"| {', '.join(names)} | {', '.join(all_told)} |"


def ignored(module: ModuleType) -> Iterable[str]:
    """What changes nothing, by state."""
    yield "| while | these change nothing |"
    yield "|---|---|"
    for name in states(module):
        events = [f"`{edge.event}`" for edge in edges(module) if edge.idle and edge.before == name]
        if events:
            yield f"| {name} | {', '.join(events)} |"


def of(what: Callable[[ModuleType], Iterable[str]], module: ModuleType) -> Callable[[], list[str]]:
    """One part of the page."""
    return lambda: list(what(module))


PARTS: dict[str, Callable[[], list[str]]] = {
    f"{name} {what.__name__}": of(what, module)
    for name, module in MACHINES.items()
    for what in (diagram, alike, ignored)
    if what is not alike or ways_out(module)
}


def made(page: str) -> str:
    """The page with every part as the code says it."""
    return PART.sub(lambda part: part[1] + "\n".join(PARTS[part[2]]()) + "\n" + part[3], page)


if __name__ == "__main__":
    PAGE.write_text(made(PAGE.read_text()))
