"""`clientmigration simulate` and `clientmigration policy check`, as a shell calls them."""

import json
from pathlib import Path

import pytest

from clientmigration.cli.main import main

SCENARIO = """
title = "a little one"
seconds = 30
players = 40
[[servers]]
count = 2
"""
POLICY = Path(__file__).parents[2] / "docs" / "policy.toml"


def write(folder: Path, text: str) -> str:
    (folder / "file.toml").write_text(text)
    return str(folder / "file.toml")


def test_a_simulation_is_a_table_or_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, SCENARIO)
    assert main(["simulate", path]) == 0
    assert "moves per player and hour" in capsys.readouterr().out
    assert main(["simulate", path, "--alone", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scenario"] == "a little one"
    (review,) = told["reviews"]
    assert (review["brain"], review["back"], review["turned"]) == ("ClientMigration", 0, 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [("title = 1", "title"), ("no toml", "not TOML"), ("title = 'x'\nteapot = 1", "teapot")],
)
def test_a_file_that_is_no_scenario_is_an_error_of_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    path = write(tmp_path, text + SCENARIO.replace('title = "a little one"', "") * ("'x'" in text))
    assert main(["simulate", path]) == 2
    assert says in capsys.readouterr().err
    assert main(["simulate", str(tmp_path / "none.toml")]) == 2


def test_a_good_policy_says_what_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "check", str(POLICY)]) == 0
    assert "the defaults" in capsys.readouterr().out
    path = write(tmp_path, "[limits]\ncooldown_s = 30.0\n")
    assert main(["policy", "check", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == {"limits": {"cooldown_s": 30.0}}


def test_a_bad_policy_is_a_no_that_names_the_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "[limits]\ncooldown_s = -1\n")
    assert main(["policy", "check", path]) == 1
    assert "cooldown_s" in capsys.readouterr().out
