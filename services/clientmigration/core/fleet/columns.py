"""Columns: the latest figures of all members in arrays, a row for each, in order of name.

What placement asks of every member for every newcomer. The fleet owns them, and writes a row when
its member has changed; all others only look.
"""

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from clientmigration.core.fleet.cells import Floats, Ints
from clientmigration.core.fleet.health import FEW, LITTLE
from clientmigration.core.fleet.member import CLOSED, Closed, Member
from clientmigration.core.fleet.policy import Policy

Flags = NDArray[np.bool_]

FIGURES = np.dtype(
    [
        ("load", float),  # of the latest sample, like the next ones; 0 before the first
        ("players", float),
        ("capacity", float),
        ("x_m", float),
        ("y_m", float),
        ("spread_m", float),
        ("draining", bool),
        ("reported_at", float),  # Unix second of that sample; -inf before the first
        ("well_at", float),  # the latest second in which it kept up; -inf for none
        ("failing", bool),
        ("coming", float),  # players on the way here
        ("shut", float),
        ("trial_at", float),
    ]
)
"""A row: what is known of one member, whatever the time is. See `Health` and `Member`."""
UNKNOWN = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, False, -math.inf, -math.inf, False)
"""The begin of the row of a member that has not reported yet."""

Excluded = Literal[Closed, "full", "far", "unpinged", "refused"]
"""Why a member was not chosen from: it is closed to all, or players cannot connect to it, no seat
is free, the ping is above the cap, no ping is known though others' are, it has not taken this
player in lately; "" = it was."""
EXCLUDED: tuple[Excluded, ...] = get_args(Excluded)
"""All of these words, those of `member.CLOSED` first. Arrays have their numbers."""
FULL = EXCLUDED.index("full")

NEUTRAL = 0.5
"""The signal of something that is not known."""

ROUNDED_S = 1e-3
"""So much before it may change what is closed is looked at anew: dates are rounded."""

MIXER, LOW = np.uint64(0x9E3779B1), np.uint64(2**32 - 1)
"""A CRC alone would put all members in the same few orders; multiplied by the first it is mixed, of
which the low 32 bits are taken."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What the outlook has of the latest samples alone, whoever is coming: the `usual` load of a
    player, what one more `cost`s each member, of whom it can be said that they are as good as
    `idle` while so few are there, and the share of a `seat`."""

    usual: float
    cost: Floats
    idle: Flags
    seat: Floats


@dataclass(frozen=True, slots=True)
class Outlook:
    """How full every member will be with everybody who is on the way there. `usual` is the load
    that one player brings, over the latest samples of all; 0 when nobody plays. `dear` is the
    pressure as a signal, 0 to 1: half of it over the cheap part, the other half over the rest."""

    usual: float
    load: Floats
    players: Floats
    pressure: Floats
    dear: Floats


@dataclass(frozen=True, slots=True)
class _Closed:
    """Why nobody may be sent to each member, and from when until when that stands."""

    why: Ints
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Vacancy:
    """What everybody finds who comes now: `why` each member is out for all, as a number of
    `EXCLUDED`, and which are `open`. It holds for this `outlook` and these `closed`."""

    why: Ints
    open: Flags
    outlook: Outlook
    closed: _Closed


