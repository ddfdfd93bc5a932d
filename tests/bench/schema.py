"""Holds the dashboards to the types that Grafana publishes for TypeScript. Needs npm.

    .venv/bin/python tests/bench/schema.py

Fetches @grafana/schema and typescript into a temporary folder, writes each dashboard, panel,
options and field settings as a constant of its type, and has tsc check them. Stricter than the
model that the tests use: a field that is missing, misspelt or of another kind is an error, and so
is a word that is none of a closed set. Not covered: targets (there is no type for Graphite's),
units, colours, reducers, and what Grafana makes of it all.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from questions import dashboards

PACKAGES = ("@grafana/schema@12.1.1", "typescript@5.8.3")
TYPES = "./node_modules/@grafana/schema/dist/types/raw/composable"
KINDS = {
    "stat": "Stat",
    "bargauge": "BarGauge",
    "timeseries": "TimeSeries",
    "statetimeline": "StateTimeline",
}
WITH_FIELDS = ("timeseries", "statetimeline")
FLAGS = ("--noEmit", "--strict", "--skipLibCheck", "--module", "esnext")
HEAD = """\
import type {Dashboard, Panel, RowPanel} from "@grafana/schema";
// JSON has words where TypeScript has enums.
type Plain<T> = T extends string ? (string extends T ? string : `${T}`)
  : T extends number ? number : T extends boolean | null | undefined ? T
  : T extends (infer U)[] ? Plain<U>[] : {[K in keyof T]: Plain<T[K]>};
"""


def constant(kind: str, value: Any, name: str) -> str:
    """A line that tsc checks; the name comes with its complaint."""
    return f"const _{next(NUMBERS)}: Plain<{kind}> = {json.dumps(value)}; // {name}"


NUMBERS = iter(range(10**6))


def of_panel(panel: Any, name: str) -> Iterator[str]:
    """A panel and its parts."""
    if panel["type"] == "row":
        yield constant("RowPanel", panel, name)
        return
    kind = panel["type"].replace("-", "")
    custom = panel["fieldConfig"]["defaults"].pop("custom", None)
    yield constant(f"{kind}.Options", panel.pop("options"), name)
    if kind in WITH_FIELDS:
        yield constant(f"{kind}.FieldConfig", custom, name)
    del panel["targets"]
    yield constant('Omit<Panel, "options" | "targets">', panel, name)


def source() -> str:
    """Everything as TypeScript."""
    lines = [HEAD]
    for kind, title in KINDS.items():
        file = f"{TYPES}/{kind}/panelcfg/x/{title}PanelCfg_types.gen"
        lines.append(f'import type * as {kind} from "{file}";')
    for name, page in dashboards().items():
        for panel in page.pop("panels"):
            lines += of_panel(panel, f"{name}: {panel['title']}")
        for annotation in page["annotations"]["list"]:
            del annotation["target"]["fromAnnotations"], annotation["target"]["tags"]  # Graphite's
        lines.append(constant("Dashboard", page, name))
    return "\n".join(lines)


def main() -> int:
    """The script: 0 when tsc finds nothing."""
    with tempfile.TemporaryDirectory() as folder:
        lines = source()
        Path(folder, "check.ts").write_text(lines)
        quiet = ("--no-audit", "--no-fund", "--silent")
        subprocess.run(["npm", "install", *quiet, *PACKAGES], cwd=folder, check=True)
        tsc = ["npx", "tsc", *FLAGS, "--moduleResolution", "bundler", "check.ts"]
        told = subprocess.run(tsc, cwd=folder, capture_output=True, text=True, check=False)
    print(told.stdout, end="")
    print(f"{lines.count('const _')} values, {told.stdout.count(': error ')} errors")
    return told.returncode


if __name__ == "__main__":
    sys.exit(main())
