"""Groups: how many players of each group are at which member, with those just sent there.

It is told rosters, and placements, which count until a roster shows them. It decides nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

RECENT_S = 6.0
"""Seconds that a placement counts though no roster shows it: two rosters, and the way."""


class Groups:
    """Who of which group is where. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._there: dict[str, Counter[str]] = {}
        self._sent: dict[str, tuple[str, str, float]] = {}

    def listed(self, member: str, groups: Mapping[str, str]) -> None:
        """A member sent its roster: the group of each of its players, "" for none."""
        self._there[member] = Counter(group for group in groups.values() if group)
        for player in self._sent.keys() & groups.keys():
            del self._sent[player]

    def lost(self, member: str) -> None:
        """A member is gone, and with it all that its roster said."""
        self._there.pop(member, None)

    def sent(self, player: str, group: str, member: str, now: float) -> None:
        """A player of a group was sent to a member."""
        if group:
            self._sent[player] = (group, member, now)

    def mates(self, player: str, group: str, now: float, members: Iterable[str]) -> dict[str, int]:
        """How many others of this group are at each of these members; those with none left out."""
        if not group:
            return {}
        self._sent = {p: sent for p, sent in self._sent.items() if now - sent[2] <= RECENT_S}
        found = Counter({m: self._there[m][group] for m in members if m in self._there})
        found.update(m for p, (g, m, _) in self._sent.items() if g == group and p != player)
        return {name: n for name, n in found.items() if n}
