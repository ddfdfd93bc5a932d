"""A hook of mkdocs: lists that GitHub reads as lists are lists on the site, too."""

from __future__ import annotations

import re
from typing import Any

ITEM = re.compile(r"(?:[-*]|\d+\.) ")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A list that follows a line of text at once gets the empty line before it that Python-Markdown
    wants; code stays as it is."""
    lines, code = list[str](), False
    for line in markdown.split("\n"):
        if line.lstrip().startswith("```"):
            code = not code
        before = lines[-1] if lines else ""
        begins = not code and ITEM.match(line) and not ITEM.match(before)
        if begins and before.strip() and not before.startswith(" "):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)
