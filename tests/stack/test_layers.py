"""The layers are held by tools: a planted violation of each ban is really caught."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PACKAGE = Path("services") / "clientmigration"

BANNED = (
    ("core/fleet/world.py", "import twisted", "TID251"),
    ("core/fleet/world.py", "from twisted.internet import defer", "TID251"),
    ("core/fleet/world.py", "import random", "TID251"),
    ("core/fleet/world.py", "from random import Random", "TID251"),
    ("core/fleet/world.py", "from time import time", "TID251"),
    ("core/fleet/world.py", "import time\nNOW = time.time()", "TID251"),
    ("core/fleet/world.py", "from time import monotonic", "TID251"),
    ("wire/work.py", "from twisted.internet.protocol import Protocol", "TID251"),
    ("wire/work.py", "import random", "TID251"),
    ("net/line.py", "from twisted.internet import reactor", "TID253"),
    ("router/service.py", "from twisted.internet import reactor", "TID253"),
    ("testing/arena.py", "from twisted.internet import reactor", "TID253"),
)
ALLOWED = (
    ("net/line.py", "from random import random"),
    ("net/line.py", "from time import monotonic"),
    ("testing/arena.py", "from random import Random"),
)
CROSSINGS = (
    ("core/fleet/world.py", "clientmigration.wire.work"),
    ("core/fleet/policy.py", "clientmigration.net.probe"),
    ("wire/work.py", "clientmigration.net.settings"),
    ("net/probe.py", "clientmigration.router.tap"),
    ("router/decisions.py", "clientmigration.games.meadow"),
    ("gameserver/game.py", "clientmigration.games.meadow.behaviour"),
    ("client/habits.py", "clientmigration.stack.logs"),
    ("games/meadow/wire.py", "clientmigration.testing"),
    ("stack/logs.py", "clientmigration.testing"),
    ("errors.py", "clientmigration.core.measures.bucket"),
    ("core/measures/bucket.py", "twisted.internet"),
    ("wire/work.py", "twisted.python"),
    ("core/fleet/health.py", "clientmigration.core.decisions.audit"),
    ("core/fleet/policy.py", "clientmigration.core.simulation.crowd"),
    ("core/player/inbox.py", "clientmigration.core.fleet.world"),
    ("core/measures/meter.py", "clientmigration.core.player.feeds"),
    ("client/summary.py", "clientmigration.core.fleet.placement"),
    ("gameserver/load.py", "clientmigration.core.simulation.log"),
    ("wire/work.py", "clientmigration.core.fleet.health"),
)
CIRCLES = {
    "router": ("router/introductions.py", "import clientmigration.router.service"),
    "core.fleet": (
        "core/fleet/world.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        "    from clientmigration.core.fleet.placement import place",
    ),
}
"""A package, and what closes a circle in it: where it is planted, and the lines."""


def copied(folder: Path) -> Path:
    """The package and its rules, somewhere else."""
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "dropin.cache")
    shutil.copytree(REPOSITORY / "services", folder / "services", ignore=left_out)
    return folder


def plant(tree: Path, module: str, line: str) -> None:
    """Add lines to a module of the copy."""
    file = tree / PACKAGE / module
    file.write_text(f"{file.read_text()}\n{line}  # planted\n")


def said(tree: Path, *argv: str) -> tuple[int, str]:
    """Exit code and output of one of our tools, run in the copy and on nothing but the copy."""
    environ = {**os.environ, "PYTHONPATH": str(tree / "services")}
    done = subprocess.run(
        [str(BIN / argv[0]), *argv[1:]], cwd=tree, env=environ, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


RUFF = ("ruff", "check", "--no-cache", "--output-format=concise", "services")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which ruff finds nothing."""
    whole = copied(tmp_path_factory.mktemp("clean"))
    assert said(whole, *RUFF) == (0, "All checks passed!\n")
    return whole


@pytest.fixture
def scratch(tree: Path) -> Iterator[Path]:
    """The same, and clean again afterwards."""
    yield tree
    for file in (REPOSITORY / PACKAGE).rglob("*.py"):
        shutil.copy(file, tree / PACKAGE / file.relative_to(REPOSITORY / PACKAGE))


@pytest.mark.parametrize(("module", "line", "rule"), BANNED)
def test_what_a_layer_may_not_know_is_caught(
    module: str, line: str, rule: str, scratch: Path
) -> None:
    plant(scratch, module, line)
    code, output = said(scratch, *RUFF)
    assert code == 1
    assert [each for each in output.splitlines() if module in each and f" {rule} " in each], output


@pytest.mark.parametrize(("module", "line"), ALLOWED)
def test_what_is_allowed_is_not_complained_about(module: str, line: str, scratch: Path) -> None:
    plant(scratch, module, line)
    _, output = said(scratch, *RUFF)
    assert "TID25" not in output


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy in which every module above imports what it may not."""
    tree = copied(tmp_path_factory.mktemp("crossed"))
    for module, imported in CROSSINGS:
        plant(tree, module, f"import {imported}")
    code, output = said(tree, "lint-imports", "--no-cache")
    assert code == 1
    return output


@pytest.mark.parametrize(("module", "imported"), CROSSINGS)
def test_an_import_against_the_layers_is_caught(module: str, imported: str, crossed: str) -> None:
    importer = "clientmigration." + module.removesuffix(".py").replace("/", ".")
    target = imported.partition(".")[0] if imported.startswith("twisted") else imported
    assert f"{importer} -> {target}" in crossed


@pytest.fixture(scope="module")
def circled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy with a circle in two packages."""
    tree = copied(tmp_path_factory.mktemp("circled"))
    for module, lines in CIRCLES.values():
        plant(tree, module, lines)
    code, output = said(tree, "lint-imports", "--no-cache", "--contract", "acyclic")
    assert code == 1
    return output


@pytest.mark.parametrize("package", CIRCLES)
def test_a_circle_is_caught_and_under_type_checking_too(package: str, circled: str) -> None:
    assert f"No cycles are allowed in clientmigration.{package}." in circled


def test_without_a_violation_import_linter_keeps_quiet(tmp_path: Path) -> None:
    code, output = said(copied(tmp_path), "lint-imports", "--no-cache")
    assert code == 0, output
    assert "0 broken" in output
