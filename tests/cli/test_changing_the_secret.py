"""`new-secret` and `drop-secret`: what they do to the file."""

import stat
from pathlib import Path

from clientmigration.cli.main import main
from clientmigration.net.tickets import Seals, secrets_in


def test_a_secret_is_changed_in_two_steps(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("0" * 64)
    assert main(["new-secret", "--secret-file", str(path)]) == 0
    new, old = secrets_in(path)
    assert old == "0" * 64 != new
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    Seals(new)
    assert main(["new-secret", "--secret-file", str(path)]) == 1  # one change at a time
    assert secrets_in(path) == (new, old)
    assert main(["drop-secret", "--secret-file", str(path)]) == 0
    assert secrets_in(path) == (new,)
    assert main(["drop-secret", "--secret-file", str(path)]) == 1
    assert secrets_in(path) == (new,)
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


def test_a_file_that_is_no_secret_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("short")
    assert main(["new-secret", "--secret-file", str(path)]) == 2
    assert path.read_text() == "short"
    assert main(["drop-secret", "--secret-file", str(tmp_path / "none")]) == 2


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("0" * 64)
    (tmp_path / "secret").symlink_to(tmp_path / "real")
    assert main(["new-secret", "--secret-file", str(tmp_path / "secret")]) == 0
    assert (tmp_path / "secret").is_symlink()
    assert len(secrets_in(tmp_path / "real")) == 2
