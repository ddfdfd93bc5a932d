"""Writes what Grafana reads: `dashboards/*.json` from `*.dashboard.py`, and the alerts.

    python grafana/make.py

The same sources give the same files, letter for letter; a test holds the committed ones to that.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from grafanalib._gen import loader

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import alerts  # noqa: E402
import today  # noqa: E402


def files() -> Iterator[tuple[Path, str]]:
    """Each file and what belongs in it."""
    for source in sorted(HERE.glob("*.dashboard.py")):
        name = source.name.removesuffix(".dashboard.py")
        yield HERE / "dashboards" / f"{name}.json", today.written(loader(str(source)))
    yield HERE / "provisioning" / "alerting" / "rules.yaml", alerts.written()


def main() -> None:
    """Write them."""
    for path, text in files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(HERE.parent))


if __name__ == "__main__":
    main()
