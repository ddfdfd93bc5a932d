"""Burns spend the CPU time that was asked for, hardly more, and move with the player."""

from __future__ import annotations

import pytest

from clientmigration.gameserver.workloads import Burns

ADA, BOB = "ada" + "0" * 13, "b0b" + "0" * 13


class Cpu:
    """A processor's clock: each look at it costs `step_s`. `used` is what it shows, seconds."""

    def __init__(self, step_s: float) -> None:
        self.step_s, self.used, self.looks = step_s, 0.0, 0

    def __call__(self) -> float:
        self.looks += 1
        self.used += self.step_s
        return self.used


def burns(step_s: float = 1e-5) -> tuple[Burns, Cpu]:
    cpu = Cpu(step_s)
    return Burns(cpu), cpu


def spent(burns: Burns, cpu: Cpu, players: int = 10) -> float:
    before = cpu.used
    burns.work(players)
    return cpu.used - before


def test_nobody_asks_for_anything_at_first() -> None:
    idle, cpu = burns()
    assert spent(idle, cpu) == pytest.approx(0.0, abs=3 * cpu.step_s)
    assert idle.place(ADA) == []


def test_a_tick_costs_what_everybody_together_asked_for() -> None:
    busy, cpu = burns()
    busy.ask(ADA, 1000)
    busy.ask(BOB, 500)
    assert spent(busy, cpu) == pytest.approx(1500e-6, abs=3 * cpu.step_s)


def test_every_tick_costs_it_again() -> None:
    busy, cpu = burns()
    busy.ask(ADA, 1000)
    for _ in range(3):
        assert spent(busy, cpu) == pytest.approx(1000e-6, abs=3 * cpu.step_s)


def test_the_last_wish_counts() -> None:
    busy, cpu = burns()
    busy.ask(ADA, 5000)
    busy.ask(ADA, 200)
    assert spent(busy, cpu) == pytest.approx(200e-6, abs=3 * cpu.step_s)


@pytest.mark.parametrize("how", ["asks_for_none", "leaves"])
def test_who_wants_no_more_costs_no_more(how: str) -> None:
    busy, cpu = burns()
    busy.ask(ADA, 1000)
    if how == "leaves":
        busy.stop(ADA)
    else:
        busy.ask(ADA, 0)
    assert spent(busy, cpu) == pytest.approx(0.0, abs=3 * cpu.step_s)
    assert busy.asked == {}


def test_who_never_asked_may_stop_and_leave_all_the_same() -> None:
    busy, _ = burns()
    busy.ask(ADA, 0)
    busy.stop(ADA)
    busy.stop(ADA)
    assert busy.asked == {}


def test_a_clock_that_stands_still_ends_the_work_all_the_same() -> None:
    stuck, cpu = burns(step_s=0.0)
    stuck.ask(ADA, 5000)
    stuck.work(players=1)
    assert 1 < cpu.looks < 10_000


def test_the_real_clock_is_really_spent() -> None:
    import time

    busy = Burns(time.process_time)
    busy.ask(ADA, 3000)
    before = time.process_time()
    busy.work(players=100)
    assert 0.003 <= time.process_time() - before < 0.5


def test_a_burn_goes_on_where_the_player_goes() -> None:
    there, here = burns()[0], burns()[0]
    there.ask(ADA, 700)
    there.ask(BOB, 5)
    here.take_up(ADA, there.place(ADA))
    assert here.asked == {ADA: 700}
    assert here.place(ADA) == there.place(ADA) == [{"kind": "burn", "us_per_tick": 700}]


def test_a_workload_of_a_kind_that_is_not_known_here_is_left_alone() -> None:
    here, _ = burns()
    here.take_up(ADA, [{"kind": "file", "name": "a"}, {"kind": "burn", "us_per_tick": 9}])
    assert here.asked == {ADA: 9}
