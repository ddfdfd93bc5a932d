"""Writes CONTRIBUTING.md's map of modules, from the first sentence of each module's docstring.

Run it after you add, rename or explain a module: `python tests/stack/make_map.py`. A package stands
after those that it may import, and within a package a module after those that it imports: read from
the top, nothing is used before it was introduced.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
PACKAGE = ROOT / "services" / "clientmigration"
PART = re.compile(r"(<!-- made: map -->\n).*?(<!-- end -->)", re.DOTALL)

# Each after those that it may import; "" is what lies beside the packages.
ORDER = (
    "",
    "core/measures",
    "core/player",
    "core/fleet",
    "core/decisions",
    "core/simulation",
    "wire",
    "net",
    "router",
    "gameserver",
    "client",
    "status",
    "games/meadow",
    "games/splash",
    "stack",
    "cli",
    "testing",
)


@dataclass(frozen=True)
class Entry:
    """A module: its name in its package, what it says of itself, and whom it imports there."""

    name: str
    says: str
    needs: frozenset[str]


def sentence(path: Path) -> str:
    """The first sentence of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    first = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=[.!?])\s", first)[0]


def entries(folder: Path, package: str) -> list[Entry]:
    """The modules of a package, the needed before who needs them, else by name."""
    found = [
        Entry(path.stem, sentence(path), _needs(path, package))
        for path in sorted(folder.glob("*.py"))
        if path.stem != "__init__"
    ]
    return list(_in_order(found))


def _needs(path: Path, package: str) -> frozenset[str]:
    """Modules of the same package that are imported, whether by `from package` or by name."""
    wanted: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            wanted |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
            wanted.add((node.module or "").removeprefix(f"{package}."))
    return frozenset(wanted - {path.stem})


def _in_order(found: Iterable[Entry]) -> Iterator[Entry]:
    """A circle, should there be one, is begun at the first of its names."""
    left = {each.name: each for each in found}
    while left:
        ready = [each for each in left.values() if not each.needs & left.keys()]
        chosen = (ready or list(left.values()))[0]
        yield left.pop(chosen.name)


def packages(root: Path = PACKAGE) -> list[str]:
    """Every package that has modules, as the map has to name it."""
    folders = {path.parent for path in root.rglob("*.py") if path.name != "__init__.py"}
    return sorted("" if each == root else str(each.relative_to(root)) for each in folders)


def lines() -> Iterator[str]:
    """The map."""
    for package in ORDER:
        folder = PACKAGE / package
        dotted = ".".join([PACKAGE.name, *filter(None, package.split("/"))])
        if package:
            says = sentence(folder / "__init__.py")
            yield ""
            yield f"**`{package}/`** {says}".rstrip()
            yield ""
        for each in entries(folder, dotted):
            yield f"- `{each.name}`: {each.says}"


def made(page: str) -> str:
    """The page with the map as the modules say it."""
    return PART.sub(lambda part: part[1] + "\n".join(lines()) + "\n" + part[2], page)


def missing(page: str, root: Path = ROOT) -> list[str]:
    """What a page cites in backticks as a file or folder of the repository, and is not there.

    Such are a path with a slash that begins where something of the repository does, and a name that
    ends as our files do. Where the root has no such file, the package or any folder may have it.
    """
    cited = set(re.findall(r"`([\w.*/-]+)`", page))
    return sorted(name for name in cited if _is_path(name, root) and not _exists(name, root))


ENDINGS = (".py", ".md", ".toml", ".yml", ".yaml", ".json", ".conf", ".mjs", ".js", ".html", ".css")
NOT_KEPT = (".venv", ".venv-graphite", "run")  # made on each machine


def _is_path(name: str, root: Path) -> bool:
    first = name.partition("/")[0]
    if first in NOT_KEPT or name.startswith("/"):
        return False
    package = root / "services" / "clientmigration"
    return name.endswith(ENDINGS) or (
        "/" in name and ((root / first).exists() or (package / first).exists())
    )


def _exists(name: str, root: Path) -> bool:
    package = root / "services" / "clientmigration"
    if any(True for base in (root, package) for _ in base.glob(name.rstrip("/"))):
        return True
    kept = (root / each for each in ("services", "tests", "docs", "grafana", "graphite", "docker"))
    return "/" not in name and any(True for base in kept for _ in base.rglob(name))


if __name__ == "__main__":
    PAGE.write_text(made(PAGE.read_text()))
