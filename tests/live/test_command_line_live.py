"""The command line at a real fleet: in terminals of two sizes, piped, and where it is broken."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import psutil
import pytest
from real_parts import PATIENCE_S, TWISTD
from test_starts_live import Host, until
from wall_clocks import WallClocks, can_be_set

from clientmigration.stack.ports import LOOPBACK

PROGRAM = str(Path(sys.executable).with_name("clientmigration"))
NUMBERS = count()
PICTURES = Path(__file__).parents[2] / "run" / "terminal"


class Answering(BaseHTTPRequestHandler):
    """graphite-web, as far as `doctor` asks it; below /page somebody else."""

    def do_GET(self) -> None:
        page = self.path.startswith("/page")
        series = [{"target": "x", "datapoints": [[0.0, int(time.time())]]}]
        body = b"<h1>Welcome to nginx</h1>" if page else json.dumps(series).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class Fleet(Host):
    """A router, two servers that are started again whenever they end, and three players."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "run" / "cluster.secret").chmod(0o600)
        self.web = ThreadingHTTPServer((LOOPBACK, 0), Answering)
        Thread(target=self.web.serve_forever, daemon=True).start()
        self.graphite = f"http://{LOOPBACK}:{self.web.server_port}"
        self.policy = folder / "policy.toml"
        self.policy.write_text("[limits]\nmoves_per_second = 30\n")
        self.runs([*self.router(), "--policy", str(self.policy)], start_new_session=True)
        for name in ("eu", "us"):
            self.again_and_again(name)
        self.runs(self.crowd(3))
        until(lambda: len(self.players()) == 2 and sum(self.players().values()) == 3)

    def again_and_again(self, name: str, *more: str) -> None:
        words = [sys.executable, TWISTD, "-n", "--pidfile=", *self.server(name), *more]
        loop = f"while :; do {' '.join(words)} >> {name}.log 2>&1; sleep 0.2; done"
        self.started.append(subprocess.Popen(["sh", "-c", loop], cwd=self.folder))

    @property
    def environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "CLIENTMIGRATION_ROUTER": self.members,
            "CLIENTMIGRATION_GRAPHITE": self.graphite,
            "CLIENTMIGRATION_PLAY": f"clientmigration://{LOOPBACK}:{self.ports.players}",
            "CLIENTMIGRATION_CONTEXTS": str(self.folder / "contexts.json"),
            "XDG_STATE_HOME": str(self.folder),
        }

    def says_to(self, *words: str, **more: str) -> tuple[int, str]:
        """A command, piped: its exit code, and all that it said."""
        done = subprocess.run(
            [PROGRAM, *words], cwd=self.folder, env={**self.environ, **more},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.decode()

    def open_servers(self) -> list[str]:
        members = json.loads(self.says_to("status", "--json")[1])["members"]
        return [each["name"] for each in members if not each["closed"]]

    def end(self) -> None:
        self.web.shutdown()
        for each in self.started:
            children = []
            with suppress(psutil.NoSuchProcess):
                children = psutil.Process(each.pid).children(recursive=True)
            each.kill()
            each.wait()
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    child.kill()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path_factory.mktemp("fleet"))
    yield fleet
    fleet.end()


# Doctor.


def test_doctor_finds_nothing_wrong_with_a_healthy_fleet(fleet: Fleet) -> None:
    def well() -> bool:
        code, text = fleet.says_to("doctor")
        assert "BAD" not in text or "silent" in text or "unhealthy" in text, text
        return code == 0

    until(well)
    code, text = fleet.says_to("doctor", "--json")
    said = json.loads(text)
    assert (code, said["good"]) == (0, True)
    looked_at = {each["what"] for each in said["findings"]}
    assert looked_at >= {
        "secret", "router", "policy", "versions", "clocks", "fleet", "ledger", "Graphite",
        "way to the router", "way to eu", "way to us",
    }  # fmt: skip


