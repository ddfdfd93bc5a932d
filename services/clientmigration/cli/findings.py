"""What `doctor` judges: functions from what was seen to lines that say good, or what to do."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from clientmigration.wire.operators import MemberStatus, Overview

Verdict = Literal["good", "look", "bad"]

OFF_S = 1.0  # as the alert that a clock is off
SOON_DAYS = 7.0
STORED_MS = 5_000.0  # a checkpoint comes each second
FRESH_S = 30.0
FULL, NEARLY_FULL = 50_000_000, 2_000_000_000  # bytes of a disk
SLOW_S = 1.0
CLOSED = {
    "silent": ("bad", "look at its host and its log: it is attached and reports nothing"),
    "unreachable": ("bad", "players cannot connect to it: its --advertise, a firewall, a proxy"),
    "unhealthy": ("bad", "its ticks do not come in time: something else has the CPU"),
    "draining": ("look", "it sends its players away: clientmigration undrain {} ends that"),
}


@dataclass(frozen=True)
class Checked:
    """One line: of `what`, whether it is good, what was seen, and what there is to `do`."""

    what: str
    verdict: Verdict
    said: str
    do: str = ""


@dataclass(frozen=True)
class Knock:
    """What came of knocking at a door as players do: `took_s` until it greeted; `error` when it did
    not; `days`, if it speaks TLS, how long its certificate is still good."""

    took_s: float = 0.0
    error: str = ""
    days: float | None = None


def secret(path: str, mode: int | None, count: int, error: str) -> Checked:
    """The secret's file: its mode (None: there is none), and how many secrets are in it."""
    if mode is None or error:
        do = "name the cluster's secret with --secret-file, or copy it here: umask 077, mv"
        return Checked("secret", "bad", error or f"{path} is not there", do)
    if stat.S_IMODE(mode) & 0o077:
        others = f"{path} can be read by others ({stat.S_IMODE(mode):03o})"
        return Checked("secret", "look", others, f"chmod 600 {path}")
    if count > 1:
        do = "clientmigration drop-secret ends it, when all daemons have both"
        return Checked("secret", "look", f"{path} is being changed: {count} are good", do)
    return Checked("secret", "good", path)


def routers(known: Sequence[Overview]) -> Iterator[Checked]:
    """Whether they are all there is, and agree."""
    names = sorted(each.router for each in known)
    missing = sorted({name for each in known for name in each.routers} - set(names))
    if missing:
        do = "start them; or name them with --router, where they run"
        yield Checked("routers", "look", f"servers also have {', '.join(missing)}", do)
    policies = {each.policy for each in known}
    if len(policies) > 1:
        do = "clientmigration policy load FILE, with all of them in --router"
        yield Checked("policy", "bad", f"{' and '.join(names)} decide by different policies", do)
    elif known:
        yield Checked("policy", "good", f"{known[0].policy or 'the default'}, at each router")


def versions(own: str, known: Sequence[Overview]) -> Checked:
    """Whether everybody runs the same."""
    said: dict[str, list[str]] = {own: ["this command line"]}
    for each in known:
        said.setdefault(each.version or "an unknown one", []).append(each.router)
        for member in each.members:
            names = said.setdefault(member.version or "an unknown one", [])
            if member.name not in names:
                names.append(member.name)
    if len(said) == 1:
        return Checked("versions", "good", f"{own} everywhere")
    text = "; ".join(f"{version}: {', '.join(names)}" for version, names in said.items())
    return Checked("versions", "look", text, "bring all to one version: clientmigration restart")


def clocks(now: float, known: Sequence[Overview]) -> Iterator[Checked]:
    """This host's clock, and those of all members, beside the world's time."""
    do = "set it: NTP, timedatectl"
    off = [
        f"this host's by {now - each.now:+.1f} s" for each in known if abs(now - each.now) > OFF_S
    ]
    for each in known[:1]:
        for member in each.members:
            ms = member.sample.measures.get("clock_off_ms", 0.0) if member.sample else 0.0
            if abs(ms) > OFF_S * 1000:
                off.append(f"that of {member.name} by {ms / 1000:.1f} s")
    if off:
        yield Checked("clocks", "bad", f"off the world's time: {', '.join(off)}", do)
    elif known:
        yield Checked("clocks", "good", f"this host's and {len(known[0].members)} members' agree")


