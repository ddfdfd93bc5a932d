"""The pages in docs/ and beside them: what they say is what is there."""

import ast
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clientmigration.client import traveller
from clientmigration.core.fleet import fleet, grace
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures import worldtime
from clientmigration.gameserver import load, service
from clientmigration.net import carbon, line, tickets, worldclock
from clientmigration.router import move as moves
from clientmigration.stack import logs
from clientmigration.status import board, documents, history, site
from clientmigration.status import sse as readers
from clientmigration.status.limits import Allowed
from clientmigration.wire import work

REPOSITORY = Path(__file__).resolve().parents[2]
MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("make_operations.py")))
PARTS: dict[str, Callable[[], list[str]]] = MADE["PARTS"]
FILLED = "\n".join(page.read_text() for page in MADE["PAGES"])
PAGES = (
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
)
TESTS = "".join(each.read_text() for each in (REPOSITORY / "tests").rglob("*.py"))


@pytest.mark.parametrize("name", PARTS)
def test_what_the_code_makes_of_the_page_is_up_to_date(name: str) -> None:
    part = re.search(rf"<!-- made: {name} -->\n(.*?)\n<!-- end -->", FILLED, re.DOTALL)
    assert part is not None
    assert part[1].split("\n") == PARTS[name](), "run tests/stack/make_operations.py"


EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGES[0].read_text(), re.M | re.S)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_saved_in_the_checkout_as_told_leaves_make_check_content(example: str) -> None:
    ruff, place = str(Path(sys.executable).with_name("ruff")), str(REPOSITORY / "play.py")
    for check in (["check"], ["format", "--check"]):
        argv = [ruff, *check, "--stdin-filename", place, "-"]
        done = subprocess.run(argv, input=example, text=True, capture_output=True, cwd=REPOSITORY)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_readme_asks_graphite_for_is_of_the_last_minutes() -> None:
    """Without `from` it is a day, of which the points of the first minutes are lost in nulls."""
    asked = re.findall(r"/render\?\S+", PAGES[0].read_text())
    assert asked
    assert all("from=-" in each for each in asked)


def complaints() -> Iterator[str]:
    """The text of every warning and failure that the package logs."""
    for source in (REPOSITORY / "services" / "clientmigration").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("warn", "error", "critical", "failure")
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "log"
            ):
                text = node.args[0]
                assert isinstance(text, ast.Constant), ast.unparse(node)
                yield str(text.value)


def test_the_page_explains_every_complaint_of_the_log() -> None:
    listed = list(complaints())
    page = (REPOSITORY / "docs" / "log.md").read_text()
    assert len(listed) > 10
    for text in listed:
        spelled = re.sub(r"\{(\w+)\}", lambda field: field[1].upper(), text)
        assert f"`{spelled}`" in page, spelled


LIMITS = Policy().limits
SAID_IN_PROSE: tuple[tuple[str, str, Any], ...] = (
    ("daemons", "for at most {:g} s; then it says", service.DRAIN_S),
    ("night", "or after {:g} s", service.DRAIN_S),
    ("night", "at most {:g} players are moved per second", LIMITS.moves_per_second),
    ("log", "More than {:,} datapoints wait", carbon.BACKLOG),
    ("night", "remembers {:,} datapoints", carbon.BACKLOG),
    ("night", "after {:g} s without a view", traveller.SILENT_S),
    ("log", "asks again every {:g} s", moves.UNKNOWN_S),
    ("night", "refused (`not_authentic`) for up to {:g} s", line.MEMBER_SILENCE_S),
    ("files", "Cut at {:.0f} MB", logs.LIMIT_BYTES / 1e6),
    ("clocks", "A report that is dated {:g} s ahead or more", fleet.AHEAD_S),
    ("clocks", "up to {:g} % shorter or longer", 100 * worldtime.ROUTER.slew),
    ("clocks", "more than {:g} s ahead, three seconds in a row", worldtime.ROUTER.step_s),
    ("clocks", "is slowed down by up to {:g} %", 100 * worldtime.SERVER.slew),
    ("clocks", "behind by more than {:g} s steps", worldtime.SERVER.step_s),
    ("clocks", "as long as that is no more than {:g} s off", worldtime.NEAR_S),
    ("protocol", "own clock is off by more than {:g} s", worldclock.OFF_S),
    ("measures", "smoothed over about {:g} s", load.SMOOTHING_S),
    ("migration", "Waits: {:g} s for each step", moves.STEP_S),
    ("migration", "{:g} s for the player to arrive", moves.ARRIVAL_S),
    ("migration", "A ticket is good for {:g} s", tickets.TICKET_TTL_S),
    ("migration", "waits for it until {:g} s after its end", grace.GRACE_S),
    ("migration", "claims again, every {:g} s", moves.UNKNOWN_S),
    ("status", "nothing new for {:g} s", board.FRESH_S),
    ("status", "`down`: nothing for {:g} s", board.DOWN_S),
    ("status", "At most {:,} are shown", documents.SHOWN),
    ("status", "{:g} per second of one address", Allowed.per_s),
    ("status", "{:,} (`--readers`)", Allowed.readers),
    ("status", "{} of one address (`--readers-each`)", Allowed.readers_each),
    ("status", "after {:g} s without taking one", readers.CHOKED_S),
    ("status", "closed after {:g} s; at most", site.IDLE_S),
    ("status", "{:,} bytes, then the connection is closed", site.BODY_LIMIT),
    ("status", "at most once in {:g} s, one at a time", history.KEPT_S),
    ("security", "and expires after {:g} s", tickets.TICKET_TTL_S),
    ("security", "at least {} characters", tickets._SHORTEST),
    ("security", "{:,} µs of CPU per tick", work.BURN_LIMIT_US),
)


@pytest.mark.parametrize(("page", "phrase", "number"), SAID_IN_PROSE, ids=lambda each: str(each))
def test_numbers_in_the_prose_are_those_of_the_code(page: str, phrase: str, number: Any) -> None:
    assert phrase.format(number) in (REPOSITORY / "docs" / f"{page}.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda each: str(each.name))
def test_every_test_and_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    for name in set(re.findall(r"`(test_\w+)`", text)):
        assert f"def {name}(" in TESTS, name
    for name in set(re.findall(r"`((?:docs|graphite|services|tests|\.ci)/[\w./-]*)`", text)):
        assert (REPOSITORY / name).exists(), name
    for name in set(re.findall(r"\]\((?!https?:|#)([^)#]+)", text)):
        assert (page.parent / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda each: str(each.name))
def test_no_page_names_a_folder_of_the_machine_it_was_written_on(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(?:home|root|work|tmp|Users)/\w", page.read_text())
    assert str(REPOSITORY) not in page.read_text()


def addresses(page: Path) -> set[str]:
    """The addresses of a page's sections, as GitHub and the site make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda each: str(each.name))
def test_every_section_that_a_page_leads_to_is_there(page: Path) -> None:
    for name, section in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text()):
        assert section in addresses(page.parent / name if name else page), f"{name}#{section}"
