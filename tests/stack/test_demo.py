"""`clientmigration demo` and `clientmigration run`, up to where the daemons' own tests begin."""

from pathlib import Path

import pytest

from clientmigration.cli import run
from clientmigration.cli.main import parser
from clientmigration.net.shipped import shipped
from clientmigration.stack import demo
from clientmigration.stack.environments import ENVIRONMENTS


def test_what_is_kept_between_demos_is_in_the_users_cache(tmp_path: Path) -> None:
    home = str(tmp_path)
    assert demo.home_of({"HOME": home}) == tmp_path / ".cache" / "clientmigration"
    both = {"HOME": home, "XDG_CACHE_HOME": "/kept"}
    assert demo.home_of(both) == Path("/kept/clientmigration")


def test_an_environment_for_graphite_can_be_made_of_what_is_laid(tmp_path: Path) -> None:
    for _ in range(2):
        demo.lay(shipped("graphite"), tmp_path)
    assert (tmp_path / "graphite" / "carbon.conf").is_file()
    for needed in ENVIRONMENTS["graphite"].decided_by:
        assert (tmp_path / needed).is_file(), needed


def test_the_stack_is_run_with_what_was_made_and_with_the_flags_that_were_said() -> None:
    words = demo.arguments(Path("/kept"), ["--players", "30"])
    assert words[:4] == ["twistd", "-n", "--pidfile=", "stack"]
    assert words[4:8] == [
        *("--graphite-env", "/kept/.venv-graphite"),
        *("--graphite-files", "/kept/graphite"),
    ]
    assert words[8:] == ["--players", "30"]


@pytest.mark.parametrize("daemon", run.DAEMONS)
def test_each_daemon_is_run_with_its_own_flags_whatever_they_are_called(daemon: str) -> None:
    flags = parser().parse_args(["run", daemon, "--players", "tcp:1", "--json", "--help"])
    words = run.arguments(flags.daemon, flags.flags)
    assert words == ["twistd", "-n", "--pidfile=", daemon, "--players", "tcp:1", "--json", "--help"]


def test_a_demo_takes_flags_of_the_stack() -> None:
    words = run.with_flags(["demo", "--players", "30"])
    assert parser().parse_args(words).flags == ["stack", "--players", "30"]
    assert run.with_flags(["demo", "--help"]) == ["demo", "--help"]
    assert run.with_flags(["top", "--json"]) == ["top", "--json"]
