"""`Chair` writes down what a session asks for, and refuses at once what it must never ask."""

from clientmigration.core.player.session import Session, session
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.core.player.standing import Claim, Life, Reservation

STATES = ("absent", "arriving", "playing", "frozen", "departed", "gone")
MOVE, OTHER = "m1", "m2"


def snapshot(epoch: int) -> Snapshot:
    return Snapshot(player="aa" * 8, epoch=epoch, seq=1, tick=1, x=0.0, y=0.0, holder="")


class Chair:
    """`Hands` without a server. `asked` is what the session wanted, in order."""

    def __init__(self, connected: bool = True) -> None:
        self.connected = connected
        self.asked: list[tuple[object, ...]] = []
        self.kept = self.entered = self.held = self.forgotten = False
        self.willing = True  # whether the game does what it is asked to
        self.anothers = False  # whether the live migration is of another link
        self.life = Life(self)
        self.session: Session = session(self.life)

    def _note(self, *what: object) -> None:
        assert not self.forgotten, f"{what} for a player that is forgotten"
        assert self.kept or what[0] in ("appear", "declined"), f"{what} for nobody"
        self.asked.append(what)

    def is_anothers(self, migration: str, asked: str) -> bool:
        return self.anothers and migration != asked

    def appear(self) -> None:
        self._note("appear")
        assert not self.kept, "kept twice"
        self.kept = True

    def wait_until(self, when: float) -> None:
        self._note("wait", when)

    def wait_longer(self, until: float) -> None:
        self._note("longer", until)

    def prepare(self, snapshot: Snapshot) -> None:
        self._note("prepare", snapshot)

    def enter(self, claim: Claim) -> bool:
        self._note("enter", claim.epoch, claim.snapshot)
        assert not self.entered, "entered twice: the player exists twice"
        self.entered = self.willing
        return self.willing

    def hold(self) -> bool:
        self._note("hold")
        assert self.entered, "held, but not in the game"
        self.held = True
        return self.willing

    def resume(self) -> None:
        self._note("resume")
        assert self.entered, "resumed, but not in the game"
        self.held = False

    def confirm(self, claim: Claim) -> None:
        self._note("confirm", claim.migration)
        assert self.entered, "confirmed, but not in the game"
        self.held = False

    def leave(self) -> None:
        self._note("leave")
        assert self.entered, "taken out of a game that it is not in"
        self.entered = self.held = False

    def farewell(self) -> Snapshot:
        assert self.entered or not self.willing, "there is no last state of who is not in the game"
        return snapshot(self.epoch)

    def welcome(self) -> None:
        self._note("welcome")

    def redirect(self, where: object) -> bool:
        if self.connected:
            self._note("redirect", where)
        return self.connected

    def dismiss(self, code: str, text: str) -> None:
        self._note("dismiss", code)
        assert text, "sent away without a reason"

    def tell_reserved(self, migration: str, plays: bool) -> None:
        self._note("reserved", migration, plays)

    def tell_prepared(self, migration: str) -> None:
        self._note("prepared", migration)

    def tell_arrived(self, migration: str) -> None:
        self._note("arrived", migration)

    def tell_copied(self, migration: str) -> None:
        self._note("copied", migration)
        assert self.entered, "there is nothing to copy"

    def tell_frozen(self, migration: str) -> bool:
        self._note("frozen", migration)
        assert self.held, "the final state is out while inputs are still applied"
        return self.willing

    def tell_left(self, final: Snapshot) -> None:
        self._note("left", final.epoch)
        assert self.entered or not self.willing, "the last state was thrown away before it was told"

    def tell_declined(self, migration: str, reason: str) -> None:
        self._note("declined", migration)
        assert reason, "declined without a reason"

    def forget(self) -> None:
        self._note("forget")
        assert not self.entered, "forgotten, but still in the game"
        self.forgotten = True

    def said(self) -> list[object]:
        """What was asked since the last call, by name."""
        words = [each[0] for each in self.asked]
        self.asked.clear()
        return words

    @property
    def state(self) -> str:
        return self.session.state()

    @property
    def epoch(self) -> int:
        return self.life.now.epoch

    @property
    def migration(self) -> str:
        return self.life.now.migration


INPUTS = {
    "reserve": lambda it: it.reserve(Reservation(MOVE, 7, 10.0)),
    "prepare": lambda it: it.prepare(MOVE, snapshot(6)),
    "own": lambda it: it.own(Claim(MOVE, 7, None)),
    "copy": lambda it: it.copy(MOVE),
    "direct": lambda it: it.direct(MOVE, "us", "there"),
    "freeze": lambda it: it.freeze(MOVE),
    "cancel": lambda it: it.cancel(MOVE),
    "release": lambda it: it.release(9, 0.0),
    "retain": lambda it: it.retain(MOVE, 9),
    "waive": lambda it: it.waive(MOVE),
    "taken": lambda it: it.taken(),
    "joined": lambda it: it.joined(),
    "expired": lambda it: it.expired(),
    "ended": lambda it: it.ended(),
    "stopped": lambda it: it.stopped(MOVE),
    "heeded": lambda it: it.heeded(Claim(MOVE, 7, None)),
}
WAY_TO: dict[str, list[str]] = {
    "absent": [],
    "arriving": ["reserve"],
    "playing": ["own"],
    "frozen": ["own", "freeze"],
    "departed": ["own", "expired"],
    "gone": ["reserve", "taken"],
}


def chair_in(state: str) -> Chair:
    chair = Chair()
    for step in WAY_TO[state]:
        INPUTS[step](chair.session)
    assert chair.state == state
    chair.said()
    return chair