BROKEN = {
    "no secret": (["--secret-file", "nowhere"], "nowhere is not there", "copy it here"),
    "another cluster's secret": (["--secret-file", "other"], "router", "another cluster's secret"),
    "a router that is down": (["--router", f"tcp:{LOOPBACK}:9"], "no router at",
                              "start the router"),
    "players cannot reach the router": (["--play", f"clientmigration://{LOOPBACK}:9"],
                                        "way to the router", "a firewall, a proxy"),
    "Graphite is away": (["--graphite", f"http://{LOOPBACK}:9"], "does not answer", "graphite-web"),
    "a ledger that is no ledger": (["--ledger", "garbage"], "garbage", "back up what can be read"),
    "NATS is away": (["--ledger", f"nats://{LOOPBACK}:9"], "nats://", "start it"),
    "a ledger that is not there": (["--ledger", "none.sqlite"], "no such file", "start it"),
    "a ledger that is a folder": (["--ledger", "run"], "Is a directory", "mend the way to it"),
    "an empty secret": (["--secret-file", "empty"], "0 cluster secrets", "copy it here"),
    "a page instead of Graphite": (["--graphite", "PAGE"], "something else than Graphite answers",
                                   "name it with --graphite"),
    "Graphite at a name that nobody has": (["--graphite", "http://graphite.invalid"],
                                           "no results for hostname", "name it with --graphite"),
    "no address for players": (["--play", "hello"], "hello: is no address", "such as clientmig"),
}  # fmt: skip


@pytest.mark.parametrize("trouble", BROKEN)
def test_doctor_names_what_is_broken_and_what_to_do(trouble: str, fleet: Fleet) -> None:
    (fleet.folder / "other").write_text("o" * 64)
    (fleet.folder / "other").chmod(0o600)
    (fleet.folder / "garbage").write_text("this is no database " * 100)
    (fleet.folder / "empty").touch(0o600)
    flags, said, do = BROKEN[trouble]
    flags = [each.replace("PAGE", f"{fleet.graphite}/page") for each in flags]
    code, text = fleet.says_to("doctor", *flags)
    assert code == 1
    assert "BAD" in text
    assert said in text
    assert do in text
    assert "Traceback" not in text


@pytest.mark.skipif(not can_be_set(), reason="needs a C compiler")
def test_doctor_finds_that_its_own_clock_is_wrong(fleet: Fleet, tmp_path: Path) -> None:
    clocks = WallClocks(tmp_path, ["here"])
    clocks.set(["here"], 90)
    code, text = fleet.says_to("doctor", **clocks.environs["here"])
    assert code == 1
    assert "BAD    clocks             off the world's time: this host's by +9" in text
    assert "NTP" in text


