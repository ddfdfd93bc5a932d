"""The session of a player at a server when anything comes, in any order."""

from chairs import MOVE, OTHER, Chair, snapshot
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clientmigration.core.player.standing import Claim, Reservation


class AnyOrder(RuleBasedStateMachine):
    """The router, the player and the clock, each at its own pace."""

    @initialize()
    def begin(self) -> None:
        self.chair = Chair()
        self.owned = False
        self.now = 0.0

    def _asks(self, name: str, *arguments: object) -> list[object]:
        self.chair.said()
        getattr(self.chair.session, name)(*arguments)
        return self.chair.said()

    @rule(seconds=st.floats(0, 5))
    def passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(move=st.sampled_from([MOVE, OTHER]), step=st.integers(0, 2))
    def reserve(self, move: str, step: int) -> None:
        before, waived = self.chair.state, self.chair.life.now.waived
        kept = Reservation(move, self.chair.epoch + step, self.now + 3.0)
        told = self._asks("reserve", kept)
        assert self.chair.state == {"absent": "arriving"}.get(before, before)
        other = before == "frozen" and self.chair.migration != move
        if before in ("playing", "frozen") and not waived and not other:
            assert told == ["longer", "reserved"]
        elif before in ("absent", "arriving"):
            assert told[-2:] == ["wait", "reserved"]
        else:
            assert told == ["declined"] * (before != "gone")
        assert (self.chair.life.reservation is kept) == ("reserved" in told)

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def prepare(self, move: str) -> None:
        expected = self.chair.state == "arriving" and self.chair.migration == move
        told = self._asks("prepare", move, snapshot(1))
        assert told == (["prepare", "prepared"] if expected else [])

    @rule(step=st.integers(-1, 2), known=st.booleans())
    def own(self, step: int, known: bool) -> None:
        before, epoch = self.chair.state, max(0, self.chair.epoch + step)
        old = before == "departed" and epoch < self.chair.epoch
        if before == "frozen" and epoch <= self.chair.epoch and self.chair.migration != MOVE:
            assert self._asks("own", Claim(MOVE, epoch, None)) == []
            return
        asked = self._asks("own", Claim(MOVE, epoch, snapshot(epoch) if known else None))
        self.owned = self.owned or before != "gone"
        assert self.chair.state == (before if before == "gone" or old else "playing")
        assert ("enter" in asked) != (asked in ([], ["confirm"]))

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def copy(self, move: str) -> None:
        before = self.chair.state
        told = {"playing": ["copied"], "gone": []}.get(before, ["declined"])
        assert self._asks("copy", move) == told
        assert self.chair.state == before

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def direct(self, move: str) -> None:
        passed_on = self.chair.state == "playing" and self.chair.migration == move
        told = self._asks("direct", move, "us", "there")
        if self.chair.state == "absent":
            assert told == ["declined"]
        else:
            assert told == ["redirect"] * passed_on
            assert not passed_on or self.chair.life.now.bound_for == "us"

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def freeze(self, move: str) -> None:
        before = self.chair.state
        told = self._asks("freeze", move)
        if before == "playing":
            assert (told, self.chair.state) == (["hold", "frozen"], "frozen")
        else:
            declined = before not in ("frozen", "gone")
            assert (told, self.chair.state) == (["declined"] * declined, before)

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def cancel(self, move: str) -> None:
        before, meant = self.chair.state, self.chair.migration == move
        self._asks("cancel", move)
        after = {"arriving": "gone", "frozen": "playing"}.get(before, before) if meant else before
        assert self.chair.state == after
        assert move not in (self.chair.life.now.waived, "")
        reserved = self.chair.life.reservation
        assert before in ("absent", "gone") or move != reserved.migration or not reserved.until

    @rule(step=st.integers(-1, 2))
    def release(self, step: int) -> None:
        before, epoch, life = self.chair.state, self.chair.epoch, self.chair.life
        reserved = life.reservation
        late = step < 0 or (self.now < reserved.until and epoch + step < reserved.epoch)
        stays = before == "absent" or late or (bool(life.now.waived) and step == 1)
        self._asks("release", epoch + step, self.now)
        assert self.chair.state == (before if stays or before == "gone" else "gone")

    @rule()
    def taken(self) -> None:
        before = self.chair.state
        self._asks("taken")
        assert self.chair.state == ("absent" if before == "absent" else "gone")

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def waive(self, move: str) -> None:
        before, meant = self.chair.state, self.chair.migration == move
        told = self._asks("waive", move)
        goes_on = before == "frozen" and meant
        assert told == ["resume"] * goes_on
        assert self.chair.state == ("playing" if goes_on else before)
        assert not goes_on or self.chair.life.now.waived == move

    @rule(move=st.sampled_from([MOVE, OTHER]))
    def retain(self, move: str) -> None:
        epoch, before = self.chair.epoch, self.chair.state
        meant = before == "frozen" and self.chair.migration == move
        assert self._asks("retain", move, epoch + 2) == ["resume"] * meant
        assert self.chair.state == ("playing" if meant else before)
        owned = before in ("playing", "frozen", "departed")
        assert self.chair.epoch == epoch + 2 * owned
        assert self.chair.life.now.waived != move

    @rule()
    def joined(self) -> None:
        before = self.chair.state
        told = self._asks("joined")
        assert ("welcome" in told) == (before in ("arriving", "playing", "frozen"))
        assert ("arrived" in told) == (before == "arriving")
        assert self.chair.state == before

    @rule()
    def expired(self) -> None:
        before = self.chair.state
        told = self._asks("expired")
        assert ("left" in told) == (before == "playing" and not self.chair.life.now.waived)
        assert ("forget" in told) == (before == "arriving")

    @invariant()
    def inputs_are_applied_only_while_playing(self) -> None:
        applies = self.chair.entered and not self.chair.held
        assert applies == (self.chair.state == "playing")

    @invariant()
    def a_player_is_in_the_game_only_after_the_ledgers_word(self) -> None:
        assert self.chair.entered == (self.chair.state in ("playing", "frozen"))
        assert self.owned or not self.chair.entered

    @invariant()
    def forgotten_is_gone_and_gone_is_forgotten(self) -> None:
        assert self.chair.forgotten == (self.chair.state == "gone")
        assert self.chair.kept == (self.chair.state != "absent")

    @invariant()
    def what_means_nothing_does_not_exist(self) -> None:
        fields: dict[str, set[str]] = {
            "absent": set(),
            "arriving": {"migration"},
            "playing": {"epoch", "migration", "waived", "bound_for"},
            "frozen": {"epoch", "migration", "waived", "bound_for"},
            "departed": {"final", "epoch", "migration", "waived"},
            "gone": set(),
        }
        assert vars(self.chair.life.now).keys() == fields[self.chair.state]


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
