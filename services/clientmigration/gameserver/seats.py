"""All seats of this server by the name of their player, and who may have one.

A message about somebody who has no seat goes to an empty one, whose session knows what to say.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from clientmigration.core.player.records import RECORDS, is_record
from clientmigration.core.player.session import Session
from clientmigration.core.player.standing import Claim, Reservation
from clientmigration.gameserver.askers import Asker
from clientmigration.gameserver.barred import Barred
from clientmigration.gameserver.hall import Hall
from clientmigration.gameserver.inputs import Inputs
from clientmigration.gameserver.listing import NameOf, entry, shared
from clientmigration.gameserver.records import RecordSeat, in_hall
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.views import Onlookers
from clientmigration.wire.messages import Declined, Entry, Waived
from clientmigration.wire.shared import Shared

MakeSeat = Callable[[str, Hall, "Seats"], Seat]


def _stirs(seat: Seat) -> bool:
    """Whether a tick has more to do for it than to apply its inputs and show it a view."""
    mail, streams = seat.mailbox, seat.streams
    return bool(seat.settling or mail.outbox or mail.urgent or streams.transfers or streams.feeds)


class Seats:
    """Seats by name, in the order in which they were taken. `capacity` is how many there are;
    `promised` are migrations that will never begin here, whatever the ledger says. The seats of
    `records` are apart: who counts or looks through players meets none of them.

    A tick looks only at those for whom there is something to do, for a look at everybody costs a
    cache miss each: `inputs` are what they say, `astir` those for whom there is anything else
    (`_stirs`), players and records; more may stand there for a moment."""

    def __init__(
        self,
        hall: Hall,
        capacity: int,
        promised: Container[str],
        make: MakeSeat = Seat,
        record: MakeSeat = RecordSeat,
    ) -> None:
        self.by_name: dict[str, Seat] = {}
        self.records: dict[str, Seat] = {}
        self.inputs = Inputs(self.find, self.applied)
        self.astir: dict[Seat, None] = {}
        self._playing: list[Seat] | None = None  # as long as nobody comes or goes
        self._onlookers: Onlookers | None = None  # the same
        self._turns: dict[int, list[Seat]] = {}
        self._record, self._record_hall = record, in_hall(hall)
        self.draining = False
        self.capacity = capacity
        self._hall, self._promised, self._make = hall, promised, make
        self.meter = hall.meter
        self.barred = Barred(hall.time.now)

    def __len__(self) -> int:
        return len(self.by_name)

    def __contains__(self, player: str) -> bool:
        return player in self.by_name

    def __getitem__(self, player: str) -> Seat:
        return self.by_name[player]

    def __iter__(self) -> Iterator[Seat]:
        return iter(self.by_name.values())

    def everything(self) -> list[Seat]:
        """Players and records."""
        return [*self.by_name.values(), *self.records.values()]

    def find(self, player: str) -> Seat | None:
        """The seat of this player or record, if it has one."""
        return self.by_name.get(player) or self.records.get(player)

    def at_play(self, player: str) -> Seat | None:
        """The seat of this player or record, if it is this server that changes it now."""
        seat = self.by_name.get(player) or self.records.get(player)
        return seat if seat is not None and seat.entered and not seat.held else None

    def playing(self) -> Sequence[Seat]:
        """Everyone in the game, held or not."""
        if self._playing is None:
            self._playing = [seat for seat in self.by_name.values() if seat.entered]
            self._turns = {}
            for seat in self._playing:
                self._turns.setdefault(seat.turn, []).append(seat)
        return self._playing

    def onlookers(self) -> Onlookers:
        """Everyone who looks; who came last first."""
        if self._onlookers is None:
            self._onlookers = Onlookers(reversed(self.playing()))
        return self._onlookers

    def applied(self, seats: Sequence[Seat]) -> None:
        """Inputs of their players were applied."""
        if self._onlookers is not None:
            self._onlookers.applied(seats)

    def in_turn(self, turn: int) -> Sequence[Seat]:
        """Those of them who are stored at this tick of a second."""
        self.playing()
        return self._turns.get(turn, ())

    def rest(self) -> None:
        """A tick is over: who has nothing more to do is not looked at again."""
        if self.astir:
            self.astir = {
                seat: None for seat in self.astir if _stirs(seat) and self.find(seat.player) is seat
            }

    def open(self) -> list[Seat]:
        """The records that the game has, or had until they were held."""
        return [seat for seat in self.records.values() if seat.entered]

    def count(self) -> int:
        """How many of those are reported: of one who is moved the source says first that it holds
        it, and the target last that it has begun, so that no two report it."""
        return sum(not (seat.held or seat.settling) for seat in self.playing())

    def names(self) -> list[str]:
        """The names of those."""
        return [seat.player for seat in self.playing()]

    def coming(self) -> list[tuple[float, float]]:
        """Where those will stand who are on their way here, metres."""
        return [seat.coming for seat in self.by_name.values() if seat.coming]

    # What the router says of a player.

    def session(self, player: str) -> Session:
        """The session of this player, of whom nothing may be known."""
        return self._seat(player).session

    def asked(self, player: str, migration: str, asker: Asker) -> Session:
        """The same, for what is ordered in a migration over this link, to which the answers go."""
        seat = self._seat(player)
        seat.asked(migration, asker)
        return seat.session

    def _seat(self, player: str) -> Seat:
        found = self.find(player)
        if found is not None:
            return found
        if is_record(player):
            return self._record(player, self._record_hall, self)
        return self._make(player, self._hall, self)

    def reserve(self, player: str, reservation: Reservation, asker: Asker) -> None:
        """Keep a place, if there is one left; who is here has one."""
        migration = reservation.migration
        refusal = "" if self.find(player) is not None else self.refusal(is_record(player))
        if refusal:
            asker.say(Declined(migration=migration, player=player, reason=refusal))
        else:
            self.asked(player, migration, asker).reserve(reservation)

    def own(self, player: str, claim: Claim, asker: Asker) -> None:
        """The ledger says that the player is ours. We may have promised not to begin."""
        if claim.migration in self._promised:
            asker.say(Waived(migration=claim.migration, player=player))
        else:
            self.asked(player, claim.migration, asker).own(claim)

    def expel(self, player: str, code: str, text: str, bars: bool) -> None:
        """The player goes home now; with `bars` it cannot come back with a ticket that it has."""
        if bars:
            self.barred.bar(player, code, text)
        seat = self.by_name.get(player)
        if seat is not None:
            seat.dismiss(code, text)
            seat.expire()

    def stays(self, player: str, why: str) -> None:
        """A router does not bring this player to where the game wants it."""
        seat = self.at_play(player)
        if seat is not None:
            seat.game.stays(player, why)

    def refusal(self, record: bool = False) -> str:
        """Why nobody new, or no new `record`, can come here now, or nothing."""
        if self.draining:
            return "draining"
        full = len(self.records) >= RECORDS if record else len(self.by_name) >= self.capacity
        return "full" if full else ""

    def drain(self, on: bool) -> None:
        """Take nobody new from now on, or do again."""
        self.draining = on

    # What the router is told.

    def heeds(self, player: str, asker: Asker) -> bool:
        """Whether this router may end what there is here of a player."""
        seat = self.find(player)
        return seat is None or seat.heeds(asker)

    def void(self, asker: Asker) -> None:
        """A router is gone: what it had only begun with those who play here has ended."""
        for seat in self.everything():
            if seat.entered and not seat.held and seat.migration and seat.asked_by(asker):
                seat.session.cancel(seat.migration)

    def shared(self, name_of: NameOf, lost_at: float) -> dict[str, Shared]:
        """What equal routers have to know of some players; a router was lost last at `lost_at`."""
        told = {seat.player: shared(seat, name_of, lost_at) for seat in self.everything()}
        return {player: each for player, each in told.items() if each is not None}

    def roster(self) -> list[Entry]:
        """Everyone here, and every record, as the router lists them."""
        return [entry(seat) for seat in self.everything()]

    def tell_left(self) -> None:
        """Who went home, again: until the ledger knows, it can not come back."""
        for seat in self.everything():
            seat.tell_left_again()

    def measures(self) -> dict[str, float]:
        """Of the catalogue: what the seats are taken for, and what their players ask for."""
        streams, playing = [seat.streams for seat in self.astir], self.playing()
        return {
            "workload_files": sum(len(each.transfers) for each in streams),
            "workload_feeds": sum(len(each.feeds) for each in streams),
            "arriving": len(self.by_name) - len(playing),
            "leaving": sum(bool(seat.migration) for seat in playing),
            "records": len(self.open()),
        }

    # Time.

    def expire(self) -> None:
        """End the reservations and absences that have lasted too long."""
        now = self._hall.time.now()
        for seat in [each for each in self.everything() if each.expires_at <= now]:
            seat.expire()

    # What a seat says: see `Register`.

    def keep(self, seat: Seat) -> None:
        """Somebody is expected at this seat, or here."""
        of = self.records if is_record(seat.player) else self.by_name
        of[seat.player] = seat
        self.changed()

    def drop(self, seat: Seat) -> None:
        """Nothing is known of its player any more."""
        of = self.records if is_record(seat.player) else self.by_name
        of.pop(seat.player, None)
        self.changed()

    def changed(self) -> None:
        """Somebody has entered the game, or left it, or has another connection, or has its inputs
        stand elsewhere without one being applied."""
        self._playing = self._onlookers = None

    def unhear(self, seat: Seat) -> None:
        """What its player has said since the last tick is not to be applied."""
        self.inputs.forget(seat)

    def stir(self, seat: Seat) -> None:
        """Look at it at the next tick."""
        self.astir[seat] = None
