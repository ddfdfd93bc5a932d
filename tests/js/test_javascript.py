"""The JavaScript player's own tests, and where it has to be the same as the Python one."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path
from random import Random
from typing import Any

import pytest

from clientmigration.core.player.tally import Tally

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "services/clientmigration/status/static/clientmigration"
SCRIPTS, STEPS = 200, 80
TESTS = sorted(HERE.glob("*.test.mjs"))


def node(*arguments: str, given: str = "") -> str:
    """What node says."""
    command = shutil.which("node")
    if command is None:
        pytest.skip("needs node")
    ran = subprocess.run(
        [command, "--no-warnings", *arguments],
        input=given, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_the_javascript_tests_pass(file: Path) -> None:
    said = node("--test", str(file))
    assert "# fail 0" in said
    assert "# pass 0" not in said


def script(random: Random) -> list[list[Any]]:
    """What may happen to a player, and a little of what may not."""
    now, tick, seq = 100.0, 1000, 0
    events: list[list[Any]] = []
    for _ in range(STEPS):
        now += random.choice((0.0, 0.01, 0.05, 0.3, 2.0))
        what = random.choice(("send", "show", "show", "show", "acknowledge", "rare"))
        if what == "rare":
            rare = ("continue", "taken up", "interrupted", "begin", "begin", "end", "forget")
            what = random.choice((*rare, "switched", "switched"))
        if what == "send":
            seq += 1
            events.append([what, random.randbytes(random.randrange(5)).hex(), now])
        elif what == "show":
            tick += random.choice((1, 1, 1, 2, 4, -1, 0))
            events.append([what, tick, now, random.random() < 0.5])
        elif what == "acknowledge":
            last = random.randrange(seq + 3)
            events.append([what, last, max(0, last - random.choice((0, 0, 1, -1))), last * 7, now])
        elif what in ("continue", "taken up"):
            events.append([what, random.randrange(seq + 5)])
        elif what == "switched":
            events.append([what, tick + random.randrange(4)])
        else:
            events.append([what])
    return events


def step(tally: Tally[int], what: str, *values: Any) -> Any:
    if what == "send":
        return tally.send(bytes.fromhex(values[0]), values[1]).digest
    if what == "show":
        return tally.show(values[0], values[0], values[1], values[2])
    if what == "end":
        cost = tally.end()
        return cost and [cost.missed, *(round(each, 6) for each in cost[1:3]), cost.views]
    deeds: dict[str, Any] = {
        "acknowledge": tally.acknowledge,
        "continue": tally.continue_from,
        "taken up": tally.taken_up,
        "switched": tally.switched,
        "interrupted": tally.interrupted,
        "forget": tally.forget,
        "begin": tally.begin,
    }
    return deeds[what](*values)


def counted(tally: Tally[int]) -> list[Any]:
    sent = [[each.seq, each.body.hex()] for each in tally.after(tally.acked)]
    return [
        tally.views, tally.missed, tally.lost, tally.doubled, tally.last_tick, tally.acked,
        tally.seq, tally.digest, tally.oldest(), round(tally.longest_gap_s, 6), sent,
    ]  # fmt: skip


def test_both_players_count_alike_whatever_happens() -> None:
    scripts = [script(Random(seed)) for seed in range(SCRIPTS)]
    answers = json.loads(node(str(HERE / "tally.mjs"), given=json.dumps(scripts)))
    for seed, (events, answer) in enumerate(zip(scripts, answers, strict=True)):
        tally: Tally[int] = Tally()
        for n, event in enumerate(events):
            expected = [step(tally, *event), *counted(tally)]
            assert answer[n] == expected, (seed, n, event)


def test_the_package_is_whole_and_of_our_version() -> None:
    package = json.loads((PACKAGE / "package.json").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert package["version"] == project["version"]
    for ways in package["exports"].values():
        for path in ways.values() if isinstance(ways, dict) else (ways,):
            assert (PACKAGE / path).is_file(), path
    assert "dependencies" not in package


def test_the_package_imports_nothing_but_itself() -> None:
    for module in PACKAGE.glob("*.js"):
        for line in module.read_text().splitlines():
            if " from " in line and line.startswith(("import", "export", "}")):
                assert 'from "./' in line, (module.name, line)
