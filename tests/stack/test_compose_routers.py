"""docker-compose.routers.yml as a value: two equal routers under one name, and their ledger.

tests/live/test_compose_routers_live.py runs it.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins

REPOSITORY = Path(__file__).parents[2]
NAMES = ("docker-compose.yml", "docker-compose.routers.yml")
FILES = [yaml.safe_load((REPOSITORY / name).read_text()) for name in NAMES]
ONE, TWO = (file["services"] for file in FILES)
HARMLESS = ("restart", "read_only", "cap_drop", "security_opt", "pids_limit", "tmpfs", "logging")


def flags_of(service: dict[str, Any]) -> dict[str, str]:
    """The flags of a service's command, each with what follows it."""
    _, *words = service["command"].split()
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize("name", ["router", "router-2"])
def test_each_router_is_started_as_alone_but_for_its_name_and_ledger(name: str) -> None:
    routers = next(each for each in getPlugins(IServiceMaker) if each.tapname == "router")
    routers.options().parseOptions(TWO[name]["command"].split()[1:])
    flags = flags_of(TWO[name])
    assert flags.pop("--name") == ("router-1" if name == "router" else name)
    assert flags.pop("--ledger") == "nats://nats:4222?credentials=/run/secrets/ledger"
    alone = flags_of(ONE["router"])
    del alone["--ledger"]
    assert flags == alone
    assert set(TWO[name]["secrets"]) == {"cluster", "ledger"}


def test_both_routers_are_found_by_the_name_that_everybody_knows() -> None:
    assert TWO["router-2"]["networks"] == {"default": {"aliases": ["router"]}}
    assert set(TWO) == {"router", "router-2", "nats"}, "nobody else is started otherwise"


@pytest.mark.parametrize("name", ["router-2", "nats"])
def test_what_is_added_can_do_as_little_harm_as_the_others(name: str) -> None:
    assert {key: TWO[name][key] for key in HARMLESS} == {
        key: ONE["router"][key] for key in HARMLESS
    }
    assert TWO[name]["mem_limit"] == "1g"
    assert "healthcheck" in TWO[name]


def test_only_the_second_door_for_players_is_published_beside() -> None:
    assert [each.get("ports") for each in TWO.values()] == [
        None,
        ["${PLAYERS_PORT_2:-4110}:4100"],
        None,
    ]


def test_the_ledger_answers_only_who_knows_a_token_that_make_up_makes() -> None:
    assert 'token: "%s"' in TWO["nats"]["command"][0]
    assert TWO["nats"]["secrets"] == [*FILES[1]["secrets"]] == ["ledger"]
    made = re.search(r"for each in ([a-z ]+); do", (REPOSITORY / "Makefile").read_text())
    assert made
    assert "ledger" in made[1].split()


def test_the_compose_that_is_here_accepts_both_files_together() -> None:
    if not shutil.which("docker-compose"):
        pytest.skip("needs docker-compose")
    both = [word for name in NAMES for word in ("-f", name)]
    done = subprocess.run(
        ["docker-compose", *both, "config"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    merged = yaml.safe_load(done.stdout)["services"]
    assert [each["source"] for each in merged["router"]["secrets"]] == ["cluster", "ledger"]
    assert "--name router-1" in merged["router"]["command"]
