"""The loop and the motor besides therapy: counts compared at a halt, a heartbeat of every task, a pump without a motor."""

import pytest

from app.supervisor import DELIVERY, SESSION, SUPERVISOR, Heartbeat
from support.programs import constant
from support.pump.running import BENCH, UnitPump, blank_image
from support.replies import number

TASKS = (SUPERVISOR, DELIVERY, SESSION)


def one_more_at_the_halt() -> UnitPump:
    """Return a running pump whose generator will report one step more at its halt; a word hides it until then."""
    pump = UnitPump.running(constant(36_000_000))
    pump.advance(20)
    halt = pump.board.stepper.halt
    pump.board.stepper.halt = lambda: halt() + 1
    return pump


@pytest.mark.rule("R3")
@pytest.mark.parametrize("by", ["host", "button"])
def test_a_halt_at_which_generator_and_guard_differ_is_an_alarm(by: str) -> None:
    pump = one_more_at_the_halt()
    if by == "button":
        pump.board.buttons.stop = True
    else:
        pump.line(b"stop\n")
    pump.advance(1)
    assert number("guard_mismatch") in pump.call("status")["alarms"]
    assert not pump.board.stepper.enabled


@pytest.mark.rule("R3")
def test_a_safe_state_for_another_cause_tells_the_difference_too() -> None:
    pump = one_more_at_the_halt()
    pump.board.guard.trip()
    pump.advance(1)
    assert {row["name"] for row in pump.call("alarms")["alarms"]} == {"guard_tripped", "guard_mismatch"}


class Dog:
    fed = 0

    def feed(self) -> None:
        self.fed += 1


@pytest.mark.rule("R6")
@pytest.mark.parametrize("missing", TASKS)
def test_one_task_that_no_longer_runs_is_enough_for_the_watchdog_to_bite(missing: int) -> None:
    dog = Dog()
    heartbeat = Heartbeat(dog)
    for now_ms in range(0, 10_000, 100):
        for task in TASKS:
            if task != missing or now_ms < 2_000:
                heartbeat.alive |= task
        heartbeat.feed(now_ms)
    assert dog.fed in (1, 2)


def test_a_heart_that_beats_feeds_once_a_second() -> None:
    dog = Dog()
    heartbeat = Heartbeat(dog)
    for now_ms in range(0, 10_000, 10):
        heartbeat.alive |= SUPERVISOR | DELIVERY | SESSION
        heartbeat.feed(now_ms)
    assert dog.fed == 9


class Deaf:
    """A heartbeat that never gets the beat of one task."""

    def __init__(self, heartbeat: Heartbeat, task: int) -> None:
        self.feed = heartbeat.feed
        self._heartbeat = heartbeat
        self._task = task

    @property
    def alive(self) -> int:
        return self._heartbeat.alive

    @alive.setter
    def alive(self, tasks: int) -> None:
        self._heartbeat.alive = tasks & ~self._task


@pytest.mark.rule("R6")
@pytest.mark.parametrize("task", ["supervisor", "delivery"])
def test_a_task_that_is_left_out_of_the_loop_is_missed(task: str) -> None:
    pump = UnitPump.running(constant(36_000_000))
    pump.pump.heartbeat = Deaf(pump.pump.heartbeat, {"supervisor": SUPERVISOR, "delivery": DELIVERY}[task])
    fed = []
    pump.advance(2)
    pump.board.watchdog.feed = lambda: fed.append(True)
    pump.advance(30)
    assert fed == []


@pytest.mark.rule("R12")
def test_without_a_bench_there_is_no_self_test_and_no_motor() -> None:
    pump = UnitPump(blank_image())
    pump.board.flash.remove("/store/bench.a")
    again = UnitPump(pump.image())
    assert again.board.bench is None
    again.advance(0.01)
    assert again.pump.selftest.done
    assert not again.pump.selftest.failed
    assert again.board.guard.count() == 0


@pytest.mark.rule("R12")
def test_the_self_test_of_a_slow_motor_keeps_to_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    from support.pump.board import Stepper

    monkeypatch.setattr(Stepper, "max_rate_hz", 300)
    pump = UnitPump.ready(constant(1_000))
    pump.advance(1)
    test = pump.pump.selftest
    assert (test.done, test.failed) == (True, False)
    assert test.due_ms() >= 4 * BENCH["motor"]["microsteps"] * 1000 // 300