def fleet(overview: Overview) -> Iterator[Checked]:
    """How the servers are, and whether there is room."""
    serving = [each for each in overview.members if not each.closed]
    for each in overview.members:
        if each.closed:
            verdict, do = CLOSED.get(each.closed, ("look", "see its log"))
            yield Checked(each.name, _verdict(verdict), f"is {each.closed}", do.format(each.name))
    if not overview.members:
        yield Checked("fleet", "bad", "no game server is attached", "start one: see its log")
    elif not serving:
        yield Checked("fleet", "bad", "no server takes players", "see the lines above")
    elif overview.waiting:
        said = f"{overview.waiting} players wait for a place"
        yield Checked("fleet", "bad", said, "attach a server")
    elif all(each.sample and each.sample.grade == 2 for each in serving):
        yield Checked("fleet", "bad", "every server is overloaded", "attach a server")
    else:
        said = f"{overview.players} of {overview.capacity} players on {len(serving)} servers"
        yield Checked("fleet", "good", said)


def _verdict(word: str) -> Verdict:
    return "bad" if word == "bad" else "look"


def stored(overview: Overview) -> Iterator[Checked]:
    """Whether what players did is stored: by how old the newest stored checkpoints are."""
    ages = dict(_measured(overview.members, "checkpoint_age_ms"))
    late = {name: age for name, age in ages.items() if age > STORED_MS}
    if late:
        worst = max(late.values()) / 1000
        do = "look at the router's log, and at the disk or the engine that keeps the ledger"
        said = f"nothing of {', '.join(late)} was stored for {worst:.0f} s"
        yield Checked("ledger", "bad", said, do)
    elif ages:
        yield Checked("ledger", "good", f"checkpoints are {max(ages.values()) / 1000:.1f} s old")


def kept(where: str, wrong: Sequence[str], error: str) -> Checked:
    """The ledger itself, where it can be asked."""
    if error:
        return Checked("ledger", "bad", f"{where}: {error}", "start it, or mend the way to it")
    if wrong:
        do = "back up what can be read: clientmigration ledger backup FILE; then restore it anew"
        return Checked("ledger", "bad", f"{where}: {'; '.join(wrong)}", do)
    return Checked("ledger", "good", f"{where} is sound")


def room(where: str, free: int, whole: int) -> Iterator[Checked]:
    """The disk on which the ledger's file is: bytes that are free, of so many."""
    do = "make room there: nothing has to be restarted"
    said = f"{free / 1e6:,.0f} MB are free where {where} is"
    if free < FULL:
        yield Checked("disk", "bad", said, do)
    elif free < NEARLY_FULL and free < whole / 20:
        yield Checked("disk", "look", said, do)


def graphite(url: str, newest: float | None, now: float, error: str) -> Checked:
    """graphite-web: whether it answers, and how old the router's newest point is (Unix seconds)."""
    if error:
        do = "start graphite-web, or name it with --graphite; play does not need it"
        return Checked("Graphite", "bad", error, do)
    if newest is None or now - newest > FRESH_S:
        said = (
            "nothing new of a router" if newest is None else f"newest is {now - newest:.0f} s old"
        )
        return Checked("Graphite", "bad", f"{url}: {said}", "look at carbon, and at --carbon")
    return Checked("Graphite", "good", f"{url}, {max(0.0, now - newest):.0f} s behind")


def dropped(overview: Overview) -> Iterator[Checked]:
    """Whether datapoints are lost."""
    lost = [name for name, count in _measured(overview.members, "carbon_dropped") if count]
    if lost:
        do = "start carbon, or make room on its disk"
        yield Checked("carbon", "bad", f"{', '.join(lost)} drop datapoints", do)


def _measured(members: Iterable[MemberStatus], name: str) -> Iterator[tuple[str, float]]:
    for each in members:
        if each.sample is not None and name in each.sample.measures:
            yield each.name, each.sample.measures[name]


def doors(knocks: Mapping[str, tuple[str, Knock]]) -> Iterator[Checked]:
    """Whether players get through: of each door by its name its address, and what came of it."""
    for name, (address, knock) in knocks.items():
        what = f"way to {name}"
        if knock.error:
            do = "a firewall, a proxy, or a wrong --advertise; try it from a player's network"
            if "certificate" in knock.error:
                do = "renew the certificate, or trust its authority with --tls-ca"
            yield Checked(what, "bad", f"{address}: {knock.error}", do)
        elif knock.took_s > SLOW_S:
            said = f"{address} greets only after {knock.took_s:.1f} s"
            yield Checked(what, "look", said, "see the network, and the load of its host")
        else:
            yield Checked(what, "good", f"{address} greets after {knock.took_s * 1000:.0f} ms")
    days = {name: k.days for name, (_, k) in knocks.items() if k.days is not None}
    if days:
        name, left = min(days.items(), key=lambda each: each[1])
        if left < SOON_DAYS:
            said = f"that of {name} is good for {left:.1f} days"
            yield Checked(
                "certificates", "bad", said, "renew it: daemons read it anew by themselves"
            )
        else:
            yield Checked("certificates", "good", f"good for {left:.0f} days and more")
