"""What `--game` may name, and that nothing but the meadow's own folder knows the meadow."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clientmigration.errors import ConfigurationError
from clientmigration.games.meadow import Meadow
from clientmigration.net.games import GameFacts, facts, facts_of

PACKAGE = Path(__file__).resolve().parents[2] / "services" / "clientmigration"
AN_OUTSIDER = """
class Pong:
    name, version, crowd, page = "pong", 3, "pong.bots:Paddler", "page"
    area = (40.0, 10.0)
"""
BARE = """
class Bare:
    pass

def made(rate, post):
    return None
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside of the repository with a game, and one that says nothing of itself."""
    (tmp_path / "pong_elsewhere.py").write_text(AN_OUTSIDER)
    (tmp_path / "bare_elsewhere.py").write_text(BARE)
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "page.js").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("pong_elsewhere", "bare_elsewhere"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    "named",
    ["meadow", "clientmigration.games.meadow:Meadow", "clientmigration.games.meadow.Meadow"],
)
def test_a_game_has_a_short_name_and_a_long_one(named: str) -> None:
    told = facts(named)
    assert (told.make, told.name, told.version, told.side_m) == (Meadow, "meadow", 1, 1000.0)


def test_a_game_from_elsewhere_says_what_belongs_to_it(elsewhere: Path) -> None:
    told = facts("pong_elsewhere:Pong")
    page = elsewhere / "page"
    assert told == GameFacts(told.make, "pong", 3, "pong.bots:Paddler", page, 40.0, 10.0)


@pytest.mark.parametrize(("of", "name"), [("Bare", "bare"), ("made", "made")])
def test_a_game_that_says_nothing_of_itself_is_played_too(
    elsewhere: Path, of: str, name: str
) -> None:
    assert (told := facts(f"bare_elsewhere:{of}")).page is None
    assert (told.name, told.version, told.crowd) == (name, 1, "")


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("pang", "there is no game of that name, only meadow"),
        ("none:Game", "importing none failed"),
        ("clientmigration.errors:Meadow", "has no Meadow"),
        ("clientmigration.net.games:OURS", "it is neither a class nor a function"),
        (":Game", "it is no name of a class"),
        ("a b:c", "it is no name of a class"),
    ],
)
def test_what_cannot_be_played_is_one_line(named: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        facts(named)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        {"name": "Höhle"},
        {"name": 7},
        {"version": 0},
        {"version": True},
        {"version": 2**31},
        {"area": (10.0, 20.0)},
        {"page": "nowhere"},
    ],
    ids=str,
)
def test_a_game_that_says_nonsense_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        facts_of(type("Odd", (), {"__module__": __name__, **said}))


def test_nothing_but_its_own_folder_knows_the_meadow() -> None:
    """Left aside: the Arena, which plays it unless it is told otherwise; the flag's default; and
    the npm package, which ships its bytes beside the player."""
    knowing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.*")
        if path.suffix in (".py", ".js", ".html")
        if "meadow" in path.read_text().lower()
    }
    beside = {each for each in knowing if not each.startswith(("games/", "testing/"))}
    assert beside == {"net/games.py", "status/static/clientmigration/meadow.js"} | {
        "client/player.py",  # an example in its text
        "status/static/world.js",  # the name of a colour
    }


def test_a_game_that_builds_on_another_has_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wilder.py").write_text(
        "from clientmigration.games.meadow import Meadow\nclass Wilder(Meadow): pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "wilder", raising=False)
    known = facts("wilder:Wilder")
    assert (known.name, known.page) == ("meadow", facts("meadow").page)
