"""What the homepage and the widget weigh: bytes, requests, time to first paint, shifts of layout.

    python tests/bench/page.py --times 5

A status daemon with a pretended fleet, Debian's chromium, everything on this machine. Bytes are
those on the wire (gzip). The first load has an empty cache, each in a browser profile of its own.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from readers import free_port, started

from clientmigration.stack.ports import LOOPBACK
from clientmigration.status.assets import STATIC

CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
WATCH = """
window.shifts = 0;
new PerformanceObserver((seen) => {
  for (const entry of seen.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
MEASURED = """(() => {
  const resources = performance.getEntriesByType("resource");
  const [page] = performance.getEntriesByType("navigation");
  const files = [page, ...resources].filter((each) => !each.name.includes("/api/"));
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    files: files.length,
    requests: 1 + resources.length,
    bytes: files.reduce((sum, each) => sum + each.transferSize, 0),
    paint: paint.startTime,
    shifts: window.shifts,
  };
})()"""


def load(chromium: Browser, url: str) -> dict[str, Any]:
    """One first visit, three seconds long."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(url)
    page.wait_for_timeout(3000)
    measured: dict[str, Any] = page.evaluate(MEASURED)
    context.close()
    return measured


def packed(path: Path) -> int:
    """Bytes of a file with gzip, as the daemon packs it."""
    return len(gzip.compress(path.read_bytes(), 6, mtime=0))


def main() -> None:
    """See the module."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--times", type=int, default=5)
    times = asked.parse_args().times
    widget = STATIC / "widget.js"
    print(f"widget.js: {widget.stat().st_size} bytes, {packed(widget)} packed")
    port = free_port()
    daemon = started(port, 1000)
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            for name, path in (("homepage", ""), ("widget alone, in a frame", "embed")):
                seen = [load(chromium, f"http://{LOOPBACK}:{port}/{path}") for _ in range(times)]
                paints = sorted(each["paint"] for each in seen)
                print(
                    f"{name}: {seen[0]['files']} files in {seen[0]['bytes']} bytes,"
                    f" {seen[0]['requests']} requests in all; first paint {median(paints):.0f} ms"
                    f" ({paints[0]:.0f} to {paints[-1]:.0f});"
                    f" layout shift {max(each['shifts'] for each in seen):.4f}"
                )
            chromium.close()
    finally:
        daemon.terminate()
        daemon.wait()


if __name__ == "__main__":
    main()
