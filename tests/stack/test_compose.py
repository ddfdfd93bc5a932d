"""docker-compose.yml and the Dockerfile as values: what they promise, without an engine.

tests/live/test_compose_live.py runs them.
"""

import re
import shutil
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins

from clientmigration.net.games import facts

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docker-compose.yml").read_text()
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
LOCKS = sorted((REPOSITORY / "docker").glob("*.lock"))
PROJECT = REPOSITORY / "pyproject.toml"
IMAGE = re.compile("clientmigration:")
DAEMONS = sorted(name for name, each in SERVICES.items() if IMAGE.match(each["image"]))
OURS = sorted(name for name, each in SERVICES.items() if "build" in each)


@pytest.mark.parametrize("name", DAEMONS)
def test_every_flag_in_the_file_is_one_of_its_daemon(name: str) -> None:
    daemon, *flags = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", SERVICES[name]["command"]).split()
    makers = {each.tapname: each for each in getPlugins(IServiceMaker)}
    options = makers[daemon].options()
    options.parseOptions(flags)
    held = {f"/run/secrets/{name}" for name in SERVICES[name].get("secrets", ())}
    assert held == {flag for flag in flags if flag.startswith("/run/secrets/")}


def with_game(name: str, game: str) -> list[str]:
    """The words of a service's command as `GAME=game make up` has them."""
    text = SERVICES[name]["command"].replace("${GAME:-meadow}", game)
    return re.sub(r"\$\{\w+:-(\w+)\}", r"\1", text).split()


@pytest.mark.parametrize("game", ["splash", "clientmigration.games.splash.game:Splash"])
def test_any_game_is_played_by_servers_crowd_and_homepage_alike(game: str) -> None:
    makers = {each.tapname: each for each in getPlugins(IServiceMaker)}
    told = [name for name in DAEMONS if "--game" in SERVICES[name]["command"]]
    assert told == ["crowd", "gameserver", "homepage"]
    for name in told:
        daemon, *flags = with_game(name, game)
        options = makers[daemon].options()
        options.parseOptions(flags)
        assert options["game"] == game
        assert facts(options["game"]).name == "splash"
    assert (page := facts(game).page) is not None
    assert (page / "page.js").exists()


def test_the_page_brings_a_game_of_ones_own_to_all_who_need_it() -> None:
    text = (REPOSITORY / "docs" / "containers.md").read_text()
    (block,) = re.findall(r"```yaml\n(x-tally.*?)```", text, re.DOTALL)
    assert sorted(yaml.safe_load(block)["services"]) == ["crowd", "gameserver", "homepage"]


def test_an_image_has_every_game_with_its_page() -> None:
    assert "COPY services services\n" in DOCKERFILE
    kept = tomllib.loads(PROJECT.read_text())["tool"]["setuptools"]["package-data"]
    assert kept["clientmigration.games"] == ["*/page/**"]


def test_whoever_is_called_is_a_service_of_the_file() -> None:
    called = set(re.findall(r"(?:tcp:|//)([a-z]+):\d", TEXT)) - {"localhost"}
    assert called
    assert called <= set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_little_harm(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "network_mode", "pid", "ipc", "devices", "cap_add"} & set(service)


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_cannot_use_up_its_host(name: str) -> None:
    service = SERVICES[name]
    assert service["pids_limit"] <= 256
    assert service["mem_limit"] in ("512m", "1g")
    assert service["tmpfs"] == ["/tmp:size=16m,mode=1777"]
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@pytest.mark.parametrize("name", OURS)
def test_what_is_ours_runs_as_nobody_and_without_what_built_it(name: str) -> None:
    stage = DOCKERFILE.split(f" AS {SERVICES[name]['build']['target']}\n")[1].split("\nFROM")[0]
    assert "\nUSER player\n" in stage
    assert "pip" not in stage
    assert "\nCOPY --from=" in stage


