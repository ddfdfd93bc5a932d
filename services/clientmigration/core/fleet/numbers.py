"""A small number for each game server of a fleet, by which views tell who is simulated where.

It comes from the name, so that it is the same after a restart of the router, unless two names want
the same one.
"""

import zlib
from collections.abc import Iterable

NUMBERS = 255
"""Numbers there are, from 1; 0 is for who has none."""


def numbered(names: Iterable[str]) -> dict[str, int]:
    """A number for each name; 0 for those after the 255th."""
    numbers: dict[str, int] = {}
    free = set(range(1, NUMBERS + 1))
    for name in sorted(names):
        wanted = zlib.crc32(name.encode()) % NUMBERS
        tried = (1 + (wanted + n) % NUMBERS for n in range(NUMBERS if free else 0))
        numbers[name] = next((n for n in tried if n in free), 0)
        free.discard(numbers[name])
    return numbers
