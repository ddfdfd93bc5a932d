"""What the Arena's schedules are made of: seeds, steps, a scene, and what its players do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, fields
from hashlib import sha256
from random import Random

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, Logger

from clientmigration import testing
from clientmigration.client.player import Player
from clientmigration.client.streams import Fetched
from clientmigration.testing import Arena, Glade, Parts, perform
from clientmigration.testing.faults import STEPS
from clientmigration.testing.network import End
from clientmigration.testing.scene import HEALED, Scene
from clientmigration.testing.schedule import (
    AROUND,
    CALM,
    ENGINES,
    EQUALS,
    FAULTS,
    FREEZES,
    FROZEN,
    HEAL_S,
    ROUGH,
    Schedule,
    Step,
    schedule,
)
from clientmigration.testing.stage import WORDS
from clientmigration.testing.ticket_replay import HOST, TicketReplay
from clientmigration.testing.workload import SIZES, Workload
from clientmigration.wire.messages import Item


def scene(seed: int = 1) -> Scene:
    """A scene in which servers are attached and two players play; nothing was done to it yet."""
    made = Scene(schedule(seed), Parts(game=Glade))
    made.arena.start_router()
    for name in made.schedule.servers:
        made.start_server(name)
    made.arena.watchers.append(made.checker.look)
    made.arena.run(1.6)
    for _ in range(2):
        made.bots.enter()
    made.arena.run(1.0)
    return made


def do(on: Scene, word: str, *dice: float, seconds: float = 1.0) -> str:
    """One step, now."""
    first, second, third = (*dice, 0.0, 0.0, 0.0)[:3]
    return STEPS[word](on, Step(0.0, word, (first, second, third), seconds))


# What a seed decides.


def digest_of(made: Schedule) -> str:
    """Of the values only: names may change; the policy is not the seed's, and that there is one
    router went without saying."""
    assert made.routers == ("router",)
    values = zip(fields(made), astuple(made), strict=True)
    decided = repr(tuple(v for field, v in values if field.name not in ("policy", "routers")))
    return sha256(decided.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("seed", "digest"),
    [
        (1, "78f34794300bf001"),
        (2, "0e341e2a591b44ae"),
        (3, "6ca977e91534dcf0"),
        (7, "641c008fe1dc3303"),
        (29, "e4dd52706330b23b"),
        (66, "02bf70e3edd9815a"),
        (91, "9440f8438a0754d0"),
        (4636, "dee2308441680303"),
        (9681, "a25d15caba28a510"),
    ],
)
def test_a_seed_decides_today_what_it_decided_when_it_found_a_bug(seed: int, digest: str) -> None:
    assert digest_of(schedule(seed)) == digest


@pytest.mark.parametrize(
    ("seed", "digest"),
    [
        (1, "2cbfd3cbd702b9cc"),
        (9, "3fe1aa6b5527db62"),
        (11, "d47b998495ac9e83"),
        (16, "e9bfeea710e474a0"),
    ],
)
def test_a_seed_of_freezes_decides_today_what_it_decided_when_it_found_a_bug(
    seed: int, digest: str
) -> None:
    assert digest_of(schedule(seed, FREEZES)) == digest


def test_every_word_of_a_schedule_can_be_done_and_only_those() -> None:
    assert set(WORDS) == set(ROUGH) | set(FROZEN) | set(AROUND) | set(ENGINES) | set(EQUALS)
    assert set(CALM) | FAULTS == set(WORDS)


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_schedule_of_freezes_has_some_and_most_of_them_fall_into_moves(seed: int) -> None:
    made = schedule(seed, FREEZES)
    frozen = [step for step in made.steps if step.word in FROZEN]
    assert all(0.1 <= step.seconds <= 30.0 for step in frozen)
    if made.kind == "freeze":
        assert [step.word for step in frozen] == ["freeze server"]
        assert not {step.word for step in made.steps} & (FAULTS - set(FROZEN))


def test_all_of_a_first_schedule_is_as_it_was_before_there_were_freezes() -> None:
    words = {step.word for seed in range(1, 60) for step in schedule(seed).steps}
    assert words == set(ROUGH)


@pytest.mark.parametrize("seed", range(1, 13))
def test_steps_come_in_order_and_none_after_all_is_made_well(seed: int) -> None:
    made = schedule(seed)
    times = [step.at for step in made.steps]
    assert times == sorted(times)
    assert times[-1] <= HEAL_S
    if made.kind != "rough":
        assert {step.word for step in made.steps} & FAULTS <= {"kill server"}


# A scene.


def test_a_fault_lasts_as_long_as_it_says() -> None:
    made, ended = scene(), list[object]()
    made.fault(2.0, ended.append, "over")
    assert made.checker.faults == 1
    made.arena.run(1.9)
    assert ended == []
    made.arena.run(0.2)
    assert ended == ["over"]
    assert made.checker.faults == 0


def test_a_fault_ends_at_the_latest_when_all_is_made_well() -> None:
    made, ended = scene(), list[object]()
    made.fault(1000.0, lambda: ended.append(made.arena.clock.seconds()))
    made.arena.run(HEALED - made.arena.clock.seconds() + 1.0)
    assert ended == [HEALED]


def test_a_fault_that_begins_after_that_is_over_at_once() -> None:
    made, ended = scene(), list[object]()
    made.arena.run(HEALED - made.arena.clock.seconds() + 1.0)
    made.fault(5.0, ended.append, "over")
    made.arena.run(0.001)
    assert ended == ["over"]


def test_a_spoilt_ledger_is_repaired_to_what_it_was_and_in_the_end_to_a_good_one() -> None:
    usual = schedule(2).disk
    assert not usual.good
    made = Scene(schedule(2), Parts(game=Glade))
    made.spoil(0.9, 0.05, 0.5)
    assert astuple(made.disk) == (0.5, 0.9, 0.05)
    made.repair()
    assert made.disk == usual
    made.heal()
    assert made.disk.good
    assert made.disk.slow_s == usual.slow_s
    assert made.arena.network.lossy == 0.0


def test_a_server_is_restarted_only_when_there_is_none_of_its_name() -> None:
    made = scene()
    first = made.arena.servers["a"]
    made.restart("a")
    assert made.arena.servers["a"] is first
    made.arena.kill("a")
    made.restart("a")
    assert made.arena.servers["a"] is not first


# Steps.


def test_a_move_says_whom_it_moves_from_where_to_where() -> None:
    made = scene()
    (track, _) = made.bots.playing()
    home = made.arena.home_of(track.player)
    said = {do(made, "move", 0.0, dice) for dice in (0.0, 0.4, 0.8)}
    others = {name for name in ("a", "b", "c") if name != home}
    assert said == {"", *(f"{track.name} from {home} to {name}" for name in others)}


def test_nobody_is_moved_while_there_is_no_router() -> None:
    made = scene()
    assert do(made, "kill router")
    assert not any(do(made, "move", 0.0, dice) for dice in (0.0, 0.4, 0.8))
    assert not do(made, "kill router")


def test_the_last_two_players_do_not_leave_and_who_left_can_come_back() -> None:
    made = scene()
    assert not do(made, "leave")
    assert not do(made, "return")
    assert do(made, "newcomer") == "player 2"
    made.arena.run(1.0)
    name = do(made, "leave")
    assert [track.name for track in made.bots.playing()].count(name) == 0
    made.arena.run(1.0)
    assert do(made, "return") == "player 3"
    made.arena.run(1.0)
    assert name in [track.name for track in made.bots.playing()]
    assert not made.checker.broken


def test_a_killed_server_and_a_killed_player_come_back_when_the_fault_is_over() -> None:
    made = scene()
    assert do(made, "kill server", 0.0) == "a"
    assert do(made, "kill player", 0.0) == "player 0"
    assert "a" not in made.arena.servers
    made.arena.run(1.1)
    assert "a" in made.arena.servers
    assert "player 2" in made.arena.hosts


def test_the_last_server_is_never_killed() -> None:
    made = scene()
    assert do(made, "kill server", 0.0, seconds=60.0)
    assert do(made, "kill server", 0.0, seconds=60.0)
    assert do(made, "kill server", 0.0) == ""
    assert len(made.arena.servers) == 1


def test_a_cut_goes_both_ways_and_half_a_cut_only_one() -> None:
    made = scene()
    network = made.arena.network
    assert do(made, "cut", 0.0, 0.0) == "from a to b for 1.0 s"
    assert network.is_cut("a", "b")
    assert network.is_cut("b", "a")
    assert do(made, "half cut", 0.6, 0.0, 0.9) == "from a to c for 1.0 s"
    assert network.is_cut("a", "c")
    assert not network.is_cut("c", "a")
    made.arena.run(1.1)
    assert not network.cuts


def test_what_is_not_there_is_not_reset() -> None:
    made = scene()
    assert do(made, "reset", 0.9, 0.0) == "router and a"
    made.arena.kill("a")
    assert do(made, "reset", 0.9, 0.0) == ""


def test_a_freeze_may_outlast_all_other_faults_and_is_a_fault_until_it_ends() -> None:
    made = scene()
    assert do(made, "freeze server", 0.0, seconds=20.0) == "a for 20.0 s"
    assert (made.frozen("a"), made.checker.faults) == (True, 1)
    assert made.thawed == made.arena.clock.seconds() + 20.0 > HEALED
    made.arena.run(19.9)
    assert (made.frozen("a"), made.checker.faults) == (True, 1)
    made.arena.run(0.2)
    assert (made.frozen("a"), made.checker.faults) == (False, 0)


def test_the_last_server_that_is_awake_is_not_frozen() -> None:
    made = scene()
    assert do(made, "freeze server", 0.0) == "a for 1.0 s"
    assert do(made, "freeze server", 0.0) == "b for 1.0 s"
    assert do(made, "freeze server", 0.0) == ""


def test_a_router_is_frozen_once_at_a_time_and_hears_of_moves_when_it_thaws() -> None:
    made = scene()
    assert do(made, "freeze router") == "router for 1.0 s"
    assert do(made, "freeze router") == ""
    said = [do(made, "move", 0.0, dice) for dice in (0.0, 0.4, 0.8)]
    assert [each.endswith(", when the router thaws") for each in said if each] == [True, True]
    assert not made.arena.router.moves.by_id
    made.arena.run(1.005)
    assert made.arena.router.moves.by_id


def test_a_frozen_player_does_nothing_and_does_not_go_home() -> None:
    made = scene()
    do(made, "newcomer")
    made.arena.run(1.0)
    track = made.bots.met()[0]
    assert do(made, "freeze player", 0.0) == f"{track.host} for 1.0 s"
    assert do(made, "leave", 0.0) == ""
    before = track.player.tally.seq
    made.arena.run(0.9)
    assert track.player.tally.seq == before
    made.arena.run(2.0)
    assert track.player.tally.seq > before
    assert not made.checker.broken


def test_a_frozen_server_does_not_hear_that_it_is_to_end() -> None:
    made = scene()
    do(made, "freeze server", 0.0)
    assert do(made, "drain", 0.0) == ""


# A ticket that is replayed.


def replayed() -> tuple[Arena, TicketReplay, list[bytes], list[tuple[str, str]]]:
    """An arena in which somebody reads tickets; what it is told, and what it complains of."""
    arena = Arena(seed=1)
    told: list[bytes] = []
    broken: list[tuple[str, str]] = []
    replay = TicketReplay(arena, lambda *why: broken.append(why))

    def hear(end: End, data: bytes) -> None:
        if end.there == HOST:
            told.append(data)

    arena.network.taps += [replay.tap, hear]
    arena.start_router()
    for name in ("eu", "us"):
        arena.start_server(name)
    arena.run(2.0)
    arena.start_player()
    arena.run(1.0)
    return arena, replay, told, broken


@pytest.mark.parametrize("dice", [(0.0, 0.1, 0.0), (0.0, 0.4, 0.0)])
def test_a_replayed_ticket_is_refused_elsewhere_and_without_its_secret(
    dice: tuple[float, float, float],
) -> None:
    arena, replay, told, broken = replayed()
    assert replay.strike(dice).startswith("the ticket of ")
    arena.run(1.0)
    assert b"ticket_refused" in b"".join(told)
    assert broken == []


def test_a_good_ticket_of_a_player_that_plays_is_not_tried() -> None:
    _, replay, _, _ = replayed()
    assert replay.strike((0.0, 0.9, 0.0)) == ""


def test_nothing_is_shown_before_anything_was_seen() -> None:
    assert TicketReplay(Arena(), lambda *_why: None).strike((0.0, 0.0, 0.0)) == ""


# What players do beside playing.


class Quiet:
    """Stands in for a player: it fetches and follows, and a test says what comes."""

    name = "ada"

    def __init__(self) -> None:
        self.fetching: Deferred[Fetched] = Deferred()
        self.hear: Callable[[Item], None] = lambda _item: None

    def fetch(self, _name: str, _take: Callable[[bytes], None]) -> Deferred[Fetched]:
        return self.fetching

    def subscribe(self, _feed: str, hear: Callable[[Item], None]) -> None:
        self.hear = hear


class Always(Random):
    """Chance that always says yes."""

    def random(self) -> float:
        return 0.0


def working() -> tuple[Quiet, Workload, list[str]]:
    """A player with a file to come and a topic to follow; what goes wrong is listed."""
    player, broken = Quiet(), list[str]()
    workload = Workload(player, Always(1), lambda _kind, text: broken.append(text))  # type: ignore[arg-type]
    assert workload.busy
    return player, workload, broken


def test_a_file_that_comes_whole_ends_the_wait_for_it() -> None:
    player, workload, broken = working()
    player.fetching.callback(Fetched("small", SIZES["small"], ""))
    assert not workload.busy
    assert broken == []


def test_a_file_of_a_wrong_size_is_a_violation_and_so_is_one_that_does_not_come() -> None:
    player, _, broken = working()
    player.fetching.callback(Fetched("small", 7, ""))
    assert broken == ["ada: small has 7 bytes"]
    player, workload, broken = working()
    player.fetching.errback(RuntimeError("no"))
    assert broken == ["ada: no"]
    assert not workload.busy


def test_entries_of_a_topic_come_one_after_the_other_or_it_is_a_violation() -> None:
    player, _, broken = working()
    for seq in (4, 5, 6, 6, 8):
        player.hear(Item(1, seq, b""))
    assert broken == ["ada: entry 6 after 6", "ada: entry 8 after 6"]


# A verdict.


class Clumsy(Player):
    """A player whose program fails."""

    def start(self) -> Player:
        raise RuntimeError("it stumbles")


class Noisy(Player):
    """A player that logs an error."""

    def start(self) -> Player:
        Logger().error("it stumbles")
        return super().start()


@pytest.fixture
def loud(no_logged_errors: list[LogEvent]) -> Iterator[None]:
    """Errors that are logged are judged by the verdict."""
    yield
    no_logged_errors.clear()


def test_an_exception_is_a_violation_and_is_raised_for_who_wants_the_transcript() -> None:
    parts = Parts(player=Clumsy, game=Glade)
    assert perform(1, parts).violation == "crash: RuntimeError: it stumbles"
    with pytest.raises(RuntimeError, match="stumbles"):
        perform(1, parts, kept=True)


@pytest.mark.usefixtures("loud")
def test_an_error_in_the_log_is_a_violation() -> None:
    assert perform(1, Parts(player=Noisy, game=Glade)).violation == "log: it stumbles"


@pytest.mark.usefixtures("loud")
def test_a_verdict_counts_what_was_done_and_keeps_lines_only_on_request() -> None:
    verdict = perform(2)
    assert not verdict.violation
    assert verdict.faults == sum(n for word, n in verdict.done.items() if word in FAULTS)
    assert verdict.lines == ()
    lines = perform(2, kept=True).lines
    assert lines[-1].endswith("all is well")
    assert sum(" --- all is made well" in line for line in lines) == 1


# The package's face.


def test_what_the_package_declares_as_public_is_there_and_documented() -> None:
    for name in testing.__all__:
        thing = getattr(testing, name)
        assert isinstance(thing, float | str) or thing.__doc__, name
