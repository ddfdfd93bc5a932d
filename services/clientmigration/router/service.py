"""The router put together: the well-known door, the fleet, and the moves. Servers own the truth.

This is the composition: it makes the rooms and ties them together, and no room knows it. Everything
a router knows can be built again from its members and the ledger; while it is away everybody plays
on.
"""

from __future__ import annotations

from functools import partial
from itertools import count

from msgspec import UNSET
from twisted.application.service import Service
from twisted.internet.defer import Deferred

from clientmigration.core.decisions.audit import AuditTrail
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.groups import Groups
from clientmigration.core.fleet.naming import KEPT_S
from clientmigration.core.fleet.pings import KnownPings
from clientmigration.core.fleet.vicinity import Vicinity
from clientmigration.core.measures.meter import Meter
from clientmigration.errors import PeersFault
from clientmigration.net import uplink as uplinks
from clientmigration.net.attachment import Attachment
from clientmigration.net.burden import burden
from clientmigration.net.guests import measures_of
from clientmigration.net.line import Line
from clientmigration.net.lobby import Lobby, PeerKind
from clientmigration.net.uplink import Uplink
from clientmigration.net.worldclock import FOLLOW_EVERY_S, WorldClock
from clientmigration.router import members as member_lines
from clientmigration.router import operators as operator_lines
from clientmigration.router.above import Above
from clientmigration.router.annotations import Annotations
from clientmigration.router.arrivals import Arrivals
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.below import Branches, Crossings, Knowledge
from clientmigration.router.companions import Companions
from clientmigration.router.decision_log import DecisionLog
from clientmigration.router.decisions import DecisionPorts, Decisions
from clientmigration.router.departures import Departures
from clientmigration.router.equals import Equals
from clientmigration.router.finds import Finds
from clientmigration.router.homes import HomePorts, Homes, nothing_meanwhile
from clientmigration.router.introductions import Introductions
from clientmigration.router.measuring import Measuring
from clientmigration.router.members import BelowPorts, MemberLine, MemberPorts
from clientmigration.router.move import MoveCarrier, MoveTools
from clientmigration.router.moves import Moves
from clientmigration.router.operators import OperatorLine, OperatorPorts, Operators
from clientmigration.router.orders import Orders
from clientmigration.router.outcomes import (
    Cooldowns,
    MoveCounts,
    MoveFacts,
    Relocations,
    Reluctant,
    log_ended,
)
from clientmigration.router.outside import RouterOutside, RouterParts, RouterSettings
from clientmigration.router.overview import OverviewPorts, because, branch, found, overview, world
from clientmigration.router.parting import Parting, PartingPorts
from clientmigration.router.passages import Passages, PassageTools
from clientmigration.router.past import Past
from clientmigration.router.placing import Placing
from clientmigration.router.players import Identities, Visit, VisitPorts
from clientmigration.router.presence import Presence
from clientmigration.router.queue import Queue
from clientmigration.router.recovery import Recovery, RoutersAround
from clientmigration.router.redirects import SealedRedirects
from clientmigration.router.refusals import Refusals
from clientmigration.router.reports import Reports
from clientmigration.router.residents import Residents
from clientmigration.router.rosters import Rosters
from clientmigration.router.seekers import Seekers, SeekPorts
from clientmigration.router.self_report import Gauges, SelfReport
from clientmigration.router.situation import Situation
from clientmigration.router.upward import NOWHERE, Upward, UpwardPorts
from clientmigration.router.warm_start import WarmStart
from clientmigration.wire.zones import Offer

COUNTED = (
    "joins",
    "placements_settled",
    "placements_waiting",
    "placements_refused",
    "placed_by_ping",
    "placed_by_load",
    "placed_by_position",
    "placed_by_group",
    "placed_by_lot",
    "flows",
    "exchanges",
    "planned_moves",
    "planned_exchanges",
    "moves_settled",
    "moves_refused",
    "moves_timed_out",
    "moves_player_left",
    "moves_lost",
    "members_lost",
    "recovered",
    "failed_arrivals",
    "refused_tickets",
    "closed_connections",
    "turned_away",
)
REPORT_S = 1.0
ROSTER_S = 2.0  # how often a router above hears who crosses
SHOW_S = 1.0  # how often operators who watch are shown how things stand
FORGET_S = 3600.0  # how often records of those who never came back are dropped
DAY_S = 86_400.0
QUEUE_S = 0.5  # how often it is seen whether there is room for those who wait


