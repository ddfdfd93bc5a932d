"""`clientmigration ledger`: saves a ledger, puts it back, looks it over. Each a process of its own,
for the reactor runs once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from clientmigration.cli.command import AWAY, DONE, USAGE

PROGRAM = "import sys; from clientmigration.cli.main import main; sys.exit(main(sys.argv[1:]))"
LINE = '{"player":"%s","owner":"%s","epoch":3,"migration":"m","snapshot":null,"stored_at":5.0}\n'


def ledger(*words: str) -> tuple[int, Any, str]:
    """The exit code of `ledger WORDS`, its answer, and its complaint."""
    argv = [sys.executable, "-c", PROGRAM, "ledger", *words, "--json"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    return ran.returncode, json.loads(ran.stdout or "null"), ran.stderr


def test_a_ledger_is_put_back_looked_over_and_saved_again(tmp_path: Path) -> None:
    backup, file, again = (tmp_path / name for name in ("a.jsonl", "l.sqlite", "b.jsonl"))
    backup.write_text(LINE % ("ada", "gs-1") + LINE % ("bob", ""))
    where = ("--ledger", str(file))
    assert ledger("restore", str(backup), *where)[:2] == (DONE, {"put_back": 2, "kept": 0})
    assert ledger("check", *where)[:2] == (DONE, {"wrong": [], "at_home": 1, "owned": {"gs-1": 1}})
    assert ledger("backup", str(again), *where)[:2] == (DONE, {"records": 2})
    assert again.read_text() == backup.read_text()
    assert ledger("restore", str(again), *where)[:2] == (DONE, {"put_back": 0, "kept": 2})


def test_what_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    code, _, complaint = ledger("check", "--ledger", str(tmp_path / "none"))
    assert (code, complaint.count("\n")) == (USAGE, 1)
    assert "there is no such file" in complaint
    code, _, complaint = ledger("check", "--ledger", "nats://127.0.0.1:1")
    assert (code, complaint.count("\n")) == (AWAY, 1)
    assert "NATS" in complaint
