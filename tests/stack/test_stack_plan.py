"""The flags of the stack, what they become, and what is refused before anything starts."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.python import usage

from clientmigration.core.measures.metrics import aggregation_rules
from clientmigration.errors import ConfigurationError
from clientmigration.stack import claims, logs, tap
from clientmigration.stack.plan import Plan
from clientmigration.stack.ports import Ports, check_free, settled

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A folder that looks like the Graphite environment."""
    for name in ("python", "carbon-cache.py", "twistd"):
        program = tmp_path / "env" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("")
        program.chmod(0o755)
    return tmp_path / "env"


def parsed(*flags: str) -> Any:
    options = tap.Options()
    options.parseOptions(list(flags))
    return options


def planned(environment: Path, *flags: str) -> Plan:
    state = ("--state", str(environment.parent / "state"), "--graphite-env", str(environment))
    return tap.plan(parsed(*state, *flags))


def command(plan: Plan, name: str) -> str:
    programs = [program for group in plan.groups({}) for program in group]
    return " ".join(next(program for program in programs if program.name == name).argv)


def test_everything_starts_in_the_order_in_which_it_is_needed(environment: Path) -> None:
    names = [[each.name for each in group] for group in planned(environment).groups({})]
    servers = ["gs-1", "gs-2", "gs-3"]
    assert names == [["carbon"], ["graphite-web"], ["router"], ["status"], servers, ["crowd"]]


def test_a_stack_without_servers_or_players_has_no_such_groups(environment: Path) -> None:
    groups = planned(environment, "--servers", "0", "--players", "0").groups({})
    assert [program.name for group in groups for program in group][2:] == ["router", "status"]


def test_every_address_is_on_loopback_and_every_port_is_told_to_whom_it_concerns(
    environment: Path,
) -> None:
    flags = ("--players-port", "4200", "--members-port", "4201", "--carbon-port", "2203")
    plan = planned(environment, *flags, "--graphite-port", "8180", "--status-port", "8100")
    router, server, crowd = (command(plan, name) for name in ("router", "gs-1", "crowd"))
    status = command(plan, "status")
    assert "--listen tcp:8100:interface=127.0.0.1 --router tcp:127.0.0.1:4201" in status
    assert "--play :4200 --graphite http://127.0.0.1:8180" in status
    assert "--players tcp:4200:interface=127.0.0.1" in router
    assert "--members tcp:4201:interface=127.0.0.1" in router
    assert "--graphite http://127.0.0.1:8180" in router
    assert "--router tcp:127.0.0.1:4201" in server
    assert "--router clientmigration://127.0.0.1:4200 --players 300" in crowd
    for words in (router, server, crowd):
        assert "--carbon tcp:127.0.0.1:2203" in words
        assert "0.0.0.0" not in words


def test_the_way_to_attach_one_more_server_is_a_command_that_works_from_anywhere(
    environment: Path,
) -> None:
    plan = planned(environment)
    line = plan.addresses()[-1]
    for words in ("-n --pidfile= gameserver", "--router tcp:127.0.0.1:4101", str(plan.secret)):
        assert words in line


