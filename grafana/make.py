"""Writes what Grafana reads: `dashboards/*.json` from `*.dashboard.py`, and the alerts.

    python grafana/make.py [--datasource UID] [--docs URL] [--receiver NAME]

The flags are for the alerts of a Grafana that you have. The same sources and flags give the same
files, letter for letter; a test holds the committed ones, which are made without flags, to that.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path

from grafanalib._gen import loader

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import alerts  # noqa: E402
import today  # noqa: E402

USUAL = alerts.Grafana()


def files(grafana: alerts.Grafana = USUAL) -> Iterator[tuple[Path, str]]:
    """Each file and what belongs in it."""
    panels: dict[tuple[str, str], int] = {}
    for source in sorted(HERE.glob("*.dashboard.py")):
        name = source.name.removesuffix(".dashboard.py")
        dashboard = loader(str(source))
        yield HERE / "dashboards" / f"{name}.json", today.written(dashboard)
        panels |= {(name, panel.title): panel.id for panel in dashboard.panels}  # the lower of two
    alerting = HERE / "provisioning" / "alerting" / "clientmigration.yaml"
    yield alerting, alerts.written(grafana, panels)


def asked(words: Sequence[str]) -> alerts.Grafana:
    """What the flags say."""
    flags = ArgumentParser(description="Write Grafana's files.")
    flags.add_argument("--datasource", default=USUAL.source, help="uid of its Graphite, for alerts")
    flags.add_argument("--docs", default=USUAL.docs, help="what stands before alerts.md#ALERT")
    flags.add_argument("--receiver", default=USUAL.receiver, help="contact point of every alert")
    found = flags.parse_args(words)
    return alerts.Grafana(found.datasource, found.docs, found.receiver)


def main() -> None:
    """Write them."""
    for path, text in files(asked(sys.argv[1:])):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(HERE.parent))


if __name__ == "__main__":
    main()
