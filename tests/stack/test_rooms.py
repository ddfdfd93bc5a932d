"""The law of rooms, held over the whole package: each rule here names its offenders.

That each rule finds what breaks it is tried on a small tree with one offender planted.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ROOMS: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("rooms.py")))
RULES: dict[str, Callable[[Any], list[str]]] = {
    "no constructor takes more than six things": ROOMS["long_constructors"],
    "only a service, a tap and the Arena name a whole daemon": ROOMS["knowing"],
    "one class name is one class": ROOMS["namesakes"],
    "no function is longer than 60 lines": ROOMS["long_functions"],
    "no file is longer than 500 lines": ROOMS["long_files"],
    "every module says what it is": ROOMS["lawless"],
    "no docstring only points elsewhere": ROOMS["pointing_elsewhere"],
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_kept_in_the_whole_package(rule: str) -> None:
    offenders = RULES[rule](ROOMS["modules"](REPOSITORY))
    assert not offenders, "\n".join([rule, *offenders])


def test_each_field_has_one_writing_module() -> None:
    offenders = ROOMS["matrix"](REPOSITORY).shared()
    assert not offenders, "\n".join(offenders)


# The rules themselves, on a tree with one offender each.


def tree(folder: Path, **files: str) -> Path:
    """A package of the same name: `router__moves="..."` is its `router/moves.py`."""
    for name, text in {"__init__": "", **files}.items():
        path = folder / "services" / "clientmigration" / f"{name.replace('__', '/', 1)}.py"
        if name == "__init__":
            path = path.with_name("__init__.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'"""A law."""\n{text}\n')
    return folder


def found(rule: str, folder: Path, **files: str) -> list[str]:
    """What a rule says of such a tree."""
    return RULES[rule](ROOMS["modules"](tree(folder, **files)))


SEVEN = "class Big{}:\n    def __init__(self, a, b, c, d, e, /, f, *, g): ..."


def test_a_constructor_of_seven_things_is_found_and_one_of_six_is_not(tmp_path: Path) -> None:
    rule = "no constructor takes more than six things"
    six = SEVEN.format("").replace(", *, g", "")
    assert found(rule, tmp_path, fine=six) == []
    assert found(rule, tmp_path, big=SEVEN.format("")) == ["big.Big takes 7 things"]


@pytest.mark.parametrize("base", ["(NamedTuple)", "(msgspec.Struct, frozen=True)", "(TypedDict)"])
def test_a_value_may_have_as_many_fields_as_it_has(base: str, tmp_path: Path) -> None:
    rule = "no constructor takes more than six things"
    assert found(rule, tmp_path, value=SEVEN.format(base)) == []
    assert found(rule, tmp_path, value="@dataclass(frozen=True)\n" + SEVEN.format("")) == []


@pytest.mark.parametrize(
    "text",
    [
        "from clientmigration.router.service import Router",
        "if TYPE_CHECKING:\n    from clientmigration.router.service import Router",
        "from clientmigration.router import service\ndef f(of: service.Router): ...",
        "def f(of: 'list[Router]'): ...",
        "def f() -> 'Router': ...",
        "it: 'Router'",
    ],
)
def test_who_holds_a_whole_daemon_is_found_unless_it_puts_it_together(
    text: str, tmp_path: Path
) -> None:
    rule = "only a service, a tap and the Arena name a whole daemon"
    allowed = {"router__service": text, "router__tap": text, "testing__arena": text}
    assert found(rule, tmp_path, **allowed) == []
    assert found(rule, tmp_path, router__moves=text) == ["router.moves names Router"]


def test_a_word_in_a_text_is_no_type(tmp_path: Path) -> None:
    rule = "only a service, a tap and the Arena name a whole daemon"
    assert found(rule, tmp_path, router__moves="print('the Router and its GameServer')") == []


def test_two_classes_of_one_name_are_found_but_for_options(tmp_path: Path) -> None:
    rule = "one class name is one class"
    text = "class Options: ..."
    assert found(rule, tmp_path, router__tap=text, client__tap=text) == []
    two = {"router__a": "class Told: ...", "client__b": "def f():\n    class Told: ..."}
    assert found(rule, tmp_path, **two) == ["Told is a class in client.b, router.a"]


def test_a_long_function_and_a_long_file_are_found(tmp_path: Path) -> None:
    functions, files = (
        "no function is longer than 60 lines",
        "no file is longer than 500 lines",
    )
    sixty = "def f():\n" + "    x()\n" * 59
    assert found(functions, tmp_path, fine=sixty) == []
    assert found(functions, tmp_path, long=f"{sixty}    x()") == ["long.f has 61 lines"]
    assert found(files, tmp_path, fine="x()\n" * 498 + "x()") == []
    assert found(files, tmp_path, long="x()\n" * 499 + "x()") == ["long has 501 lines"]


def test_a_module_without_a_law_is_found(tmp_path: Path) -> None:
    rule = "every module says what it is"
    tree(tmp_path, fine="")
    (tmp_path / "services" / "clientmigration" / "mute.py").write_text("x = 1\n")
    assert found(rule, tmp_path) == ["mute has no docstring"]


def test_a_docstring_that_only_says_where_to_look_is_found(tmp_path: Path) -> None:
    rule = "no docstring only points elsewhere"
    fine = ("See the page. `x` is in seconds.", "Seeds are numbers.", "See that it is there.")
    for text in fine:
        assert found(rule, tmp_path, it=f'def f():\n    """{text}"""') == []
    only = 'class C:\n    def f(self):\n        """See `IReactorTime.callLater`."""'
    assert found(rule, tmp_path, only=only) == ["only.f: See `IReactorTime.callLater`."]


SEAT = """
from dataclasses import dataclass
from typing import Protocol