class Router(Service):
    """Every room of one router, made in the order in which they need each other. Nobody reaches
    through it at run time but tests."""

    def __init__(
        self, outside: RouterOutside, settings: RouterSettings, parts: RouterParts
    ) -> None:
        self.outside, self.settings = outside, settings
        self.world = WorldClock(outside.clock, outside.wall)
        self.now = self.world.now
        self.started = 0.0
        self.beats = parts.beats(outside.clock)
        self.meter = Meter(COUNTED, ("decision_ms",))
        self.audit = AuditTrail()
        self.fleet, self.groups = Fleet(), Groups()
        self.vicinity = Vicinity(settings.policy.rebalance.cell_m)
        self.pings = KnownPings(settings.policy.placement.remember_s)
        self.situation = Situation(self.fleet, settings.policy, self.now)
        self.members = AttachedMembers(outside.clock)
        self.companions = Companions(self.members, self.groups, self.vicinity, self.now)
        self.arrivals = Arrivals(self.members, self.situation, self.meter)
        self.ledger = parts.ledger(
            outside.ledger, self.now, self._ledger_took, outside.clock.seconds
        )
        self.equals = Equals(settings.name, settings.shared, self.members, self.situation)
        self.names = parts.names(settings.name, self.members, self.ledger, self.beats)
        self.branches = Branches(self.members, self.ledger, self.beats, self.fleet.moved)
        self._make_moves(parts.carrier)
        self._make_presence()
        self._make_tree()
        self._make_doors(parts.recovery)
        self._make_decisions()
        self._make_operators()
        self._make_beats()

    def _ledger_took(self, seconds: float) -> None:
        self.meter.sample("ledger_ms", seconds * 1000)

    def _make_moves(self, carrier: type[MoveCarrier]) -> None:
        outside = self.outside
        facts, counts = MoveFacts(self.audit), MoveCounts(self.meter)
        self.past = Past(self.meter)
        self.cooldowns = Cooldowns(self.settings.policy.limits.cooldown_s, self.now)
        self.reluctant = Reluctant()
        relocations = Relocations(self.fleet.headcount)
        listeners = (facts, counts, self.past, self.cooldowns, self.reluctant, relocations)
        later = lambda ended: self.recovery.ended(ended)  # noqa: E731
        ended = (*(each.ended for each in listeners), log_ended, self.arrivals.ended, later)
        redirects = SealedRedirects(outside.seals, self.situation)
        about = Knowledge(self.members, self.pings, self.now).of
        tools = MoveTools(
            outside.clock, self.members, self.ledger, redirects, self.beats, self.now, about
        )
        told = facts.begun, relocations.frozen, ended
        self.moves = Moves(tools, outside.entropy, *told, carrier)

    def _make_presence(self) -> None:
        outside, name, situation = self.outside, self.settings.name, self.situation
        self.decision_log = DecisionLog(name, situation, outside.events)
        self.warm_start = WarmStart(name, outside.past, situation, self.decision_log, self.beats)
        self.annotations = Annotations(situation, outside.events, self.meter)
        introductions = Introductions(self.members, self.fleet)
        rooms = (
            self.decision_log, self.warm_start, self.annotations, introductions, self.arrivals,
            self.branches,
        )  # fmt: skip
        left = (
            self.companions.left,
            self.decision_log.left,
            self.annotations.left,
            self.moves.member_left,
            introductions.left,
            self.branches.left,
            *((self.names.left,) if self.settings.shared else ()),
        )
        joined = tuple(each.joined for each in rooms)
        self.presence = Presence(self.members, situation, joined, left, outside.clock.seconds)

    def _make_tree(self) -> None:
        """What there is because of a router above, and of some below."""
        outside, settings, members = self.outside, self.settings, self.members
        self.refusals = Refusals(self.now)
        self.measuring = Measuring(
            self.situation, self.pings, self.companions, self.refusals.of, self.arrivals.avoided
        )
        self.placing = Placing(
            self.situation, self.companions, self.arrivals, self.meter, self.audit
        )
        self.homes = Homes(
            members,
            self.ledger,
            outside.clock,
            HomePorts(
                self.moves.idle,
                self.presence.given_up_at,
                lambda record: self.recovery.waived(record),
                self.branches.is_router,
                self.branches.missing,
            ),
        )
        self.residents = Residents(
            members,
            self.pings,
            self.moves.bound_for,
            self.cooldowns.moved_at,
            self.reluctant.left_alone,
            self.now,
        )
        self.departures = Departures(
            outside.clock, self.moves.start, settings.policy.limits.moves_per_second, self.beats
        )
        self.crossing = Departures(
            outside.clock, self.moves.start, settings.policy.limits.moves_per_second, self.beats
        )
        self.crossings = Crossings(outside.clock, members, self.crossing)
        self.finds = Finds(self.situation, self.measuring, self.placing, self.pings)
        self.attachment = Attachment(settings.name, NOWHERE, "") if settings.below else None
        self._make_above()
        ports = SeekPorts(self.homes, self.above, self.moves, self.finds.near)
        self.seekers = Seekers(ports, self.beats.spawn)

    def _make_above(self) -> None:
        outside, members, attachment = self.outside, self.members, self.attachment
        tools = PassageTools(
            outside.clock,
            members,
            self.ledger,
            self.moves,
            lambda player: self.homes.record_of(player, nothing_meanwhile),
            self.finds.below,
            self.now,
            self.fleet.address,
        )
        self.passages = Passages(tools, self.beats, lambda: self.above.draining)
        asked = PartingPorts(self.residents.of, self.ledger.read)
        self.parting = Parting(self.situation, members, attachment, self.beats, asked)
        self.upward: Upward | None = None
        if attachment is not None:
            self.upward = Upward(
                attachment,
                self.situation,
                outside.ledger,
                self.passages,
                self.beats,
                UpwardPorts(lambda: branch(self.overview_ports), lambda: self.above.draining),
            )
        self.above = Above(
            outside.clock,
            attachment,
            self.passages,
            self.parting,
            lambda date: self.world.heard(date, nobody_plays=not members),
            self.upward.attached if self.upward is not None else lambda: None,
        )

    def _make_doors(self, recovery: type[Recovery]) -> None:
        outside, policy, members = self.outside, self.settings.policy, self.members
        self.reports = Reports(members, self.situation, self.world)
        above = self.above if self.settings.below else None
        others = RoutersAround(self.equals, self.above)
        self.recovery: Recovery = recovery(
            members, self.moves, self.ledger, self.beats, self.refusals.note, others
        )
        told = (self.companions, self.recovery, self.arrivals, self.cooldowns)
        self.rosters = Rosters(members, self.situation, self.pings, told, self.recovery.listed)
        self.queue = Queue(
            self.placing.find, policy.limits.place_kept_s, self.meter, outside.clock.seconds
        )
        self._visits = count(1)
        self._visit_ports = VisitPorts(
            Identities(outside.seals, outside.entropy, self.now),
            self.homes,
            self.measuring,
            self.arrivals,
            self.queue,
            self.moves,
            self.meter,
            self.placing.stays_away,
            self.equals.serves,
            above,
        )
        self._member_ports = MemberPorts(
            date=self.world.date_for_newcomer,
            joined=self.presence.joined,
            left=self.presence.left,
            report=self.reports.take,
            roster=self.rosters.take,
            checkpoint=self.recovery.store,
            gone_home=self.recovery.free,
            felt=self.past.felt,
            answer=self.moves.answer,
            claim=self.names.claim if self.settings.shared else None,
            router=self.settings.name if self.settings.shared else UNSET,
            below=BelowPorts(
                self.branches.reported, self._offered, self.seekers.seek, self.branches.told
            ),
        )

    def _offered(self, link: MemberLink, offer: Offer) -> None:
        if not self.parting.offered(link, offer):
            self.crossings.offered(link, offer)

    def _make_decisions(self) -> None:
        self.decisions = Decisions(
            self.situation,
            self.meter,
            self.decision_log,
            DecisionPorts(
                self.residents.of, self.departures.plan, self.equals.plans, self.crossings
            ),
        )

    def _make_operators(self) -> None:
        self.overview_ports = OverviewPorts(
            router=self.settings.name,
            situation=self.situation,
            members=self.members,
            waiting=self.queue,
            moving=self.moves.count,
            totals=self.meter.totals,
            past=self.past,
            audit=self.audit,
            ledger=self.ledger,
            started=lambda: self.started,
            under=self.branches.under,
        )
        orders = Orders(self.situation, self.members, self.ledger, self.moves, self.crossings)
        ports = OperatorPorts(
            overview=partial(overview, self.overview_ports),
            world=partial(world, self.overview_ports),
            found=partial(found, self.overview_ports),
            because=partial(because, self.overview_ports),
            carry_out=orders.carry_out,
        )
        self.operators = Operators(self.settings.name, ports, self.beats)
        usual = PeerKind(member_lines.TERMS, self._listen_to_member)
        operator = PeerKind(operator_lines.TERMS, self._listen_to_operator)
        others: dict[str, PeerKind] = dict.fromkeys(operator_lines.ROLES, operator)
        self._lobby = Lobby("router", self.outside.clock, self.blame, usual, others)

    def _make_beats(self) -> None:
        outside = self.outside
        gauges = Gauges(
            meter=self.meter,
            process=outside.probe.sample,
            situation=self.situation,
            members=self.members,
            waiting=self.queue,
            moving=self.moves.count,
            carbon_dropped=outside.dropped,
            events_dropped=outside.events.take_dropped,
            sources=(
                burden(outside.clock).measures,
                self.beats.measures,
                self.world.measures,
                measures_of(outside.clock),
            ),
            first=self.equals.first,
        )
        report = SelfReport(
            self.settings.name, gauges, outside.sink, self.annotations.look, self.now
        )
        period_s = self.settings.policy.rebalance.period_s
        self.beats.every(REPORT_S, "the router's report", report.send)
        self.beats.every(SHOW_S, "showing operators", self.operators.tick)
        self.beats.every(period_s, "deciding", self.decisions.decide)
        self.beats.every(QUEUE_S, "placing those who wait", self.queue.advance)
        self.beats.every(FORGET_S, "forgetting players", self.forget)
        self.beats.every(FOLLOW_EVERY_S, "keeping the world's time", self._keep_time)
        if self.upward is not None:
            self.beats.every(REPORT_S, "the report to the router above", self.upward.report)
            self.beats.every(ROSTER_S, "the list for the router above", self._list)
        if self.settings.shared:
            self.beats.every(KEPT_S, "keeping names", self.names.keep)

    def _keep_time(self) -> None:
        if self.above.there:
            self.world.follow()
        else:
            self.world.lead()

    def _list(self) -> None:
        self.passages.sweep()
        self.above.tell_gone()
        if self.upward is not None:
            self.upward.roster()

    # Lines.

    def player_line(self) -> Line:
        """A line for a player that has just connected."""
        return Visit(self.outside.clock, next(self._visits), self._visit_ports, self.blame).line

    def member_line(self) -> Line:
        """A line for a member, or an operator, that has just connected."""
        return self._lobby.line()

    def parent_line(self) -> Line:
        """A line to the router above."""
        assert self.attachment is not None
        outside = self.outside
        uplink = Uplink(self.attachment, outside.seals, outside.entropy, self.above, "router")
        return Line("router", uplinks.TERMS, uplink, outside.clock, self.blame)

    def _listen_to_member(self, line: Line) -> MemberLine:
        nonce, seals = self.outside.entropy(16).hex(), self.outside.seals
        return MemberLine(line, nonce, seals, self.members, self._member_ports)

    def _listen_to_operator(self, line: Line) -> OperatorLine:
        nonce = self.outside.entropy(16).hex()
        return OperatorLine(line, nonce, self.outside.seals, self.operators)

    def blame(self, fault: PeersFault) -> None:
        """A connection is closed for its peer's fault."""
        self.meter.count("closed_connections")
        if fault.code == "ticket_refused":
            self.meter.count("refused_tickets")

    def turned_away(self) -> None:
        """There was no descriptor for a stranger."""
        self.meter.count("turned_away")

    def forget(self) -> Deferred[int]:
        """Have the ledger drop those who were not seen for as long as the policy remembers them. Of
        a server that is here some may only have stood still."""
        remembered_s = self.settings.policy.limits.remember_days * DAY_S
        return self.ledger.forget(remembered_s, set(self.members))

    # Life.

    def startService(self) -> None:
        """Begin to decide."""
        super().startService()
        self.started = self.now()
        self.presence.begin()
        self.warm_start.begin()
        self.beats.start()

    def stopService(self) -> None:
        """Decide nothing more. Everybody plays on."""
        super().stopService()
        if self.attachment is not None:
            self.attachment.leave()
        self.departures.stop()
        self.crossing.stop()
        self.decision_log.flush()
        self.beats.stop()


def build(
    outside: RouterOutside, settings: RouterSettings, parts: RouterParts | None = None
) -> Router:
    """A router, with other `parts` if some are given. Its doors lead to `player_line` and
    `member_line`."""
    return Router(outside, settings, parts or RouterParts())
