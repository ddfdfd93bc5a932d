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
from clientmigration.net.burden import burden
from clientmigration.net.expiry import certificates
from clientmigration.net.guests import measures_of
from clientmigration.net.line import Line
from clientmigration.net.lobby import Lobby, PeerKind
from clientmigration.net.worldclock import FOLLOW_EVERY_S, WorldClock
from clientmigration.router import members as member_lines
from clientmigration.router import operators as operator_lines
from clientmigration.router.above import Above
from clientmigration.router.annotations import Annotations
from clientmigration.router.arrivals import Arrivals
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.bans import LOOK_S, Bans
from clientmigration.router.barred import BansAbove
from clientmigration.router.below import Branches, Crossings, Knowledge
from clientmigration.router.companions import Companions
from clientmigration.router.counted import COUNTED
from clientmigration.router.decision_log import DecisionLog
from clientmigration.router.decisions import DecisionPorts, Decisions
from clientmigration.router.departures import Departures
from clientmigration.router.deserting import Deserted
from clientmigration.router.equals import Equals
from clientmigration.router.expulsions import Expulsions, Visitors
from clientmigration.router.finds import Finds
from clientmigration.router.gathering import Gathering
from clientmigration.router.governing import Governing
from clientmigration.router.guard import GuardPorts, PlayerGuard
from clientmigration.router.handover import Handover
from clientmigration.router.homes import AwayPorts, Homes, nothing_meanwhile, nowhere
from clientmigration.router.identities import Identities
from clientmigration.router.introductions import Introductions
from clientmigration.router.measuring import Measuring
from clientmigration.router.members import BelowPorts, MemberLine, MemberPorts
from clientmigration.router.move import MoveCarrier, MoveTools
from clientmigration.router.moves import Moves
from clientmigration.router.notices import NOTICED_S, Announcements
from clientmigration.router.operators import OperatorLine, OperatorPorts, Operators
from clientmigration.router.order_log import WRITE_S, Deeds, OrderLog
from clientmigration.router.orders import Orders
from clientmigration.router.outcomes import (
    Cooldowns,
    MoveCounts,
    MoveFacts,
    Relocations,
    Reluctant,
    log_ended,
    of_players,
)
from clientmigration.router.outside import RouterOutside, RouterParts, RouterSettings
from clientmigration.router.overview import OverviewPorts, because, branch, found, overview, world
from clientmigration.router.past import Past
from clientmigration.router.placing import Placing
from clientmigration.router.players import Visit, VisitPorts
from clientmigration.router.presence import EqualEars, Presence
from clientmigration.router.queue import Queue
from clientmigration.router.records import LOOK_S as RECORDS_S
from clientmigration.router.records import Records
from clientmigration.router.recovery import Recovery, RoutersAround
from clientmigration.router.redirects import SealedRedirects
from clientmigration.router.refusals import Refusals
from clientmigration.router.reports import Reports
from clientmigration.router.residents import Residents
from clientmigration.router.rosters import Rosters
from clientmigration.router.seekers import Seekers, SeekPorts
from clientmigration.router.self_report import Gauges, SelfReport
from clientmigration.router.situation import Situation
from clientmigration.router.stem import Stem, StemTools
from clientmigration.router.surveys import OwnPlayers, Surveys
from clientmigration.router.warm_start import WarmStart
from clientmigration.router.wishes import Wishes
from clientmigration.wire.zones import Offer