def test_doctor_says_what_it_may_not_read(fleet: Fleet) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM)
    tried = ([*nobody, "--version"], shutil.which("setpriv"), os.geteuid())
    if tried[2] or not tried[1] or subprocess.run(tried[0], check=False).returncode:
        pytest.skip("needs root, and a Python that everybody may run")
    with TemporaryDirectory() as there:
        folder = Path(there)
        folder.chmod(0o755)
        for name in ("secret", "ledger"):
            (folder / name).touch(0o600)
        done = subprocess.run(
            [*nobody, "doctor", "--secret-file", "secret", "--ledger", "ledger"], cwd=folder,
            env={**fleet.environ, "CLIENTMIGRATION_CONTEXTS": f"{folder}/none"},
            capture_output=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (1, b"")
    assert "no cluster secret in secret (Permission denied)" in text
    assert "/ledger: Permission denied" in text


def test_doctor_knocks_where_players_do_and_finds_a_server_that_they_cannot_reach(
    fleet: Fleet,
) -> None:
    lost = fleet.runs([*fleet.server("lost"), "--advertise", f"{LOOPBACK}:9"])
    until(lambda: "lost" in fleet.players())
    code, text = fleet.says_to("doctor")
    lost.kill()
    lost.wait()
    assert code == 1
    assert f"way to lost        {LOOPBACK}:9" in text
    assert "--advertise" in text
    until(lambda: "lost" not in fleet.players())


# A terminal.


class Terminal:
    """A program in tmux, in a terminal of that size."""

    def __init__(self, fleet: Fleet, size: tuple[int, int], *words: str) -> None:
        self.size, self.socket = size, f"cm-{os.getpid()}-{next(NUMBERS)}"
        width, height = map(str, size)
        self.tmux("new-session", "-d", "-x", width, "-y", height, "-c", str(fleet.folder),
                  *(f"-e{name}={value}" for name, value in fleet.environ.items()
                    if name.startswith(("CLIENTMIGRATION", "XDG"))),
                  " ".join([PROGRAM, *words, "; cat"]))  # fmt: skip

    def tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self.socket, "-f", "/dev/null", *words], capture_output=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"},
            timeout=30, check=True,
        )  # fmt: skip
        return done.stdout.decode()

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def shows(self, words: str) -> str:
        """The screen, once these words are on it."""
        return str(
            until(lambda: (seen := self.tmux("capture-pane", "-p")) and words in seen and seen)
        )

    def keep(self, name: str) -> None:
        """As it looks, for somebody who wants to see it."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        (PICTURES / f"{name}-{self.size[0]}.txt").write_text(self.tmux("capture-pane", "-p"))

    def end(self) -> None:
        self.tmux("kill-server")


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_top_fits_its_terminal_searches_and_tells_its_keys(
    size: tuple[int, int], fleet: Fleet
) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux")
    terminal = Terminal(fleet, size, "top")
    try:
        seen = terminal.shows("? help")
        terminal.keep("top")
        assert "eu" in seen
        assert "us" in seen
        assert "q quit" in seen
        assert "…" not in seen
        terminal.press("?")
        assert "any key goes back" in terminal.shows("search: only servers with these")
        terminal.keep("keys")
        terminal.press("x")
        terminal.shows("? help")
        terminal.press("/")
        terminal.press("e", "u")
        narrowed = terminal.shows("search: eu")
        assert "● eu" in narrowed
        assert "● us" not in narrowed
        terminal.keep("search")
        terminal.press("Enter")
        terminal.shows("only servers with 'eu'")
        terminal.press("Escape")
        assert "● eu" in terminal.shows("● us")
        terminal.press("q")
    finally:
        terminal.end()


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_other_commands_fit_a_terminal(size: tuple[int, int], fleet: Fleet) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux")
    for words, last in ((["status"], "cpu %"), (["doctor"], "way to us")):
        terminal = Terminal(fleet, size, *words)
        try:
            text = terminal.shows(last)
            assert max(map(len, text.splitlines())) <= size[0]
            terminal.keep(words[0])
        finally:
            terminal.end()


def test_what_is_piped_is_neither_cut_nor_wrapped(fleet: Fleet) -> None:
    name = "a-server-with-a-very-long-name-so-that-no-terminal-would-have-room"[:64]
    long = fleet.runs([*fleet.server(name), "--zone", "z" * 60])
    until(lambda: name in fleet.players())
    code, text = fleet.says_to("status", COLUMNS="80")
    long.terminate()
    long.wait(PATIENCE_S)
    (row,) = [line for line in text.splitlines() if name in line]
    assert "z" * 60 in row
    assert len(row) > 130
    assert "…" not in text
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert code == 0
    until(lambda: name not in fleet.players())


# Orders.


def test_a_context_says_which_fleet_is_meant(fleet: Fleet) -> None:
    away = {"CLIENTMIGRATION_ROUTER": ""}
    secret = str(fleet.folder / "run" / "cluster.secret")
    flags = ("--router", fleet.members, "--secret-file", secret)
    assert fleet.says_to("context", "set", "here", *flags, **away)[0] == 0
    dead = ("--router", f"tcp:{LOOPBACK}:9")
    assert fleet.says_to("context", "set", "there", *dead, **away)[0] == 0
    assert fleet.says_to("status", **away)[0] == 0
    assert fleet.says_to("status", "--context", "there", **away)[0] == 3
    assert fleet.says_to("context", "use", "there", **away)[0] == 0
    assert fleet.says_to("status", **away)[0] == 3
    assert fleet.says_to("status")[0] == 0, "the environment counts before"
    assert fleet.says_to("status", **away, CLIENTMIGRATION_CONTEXT="here")[0] == 0
    code, text = fleet.says_to("status", "--context", "nowhere")
    assert (code, "there is no such context (here, there)" in text) == (2, True)
    assert "* " in fleet.says_to("context", "list")[1]
    for name in ("here", "there"):
        assert fleet.says_to("context", "remove", name)[0] == 0


def test_a_policy_is_taken_live_by_command_and_by_sighup_and_a_bad_one_is_not(
    fleet: Fleet,
) -> None:
    new = fleet.folder / "new.toml"
    new.write_text("[limits]\nmoves_per_second = 40\n")
    code, text = fleet.says_to("policy", "load", str(new))
    assert (code, "limits.moves_per_second: 30.0 to 40" in text) == (0, True), text
    new.write_text("[rebalance]\ncell_m = 10.0\n")
    code, text = fleet.says_to("policy", "load", str(new))
    assert code == 1
    assert "nothing was changed: router refuses it: rebalance.cell_m" in text
    router = fleet.started[0]
    fleet.policy.write_text("[limits]\nmoves_per_second = -1\n")
    router.send_signal(signal.SIGHUP)
    until(lambda: fleet.says("router", "not taken, the old one holds"))
    assert router.poll() is None
    fleet.policy.write_text("[limits]\nmoves_per_second = 50\n")
    router.send_signal(signal.SIGHUP)
    until(lambda: fleet.says("router", "limits.moves_per_second: 40.0 to 50"))


def test_all_servers_are_restarted_one_after_the_other_under_players(fleet: Fleet) -> None:
    before = {name: fleet.log(name).read_text().count("starting up") for name in ("eu", "us")}
    code, text = fleet.says_to("restart")
    assert code == 0, text
    after = {name: fleet.log(name).read_text().count("starting up") for name in ("eu", "us")}
    assert after == {name: count + 1 for name, count in before.items()}
    order = [line.partition("  ")[2] for line in text.splitlines()]
    assert order[0] == "restarts 2 servers, one after the other: eu, us"
    assert order.index("1 of 2: eu is back") < order.index("2 of 2: us is being emptied")
    assert "restarted 2 servers in" in text
    until(lambda: sum(fleet.players().values()) == 3)


def test_a_restart_that_fails_lets_its_server_fill_again(fleet: Fleet) -> None:
    until(lambda: len(fleet.open_servers()) == 2)
    code, text = fleet.says_to("restart", "--command", "false {}")
    assert code == 1
    assert "stopped safely at eu: 'false eu' ended with 1" in text
    assert "--resume goes on from here" in text
    assert "eu takes players again" in text
    until(lambda: len(fleet.open_servers()) == 2)


def test_a_restart_ended_by_ctrl_c_says_how_things_stand_and_is_resumed(fleet: Fleet) -> None:
    for at, standing in (
        ("being emptied", "no server is left drained"),
        ("has stopped", "eu was told to stop: see that it comes back"),
    ):
        until(lambda: len(fleet.open_servers()) == 2)
        said = interrupted(fleet, at)
        assert f"0 of 2 are restarted; {standing}" in said
        assert "--resume goes on from here" in said
    code, text = fleet.says_to("restart", "--resume")
    assert code == 0, text
    assert "goes on from" in text
    assert "restarted 2 servers" in text
    assert "there is nothing to resume" in fleet.says_to("restart", "--resume")[1]


def interrupted(fleet: Fleet, at: str) -> str:
    """What a restart says when somebody presses Ctrl-C as soon as it has said this."""
    done = subprocess.Popen([PROGRAM, "restart"], cwd=fleet.folder, env=fleet.environ,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    assert done.stdout is not None
    said = ""
    while at not in said and (line := done.stdout.readline()):
        said += line.decode()
    done.send_signal(signal.SIGINT)
    said += done.communicate(timeout=PATIENCE_S)[0].decode()
    assert (done.returncode, "Traceback" in said) == (130, False), said
    return said


def test_a_drain_may_wait_for_its_time(fleet: Fleet) -> None:
    code, text = fleet.says_to("drain", "nobody", "--at", "+1h")
    assert (code, "no game server is called 'nobody'" in text) == (1, True)
    until(lambda: fleet.says_to("undrain", "us")[0] == 0)
    began = time.monotonic()
    code, text = fleet.says_to("drain", "us", "--at", "+2s", "--force")
    assert (code, "us is drained at" in text, "us is empty" in text) == (0, True, True), text
    assert time.monotonic() - began >= 1.5
    fleet.says_to("undrain", "us")
