"""docs/your-game.md as it stands: its files are written, and its steps are run, in a new folder
outside of the repository, against a wheel that is made of this tree.

Only two things are other than written: the wheel comes from here, its dependencies from this
environment; and the two ports are free ones.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clientmigration.stack.ports import Ports, settled

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "your-game.md"
BLOCK = re.compile(r"<!-- (file: (\S+)|run) -->\n```\w+\n(.*?)```", re.DOTALL)
TREE = ("services", "docs", "graphite", "grafana", "systemd")
FILES = ("pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed wheel of this tree."""
    made = tmp_path_factory.mktemp("wheel")
    source = made / "source"
    for name in TREE:
        if (REPOSITORY / name).exists():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(REPOSITORY / name, source / name, ignore=ignored)
    for name in FILES:
        shutil.copy(REPOSITORY / name, source / name)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
    subprocess.run([*pip, made / "site", source], check=True, timeout=300)
    return made / "site"


def test_every_step_of_the_guide_works_as_written(wheel: Path, tmp_path: Path) -> None:
    ports = settled(Ports(0, 0, 0, 0, 0))
    path = f"{wheel / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": f"{wheel}:{tmp_path}", "PATH": path}
    where = subprocess.run(
        [sys.executable, "-c", "import clientmigration; print(clientmigration.__file__)"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(wheel) in where.stdout
    ran = 0
    for kind, name, text in BLOCK.findall(PAGE.read_text()):
        said = text.replace("4100", str(ports.players)).replace("4101", str(ports.members))
        if kind == "run":
            ran += 1
            _run(said, tmp_path, environment)
        else:
            (tmp_path / name).write_text(text)
    assert ran == 3


def _run(said: str, folder: Path, environment: dict[str, str]) -> None:
    """One block, to its end; what it has left in the background ends with it."""
    log = folder / "said.log"
    with log.open("w") as out:
        shell = subprocess.Popen(
            ["bash", "-eu", "-c", said], cwd=folder, env=environment, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            code = shell.wait(240)
        finally:
            try:
                os.killpg(shell.pid, signal.SIGTERM)
            except ProcessLookupError:
                """Nothing was left."""
    logs = "\n".join(f"{each.name}: {each.read_text()[-1500:]}" for each in folder.glob("*.log"))
    assert code == 0, f"{said}\n{logs}"
