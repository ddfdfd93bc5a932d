"""Programs and the stack of them, on a clock and with processes that only pretend."""

import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.logger import LogEvent
from twisted.python.failure import Failure

from clientmigration.errors import ClientMigrationError, ConfigurationError
from clientmigration.stack.processes import KILL_AFTER_S, Child, NotServing, Program
from clientmigration.stack.service import Stack, Surroundings

FRAME_S = 0.1


class Pretended:
    """A process as its starter sees it; by default it ends when it is told to."""

    def __init__(self, machine: "Machine", protocol: Any, argv: Sequence[str]) -> None:
        self.machine, self.protocol, self.argv = machine, protocol, argv
        self.alive, self.stubborn = True, False
        protocol.makeConnection(self)

    def signalProcess(self, name: str) -> None:
        if not self.alive:
            raise ProcessExitedAlready
        self.machine.signalled.append((self.argv[-1], name))
        if name == "KILL" or not self.stubborn:
            self.machine.callLater(FRAME_S, self.end, signal.Signals[f"SIG{name}"])

    def end(self, by: int | None = None, code: int = 0) -> None:
        if not self.alive:
            return
        self.alive = False
        wrong = ProcessTerminated(code, by, None) if by or code else ProcessDone(None)
        self.protocol.processExited(Failure(wrong))
        self.protocol.processEnded(Failure(wrong))


class Machine(Clock):
    """A reactor that only pretends to start processes. A program's last argument is its name."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[Pretended] = []
        self.signalled: list[tuple[str, str]] = []

    def spawnProcess(self, protocol: Any, _executable: str, argv: Any, *_rest: Any) -> Pretended:
        self.started.append(Pretended(self, protocol, argv))
        return self.started[-1]

    def named(self, name: str) -> Pretended:
        """The latest process of a program."""
        return [each for each in self.started if each.argv[-1] == name][-1]

    def names(self) -> list[str]:
        return [each.argv[-1] for each in self.started]

    def passes(self, seconds: float) -> None:
        for _ in range(round(seconds / FRAME_S)):
            self.advance(FRAME_S)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def program(folder: Path, name: str, *ports: int) -> Program:
    return Program(name, (sys.executable, name), folder / f"{name}.log", ports=ports)


class World:
    """A stack of the usual shape, what it said, and which ports accept."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.said: list[str] = []
        self.open: set[int] = set()
        self.given_up = 0
        self.truths: Iterator[str] = iter(())
        self.machine = machine
        carbon, router = program(folder, "carbon", 1, 2), program(folder, "router", 3)
        servers = tuple(program(folder, f"gs-{number}") for number in (1, 2))
        groups = ((carbon,), (router,), servers, (program(folder, "crowd"),))
        self.stack = Stack(
            Surroundings(
                reactor=machine,
                say=self.said.append,
                accepts=self.accepts,
                truth=self.truth,
                give_up=self.give_up,
                welcome=("welcome",),
            ),
            groups,
        )

    async def accepts(self, port: int) -> bool:
        return port in self.open

    async def truth(self) -> str:
        line = next(self.truths, "")
        if not line:
            raise ClientMigrationError("Graphite is away")
        return line

    def give_up(self) -> None:
        self.given_up += 1

    def starts(self) -> None:
        self.open |= {1, 2, 3}
        self.stack.startService()
        self.machine.passes(1)

    def stops(self) -> list[None]:
        stopped: list[None] = []
        self.stack.stopService().addCallback(stopped.append)
        return stopped


@pytest.fixture
def world(machine: Machine, tmp_path: Path) -> World:
    return World(machine, tmp_path)


def test_each_group_starts_once_the_one_before_it_serves(machine: Machine, world: World) -> None:
    world.stack.startService()
    machine.passes(1)
    assert machine.names() == ["carbon"]
    world.open.add(1)
    machine.passes(1)
    assert machine.names() == ["carbon"]
    world.open.add(2)
    machine.passes(1)
    assert machine.names() == ["carbon", "router"]
    assert "welcome" not in world.said
    world.open.add(3)
    machine.passes(1)
    assert machine.names() == ["carbon", "router", "gs-1", "gs-2", "crowd"]
    assert world.said[-1] == "welcome"


def test_it_stops_in_the_opposite_order_players_first(machine: Machine, world: World) -> None:
    world.starts()
    stopped = world.stops()
    machine.passes(2)
    assert stopped == [None]
    assert machine.signalled == [
        ("crowd", "TERM"),
        ("gs-1", "TERM"),
        ("gs-2", "TERM"),
        ("router", "TERM"),
        ("carbon", "TERM"),
    ]
    assert not any(each.alive for each in machine.started)


