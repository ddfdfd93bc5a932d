"""The site of docs/: it is built, every page is in it by the reader it is for, and is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"


class Words(yaml.SafeLoader):
    """Reads mkdocs.yml without making what it names."""


Words.add_multi_constructor("tag:yaml.org,2002:python/", lambda _loader, tag, _node: tag)
SITE: dict[str, Any] = yaml.load((REPOSITORY / "mkdocs.yml").read_text(), Words)


def pages(nav: Any) -> Iterator[str]:
    """The files that a part of the navigation names."""
    if isinstance(nav, str):
        yield nav
    for each in nav if isinstance(nav, list) else ():
        for inner in each.values():
            yield from pages(inner)


def test_every_page_is_in_the_site_once_by_the_reader_it_is_for() -> None:
    named = sorted(pages(SITE["nav"]))
    assert named == sorted(each.name for each in DOCS.glob("*.md"))
    readers = [*({key for each in SITE["nav"] for key in each})]
    assert set(readers) == {"Start", "Play the demo", "Write a game", "Operate", "Understand"}


def test_the_site_is_built_without_a_link_that_leads_nowhere_and_is_searched(
    tmp_path: Path,
) -> None:
    program = Path(sys.executable).with_name("mkdocs")
    if not program.exists():
        pytest.skip("needs mkdocs: pip install clientmigration[docs]")
    argv = [str(program), "build", "--quiet", "--strict", "--site-dir", str(tmp_path)]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(argv, cwd=REPOSITORY, env=environ, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    index = json.loads((tmp_path / "search" / "search_index.json").read_text())
    found = {
        doc["location"] for doc in index["docs"] if "at three in the morning" in str(doc).lower()
    }
    assert "night.html" in found
    html = (tmp_path / "alerts.html").read_text()
    assert 'id="the-router-is-gone"' in html
    assert "https://fonts" not in html
