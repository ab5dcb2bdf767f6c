"""The plant against a reference that places every single pulse; guard, stop button and underruns."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thecal.sim.world.individual import Crystal
from thecal.sim.world.plant import Plant

US = 1000

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("queue"), st.integers(0, 40), st.integers(1, 3_000)),
        st.tuples(st.just("wait"), st.integers(0, 4_000), st.just(0)),
        st.tuples(st.just("halt"), st.just(0), st.just(0)),
        st.tuples(st.just("enable"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("allow"), st.integers(0, 120), st.just(0)),
        st.tuples(st.just("rearm"), st.just(0), st.just(0)),
        st.tuples(st.just("stop"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


class Reference:
    """Every pulse is its own event, at its exact rational time."""

    def __init__(self):
        self.events = []  # (time, "pulse" or "end" or "dry end")
        self.end = Fraction(0)
        self.generated = self.true = self.allowance = self.underruns = 0
        self.enabled = self.tripped = self.stopped = False

    def moving(self):
        return self.enabled and not self.tripped and not self.stopped

    def run(self, now):
        while self.events and self.events[0][0] <= now:
            _, what = self.events.pop(0)
            if what == "pulse":
                self.true += self.moving()
                self.generated += 1
                if self.generated > self.allowance:
                    self.tripped = True
                    self.strike()
            elif not self.events and what == "end" and self.moving():
                self.underruns += 1

    def strike(self):
        self.events = [(at, "dry end") for at, what in self.events if what != "pulse"]

    def queue(self, now, steps, duration):
        begin = self.end if self.events else Fraction(now)
        held = self.tripped or self.stopped
        pulses = 0 if held else steps
        self.events += [(begin + Fraction(k * duration, steps), "pulse") for k in range(1, pulses + 1)]
        self.end = begin + duration
        self.events.append((self.end, "end" if pulses else "dry end"))


def perform(plant, reference, now, action, first, second):
    reference.run(now)
    if action == "queue":
        plant.queue(now, first, second * US)
        reference.queue(now, first, second * US)
    elif action == "halt":
        plant.halt(now)
        reference.events = []
    elif action == "enable":
        plant.enable(now, bool(first))
        reference.enabled = bool(first)
    elif action == "allow":
        plant.allow(now, first)
        reference.allowance = first
    elif action == "rearm":
        plant.rearm(now)
        reference.tripped = False
    elif action == "stop":
        plant.latch_stop(now)
        reference.stopped = True
        reference.strike()


@given(ACTIONS)
def test_every_count_equals_a_pulse_by_pulse_reference(actions):
    plant, reference, now = Plant(), Reference(), 0
    for action, first, second in [*actions, ("wait", 200_000, 0)]:
        if action == "wait":
            now += first * US + 1
        perform(plant, reference, now, action, first, second)
        reference.run(now)
        plant.settle(now)
        assert plant.generated == plant.guard.count == reference.generated
        assert plant.true_steps == reference.true
        assert plant.guard.tripped == reference.tripped
        assert plant.underruns == reference.underruns
        assert plant.queued_ns(now) == (reference.end - now if reference.events else 0)


def enabled_plant(allowance):
    plant = Plant()
    plant.enable(0, True)
    plant.allow(0, allowance)
    return plant


def test_step_k_leaves_at_k_times_duration_over_steps_and_the_last_at_the_end():
    plant = enabled_plant(3)
    plant.queue(0, 3, 1_000)
    for now, steps in ((333, 0), (334, 1), (666, 1), (667, 2), (999, 2), (1_000, 3)):
        plant.settle(now)
        assert (now, plant.true_steps) == (now, steps)
    assert plant.last_step_ns == 1_000


def test_the_guard_lets_one_step_over_the_allowance_pass_and_drops_enable():
    plant = enabled_plant(10)
    plant.queue(0, 100, 100 * US)
    plant.settle(100 * US)
    assert (plant.true_steps, plant.guard.tripped, plant.moving) == (11, True, False)
    plant.rearm(100 * US)
    plant.allow(100 * US, 1_000)
    plant.settle(500 * US)
    assert plant.true_steps == 11, "nothing that was queued before the trip is stepped after a release"


def test_a_guard_that_counts_wrong_does_not_change_the_true_count():
    plant = enabled_plant(1_000)
    plant.queue(0, 100, 100 * US)
    plant.guard.count += 7
    plant.settle(100 * US)
    assert (plant.true_steps, plant.generated, plant.guard.count) == (100, 100, 107)


def test_pulses_with_the_motor_disabled_are_counted_and_move_nothing():
    plant = Plant()
    plant.allow(0, 64)
    plant.queue(0, 64, 64 * US)
    plant.settle(64 * US)
    assert (plant.true_steps, plant.generated, plant.guard.count) == (0, 64, 64)


def test_true_steps_survive_a_power_cut_and_the_guard_begins_at_zero():
    plant = enabled_plant(1_000)
    plant.queue(0, 100, 100 * US)
    plant.power_down(50 * US)
    plant.power_up(Crystal(0, 50 * US, 0))
    assert (plant.true_steps, plant.guard.count, plant.generated, plant.moving) == (50, 0, 0, False)
    plant.settle(500 * US)
    assert plant.true_steps == 50


@given(st.integers(-30_000, 30_000), st.integers(0, 10**15), st.integers(0, 10**15))
def test_a_crystal_reaches_a_guest_time_at_the_first_possible_true_time(ppb, origin_ns, ahead_ns):
    crystal = Crystal(ppb, origin_ns, 300_000_000)
    true_ns = crystal.true_ns(300_000_000 + ahead_ns)
    assert crystal.guest_ns(true_ns) >= 300_000_000 + ahead_ns > crystal.guest_ns(true_ns - 1)


@pytest.mark.parametrize("steps", [0, 1])
def test_only_a_queue_that_ends_in_steps_runs_dry(steps):
    plant = enabled_plant(10)
    plant.queue(0, steps, 5 * US)
    plant.settle(6 * US)
    assert plant.underruns == steps
