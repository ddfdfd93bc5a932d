"""The environments script, with Pythons that only pretend: it must run on machines we never saw."""

import ast
import os
import sys
import time
from pathlib import Path

import pytest

from clientmigration.stack import environments
from clientmigration.stack.environments import (
    ENVIRONMENTS,
    CannotPrepare,
    is_made,
    prepare,
    system,
)

PRETENDER = """#!{python}
import os, sys, pathlib
me, log = pathlib.Path(__file__), pathlib.Path({log!r})
with log.open("a") as out:
    print(me, *sys.argv[1:], file=out)
if sys.argv[1:3] == ["-I", "-c"]:
    print({version!r}, {able!r})
elif sys.argv[1:3] == ["-m", "venv"]:
    there = pathlib.Path(sys.argv[3])
    (there / "bin").mkdir(parents=True)
    (there / "lib" / "python{version}" / "site-packages").mkdir(parents=True)
    (there / "pyvenv.cfg").write_text("version = {version}.9")
    (there / "bin" / "python").write_text(me.read_text())
    (there / "bin" / "python").chmod(0o755)
elif sys.argv[1:3] == ["-m", "pip"]:
    print("Collecting everything")
    if pathlib.Path({log!r}).with_name("offline").exists():
        print("WARNING: Retrying (Retry(total=4)) after NewConnectionError('name resolution')")
        sys.exit("ERROR: No matching distribution found for setuptools>=77")
    if pathlib.Path({log!r}).with_name("pip-fails").exists():
        sys.exit("ERROR: no such package")
"""