def test_every_package_of_an_image_is_known_by_its_hash() -> None:
    installed = re.findall(r"pip install (.*)", DOCKERFILE)
    assert len(installed) == 4
    for flags in installed:
        assert "--require-hashes" in flags or flags.endswith("--no-deps --no-build-isolation . \\")
    for lock in LOCKS:
        for entry in lock.read_text().replace("\\\n", "").splitlines():
            assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}$", entry), entry
        assert not re.search(r"https?:|index-url|find-links", lock.read_text()), lock


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("services", tomllib.loads(PROJECT.read_text())["project"]["dependencies"]),
        ("graphite", (REPOSITORY / "graphite" / "requirements.txt").read_text().splitlines()),
        ("releases", (REPOSITORY / "graphite" / "releases.txt").read_text().splitlines()),
    ],
)
def test_what_is_locked_is_what_is_asked_for(lock: str, wanted: list[str]) -> None:
    """`make lock` makes it so again."""
    text = (REPOSITORY / "docker" / f"{lock}.lock").read_text()
    locked: dict[str, set[str]] = defaultdict(set)
    for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE):
        locked[name].add(version)
    for asked in [Requirement(line) for line in wanted if not line.startswith("#")]:
        name = canonicalize_name(asked.name)
        assert locked[name], name
        assert all(asked.specifier.contains(version) for version in locked[name]), name


def test_one_port_is_open_to_the_world() -> None:
    published = [port for each in SERVICES.values() for port in each.get("ports", ())]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == [
        "${PLAYERS_PORT:-4100}:4100"
    ]


def test_game_servers_can_be_scaled() -> None:
    assert "ports" not in SERVICES["gameserver"]
    assert not any("container_name" in each for each in SERVICES.values())


def test_the_crowd_comes_only_when_asked_for() -> None:
    assert [name for name, each in SERVICES.items() if "profiles" in each] == ["crowd"]


def test_every_service_that_listens_has_a_healthcheck() -> None:
    assert {name for name, each in SERVICES.items() if "healthcheck" not in each} == {"crowd"}


def test_images_of_others_are_pinned() -> None:
    told = [each["image"] for each in SERVICES.values() if "build" not in each]
    told += [each["build"]["args"]["PYTHON"] for each in SERVICES.values() if "build" in each]
    images = {re.fullmatch(r"\$\{\w+_IMAGE:-(\S+)\}", each)[1] for each in told}  # type: ignore[index]
    assert len(images) == 2
    for image in images:
        assert re.search(r":\d+\.\d+", image), image
    (base,) = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base in images
    stages = set(re.findall(r" AS (\S+)$", DOCKERFILE, re.MULTILINE))
    bases = set(re.findall(r"^FROM (\S+) AS", DOCKERFILE, re.MULTILINE))
    assert bases - stages == {"${PYTHON}"}


def test_no_secret_is_in_the_file_or_under_git() -> None:
    assert {each["file"] for each in FILE["secrets"].values()} == {
        "./run/secrets/cluster",
        "./run/secrets/grafana",
        "./run/secrets/watch",
    }
    assert SERVICES["homepage"]["secrets"] == ["watch"]  # it faces the public
    assert "/run/" in (REPOSITORY / ".gitignore").read_text().split()
    assert not re.search(r"password(?!__FILE: /run/secrets/)|token", TEXT, re.IGNORECASE)


def test_grafana_has_an_admin_of_a_made_secret_and_keeps_what_that_one_makes() -> None:
    """Or alerts could reach nobody, and nobody could silence them."""
    grafana = SERVICES["grafana"]
    said = grafana["environment"]
    assert said["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana"
    assert grafana["secrets"] == ["grafana"]
    assert "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION" not in said
    assert "grafana:/var/lib/grafana" in grafana["volumes"]
    assert "grafana" in FILE["volumes"]
    assert said["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_make_up_makes_each_secret_that_the_files_name() -> None:
    routers = yaml.safe_load((REPOSITORY / "docker-compose.routers.yml").read_text())
    recipe = (REPOSITORY / "Makefile").read_text().split("\nup:")[1].split("\n\n")[0]
    looped = re.findall(r"for each in ([a-z ]+);", recipe)
    made = {name for names in looped for name in names.split()}
    made |= set(re.findall(r"> run/secrets/([a-z]+)", recipe))
    assert made == set(FILE["secrets"]) | set(routers["secrets"])


def test_nothing_is_in_the_file_that_an_older_compose_refuses() -> None:
    assert "name" not in FILE
    assert "start_interval" not in TEXT


def test_the_compose_that_is_here_accepts_the_file() -> None:
    if not shutil.which("docker-compose"):
        pytest.skip("needs docker-compose")
    done = subprocess.run(
        ["docker-compose", "config", "--quiet"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