class Columns:
    """The figures of these members, who are in order of name, by one policy."""

    def __init__(self, members: Sequence[Member], policy: Policy) -> None:
        self.policy = policy
        self.names = [member.name for member in members]
        self.row = {name: n for n, name in enumerate(self.names)}
        self._zones = {zone: n for n, zone in enumerate(dict.fromkeys(m.zone for m in members))}
        self.zone = np.array([self._zones[member.zone] for member in members], np.int64)
        self._checks = np.array([zlib.crc32(name.encode()) for name in self.names], np.uint64)
        lengths = np.array([len(name.encode()) for name in self.names], np.int64)
        known, self._length = np.unique(lengths, return_inverse=True)
        self._lengths: list[int] = known.tolist()
        self.nothing = np.full(len(members), NEUTRAL)  # a signal of which nothing is known
        self.nothing.flags.writeable = False
        self._figures = np.zeros(len(members), FIGURES)
        self._said: _Said | None = None  # until a row is written
        self._unknown: Flags | None = None  # until then
        self._outlook: Outlook | None = None  # until then, or until others are coming
        self._closed = _Closed(np.zeros(len(members), np.int64), math.nan, math.nan)
        self._vacancy: Vacancy | None = None
        for member in members:
            self.write(member)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, figure: str) -> NDArray[Any]:
        """One of `FIGURES`, of every member."""
        return self._figures[figure]

    def write(self, member: Member) -> None:
        """The row of a member that has changed."""
        health, policy = member.newest, self.policy
        self._said = self._outlook = self._unknown = None
        self._closed = replace(self._closed, until=math.nan)
        said: tuple[float, ...] = UNKNOWN
        if health is not None:
            said = (
                health.load,
                health.players,
                health.capacity,
                health.centre.x,
                health.centre.y,
                health.spread_m,
                health.draining,
                health.timestamp,
                member.well_at(policy),
                member.failing(policy),
            )
        self._figures[self.row[member.name]] = (
            *said,
            member.on_the_way(policy),
            member.shut,
            member.trial_at,
        )

    def expect(self, member: Member) -> None:
        """Others are coming to a member, of whom nothing else has changed."""
        self._outlook = None
        self._figures["coming"][self.row[member.name]] = member.on_the_way(self.policy)

    # What follows from them.

    def _usual(self) -> float:
        some = self["players"] > 0
        players = self["players"].sum()
        return float(sum(self["load"][some].tolist()) / players) if players else 0.0

    def unknown(self) -> Flags:
        """Those that have not reported yet; nobody writes into it. Often there are none: then it is
        empty."""
        if self._unknown is None:
            unknown = np.asarray(self["reported_at"] == -math.inf)
            self._unknown = unknown if unknown.any() else unknown[:0]
        return self._unknown

    def outlook(self) -> Outlook:
        """Every latest sample with all who are coming, as `Health.plus` would have each of them. Of
        servers that are as good as idle the load says nothing, and is the same: not he who has an
        idle machine that is a little busier gets nobody, but the first few players are spread.
        Nobody writes into what is answered."""
        if self._outlook is None:
            self._outlook = self._looked()
        return self._outlook

    def _looked(self) -> Outlook:
        said = self._said = self._said or self._what_is_said()
        load, coming = self["load"], self["coming"]
        players = self["players"] + coming
        idle = said.idle & (players < FEW)
        later = np.maximum(0, load + coming * said.cost)
        if idle.any():
            later[idle] = math.fsum(load[idle].tolist()) / int(idle.sum())
        players = np.maximum(0, players)
        pressure = later + players * said.seat
        dear = _dear(pressure, self.policy.placement.dear_load)
        return Outlook(said.usual, later, players, pressure, dear)

    def _what_is_said(self) -> _Said:
        load, players, capacity = (self[figure] for figure in ("load", "players", "capacity"))
        many, usual = players >= FEW, self._usual()
        weight = self.policy.health.seats_weight
        return _Said(
            usual,
            np.where(many, load / np.where(many, players, 1), usual),
            (load < LITTLE) & (self["reported_at"] > -math.inf),
            np.where(capacity > 0, weight / np.maximum(capacity, 1), weight),
        )

    def closed(self, now: float) -> Ints:
        """Why nobody may be sent to each one, as `Member.closed` says: its word's number in
        `CLOSED`. Nobody writes into what is answered."""
        return self._closed_now(now).why

    def _closed_now(self, now: float) -> _Closed:
        known = self._closed
        if not known.since <= now <= known.until:
            known = self._closed = self._closed_at(now)
        return known

    def vacancy(self, now: float) -> Vacancy:
        """Where there is room, whoever comes. Nobody writes into what is answered."""
        outlook, closed, known = self.outlook(), self._closed_now(now), self._vacancy
        if known is None or known.outlook is not outlook or known.closed is not closed:
            why = closed.why.copy()
            why[(outlook.players >= self["capacity"]) & (why == 0)] = FULL
            known = self._vacancy = Vacancy(why, why == 0, outlook, closed)
        return known

    def _closed_at(self, now: float) -> _Closed:
        """That stands until the first is silent, or unwell, or not shut any more."""
        fresh_s = self.policy.health.fresh_s
        shut, well_at, reported_at = (self[each] for each in ("shut", "well_at", "reported_at"))
        why = np.zeros(len(self), np.int64)
        why[now < shut] = CLOSED.index("unreachable")
        why[self["failing"] | (now - well_at > fresh_s)] = CLOSED.index("unhealthy")
        why[self["draining"]] = CLOSED.index("draining")
        why[now - reported_at > fresh_s] = CLOSED.index("silent")
        ends = np.concatenate((shut, well_at + fresh_s, reported_at + fresh_s))
        until = float(ends[ends > now - ROUNDED_S].min(initial=math.inf))
        return _Closed(why, now, until - ROUNDED_S)

    # What somebody knows of some of them.

    def of(self, known: Mapping[str, float], otherwise: float) -> Floats:
        """A value for every member, for most of them `otherwise`."""
        values = np.full(len(self), otherwise)
        for name in known.keys() & self.row.keys():
            values[self.row[name]] = known[name]
        return values

    def among(self, names: Iterable[str]) -> Flags:
        """Which of the members these are."""
        named = np.zeros(len(self), bool)
        for name in names:
            if name in self.row:
                named[self.row[name]] = True
        return named

    def by_zone(self, known: Mapping[str, float], otherwise: float) -> Floats:
        """A value for every member by its zone, `otherwise` where there is none."""
        values = np.full(len(self._zones), otherwise)
        for zone in known.keys() & self._zones.keys():
            values[self._zones[zone]] = known[zone]
        return np.asarray(values[self.zone])

    def draws(self, player: str, rows: Ints) -> NDArray[np.uint64]:
        """A number for each of these rows that only the player's and the member's name decide.

        It is the CRC of both names, mixed. Of names of one length, what comes before them changes
        all CRCs alike: so it is the member's own CRC, and something for each length.
        """
        begun = zlib.crc32(player.encode())
        before = [zlib.crc32(bytes(n), begun) ^ zlib.crc32(bytes(n)) for n in self._lengths]
        checks = self._checks[rows] ^ np.array(before, np.uint64)[self._length[rows]]
        return checks * MIXER & LOW


def _dear(load: Floats, dear: float) -> Floats:
    return np.interp(load, (0.0, dear, 1.0), (0.0, 0.5, 1.0))
