"""Of what use a server is: whom Docker and Kubernetes ask is a file that it writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from clientmigration.errors import ConfigurationError
from clientmigration.gameserver.tap import Options
from clientmigration.gameserver.use import STILL_S, Use, UsefulFile, use_of


@dataclass
class Fleet:
    """What a server knows of its fleet."""

    member: str = "gs-1"
    line: object = "a line"


@dataclass
class World:
    """Its clock."""

    since: float = 0.05

    def since_tick_s(self) -> float:
        return self.since


@dataclass
class Server:
    """What is looked at."""

    ticks: World = field(default_factory=World)
    attachment: Fleet = field(default_factory=Fleet)
    seats: list[str] = field(default_factory=lambda: ["ada", "bob"])


def test_who_is_attached_and_ticks_is_of_use() -> None:
    assert use_of(Server(), 200) == Use("gs-1", True, True, 2, 200)
    assert use_of(Server(), 200).useful
    assert not use_of(Server(attachment=Fleet(line=None)), 200).useful
    assert not use_of(Server(ticks=World(STILL_S)), 200).useful


def written(server: Server, folder: Path) -> tuple[UsefulFile, Path, Clock]:
    """The one who writes it, the file, and a clock."""
    clock, file = Clock(), folder / "useful"
    file.write_text("of a former life")
    writer = UsefulFile(file, lambda: use_of(server, 200), clock)
    writer.startService()
    return writer, file, clock


def test_the_file_is_written_each_second_while_it_is_of_use(tmp_path: Path) -> None:
    server = Server()
    writer, file, clock = written(server, tmp_path)
    assert not file.exists()
    clock.advance(1.0)
    assert file.read_text() == "gs-1 2/200\n"
    file.unlink()
    server.attachment.line = None
    clock.pump([1.0] * 5)
    assert not file.exists()
    server.attachment.line = "another line"
    clock.advance(1.0)
    assert file.exists()
    writer.stopService()
    assert not file.exists()
    clock.pump([1.0] * 5)
    assert not file.exists()


def test_a_folder_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 64)
    options = Options()
    given = ["--useful", str(tmp_path / "none" / "useful"), "--secret-file", str(secret)]
    options.parseOptions(given)
    with pytest.raises(ConfigurationError, match=r"--useful .*: there is no folder for it"):
        options.check()
