"""Ask a running stack's Graphite for every measure of the catalogue; name those without data.

.venv/bin/python tests/live/check_catalogue.py http://127.0.0.1:8080 [seconds back]
"""

from __future__ import annotations

import json
import sys
from urllib.parse import urlencode
from urllib.request import urlopen

from clientmigration.core.measures.metrics import CATALOGUE, PREFIX


def answered(base: str, role: str, measure: str, back_s: int) -> dict[str, float]:
    """Path and last value of each series of a measure that has any."""
    query = {"target": f"{PREFIX}.{role}.*.{measure}", "from": f"-{back_s}s", "format": "json"}
    with urlopen(f"{base}/render?{urlencode(query)}", timeout=10) as answer:
        series = json.load(answer)
    values = {
        each["target"]: [v for v, _ in each["datapoints"] if v is not None] for each in series
    }
    return {path: known[-1] for path, known in values.items() if known}


def main(base: str, back_s: int) -> int:
    """Print one line per measure without data, then the count."""
    silent = [m for m in CATALOGUE if not answered(base, m.role, m.name, back_s)]
    for measure in silent:
        print(f"no data: {measure.role}.{measure.name}")
    print(f"{len(CATALOGUE) - len(silent)} of {len(CATALOGUE)} measures answered with data")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 180))
