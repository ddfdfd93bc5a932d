"""Rounds: records of all that a router knew each time it decided, so that it can be replayed.

Not the datapoints, which are in Graphite, but all else: the exact time, the policy, who was
attached since when, which of the reports had arrived, and what was decided. Nothing here decides.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import msgspec

from clientmigration.core.fleet.estimate import judged
from clientmigration.core.fleet.fleet import DecidedFlows, Fleet
from clientmigration.core.fleet.flow import Flow, ways
from clientmigration.core.fleet.policy import Policy
from clientmigration.errors import ClientMigrationError

Runs = tuple[tuple[int, int], ...]
"""Whole Unix seconds as runs without a gap: the first and the last of each."""

BEFORE: dict[str, dict[str, Any]] = {"health": {"unhealthy_s": 0.0}, "together": {"share": 0.0}}
"""Fields of the policy that are younger than records, with what routers did that had none of them.
A record names them always; one that does not is of such a router."""

WHAT_LIMIT = 200
"""Characters of the sentence about a decision: graphite-web keeps 255."""


class NotARecord(ClientMigrationError, ValueError):
    """A text that no router wrote as its record."""


class ReportsSeen(msgspec.Struct, frozen=True):
    """Of these members the reports of these seconds were there, and of no other."""

    members: tuple[str, ...]
    runs: Runs


class Round(msgspec.Struct, frozen=True, omit_defaults=True):
    """One time at which flows were asked for.

    Judged by the reports of the seconds `first` to `last`: they were there from every member, but
    for those in `gaps`. `planned` says how many moves were found for each flow, `unreachable` which
    members players could not connect to.
    """

    now: float  # Unix seconds, exact
    first: int
    last: int
    gaps: tuple[ReportsSeen, ...] = ()
    flows: tuple[Flow, ...] = ()
    planned: tuple[int, ...] = ()
    unreachable: tuple[str, ...] = ()

    def seconds(self, member: str) -> Iterator[int]:
        """The seconds whose reports of this member were there."""
        runs: Runs = ((self.first, self.last),)
        for seen in self.gaps:
            if member in seen.members:
                runs = seen.runs
        for first, last in runs:
            yield from range(first, last + 1)

    def decided(self) -> DecidedFlows:
        """The decision that it is, for a fleet to remember."""
        return DecidedFlows(self.now, self.flows, self.planned or None)

    def sentence(self) -> str:
        """What was decided, for a reader in a hurry: of balance and of exchanges each the first
        reason."""
        told = list(ways(self.flows))
        kinds = ([each for each in told if each[0].exchanges is kind] for kind in (False, True))
        said = [f"{', '.join(w for _, w in some)}: {some[0][0].reason}" for some in kinds if some]
        text = f"move {'; '.join(said)}" if said else "nobody is moved"
        return text if len(text) <= WHAT_LIMIT else text[: WHAT_LIMIT - 1] + "…"


class DecisionRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Rounds of one router in order of time, between which neither policy nor members changed.

    `router` is its name in Graphite; `policy` holds what differs from the defaults; `members` maps
    `<role>.<name>`, as in a metric path, to the Unix time since when decisions about it count,
    `zones` those that stand in a zone with others to that, `releases` those that said so to the
    game that they run: its name, its version, and up to which version it reads states. Of equal
    routers one decides after the other: what this one had decided before `taken_over` counts no
    more, but what `earlier` holds, for all members.
    """

    rounds: tuple[Round, ...]
    members: dict[str, float] = {}
    policy: dict[str, Any] = {}
    router: str = "router"
    zones: dict[str, str] = {}
    releases: dict[str, tuple[str, int, int]] = {}
    taken_over: float = 0.0
    earlier: tuple[DecidedFlows, ...] = ()

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """The record that `text` says. NotARecord if it is none."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, ValueError) as wrong:
            raise NotARecord(f"not a record of rounds: {wrong}") from wrong

    def decided_by(self) -> Policy:
        """The policy by which these rounds were decided."""
        asked = {**BEFORE, **self.policy}
        return Policy.parse({name: BEFORE.get(name, {}) | table for name, table in asked.items()})

    def text(self) -> str:
        """The record as JSON."""
        return msgspec.json.encode(self).decode()


def peculiar(policy: Policy) -> dict[str, Any]:
    """What differs from the defaults, as `Policy.parse` takes it."""
    asked, usual = msgspec.to_builtins(policy), msgspec.to_builtins(Policy())
    return {
        table: changed
        for table, fields in asked.items()
        if (changed := {k: v for k, v in fields.items() if v != usual[table][k]})
    }


def recorded(policy: Policy) -> dict[str, Any]:
    """What is peculiar to it, and what is younger than records: `DecisionRecord.decided_by` makes
    the same policy of it."""
    asked, said = msgspec.to_builtins(policy), peculiar(policy)
    for table, fields in BEFORE.items():
        said[table] = {name: asked[table][name] for name in fields} | said.get(table, {})
    return said


def witness(
    fleet: Fleet,
    policy: Policy,
    now: float,
    flows: Sequence[Flow] = (),
    planned: Iterable[int] = (),
) -> Round:
    """The round that has just been decided over this fleet, with all that was known for it."""
    seconds = judged(policy, now)
    whole: Runs = ((seconds[0], seconds[-1]),)
    gaps: dict[Runs, list[str]] = defaultdict(list)
    for member in fleet.members():
        seen = runs(h.timestamp for h in member.during(seconds).history)
        if seen != whole:
            gaps[seen].append(member.name)
    return Round(
        now=now,
        first=seconds[0],
        last=seconds[-1],
        gaps=tuple(ReportsSeen(tuple(names), seen) for seen, names in gaps.items()),
        flows=tuple(flows),
        planned=tuple(planned),
        unreachable=tuple(m.name for m in fleet.members() if now < m.shut),
    )


def runs(seconds: Iterable[int]) -> Runs:
    """Seconds, in order, as runs."""
    found: list[tuple[int, int]] = []
    for second in seconds:
        if found and found[-1][1] == second - 1:
            found[-1] = (found[-1][0], second)
        else:
            found.append((second, second))
    return tuple(found)
