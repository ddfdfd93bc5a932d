"""All seats of this server by the name of their player, and who may have one.

A message about somebody who has no seat goes to an empty one, whose session knows what to say.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from clientmigration.core.player.session import Session
from clientmigration.core.player.standing import Claim, Reservation
from clientmigration.gameserver.askers import Asker
from clientmigration.gameserver.barred import Barred
from clientmigration.gameserver.hall import Hall
from clientmigration.gameserver.listing import NameOf, entry, shared
from clientmigration.gameserver.seat import Seat
from clientmigration.wire.messages import Declined, Entry, Waived
from clientmigration.wire.shared import Shared

MakeSeat = Callable[[str, Hall, "Seats"], Seat]


class Seats:
    """Seats by name, in the order in which they were taken. `capacity` is how many there are;
    `promised` are migrations that will never begin here, whatever the ledger says."""

    def __init__(
        self, hall: Hall, capacity: int, promised: Container[str], make: MakeSeat = Seat
    ) -> None:
        self.by_name: dict[str, Seat] = {}
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

    def find(self, player: str) -> Seat | None:
        """The seat of this player, if it has one."""
        return self.by_name.get(player)

    def at_play(self, player: str) -> Seat | None:
        """The player's seat, if it is this server that changes the player now."""
        seat = self.by_name.get(player)
        return seat if seat is not None and seat.entered and not seat.held else None

    def playing(self) -> list[Seat]:
        """Everyone in the game, held or not."""
        return [seat for seat in self.by_name.values() if seat.entered]

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
        return self.by_name.get(player) or self._make(player, self._hall, self)

    def reserve(self, player: str, reservation: Reservation, asker: Asker) -> None:
        """Keep a place, if there is one left; who is here has one."""
        migration = reservation.migration
        refusal = "" if player in self.by_name else self.refusal()
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

    def refusal(self) -> str:
        """Why nobody new can come here now, or nothing."""
        if self.draining:
            return "draining"
        return "full" if len(self.by_name) >= self.capacity else ""

    def drain(self, on: bool) -> None:
        """Take nobody new from now on, or do again."""
        self.draining = on

    # What the router is told.

    def heeds(self, player: str, asker: Asker) -> bool:
        """Whether this router may end what there is here of a player."""
        seat = self.by_name.get(player)
        return seat is None or seat.heeds(asker)

    def void(self, asker: Asker) -> None:
        """A router is gone: what it had only begun with those who play here has ended."""
        for seat in list(self.by_name.values()):
            if seat.entered and not seat.held and seat.migration and seat.asked_by(asker):
                seat.session.cancel(seat.migration)

    def shared(self, name_of: NameOf, lost_at: float) -> dict[str, Shared]:
        """What equal routers have to know of some players; a router was lost last at `lost_at`."""
        told = {seat.player: shared(seat, name_of, lost_at) for seat in self.by_name.values()}
        return {player: each for player, each in told.items() if each is not None}

    def roster(self) -> list[Entry]:
        """Everyone here, as the router lists them."""
        return [entry(seat) for seat in self.by_name.values()]

    def tell_left(self) -> None:
        """Who went home, again: until the ledger knows, it can not come back."""
        for seat in self.by_name.values():
            seat.tell_left_again()

    def measures(self) -> dict[str, float]:
        """Of the catalogue: what the seats are taken for, and what their players ask for."""
        seats = list(self.by_name.values())
        return {
            "workload_files": sum(len(seat.streams.transfers) for seat in seats),
            "workload_feeds": sum(len(seat.streams.feeds) for seat in seats),
            "arriving": sum(not seat.entered for seat in seats),
            "leaving": sum(seat.entered and bool(seat.migration) for seat in seats),
        }

    # Time.

    def expire(self) -> None:
        """End the reservations and absences that have lasted too long."""
        now = self._hall.time.now()
        for seat in [each for each in self.by_name.values() if each.expires_at <= now]:
            seat.expire()

    # What a seat says: see `Register`.

    def keep(self, seat: Seat) -> None:
        """Somebody is expected at this seat, or here."""
        self.by_name[seat.player] = seat

    def drop(self, seat: Seat) -> None:
        """Nothing is known of its player any more."""
        self.by_name.pop(seat.player, None)
