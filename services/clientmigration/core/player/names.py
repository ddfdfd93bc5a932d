"""Names that others choose: what characters they may have, and how many."""

from __future__ import annotations

import re
from dataclasses import dataclass

SUBJECTS = r"[A-Za-z0-9._@|:+/=-]{1,128}"
"""What the subject of a login may be, where nobody says otherwise: what backends use."""
GROUPS = r"[^\x00-\x1f\x7f]{1,64}"
"""What a group may be called: any word that can be shown."""


@dataclass(frozen=True)
class NamePattern:
    """`what` is named, and the regular expression that the whole name has to match. Raises
    ValueError if it is none."""

    what: str
    pattern: str

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"{self.pattern!r} is no regular expression: {error}") from error

    def refusal(self, name: str) -> str:
        """Why nobody may be called so, or nothing."""
        if re.fullmatch(self.pattern, name):
            return ""
        shown = name if len(name) <= 40 else f"{name[:40]}…"
        return f"the {self.what} {shown!r} is not allowed here: it has to match {self.pattern}"
