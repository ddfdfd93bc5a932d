"""The end of a schedule: all is well again, and everybody has to be in its place."""

from __future__ import annotations

from clientmigration.core.player.snapshot import Progress, Snapshot
from clientmigration.games.meadow import wire as meadow
from clientmigration.gameserver.seat import Seat
from clientmigration.testing.checks import Checker, Track

STORED_S = 3.0  # an input is in the ledger by then, while all is well
FRESH_S = 1.0  # who was shown nothing for so long is shown nothing


def unsettled(watch: Checker) -> str:
    """What is not as it should be when all is well again, or nothing."""
    arena = watch.arena
    seats: dict[str, tuple[str, Seat | None]] = {}
    for name, server in arena.servers.items():
        for router in arena.routers.values():
            if name not in router.members:
                return f"{name} is not attached"
        for player, seat in server.seats.by_name.items():
            if player in seats:
                return f"{player} has two seats"
            seats[player] = (name, seat)
    for moves in (router.moves for router in arena.routers.values()):
        if moves.by_id or moves.by_player or moves._waiters:
            return "there are moves left in the router"
    for track in watch.tracks:
        name, place = seats.pop(track.name, ("", None))
        wrong = _in_place(watch, track, name, place) if track.wanted else _home(watch, track, name)
        if wrong:
            return f"{track.name or track.host} {wrong}"
    return f"seats are left over: {sorted(seats)}" if seats else _blind(watch)


def _home(watch: Checker, track: Track, name: str) -> str:
    if name:
        return f"went home, and has a seat at {name}"
    record = watch.arena.ledger.records.get(track.name)
    owner = record.owner if record else ""  # the server that died before it could go home
    return f"went home, and is {owner}'s" if owner and watch.strict else ""


def _in_place(watch: Checker, track: Track, name: str, seat: Seat | None) -> str:
    state = track.player.state
    record = watch.arena.ledger.records.get(track.name)
    if state != "playing" or seat is None or record is None:
        return f"is {state}, with a seat at {name or 'no server'}"
    if not seat.entered or seat.held or seat.migration:
        return f"is {seat.session.state()} at {name}"
    if record.claim[:2] != (name, seat.epoch):
        return f"is at {name}, epoch {seat.epoch}; the ledger says {record.claim}"
    return _inputs(watch, track, seat.inbox.progress, record.snapshot) or _counts(watch, track)


def _inputs(watch: Checker, track: Track, done: Progress, stored: Snapshot | None) -> str:
    """Whether all is applied, and stored, that the player's present program sent."""
    sent = max(track.bodies, default=done.last)
    old = [seq for seq, (_, at) in track.bodies.items() if watch.now - at > STORED_S]
    if done.last != sent:
        return f"has sent {sent} inputs, and {done} is applied"
    if stored is None or stored.progress.last < max(old, default=0):
        return f"has sent {sent} inputs, and {stored and stored.progress} is stored"
    for each in (done, stored.progress):
        if (each.applied, each.digest) not in track.legal[each.last]:
            return f"is at {each}, which is not what it sent"
        if track.programs == 1 and each.applied != each.last:
            return f"has lost inputs: {each}"
    return ""


def _counts(watch: Checker, track: Track) -> str:
    """What the player itself says."""
    player, tally = track.player, track.player.tally
    if tally.acked != tally.seq:
        return f"has sent {tally.seq} inputs, and {tally.acked} are applied"
    if watch.now - tally.shown_at > FRESH_S:
        return "is shown nothing"
    if track.programs == 1 and (tally.lost or tally.doubled):
        return f"counts {tally.lost} lost and {tally.doubled} doubled inputs"
    if track.workload is not None and track.workload.busy:
        return "has a file that does not come"
    if player.streams.bad or player.streams.gaps:
        return f"has {player.streams.bad} bad files and {player.streams.gaps} gaps in topics"
    return ""


def _blind(watch: Checker) -> str:
    """Whether somebody does not see somebody who plays: in a glade all are near each other."""
    playing = {track.name for track in watch.tracks if track.wanted}
    for track in watch.tracks:
        if track.wanted:
            others = meadow.look(track.body).others
            hidden = playing - {bytes(each).hex() for each in others["player"]}
            if hidden:
                return f"{track.name} does not see {min(hidden)}"
    return ""