class Machine:
    """A checkout, and a PATH on which only what the test puts there is found."""

    def __init__(self, folder: Path) -> None:
        self.root, self.bin, self.log = folder / "checkout", folder / "bin", folder / "calls"
        for made in (self.root / "graphite", self.bin):
            made.mkdir(parents=True)
        (self.root / "pyproject.toml").write_text("[project]\n")
        for name in ("requirements.txt", "releases.txt", "bridge.py"):
            (self.root / "graphite" / name).write_text(f"# {name}\n")
        self.environ = {"PATH": str(self.bin), "HOME": str(folder)}

    def has_python(self, name: str, version: str, able: bool = True) -> Path:
        words = {"version": version, "able": "able" if able else "unable"}
        text = PRETENDER.format(python=sys.executable, log=str(self.log), **words)
        return self.has_program(name, text)

    def has_program(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def prepare(self, *words: str) -> None:
        prepare(self.root, words, self.environ)

    def is_made(self, word: str) -> bool:
        return is_made(self.root, ENVIRONMENTS[word])

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def called(self, words: str) -> int:
        return sum(words in call for call in self.calls())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_newest_python_that_runs_makes_the_environment(machine: Machine) -> None:
    machine.has_program("python3.13", "#!/bin/sh\necho no such version here >&2; exit 127\n")
    chosen = machine.has_python("python3.12", "3.12")
    machine.has_python("python3.11", "3.11")
    machine.prepare("services")
    assert machine.called(f"{chosen} -m venv") == 1
    assert machine.called("pip install -e .") == 1


def test_a_python_is_asked_for_its_version_and_not_believed_by_name(machine: Machine) -> None:
    machine.has_python("python3.11", "3.10")
    chosen = machine.has_python("python3", "3.11")
    machine.prepare("graphite")
    assert machine.called(f"{chosen} -m venv") == 1


def test_a_second_time_takes_milliseconds_and_starts_nothing(machine: Machine) -> None:
    machine.has_python("python3.11", "3.11")
    machine.prepare("services", "graphite")
    before = machine.calls()
    began = time.monotonic()
    machine.prepare("services", "graphite")
    assert time.monotonic() - began < 0.1
    assert machine.calls() == before


def test_the_development_environment_serves_as_the_other_but_not_the_reverse(
    machine: Machine,
) -> None:
    machine.has_python("python3.11", "3.11")
    machine.prepare("services")
    assert not machine.is_made("dev")
    machine.prepare("dev")
    assert machine.is_made("services")
    assert machine.called("-m venv") == 1


def test_a_changed_list_of_packages_installs_again_and_keeps_the_tools(machine: Machine) -> None:
    machine.has_python("python3.11", "3.11")
    machine.prepare("dev")
    (machine.root / "pyproject.toml").write_text("[project] # changed\n")
    assert not machine.is_made("services")
    machine.prepare("services")
    assert machine.is_made("dev")
    assert machine.called("-m venv") == 1
    assert machine.called("install -e .[dev]") == 2


def test_an_environment_that_pip_could_not_fill_is_not_made_and_begun_again(
    machine: Machine,
) -> None:
    machine.has_python("python3.11", "3.11")
    fails = machine.log.with_name("pip-fails")
    fails.touch()
    with pytest.raises(CannotPrepare, match=r"ERROR: no such package") as problem:
        machine.prepare("graphite")
    assert "environment-graphite.log" in str(problem.value)
    assert not machine.is_made("graphite")
    fails.unlink()
    machine.prepare("graphite")
    assert machine.is_made("graphite")
    assert machine.called("-m venv") == 2


def test_a_first_start_without_a_network_says_so_first(machine: Machine) -> None:
    machine.has_python("python3.11", "3.11")
    machine.log.with_name("offline").touch()
    words = r"the package index cannot be reached .*; then: ERROR: No matching distribution"
    with pytest.raises(CannotPrepare, match=words):
        machine.prepare("services")


def test_an_environment_of_unknown_origin_is_filled_and_not_thrown_away(machine: Machine) -> None:
    python = machine.has_python("python3.11", "3.11")
    machine.prepare("services")
    (machine.root / ".venv" / "clientmigration.stamp").unlink()
    machine.prepare("services")
    assert machine.called(f"{python} -m venv") == 1
    assert machine.called("pip install") == 2


def test_an_environment_of_another_python_is_replaced(machine: Machine) -> None:
    machine.has_python("python3.11", "3.11")
    machine.prepare("graphite")
    (machine.root / ".venv-graphite" / "pyvenv.cfg").write_text("version = 3.10.1")
    assert not machine.is_made("graphite")
    machine.prepare("graphite")
    assert machine.is_made("graphite")


def test_a_moved_checkout_is_made_again_because_scripts_hold_their_path(machine: Machine) -> None:
    machine.has_python("python3.11", "3.11")
    machine.prepare("graphite")
    moved = machine.root.rename(machine.root.with_name("elsewhere"))
    assert not is_made(moved, ENVIRONMENTS["graphite"])


def test_an_active_environment_of_ours_is_not_what_makes_itself(machine: Machine) -> None:
    machine.has_python("../checkout/.venv-graphite/bin/python3", "3.11")
    machine.environ["PATH"] = f"{machine.root}/.venv-graphite/bin"
    with pytest.raises(CannotPrepare, match=r"no Python from 3\.11 to 3\.14 was found"):
        machine.prepare("graphite")


def test_a_python_that_cannot_make_environments_says_what_to_install(machine: Machine) -> None:
    python = machine.has_python("python3.11", "3.11", able=False)
    with pytest.raises(CannotPrepare, match=f"{python} would do .* but cannot make environments"):
        machine.prepare("graphite")


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ("ID=debian\n", "debian"),
        ('ID=ubuntu\nID_LIKE="debian"\n', "debian"),
        ('NAME="Rocky"\nID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "suse"),
        ("ID=nixos\n", ""),
    ],
)
def test_what_to_install_is_said_in_the_words_of_the_system(
    tmp_path: Path, told: str, known: str
) -> None:
    (tmp_path / "os-release").write_text(told)
    assert system(tmp_path / "os-release") == known


def test_a_system_that_says_nothing_of_itself_is_none_of_those(tmp_path: Path) -> None:
    assert system(tmp_path / "os-release") == ""


def test_no_python_says_what_needs_it_and_a_command_that_works(machine: Machine) -> None:
    with pytest.raises(CannotPrepare) as problem:
        machine.prepare("graphite")
    uv = machine.root / "run" / "uv"
    for words in (
        "carbon and graphite-web",
        f"python3 -m venv {uv} && {uv}/bin/pip install uv",  # a bare pip is refused by PEP 668
    ):
        assert words in str(problem.value)


def test_uv_brings_the_python_that_nobody_has_and_fills_the_environment(machine: Machine) -> None:
    brought = machine.has_python("brought/python", "3.14")
    script = f'#!/bin/sh\necho "$0 $@" >> {machine.log}\n[ "$1" = pip ] || echo {brought}\n'
    machine.has_program("uv", script)
    machine.prepare("graphite")
    assert machine.called("uv python install 3.14") == 1
    assert machine.called(f"{brought} -m venv") == 1
    assert machine.called("uv pip install") == 2
    assert machine.called("-m pip install") == 0