REPORT_S = 1.0
SHOW_S = 1.0  # how often operators who watch are shown how things stand
FORGET_S = 3600.0  # how often records of those who never came back are dropped
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
        seconds = outside.clock.seconds
        self.arrivals = Arrivals(self.members, self.situation, self.meter, seconds)
        self.ledger = parts.ledger(
            outside.ledger, self.now, self._ledger_took, outside.clock.seconds
        )
        self.equals = Equals(settings.name, settings.shared, self.members, self.situation)
        self.names = parts.names(settings.name, self.members, self.ledger, self.beats, self.now)
        self._elsewhere = self.names.elsewhere if settings.shared else nowhere
        self.branches = Branches(
            self.members, self.ledger, self.beats, self.fleet.moved, outside.clock
        )
        self._make_bans()
        self._make_moves(parts.carrier)
        self._make_presence()
        self._make_tree(parts.above)
        self._make_doors(parts.recovery)
        self._make_records()
        self._make_decisions()
        self._make_operators()
        self._make_beats()

    def _ledger_took(self, seconds: float) -> None:
        self.meter.sample("ledger_ms", seconds * 1000)

    def _make_bans(self) -> None:
        outside = self.outside
        ban_of = lambda player: self.bans.of(player) or self.barred.of(player)  # noqa: E731
        bans = lambda: [*self.barred.listed(), *self.bans.listed()]  # noqa: E731
        self.visitors = Visitors(lambda: self.bans.known(), ban_of)
        self.expulsions = Expulsions(self.members, self.visitors, self.meter, ban_of, bans)
        self.barred: BansAbove = BansAbove(self.expulsions, self.now)
        self.bans: Bans = Bans(self.ledger, self.now, self.expulsions)
        self.identities = Identities(
            outside.seals, outside.entropy, self.now, outside.admission, self.meter
        )

    def _make_moves(self, carrier: type[MoveCarrier]) -> None:
        outside = self.outside
        facts, counts = MoveFacts(self.audit), MoveCounts(self.meter)
        self.past = Past(self.meter, lambda felt: self.stem.felt(felt))
        self.cooldowns = Cooldowns(lambda: self.situation.policy.limits.cooldown_s, self.now)
        self.reluctant = Reluctant()
        relocations = Relocations(self.fleet.headcount)
        listeners = (facts, counts, self.past, self.cooldowns, self.reluctant, relocations)
        later = lambda ended: self.recovery.ended(ended)  # noqa: E731
        players = (*(of_players(each.ended) for each in listeners), of_players(self.arrivals.ended))
        ended = (*players, log_ended, later)
        redirects = SealedRedirects(outside.seals, self.situation)
        about = Knowledge(self.members, self.pings, self.now).of
        tools = MoveTools(
            outside.clock, self.members, self.ledger, redirects, self.beats, self.now, about
        )
        told = facts.begun, of_players(relocations.frozen), ended
        self.moves = Moves(tools, outside.entropy, *told, carrier)

    def _make_presence(self) -> None:
        outside, name, situation = self.outside, self.settings.name, self.situation
        self.decision_log = DecisionLog(name, situation, outside.events)
        shared, told, plans = self.settings.shared, self.decision_log, self.equals.plans
        self.warm_start = WarmStart(name, outside.past, situation, told, self.beats, not shared)
        self.handover = Handover(name, situation, self.ledger, self.beats, told, plans)
        self.annotations = Annotations(situation, outside.events, self.meter)
        introductions = Introductions(self.members, self.fleet)
        rooms = (
            self.decision_log, self.warm_start, self.annotations, introductions, self.arrivals,
            self.branches, self.expulsions,
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
        taken_over = (self.handover.joined,) if shared else ()
        joined = (*(each.joined for each in rooms), *taken_over)
        equal, now = EqualEars(self.expulsions.inform, self.moves.link_lost), outside.clock.seconds
        self.presence = Presence(self.members, situation, joined, left, now, equal)

    def _make_tree(self, above: type[Above]) -> None:
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
            self.moves.idle,
            AwayPorts(
                self.presence.given_up_at,
                self.branches.is_router,
                self.branches.may_have,
                self._elsewhere,
            ),
            lambda record: self.recovery.waived(record),
            outside.clock,
        )
        self.residents = Residents(
            members, self.pings, self.moves.bound_for, self.cooldowns.moved_at,
            self.reluctant.left_alone, self.now,
        )  # fmt: skip
        budget = lambda: self.situation.policy.limits.moves_per_second  # noqa: E731
        self.departures = Departures(outside.clock, self.moves.start, budget, self.beats)
        self.crossing = Departures(outside.clock, self.moves.start, budget, self.beats)
        self.crossings = Crossings(outside.clock, members, self.crossing)
        self.finds = Finds(self.situation, self.measuring, self.placing, self.pings)
        known = lambda player: self.homes.record_of(player, nothing_meanwhile)  # noqa: E731
        tools = StemTools(
            self.situation, members, self.ledger, self.moves, self.beats, self.world,
            self.residents, known, self.finds.below, self.branches.may_have,
            lambda: branch(self.overview_ports), self.barred.obey,
            lambda *asked: self.surveys.asked(*asked), above,
        )  # fmt: skip
        self.stem = Stem(outside, settings, tools)
        self.above = self.stem.above
        ports = SeekPorts(self.homes, self.above, self.moves, self.finds.near)
        self.seekers = Seekers(ports, self.beats.spawn)

    def _make_doors(self, recovery: type[Recovery]) -> None:
        outside, policy, members = self.outside, self.settings.policy, self.members
        self.reports = Reports(members, self.situation, self.world)
        above = self.above if self.settings.parents else None
        others = RoutersAround(self.equals, self.above, self.branches.is_router)
        self.recovery: Recovery = recovery(
            members, self.moves, self.ledger, self.beats, self.refusals.note, others
        )
        names = (self.names,) if self.settings.shared else ()
        told = (
            *(self.companions, self.recovery, self.arrivals, self.cooldowns, self.expulsions),
            *names,
        )
        self.rosters = Rosters(members, self.situation, self.pings, told, self.recovery.listed)
        kept_s, seconds = policy.limits.place_kept_s, outside.clock.seconds
        self.queue = Queue(self.placing.find, self.equals.serves, kept_s, self.meter, seconds)
        self._visits = count(1)
        self._visit_ports = VisitPorts(
            self.identities, self.visitors, self.homes, self.measuring, self.arrivals, self.queue,
            self.moves, self.meter, self.placing.stays_away, self.equals.serves, above,
        )  # fmt: skip
        self._member_ports = MemberPorts(
            date=self.world.date_for_newcomer,
            joined=self.presence.joined,
            left=self.presence.left,
            report=self.reports.take,
            roster=self.rosters.take,
            checkpoint=self.recovery.store,
            gone_home=self.recovery.free,
            felt=self.past.felt,
            wanted=members.wants,
            answer=self.moves.answer,
            claim=self.names.claim if self.settings.shared else None,
            router=self.settings.name if self.settings.shared else UNSET,
            below=BelowPorts(
                self.branches.reported,
                self._offered,
                self.seekers.seek,
                self.branches.told,
                self.branches.answered,
                lambda *said: self.surveys.answered(*said),
            ),  # fmt: skip,
        )

    def _offered(self, link: MemberLink, offer: Offer) -> None:
        if not self.stem.parting.offered(link, offer):
            self.crossings.offered(link, offer)

    def _make_records(self) -> None:
        """What belongs to no player, and what games want."""
        self.records = Records(
            self.members, self.situation, self.homes, self.moves, self.beats, self.refusals.of,
        )  # fmt: skip
        self.gathering = Gathering(
            self.members, self.situation, self.moves, self.records.owner, self.cooldowns.moved_at,
            self.beats,
        )  # fmt: skip

    def _make_decisions(self) -> None:
        self.decisions = Decisions(
            self.situation,
            self.meter,
            self.handover if self.settings.shared else self.decision_log,
            DecisionPorts(
                self.residents.of,
                self.departures.plan,
                self.handover.plans if self.settings.shared else self.equals.plans,
                self.crossings,
            ),
        )

    def _make_operators(self) -> None:
        self.notices = Announcements(self.ledger, self.beats, self.outside.entropy, self.now)
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
            notices=self.notices.told,
            under=self.branches.under,
        )
        wishes = Wishes(
            self.outside.seals.identified, self._visit_ports.measuring.newcomer, self.situation,
            self.ledger, self.moves, self.outside.clock.seconds,
        )  # fmt: skip
        guard = PlayerGuard(
            self.members, self.bans, self.expulsions, self.identities,
            GuardPorts(self.ledger.read, self.now),
        )  # fmt: skip
        own = OwnPlayers(
            guard.players, partial(found, self.overview_ports, self.identities.who),
            self.identities.who,
        )  # fmt: skip
        self.surveys: Surveys = Surveys(self.members, own, self.outside.clock, self.beats.spawn)
        orders = Orders(
            self.situation, self.members, self.ledger, self.moves, guard, self.crossings
        )
        self.governing = Governing(
            self.situation, self.decision_log.flush, self.settings.policy_file
        )
        each, elsewhere = self.outside.ledger.each, self._elsewhere
        deserted = Deserted(self.members, self.branches, self.ledger, each, elsewhere)
        deeds = Deeds(
            orders.carry_out, deserted.carry_out, self.governing.order, self.notices.announce
        )
        self.order_log = OrderLog(
            self.settings.name, self.ledger, self.outside.events, self.now, deeds
        )
        ports = OperatorPorts(
            overview=partial(overview, self.overview_ports),
            world=partial(world, self.overview_ports),
            found=self.surveys.found,
            because=partial(because, self.overview_ports),
            players=self.surveys.players,
            banned=guard.banned,
            latest=self.order_log.latest,
            carry_out=self.order_log.carry_out,
            wish=wishes.grant,
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
                self.bans.measures,
                lambda: {"login_keys": 0, "login_keys_failed": 0, **outside.login_keys()},
                certificates(outside.clock).measures,
            ),
            first=self.equals.tells,
            draining=lambda: self.above.draining,
        )
        look = self.annotations.look
        names, upward = (self.settings.name, self.settings.zone_name), self.stem.report
        report = SelfReport(names, gauges, outside.sink, look, self.now, upward)
        period_s = self.settings.policy.rebalance.period_s
        self.beats.every(REPORT_S, "the router's report", report.send)
        self.beats.every(SHOW_S, "showing operators", self.operators.tick)
        self.beats.every(period_s, "deciding", self.decisions.decide)
        self.beats.every(RECORDS_S, "seeing to records", self._see_to_records)
        self.beats.every(QUEUE_S, "placing those who wait", self.queue.advance)
        self.beats.every(FORGET_S, "forgetting players", self.forget)
        if self.settings.shared:  # nobody else bans anybody
            bans = lambda: Deferred.fromCoroutine(self.bans.look())  # noqa: E731
            self.beats.every(LOOK_S, "looking for bans", bans)
        self.beats.every(WRITE_S, "keeping orders", self.order_log.write)
        self.beats.every(NOTICED_S, "reading notices", self.notices.look)
        self.beats.every(FOLLOW_EVERY_S, "keeping the world's time", self.stem.keep_time)
        if self.settings.shared:
            self.beats.every(KEPT_S, "keeping names", self.names.keep)

    # Lines.

    def player_line(self) -> Line:
        """A line for a player that has just connected."""
        return Visit(self.outside.clock, next(self._visits), self._visit_ports, self.blame).line

    def member_line(self) -> Line:
        """A line for a member, or an operator, that has just connected."""
        return self._lobby.line()

    def parent_line(self) -> Line:
        """A line to the router above."""
        return self.stem.line(self.blame)

    def _listen_to_member(self, line: Line) -> MemberLine:
        nonce, seals = self.outside.entropy(16).hex(), self.outside.seals
        return MemberLine(line, nonce, seals, self.members, self._member_ports)

    def _listen_to_operator(self, line: Line) -> OperatorLine:
        nonce, outside = self.outside.entropy(16).hex(), self.outside
        return OperatorLine(line, nonce, outside.seals, outside.operators, self.operators)

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
        a server that is here some may only have stood still. Bans, orders, notices are no players.
        """
        return Deferred.fromCoroutine(self._forget())

    async def _forget(self) -> int:
        for each in (self.bans, self.order_log, self.notices, self.branches, self.stem):
            await each.keep()
        remembered_s = self.situation.policy.limits.remember_s
        return await self.ledger.forget(remembered_s, set(self.members))

    def _see_to_records(self) -> None:
        """One of several routers does."""
        if self.equals.first():
            self.records.look()
            self.gathering.look()

    # Life.

    def startService(self) -> None:
        """Begin to decide."""
        super().startService()
        self.started = self.now()
        self.presence.begin()
        self.stem.begin()
        self.warm_start.begin()
        self.beats.spawn("looking for bans", self.bans.look())
        self.notices.look()
        self.beats.start()

    def stopService(self) -> None:
        """Decide nothing more. Everybody plays on."""
        super().stopService()
        self.stem.leave()
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