def test_a_program_that_does_not_end_is_killed_after_five_seconds(
    machine: Machine, world: World
) -> None:
    world.starts()
    machine.named("gs-2").stubborn = True
    stopped = world.stops()
    machine.passes(KILL_AFTER_S)
    assert not stopped
    assert machine.named("router").alive
    machine.passes(1)
    assert stopped
    assert ("gs-2", "KILL") in machine.signalled


def test_a_hurried_stop_kills_what_is_left_at_once(machine: Machine, world: World) -> None:
    world.starts()
    machine.named("crowd").stubborn = True
    stopped = world.stops()
    machine.passes(1)
    world.stack.hurry()
    machine.passes(0.5)
    assert stopped
    assert machine.signalled[:2] == [("crowd", "TERM"), ("crowd", "KILL")]
    assert not any(each.alive for each in machine.started)


def test_a_stop_while_starting_stops_what_was_started_and_starts_no_more(
    machine: Machine, world: World
) -> None:
    world.stack.startService()
    machine.passes(1)
    stopped = world.stops()
    world.open |= {1, 2, 3}
    machine.passes(10)
    assert stopped
    assert machine.names() == ["carbon"]
    assert "welcome" not in world.said
    assert world.given_up == 0


def test_a_program_that_ends_is_started_again_and_its_end_is_a_line(
    machine: Machine, world: World
) -> None:
    world.starts()
    machine.passes(5)
    machine.named("gs-1").end(code=3)
    machine.passes(1)
    assert machine.names().count("gs-1") == 2
    assert any("gs-1 ended with exit code 3" in line for line in world.said)
    assert world.given_up == 0


def test_the_last_words_of_a_program_that_ended_are_quoted(
    machine: Machine, world: World, tmp_path: Path
) -> None:
    world.starts()
    (tmp_path / "router.log").write_text("ready\nthe ledger is gone\n")
    machine.named("router").end(by=signal.SIGSEGV)
    quote = next(line for line in world.said if "router ended by signal 11" in line)
    assert "    the ledger is gone" in quote
    assert str(tmp_path / "router.log") in quote


def test_a_program_that_ends_before_it_serves_ends_the_start(
    machine: Machine, world: World
) -> None:
    world.stack.startService()
    machine.named("carbon").end(code=1)
    machine.passes(1)
    assert world.given_up == 1
    assert any("carbon ended while it was starting" in line for line in world.said)


def test_a_program_that_never_serves_ends_the_start(machine: Machine, world: World) -> None:
    world.stack.startService()
    machine.passes(70)
    assert world.given_up == 1
    assert any("carbon does not serve after 60 s" in line for line in world.said)
    assert machine.names() == ["carbon"]


def test_the_truth_is_told_every_few_seconds_and_its_lack_too(
    machine: Machine, world: World
) -> None:
    world.truths = iter(["all is well", "", "well again"])
    world.starts()
    machine.passes(16)
    assert world.said[-3:] == ["all is well", "Graphite is away", "well again"]


def test_a_truth_that_breaks_ends_neither_the_stack_nor_the_next_truth(
    machine: Machine, world: World, no_logged_errors: list[LogEvent]
) -> None:
    def truths() -> Iterator[str]:
        yield "all is well"
        raise ValueError("an answer of another kind")

    world.truths = truths()
    world.starts()
    machine.passes(11)
    assert "an answer of another kind" in str(no_logged_errors.pop()["log_failure"])
    world.truths = iter(["well again"])
    machine.passes(5)
    assert world.said[-1] == "well again"
    assert world.given_up == 0


def test_no_truth_is_told_after_the_stop(machine: Machine, world: World) -> None:
    world.truths = iter(["never said"])
    world.starts()
    world.stops()
    machine.passes(20)
    assert "never said" not in world.said


def test_a_child_stopped_while_it_waits_to_be_started_again_is_gone_at_once(
    machine: Machine, tmp_path: Path
) -> None:
    child = Child(machine, program(tmp_path, "gs-1"), lambda *_: None)
    child.startService()
    machine.named("gs-1").end(code=1)
    gone: list[None] = []
    child.stopService().addCallback(gone.append)
    machine.passes(60)
    assert gone == [None]
    assert machine.names() == ["gs-1"]


def test_a_log_is_begun_anew_and_the_last_one_kept_aside(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "gs-1.log").write_text("yesterday")
    Child(machine, program(tmp_path, "gs-1"), lambda *_: None).startService()
    assert (tmp_path / "gs-1.log").read_text() == ""
    assert (tmp_path / "gs-1.log.1").read_text() == "yesterday"


def test_a_program_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no program"):
        Program("gs-1", (str(tmp_path / "twistd"),), tmp_path / "log")


def test_not_serving_says_nothing_of_words_that_were_never_written(tmp_path: Path) -> None:
    assert str(NotServing(program(tmp_path, "gs-1"), "ended")) == "gs-1 ended."
