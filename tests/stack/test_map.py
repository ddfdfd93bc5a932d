"""CONTRIBUTING.md: its map is what the modules say of themselves, and what it cites is there."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MAP: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("make_map.py")))
PAGE: str = MAP["PAGE"].read_text()
LINES: list[str] = list(MAP["lines"]())
missing: Callable[..., list[str]] = MAP["missing"]


def test_the_map_is_what_the_modules_say() -> None:
    assert "<!-- made: map -->" in PAGE
    assert MAP["made"](PAGE) == PAGE, "run tests/stack/make_map.py"


def test_the_map_has_every_package_and_every_module_with_a_sentence() -> None:
    assert sorted(MAP["ORDER"]) == MAP["packages"]()
    modules = [path for path in MAP["PACKAGE"].rglob("*.py") if path.name != "__init__.py"]
    listed = [line for line in LINES if line.startswith("- ")]
    assert len(listed) == len(modules)
    assert all(line.endswith((".", "!", "?")) for line in listed), [
        line for line in listed if not line.endswith((".", "!", "?"))
    ]


def test_every_file_that_the_page_cites_is_there() -> None:
    assert missing(PAGE) == []


# The script itself.


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Three modules, of which `a` needs `c` and `c` needs `b`."""
    folder = tmp_path / "services" / "clientmigration" / "net"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "a.py").write_text(
        '"""First of all.\n\nMore."""\nfrom clientmigration.net import c\n'
    )
    (folder / "b.py").write_text('"""Two lines,\none sentence. And another."""\n')
    (folder / "c.py").write_text('"""Is it?"""\nfrom clientmigration.net.b import x\n')
    return folder


def test_a_module_stands_after_those_that_it_imports(package: Path) -> None:
    found = MAP["entries"](package, "clientmigration.net")
    assert [each.name for each in found] == ["b", "c", "a"]
    assert [each.says for each in found] == ["Two lines, one sentence.", "Is it?", "First of all."]


def test_a_circle_is_listed_all_the_same(package: Path) -> None:
    (package / "b.py").write_text('"""B."""\nfrom clientmigration.net import a\n')
    found = MAP["entries"](package, "clientmigration.net")
    assert [each.name for each in found] == ["a", "b", "c"]


@pytest.mark.parametrize("cited", ["services/gone.py", "net/gone", "gone.md", "net/*.md"])
def test_a_file_that_is_cited_and_not_there_is_found(cited: str, package: Path) -> None:
    root = package.parents[2]
    assert missing(f"Read `{cited}` and weep.", root) == [cited]


@pytest.mark.parametrize(
    "cited",
    ["net/a.py", "a.py", "net/*.py", "net/", "services/clientmigration/net/b.py", "run/secret"],
)
def test_a_file_that_is_there_or_never_kept_is_not_complained_about(
    cited: str, package: Path
) -> None:
    assert (
        missing(f"Read `{cited}`, `make check`, `text/html` and `50/50`.", package.parents[2]) == []
    )
