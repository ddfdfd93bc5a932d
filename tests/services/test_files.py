"""The files of a folder, in memory, and their catalogue."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from clientmigration.errors import ConfigurationError
from clientmigration.gameserver import files
from clientmigration.gameserver.files import File, Files


def test_a_folder_is_offered_without_what_is_hidden_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "map").write_bytes(b"a map")
    (tmp_path / ".secret").write_bytes(b"no")
    (tmp_path / "more").mkdir()
    offered = Files.of_folder(str(tmp_path))
    assert set(offered.files) == {"", "map"}
    assert offered.get("map") == File(b"a map", hashlib.sha256(b"a map").hexdigest())
    assert offered.get(".secret") is None
    assert offered.get("../map") is None


def test_the_catalogue_lists_names_sizes_and_hashes_and_is_the_same_everywhere() -> None:
    one, other = Files({"b": b"2", "a": b"1"}), Files({"a": b"1", "b": b"2"})
    catalogue = json.loads(one.files[""].body)
    assert one.files[""] == other.files[""]
    assert [each["name"] for each in catalogue["files"]] == ["a", "b"]
    assert catalogue["files"][0]["sha256"] == hashlib.sha256(b"1").hexdigest()
    assert {"name": "clock", "period": 20} in catalogue["topics"]


def test_no_folder_is_no_files() -> None:
    assert set(Files.of_folder("").files) == {""}


def test_a_folder_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        Files.of_folder(str(tmp_path / "nowhere"))


def test_a_folder_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(files.LIMIT + 1)
    with pytest.raises(ConfigurationError, match="can be offered"):
        Files.of_folder(str(tmp_path))


@pytest.mark.parametrize("name", ["a\nb", "ä" * 101])
def test_a_name_that_can_not_be_asked_for_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigurationError, match="a name of"):
        Files.of_folder(str(tmp_path))