def test_the_banner_has_commands_that_find_this_stack_whatever_its_ports_are(
    environment: Path,
) -> None:
    plan = planned(environment, "--members-port", "4201", "--graphite-port", "8180")
    lines = "\n".join(plan.addresses())
    for words in ("clientmigration top", "clientmigration explain gs-1"):
        assert f"{words} --secret-file {plan.secret}" in lines
    assert plan.secret.parent == plan.state  # where the addresses are noted
    assert plan.noted() == {
        "router": "tcp:127.0.0.1:4201",
        "graphite": "http://127.0.0.1:8180",
        "play": "clientmigration://127.0.0.1:4100",
    }


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--graphite-port", "4100"), "cannot share one port"),
        (("--carbon-port", "70000"), "--carbon-port 70000 is not a port"),
        (("--servers", "-1"), "--servers -1"),
        (("--capacity", "0"), "--capacity 0"),
        (("--policy", "nowhere.toml"), "no such file"),
        (("--graphite-env", "nowhere"), "environments.py graphite"),
        (("--graphite-files", "nowhere"), "no carbon.conf"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(
    environment: Path, flags: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        planned(environment, *flags)


def test_a_flag_that_should_be_a_number_is_refused() -> None:
    with pytest.raises(usage.UsageError, match="'three' is not a whole number"):
        parsed("--servers", "three")


# Ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on loopback on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_busy_port_is_named_with_who_wants_it_and_how_to_choose_another(taken: int) -> None:
    with pytest.raises(ConfigurationError) as problem:
        check_free(settled(Ports(0, 0, 0, carbon_query=taken, graphite=0, status=0)))
    for words in (f"port {taken} is in use", "graphite-web's questions", "--carbon-query-port"):
        assert words in str(problem.value)


def test_zero_is_any_free_port_and_all_of_them_differ() -> None:
    ports = settled(Ports(0, 0, 0, 0, 0, 0, 0))
    assert len({port for _, port in ports.named()} - {0}) == 7
    check_free(ports)


def test_what_was_chosen_is_given_to_nobody_else_but_its_user_may_listen_there() -> None:
    """Else two that are asked for one after the other may be the same, and one never serves."""
    chosen = {port for _ in range(10) for _, port in settled(Ports(0, 0, 0, 0, 0, 0, 0)).named()}
    assert len(chosen - {0}) == 70
    others = [socket.create_server(("127.0.0.1", 0)) for _ in range(500)]
    assert not chosen & {each.getsockname()[1] for each in others}
    users = [socket.create_server(("127.0.0.1", port)) for port in chosen - {0}]
    for each in (*others, *users):
        each.close()


# The state folder


def test_one_state_folder_serves_one_stack_at_a_time(tmp_path: Path) -> None:
    held = claims.claim(tmp_path / "state")
    with pytest.raises(ConfigurationError, match=rf"process {os.getpid()}\) runs in .*--state"):
        claims.claim(tmp_path / "state")
    held.close()
    claims.claim(tmp_path / "state").close()


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    secret = tmp_path / "cluster.secret"
    claims.keep_secret(secret)
    first = secret.read_text()
    assert len(first) >= 40
    secret.chmod(0o644)
    claims.keep_secret(secret)
    assert secret.read_text() == first
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_preparing_twice_leaves_the_same_settings(environment: Path) -> None:
    graphite = planned(environment, "--carbon-port", "2203").graphite
    conf = graphite.home / "conf" / "carbon.conf"
    graphite.prepare()
    first = conf.read_text()
    graphite.prepare()
    assert conf.read_text() == first
    settings = [line for line in first.splitlines() if line and not line.startswith("#")]
    assert "LINE_RECEIVER_PORT = 2203" in settings
    assert f"STORAGE_DIR = {graphite.storage}" in settings
    assert not any("$" in line for line in settings)


def test_a_log_that_outgrew_its_limit_goes_on_from_the_beginning(tmp_path: Path) -> None:
    log = tmp_path / "gs-1.log"
    with log.open("a") as writing:
        print("long ago", file=writing, flush=True)
        logs.trim(log, limit_bytes=5)
        print("now", file=writing, flush=True)
    assert log.read_text() == "now\n"
    assert log.with_name("gs-1.log.1").read_text() == "long ago\n"


# The files in graphite/


def test_carbon_folds_history_as_the_catalogue_says() -> None:
    kept = (REPOSITORY / "graphite" / "storage-aggregation.conf").read_text()
    assert kept == aggregation_rules(), "make it anew: see CONTRIBUTING.md, What is made"


def test_carbon_creates_without_limit_and_listens_on_loopback_only(environment: Path) -> None:
    graphite = planned(environment).graphite
    graphite.prepare()
    lines = (graphite.home / "conf" / "carbon.conf").read_text().splitlines()
    settings = dict(line.split(" = ") for line in lines if " = " in line and line[0] != "#")
    assert settings["MAX_CREATES_PER_MINUTE"] == settings["MAX_UPDATES_PER_SECOND"] == "inf"
    interfaces = {value for name, value in settings.items() if name.endswith("INTERFACE")}
    assert interfaces == {"127.0.0.1"}


def test_every_server_offers_the_files_of_the_state_folder(environment: Path) -> None:
    plan = planned(environment)
    for name in ("gs-1", "gs-2", "gs-3"):
        assert f"--files {plan.files} " in command(plan, name)


def test_the_files_are_made_once_and_then_left_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    claims.keep_files(folder)
    made = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert made == claims.SAMPLES
    (folder / "map").unlink()
    claims.keep_files(folder)
    assert not (folder / "map").exists()


def test_servers_burn_for_players_only_if_there_is_a_crowd(environment: Path) -> None:
    assert " --burns" in command(planned(environment, "--players", "3"), "gs-1")
    assert " --burns" not in command(planned(environment, "--players", "0"), "gs-1")


def test_each_daemon_has_a_port_for_prometheus_which_is_told_and_logs_in_json(
    environment: Path, taken: int
) -> None:
    flags = ("--servers", "2", "--routers", "1", "--prometheus", "9200", "--log-json")
    plan = planned(environment, *flags)
    names = ("router", "status", "gs-1", "gs-2", "crowd")
    for number, name in enumerate(names):
        words = command(plan, name)
        assert f"--prometheus {9200 + number} --log-json" in words
        told = f"http://127.0.0.1:{9200 + number}/metrics ({name})"
        assert any(line.endswith(told) for line in plan.addresses()), plan.addresses()
    attach = next(line for line in plan.addresses() if "one more" in line)
    assert attach.endswith("--log-json"), "a port of its own it would have to choose itself"
    assert "--log-json" not in command(plan, "carbon")
    for name in names:
        usual = command(planned(environment), name) if name != "gs-2" else ""
        assert "--prometheus" not in usual
        assert "--log-json" not in usual
    anywhere = planned(environment, "--prometheus", "0", "--players", "0").ports.scraped
    assert [name for name, _ in anywhere] == ["router", "status", "gs-1", "gs-2", "gs-3"]
    assert len({port for _, port in anywhere}) == 5
    busy = planned(environment, "--prometheus", str(taken))
    with pytest.raises(ConfigurationError, match=r"Prometheus, which asks router .* --prometheus"):
        check_free(busy.ports, busy.names())


def test_the_homepage_is_told_where_documentation_and_grafana_are(environment: Path) -> None:
    plan = planned(environment, "--docs", "https://docs.example.org/", "--grafana", ":3000")
    assert "--docs https://docs.example.org/ --grafana :3000" in command(plan, "status")
    assert "--docs" not in command(planned(environment), "status")
