"""graphite/whole.py as carbon's start runs it: what is not whole is set aside, nothing else is."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from clientmigration.stack.graphite import Graphite
from clientmigration.stack.ports import Ports

REPOSITORY = Path(__file__).parents[2]
PROGRAM = REPOSITORY / "graphite" / "whole.py"
HEADER = struct.pack("!2LfL", 1, 60, 0.0, 2) + struct.pack("!6L", 40, 1, 10, 160, 10, 6)
WHOLE = HEADER + bytes((10 + 6) * 12)

BAD = {
    "empty": b"",
    "first_header_cut": WHOLE[:9],
    "second_header_cut": WHOLE[:30],
    "no_points": WHOLE[:40],
    "points_cut": WHOLE[:200],
    "only_zeros": bytes(len(WHOLE)),
    "no_archives": WHOLE[:12] + bytes(4) + WHOLE[16:],
    "odd_kind": struct.pack("!L", 9) + WHOLE[4:],
    "share_above_one": WHOLE[:8] + struct.pack("!f", 2.0) + WHOLE[12:],
    "a_step_of_nothing": WHOLE[:20] + bytes(4) + WHOLE[24:],
    "a_gap_between_archives": WHOLE[:28] + struct.pack("!L", 170) + WHOLE[32:] + bytes(10),
    "text": b"this is no series of points at all\n",
}


def put(storage: Path, name: str, content: bytes) -> Path:
    """A file of the series `game.NAME.load`."""
    path = storage / "whisper" / "game" / name / "load.wsp"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def run(storage: Path, *command: str) -> list[str]:
    """The lines that it says, and those of the command that it becomes."""
    argv = [sys.executable, str(PROGRAM), str(storage), *command]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_not_whole_is_set_aside_with_one_line_and_all_its_bytes(
    tmp_path: Path, kind: str
) -> None:
    bad, good = put(tmp_path, kind, BAD[kind]), put(tmp_path, "good", WHOLE)
    line, last = run(tmp_path)
    assert line.startswith(f"set aside {bad}: it")
    assert last.endswith(": 1 not whole")
    assert "looked at 2 files" in last
    assert not bad.exists()
    assert good.read_bytes() == WHOLE
    aside = tmp_path / "set-aside" / "game" / kind / "load.wsp"
    assert aside.read_bytes() == BAD[kind]


def test_a_file_with_more_than_its_header_says_can_be_read_and_stays(tmp_path: Path) -> None:
    longer = put(tmp_path, "longer", WHOLE + bytes(100))
    assert len(run(tmp_path)) == 1
    assert longer.exists()


def test_what_was_set_aside_before_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    for content in (b"first", b"second", b"third"):
        put(tmp_path, "often", content)
        run(tmp_path)
    aside = sorted((tmp_path / "set-aside" / "game" / "often").iterdir())
    assert [each.name for each in aside] == ["load.wsp", "load.wsp.1", "load.wsp.2"]
    assert [each.read_bytes() for each in aside] == [b"first", b"second", b"third"]


def test_other_files_and_what_was_set_aside_are_not_looked_at(tmp_path: Path) -> None:
    put(tmp_path, "notes", b"").rename(tmp_path / "whisper" / "game" / "notes.txt")
    put(tmp_path, "bad", b"")
    run(tmp_path)
    assert run(tmp_path)[-1].startswith("looked at 0 files")


def test_it_becomes_the_command_whatever_it_finds(tmp_path: Path) -> None:
    put(tmp_path, "bad", b"")
    # The same process: what is told to end is carbon itself.
    words = run(tmp_path, sys.executable, "-c", "import os; print('carbon', os.getppid())")
    assert words[-1] == f"carbon {os.getpid()}"
    assert run(tmp_path / "nowhere", "echo", "carbon")[-1] == "carbon"


def test_where_nothing_can_be_moved_it_says_so_and_the_command_starts(tmp_path: Path) -> None:
    put(tmp_path, "bad", b"")
    (tmp_path / "set-aside").write_text("a file in the way")
    words = run(tmp_path, "echo", "carbon")
    assert words[0].startswith("cannot look at ")
    assert words[-1] == "carbon"


def test_while_carbon_runs_what_it_may_be_making_just_now_is_left_alone(tmp_path: Path) -> None:
    young, old = put(tmp_path, "young", b""), put(tmp_path, "old", b"")
    os.utime(old, (time.time() - 90, time.time() - 90))
    words = "import sys; sys.path.insert(0, sys.argv[1]); import pathlib, whole;"
    words += "print(*whole.set_aside(pathlib.Path(sys.argv[2]), 60), sep='\\n')"
    argv = [sys.executable, "-c", words, str(PROGRAM.parent), str(tmp_path)]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert young.exists()
    assert not old.exists()
    assert said.count("set aside") == 1


def test_carbon_is_started_through_it_in_the_stack_and_in_containers(tmp_path: Path) -> None:
    programs = tmp_path / "env" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "carbon-cache.py"):
        (programs / name).touch(mode=0o755)
    here, ports = Path("/home"), Ports(carbon=1, carbon_query=2, graphite=3)
    graphite = Graphite(PROGRAM.parent, programs.parent, here, here, ports)
    carbon, _ = graphite.programs({})
    python, whole, storage, again, cache, *_ = carbon.argv
    assert (python, whole, storage) == (again, str(PROGRAM), str(graphite.storage))
    assert cache == str(programs / "carbon-cache.py")
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    words = services["carbon"]["command"].split()
    assert words[:4] == ["python3", "/srv/graphite/whole.py", "/srv/state", "carbon-cache.py"]