def test_uv_is_found_where_our_own_words_have_it_put(machine: Machine) -> None:
    machine.has_python("python3.13", "3.13")
    machine.has_program("../checkout/run/uv/bin/uv", f'#!/bin/sh\necho "uv $@" >> {machine.log}\n')
    machine.prepare("services")
    assert machine.called("uv pip install") == 1


def test_a_uv_that_cannot_install_is_no_hindrance(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.has_python("python3.13", "3.13")
    machine.has_program("uv", "#!/bin/sh\necho 'error: no network' >&2\nexit 2\n")
    machine.prepare("services")
    assert "error: no network" in capsys.readouterr().out
    assert machine.called("-m pip install -e .") == 1


def test_the_bridge_is_beside_carbon_before_anything_is_installed(machine: Machine) -> None:
    machine.has_python("python3.13", "3.13")
    machine.log.with_name("pip-fails").touch()
    with pytest.raises(CannotPrepare):
        machine.prepare("graphite")
    packages = machine.root / ".venv-graphite" / "lib" / "python3.13" / "site-packages"
    assert (packages / "clientmigration_bridge.py").read_text() == "# bridge.py\n"
    line = (packages / "clientmigration_bridge.pth").read_text()
    assert line == "import clientmigration_bridge; clientmigration_bridge.put_back()\n"


def test_what_carbon_needs_is_there_before_carbon_is_built_with_it(machine: Machine) -> None:
    machine.has_python("python3.13", "3.13")
    machine.prepare("graphite")
    first, second = (call for call in machine.calls() if "-m pip install" in call)
    assert first.endswith("-r graphite/requirements.txt")
    assert second.endswith("--no-deps --no-build-isolation -r graphite/releases.txt")


def test_a_changed_bridge_is_laid_again(machine: Machine) -> None:
    machine.has_python("python3.13", "3.13")
    machine.prepare("graphite")
    (machine.root / "graphite" / "bridge.py").write_text("# another\n")
    assert not machine.is_made("graphite")
    machine.prepare("graphite")
    packages = machine.root / ".venv-graphite" / "lib" / "python3.13" / "site-packages"
    assert (packages / "clientmigration_bridge.py").read_text() == "# another\n"


def test_uv_that_fails_is_named_with_its_words(machine: Machine) -> None:
    machine.has_program("uv", "#!/bin/sh\necho 'no network' >&2\nexit 2\n")
    with pytest.raises(CannotPrepare, match=r"uv cannot bring Python 3\.14: no network"):
        machine.prepare("graphite")


def test_the_python_that_somebody_chose_is_taken_if_it_can_be(machine: Machine) -> None:
    machine.has_python("python3.14", "3.14")
    chosen = machine.has_python("elsewhere/python", "3.13")
    machine.environ["CLIENTMIGRATION_PYTHON"] = str(chosen)
    machine.prepare("services")
    assert machine.called(f"{chosen} -m venv") == 1
    machine.has_python("elsewhere/python", "3.9")
    machine.prepare("graphite")
    assert machine.called("python3.14 -m venv") == 1


def test_pythons_of_pyenv_are_found_when_its_shims_fail(machine: Machine) -> None:
    machine.has_program("python3.11", "#!/bin/sh\nexit 127\n")
    chosen = machine.has_python("../.pyenv/versions/3.11.4/bin/python", "3.11")
    machine.prepare("graphite")
    assert machine.called(f"{chosen.resolve()} -m venv") == 1


def test_the_script_runs_on_python_3_9() -> None:
    source = Path(environments.__file__).read_text()
    ast.parse(source, feature_version=(3, 9))
    assert "clientmigration." not in source.replace("clientmigration.stamp", "")


@pytest.mark.parametrize("words", [[], ["nothing"], ["dev", "nothing"]])
def test_a_wrong_word_is_a_line_of_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert environments.main(words) == 2
    assert "services|dev|graphite" in capsys.readouterr().err


def test_the_environment_of_these_tests_is_one_that_the_script_accepts() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert version in ENVIRONMENTS["dev"].pythons
    assert os.access(sys.executable, os.X_OK)
