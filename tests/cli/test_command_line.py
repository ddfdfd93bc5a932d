"""The frame of the command line: names, --json, errors in one line, exit codes, completion."""

from __future__ import annotations

import io
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clientmigration.cli.command import AWAY, DONE, NO, NOT_AUTHENTIC, USAGE, Command, Output
from clientmigration.cli.main import COMMANDS, main, parser
from clientmigration.cli.router import settle
from clientmigration.errors import Away, ConfigurationError, NotAuthentic, Refused
from clientmigration.net.noted import NAME, forget, note
from clientmigration.net.terminal import make_legible
from clientmigration.net.tickets import Proofs, Seals


def of(run: Callable[[Namespace, Output], int], name: str = "greet") -> tuple[Command, ...]:
    """A command line of one command, with one flag."""

    def flags(own: ArgumentParser) -> None:
        own.add_argument("whom")

    return (Command(name, "Greet somebody.", flags, run),)


def greet(flags: Namespace, answer: Output) -> int:
    answer.tell({"hello": flags.whom}, f"hello {flags.whom}")
    return DONE


def asked_where(words: list[str]) -> Namespace:
    """The flags of a real command, as they are when it runs."""
    flags = parser().parse_args(words)
    settle(flags)
    return flags


def test_after_a_port_flag_of_the_stack_a_command_asks_the_new_port(tmp_path: Path) -> None:
    secret = ["--secret-file", str(tmp_path / "cluster.secret")]
    note(tmp_path, {"router": "tcp:127.0.0.1:4201", "graphite": "http://127.0.0.1:8180"})
    flags = asked_where(["explain", "gs-1", *secret])
    assert (flags.router, flags.graphite) == ("tcp:127.0.0.1:4201", "http://127.0.0.1:8180")
    said = asked_where(["status", "--router", "tcp:127.0.0.1:9", *secret])
    assert said.router == "tcp:127.0.0.1:9"


@pytest.mark.parametrize("left", ["", "[1]", '{"router": 1}', "{"])
def test_where_nothing_is_noted_the_usual_ports_are_asked(tmp_path: Path, left: str) -> None:
    (tmp_path / NAME).write_text(left)
    secret = ["--secret-file", str(tmp_path / "cluster.secret")]
    assert asked_where(["status", *secret]).router == "tcp:127.0.0.1:4101"
    forget(tmp_path)
    forget(tmp_path)
    assert asked_where(["explain", "gs-1", *secret]).graphite == "http://127.0.0.1:8080"


def test_a_command_answers_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["greet", "ada"], of(greet)) == DONE
    assert capsys.readouterr().out == "hello ada\n"


def test_a_command_answers_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["greet", "ada", "--json"], of(greet)) == DONE
    assert capsys.readouterr().out == '{"hello":"ada"}\n'


def test_a_command_may_have_two_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["say", "hello", "ada"], of(greet, "say hello")) == DONE
    assert capsys.readouterr().out == "hello ada\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("no such file"), USAGE),
        (Away("no router at 127.0.0.1:4101"), AWAY),
        (NotAuthentic("the router does not know the cluster secret"), NOT_AUTHENTIC),
        (Refused("no member is called gs-9"), NO),
    ],
)
def test_an_error_is_one_line_and_a_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_flags: Namespace, _answer: Output) -> int:
        raise error

    assert main(["greet", "ada"], of(fail)) == code
    said: Any = capsys.readouterr()
    assert (said.out, said.err) == ("", f"clientmigration: {error}\n")


@pytest.mark.parametrize("argv", [[], ["dance"], ["greet"], ["greet", "ada", "--loud"]])
def test_what_is_not_a_command_is_said_so(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv, of(greet))
    assert ended.value.code == USAGE
    assert "usage: clientmigration" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_every_command_is_completed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser(of(greet)).parse_args(["--print-completion", shell])
    assert ended.value.code in (None, 0)
    assert "greet" in capsys.readouterr().out


def test_bash_understands_the_completion_of_the_real_commands() -> None:
    program = Path(sys.executable).with_name("clientmigration")
    said = subprocess.run([program, "--print-completion", "bash"], capture_output=True, check=True)
    assert all(command.name.split()[0].encode() in said.stdout for command in COMMANDS)
    subprocess.run(["bash", "-n"], input=said.stdout, check=True)


def test_an_answer_that_nobody_reads_is_no_error() -> None:
    code = (
        "from rich.console import Console\n"
        "from clientmigration.cli.command import Output\n"
        "answer = Output(Console(), True)\n"
        "while not answer.unheard: answer.tell('x' * 10_000, '')\n"
    )
    reading = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert reading.stdout is not None
    assert reading.stderr is not None
    reading.stdout.readline()
    reading.stdout.close()
    assert reading.stderr.read() == b""
    reading.stderr.close()
    assert reading.wait() == 0


def test_the_key_of_watchers_is_made_from_the_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret of at least 32 characters")
    assert main(["watch-key", "--secret-file", str(secret)]) == DONE
    (tmp_path / "key").write_text(capsys.readouterr().out)
    proof = Seals.from_file(secret).proofs("watcher").proof("watcher", "one", "two")
    Proofs.from_file(tmp_path / "key").proven(proof, "watcher", "one", "two")
    assert main(["watch-key", "--secret-file", str(tmp_path / "none")]) == USAGE


def test_it_is_installed_as_a_program() -> None:
    program = Path(sys.executable).with_name("clientmigration")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.strip()


@pytest.mark.parametrize("word", ["-1", "nan", "soon", "1e9"])
def test_a_time_to_wait_that_makes_no_sense_is_one_line(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["status", f"--timeout={word}"])
    assert ended.value.code == USAGE
    assert (
        f"argument --timeout: '{word}' is not from 0 to 86,400 seconds" in capsys.readouterr().err
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_whatever_the_terminal_can_write_it_is_told_the_rest_in_plain_letters(
    encoding: str,
) -> None:
    written = io.BytesIO()
    terminal = io.TextIOWrapper(written, encoding=encoding)
    make_legible(terminal)
    terminal.write("● eu █░ → ada… ö ┌")
    terminal.flush()
    told = written.getvalue().decode(encoding)
    spelled = {"ascii": "* eu #. -> ada... ? +", "latin-1": "* eu #. -> ada... ö +"}
    assert told == spelled.get(encoding, "● eu █░ → ada… ö ┌")