class Seat:
    kind = "a constant"

    def __init__(self):
        self.own = self.far = self.gone = self.named = self.counted = 0
        self.through = self.there = self.maybe = 0

class Cushioned(Seat):
    def __init__(self):
        self.own = 1

@dataclass
class Card:
    once: int = 0
    shared: int = 0

    def turn(self):
        self.shared = 1
"""
WRITER = """
from typing import Protocol
from clientmigration.seat import Card, Cushioned, Seat

class Place(Protocol):
    through: int

class Room:
    def __init__(self, seat: Seat, card: Card, seats: dict[str, Cushioned]):
        self.own = 0
        seat.far += 1
        del seat.gone
        setattr(seat, "named", 2)
        for seat.counted in range(3):
            pass
        self.there, (seats["a"].there, _) = 1, (2, 3)
        if one := seats.get("b"):
            one.maybe = 1
        card.once = 1
        card.shared = 2

def settle(place: Place):
    place.through = 1

def stranger(own):
    own.own = 1
"""


def test_who_writes_a_field_is_found_by_its_type_whatever_the_variable_is_called(
    tmp_path: Path,
) -> None:
    made = ROOMS["matrix"](tree(tmp_path, seat=SEAT, writer=WRITER))
    assert set(made.writers["seat.Seat"]) == {
        *("own", "far", "gone", "named", "counted", "through", "there", "maybe")
    }
    both = {"seat", "writer"}
    assert {name for name, by in made.writers["seat.Seat"].items() if by == both} == {
        *("far", "gone", "named", "counted", "through", "there", "maybe")
    }
    assert made.writers["seat.Cushioned"] == {}
    assert made.writers["seat.Card"] == {"once": {"writer"}, "shared": both}
    assert made.writers["writer.Room"] == {"own": {"writer"}, "there": {"writer"}}
    assert "seat.Seat.far is written in seat, writer" in made.shared()
    assert len(made.shared()) == 8


def test_the_report_says_what_is_shared_and_how_long_everything_is(tmp_path: Path) -> None:
    said = list(ROOMS["report"](tree(tmp_path, seat=SEAT, writer=WRITER), False))
    assert "seat.Seat.far: seat, writer" in said
    assert not [line for line in said if line.startswith("seat.Seat.own")]
    assert "fields 12 in 4 classes" in said
    assert "fields that more than one module writes 8" in said
    assert "longest constructor 3, writer.Room; over 6: 0" in said
    assert [line for line in said if line.startswith("functions 6, median ")]
