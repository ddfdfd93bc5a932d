"""The JavaScript package is what npm packs, a bundler takes it, and its types are right."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from packed import HERE, PACKAGE, packed, project, ran

GAME = """
export * from "clientmigration";
export * as meadow from "clientmigration/meadow";
"""


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of somebody's own."""
    return project(tmp_path_factory.mktemp("game"))


def test_npm_packs_every_module_and_nothing_else(tmp_path: Path) -> None:
    _, files = packed(tmp_path)
    ours = {each.name for each in PACKAGE.iterdir()}
    assert set(files) == ours
    assert {"index.js", "index.d.ts", "README.md", "package.json"} <= ours


def bundled(game: Path, *flags: str) -> Path:
    """The game in one file."""
    (game / "game.js").write_text(GAME)
    made = game / "bundle.mjs"
    flags = ("--bundle", "--format=esm", f"--outfile={made}", "--log-level=warning", *flags)
    ran([str(game / "node_modules/.bin/esbuild"), "game.js", *flags], game)
    return made


@pytest.mark.parametrize("flags", [(), ("--minify", "--target=es2022")], ids=["plain", "minified"])
def test_what_a_bundler_makes_of_it_does_what_the_stories_say(
    game: Path, flags: tuple[str, ...]
) -> None:
    node = shutil.which("node")
    assert node is not None
    made = bundled(game, *flags)
    told = subprocess.run(
        [node, "--no-warnings", "--test", str(HERE / "behaviour.test.mjs")],
        env={**os.environ, "PLAYER": made.as_uri()},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout
    assert "# fail 0" in told.stdout


def test_what_is_not_used_is_left_out_by_a_bundler(game: Path) -> None:
    whole = bundled(game, "--minify").stat().st_size
    (game / "little.js").write_text('export { Sha256 } from "clientmigration";\n')
    esbuild = str(game / "node_modules/.bin/esbuild")
    little = ran([esbuild, "little.js", "--bundle", "--minify", "--format=esm"], game)
    assert len(little) < whole / 4


def test_a_game_that_uses_the_types_is_right_by_them(game: Path) -> None:
    shutil.copy(HERE / "game.ts", game)
    flags = (*("--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"),)
    more = (*("--lib", "es2023,dom"),)
    ran([str(game / "node_modules/.bin/tsc"), *flags, *more, "game.ts"], game)
