"""Dose by volume in a pump: the motor turns as the table says, and everything above it counts doses."""

import random
from fractions import Fraction

import pytest

from pumpcore.motion.rotor import PARTS
from support.models.rotor import dip, sinus
from support.programs import constant
from support.pump.by_volume import TurnedPump, rate_nl
from support.pump.flash import images_at_each_operation
from support.pump.running import UnitPump

HEADS = {"sinus": sinus(), "dip20": dip(0.20), "dip35": dip(0.35)}
RATES_HZ = [0.55, 2.77, 27.7, 277.0]
heads = pytest.mark.parametrize("head", sorted(HEADS))


def started(head: str, rate_hz: float, zero_steps: int | None = 0) -> TurnedPump:
    pump = TurnedPump.turned(HEADS[head], constant(rate_nl(rate_hz)), zero_steps)
    pump.call("start")
    return pump


def law_of(pump: TurnedPump) -> tuple[str, str]:
    status = pump.call("status")
    return status["law"], status["law_cause"]


# --- what is made ----------------------------------------------------------------------------------------------------


@pytest.mark.rule("R4")
@pytest.mark.rule("R3")
@pytest.mark.parametrize("rate_hz", RATES_HZ)
@heads
def test_pins_guard_and_report_agree_and_whole_turns_cost_the_pair(head: str, rate_hz: float) -> None:
    pump = started(head, rate_hz)
    for _ in range(3):
        pump.advance(max(60, 1_300 / rate_hz))
        assert pump.call("status")["motor_steps"] == pump.motor_steps()
        told = pump.delivered_steps() - pump.begun[1]
        assert pump.brought() <= told <= pump.brought() + pump.law.table.dearest
    assert pump.turns_watched > 6
    assert pump.motor_steps() - pump.begun[0] > 3_200


@pytest.mark.rule("R4")
@pytest.mark.parametrize("rate_hz", RATES_HZ)
@heads
def test_the_plan_and_what_is_delivered_differ_by_less_than_a_step_outside_a_crossing(head: str, rate_hz: float) -> None:
    """A motor step that brings several dose steps can't be told in parts: the bound is one dose step or what one motor step brings."""
    pump = started(head, rate_hz)
    pump.advance(0.5)
    span, motion = pump.pump.delivery.span, pump.pump.delivery.motion
    pair, accumulator, off = pump.pump.setup.calibration, span.basal.accumulator, []
    crossing_s = 3_200 / 3 / pump.law.pace_hz  # at most a pitch at the pace
    dearest = max(1, max(pump.prices) * 192 / (PARTS * 3_200))

    def look() -> None:
        at = Fraction(pump.board.clock.now_us - span.origin_ms * 1000, 1_000_000)
        plan = at * accumulator.flow(pump.pump.setup.program.entries[0][1]) / accumulator.modulus
        off.append(float(plan - (motion.delivered_steps() - pump.begun[1])))

    assert pair.steps
    for _ in range(400):
        pump.advance(max(0.173, 3.1 / rate_hz))
        look()
    late = [value for value in off if abs(value) >= dearest]
    assert min(off) > -dearest - 0.01
    assert max(off) <= dearest + rate_hz * crossing_s
    assert len(late) <= 0.35 * len(off) * rate_hz / 277 + 2
    assert abs(off[-1]) < dearest or rate_hz > 100


@pytest.mark.rule("R4")
@heads
def test_basal_and_boluses_sum_without_a_trend(head: str) -> None:
    pump = started(head, 2.77)
    ordered = []
    for number in range(15):
        pump.advance(100 + 17 * number)
        pump.order(20_000, 3_600_000)
        pump.advance(60)
        span = pump.pump.delivery.span
        at_s = Fraction(pump.board.clock.now_us - span.origin_ms * 1000, 1_000_000)
        basal = at_s * span.basal.accumulator.flow(rate_nl(2.77)) / span.basal.accumulator.modulus
        ordered.append(float(pump.brought() - basal - (number + 1) * (20_000 * 99_991 // 1_000_003)))
    dearest = max(pump.prices) * 192 / (PARTS * 3_200)
    assert max(map(abs, ordered)) <= 2 + dearest


@pytest.mark.rule("R3")
@heads
def test_a_lone_bolus_ends_when_the_motor_has_made_all_its_steps(head: str) -> None:
    """Also where its last dose step lies behind a dead zone: then the pace holds up the end."""
    pump = TurnedPump.turned(HEADS[head], constant(0))
    rotor = pump.law.table
    jumps = {steps: rotor.reach(steps * PARTS) - rotor.reach((steps - 1) * PARTS) for steps in range(1_900, 3_200)}
    steps = max(jumps, key=lambda one: jumps[one])
    order = {"token": pump.token(), "purpose": "calibration", "steps": steps, "volume_nl": 0, "rate_seconds_s": 3600}
    pump.call("run.start", rate_nl=rate_nl(100.0), **order)
    pump.advance(steps / 100 + 10)
    assert pump.state() == "stopped"
    assert pump.delivered_steps() == steps
    assert pump.motor_steps() == rotor.reach(steps * PARTS)
    assert pump.bolus(order["token"])["state"] == "done"
    assert jumps[steps] > 100 or head == "sinus"


# --- stops -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R2")
@pytest.mark.rule("R3")
@heads
def test_random_stops_lose_nothing_and_make_nothing_twice(head: str) -> None:
    """Some of them in a dead zone, which has one dose and many positions."""
    dice, zones = random.Random(head), 0
    pump = started(head, 277.0)
    for _ in range(20):
        pump.advance(dice.uniform(0.2, 9.0))
        pump.call("stop")
        told, brought = pump.delivered_steps() - pump.begun[1], pump.brought()
        assert brought <= told < brought + 1 + pump.law.table.dearest
        assert pump.on_flash().leased_steps == pump.delivered_steps()
        table = pump.law.table
        at = pump.motor_steps()
        zones += table.paid(at + 1) == table.paid(at)
        pump.law.set_phase(pump.law.zero_steps)  # a sensor would know
        pump.call("start")
        assert at <= pump.motor_steps() <= at + 10
        pump.advance(0.01)
        assert law_of(pump) == ("volume", "")
    assert zones or head == "sinus"


@pytest.mark.rule("R2")
@heads
def test_a_cut_leaves_the_believed_position_ahead_of_the_true_one(head: str) -> None:
    dice = random.Random(head)
    for _ in range(10):
        pump = started(head, dice.choice(RATES_HZ))
        pump.advance(dice.uniform(0.1, 150.0))
        brought, begun = pump.brought(), pump.begun[1]
        booted = UnitPump(pump.image())
        assert booted.pump.book.position_steps - begun >= brought


@pytest.mark.rule("R2")
@pytest.mark.parametrize("head", ["dip35", "sinus"])
def test_a_cut_at_every_flash_operation_leaves_the_believed_position_ahead(head: str) -> None:
    """Leases, a bolus, a stop in the middle, another start: at each operation, half done or not begun."""
    pump = started(head, 27.7)
    image = pump.image()
    pump.board.chip.record(pump.brought)
    pump.advance(70)
    pump.order(20_000, 3_600_000)
    pump.advance(33)
    pump.call("stop")
    pump.law.set_phase(0)
    pump.call("start")
    pump.advance(10)
    log, pump.board.chip.log = pump.board.chip.log, None
    cuts = 0
    for _number, _torn, cut_image, brought in images_at_each_operation(image, log):
        booted = UnitPump(cut_image)
        assert booted.pump.book.position_steps - pump.begun[1] >= brought
        cuts += 1
    assert cuts > 60


# --- which law -------------------------------------------------------------------------------------------------------


def test_without_a_table_there_is_no_law_and_no_path() -> None:
    pump = UnitPump.running(constant(rate_nl(27.0)))
    pump.advance(10)
    motion = pump.pump.delivery.motion
    assert (motion.law, motion.path) == (None, None)
    assert pump.call("status")["law_cause"] == "no_table"
    assert pump.records("law") == []


def words_of(pump: UnitPump, seconds: float) -> list[tuple[int, int]]:
    """Return every item that the generator gets."""
    queue, items = pump.board.stepper.queue, []

    def noting(steps: int, duration_us: int) -> None:
        items.append((steps, duration_us))
        queue(steps, duration_us)

    pump.board.stepper.queue = noting
    pump.call("start")
    pump.advance(seconds)
    return items


@pytest.mark.parametrize("rate_hz", [0.55, 27.7, 1_000.0])
def test_by_angle_the_generator_gets_the_items_of_a_pump_without_a_table(rate_hz: float) -> None:
    plain = UnitPump.ready(constant(rate_nl(rate_hz)))
    turned = TurnedPump.turned(sinus(), constant(rate_nl(rate_hz)), None)
    assert words_of(turned, 150) == words_of(plain, 150)
    assert law_of(turned) == ("angle", "phase_power")
    assert "by_angle" in turned.alarms()


def test_a_span_that_needs_more_than_the_pace_gives_is_by_angle_from_its_first_lease() -> None:
    pump = started("dip20", 721.0)
    pump.advance(0.01)
    assert law_of(pump) == ("angle", "rate")
    pump.advance(10)
    assert pump.law_records() == [("angle", "rate")]
    assert pump.motor_steps() == pump.delivered_steps()
    assert started("dip20", 719.0).law_records() == [("volume", "")]


@heads
def test_a_bolus_that_needs_more_changes_the_law_before_it_begins_and_back_after_it(head: str) -> None:
    pump = started(head, 27.7)
    pump.advance(41.3)
    before = pump.pump.delivery.span.ordered_steps
    pump.order(300_000, rate_nl(800.0))
    pump.advance(200)
    assert pump.law_records() == [("volume", ""), ("angle", "rate"), ("volume", "")]
    records = pump.records("law")
    assert before <= records[1]["ordered_steps"] <= before + 7 * 28
    assert records[2]["ordered_steps"] - records[1]["ordered_steps"] >= 300_000 * 99_991 // 1_000_003
    assert "by_angle" not in pump.alarms()


def test_a_protocol_and_a_temporary_rate_are_judged_by_their_highest() -> None:
    pump = started("sinus", 27.7)
    pump.advance(10)
    pump.call("temporary.start", token=pump.token(), rate_nl=rate_nl(750.0), numerator=0, denominator=0, duration_s=600)
    pump.advance(20)
    assert law_of(pump) == ("angle", "rate")
    pump.advance(700)
    assert law_of(pump) == ("volume", "")


# --- the phase -------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R12")
def test_the_phase_is_lost_when_the_enables_may_have_turned_the_rotor_by_10_degrees() -> None:
    """Four full steps are 7.2 degrees: one start holds, the second does not."""
    pump = started("sinus", 27.7)
    pump.advance(5)
    assert law_of(pump) == ("volume", "")
    pump.call("stop")
    pump.call("start")
    pump.advance(5)
    assert law_of(pump) == ("angle", "phase_enables")
    assert pump.call("status")["law_cause"] == "phase_enables"
    assert "by_angle" in pump.alarms()


@pytest.mark.rule("R6")
@pytest.mark.parametrize(("by", "cause"), [("guard", "phase_fault"), ("supply", "phase_supply")])
def test_safe_state_and_low_supply_lose_the_phase(by: str, cause: str) -> None:
    pump = started("sinus", 27.7)
    pump.advance(5)
    if by == "guard":
        pump.board.guard.trip()
    else:
        pump.board.supply.now_mv = 5_000
    pump.advance(1)
    assert pump.law.no_phase == cause
    if by == "supply":
        (record,) = pump.records("supply_low")
        assert record["position_steps"] == pump.delivered_steps()
        assert 0 <= record["uncertain_steps"] <= 60


@pytest.mark.rule("R6")
def test_a_supply_that_fails_while_the_pump_is_stopped_loses_the_phase_too() -> None:
    pump = TurnedPump.turned(sinus())
    assert law_of(pump) == ("volume", "")
    pump.board.supply.now_mv = 0
    pump.advance(6)
    pump.board.supply.now_mv = 12_000
    assert law_of(pump) == ("angle", "phase_supply")
    assert pump.alarms() == []


def test_the_warning_is_silent_and_ends_with_the_table_or_the_next_lease_by_volume() -> None:
    pump = started("sinus", 27.7, None)
    pump.advance(2)
    assert "by_angle" in pump.alarms()
    assert pump.board.buzzer.pattern == "off"
    pump.law.set_phase(0)
    pump.advance(62)
    assert pump.alarms() == []


@pytest.mark.rule("R9")
def test_a_change_of_the_law_is_journaled_before_the_lease_that_it_is_for() -> None:
    pump = started("dip35", 27.7)
    pump.advance(30)
    files, seen = pump.pump.delivery.leases.files, []
    write = files.write

    def noting(record: object) -> None:
        seen.append((pump.law.cause, pump.pump.journal.rings["events"].next_sequence))
        write(record)

    files.write = noting
    pump.law.lose_phase("phase_fault")
    pump.advance(100)
    changed = [record.sequence for record in pump.journal() if record.name == "law"][-1]
    assert [cause for cause, _ in seen[:1]] == ["phase_fault"]
    assert seen[0][1] > changed


# --- limits of hardware ------------------------------------------------------------------------------------------------


@pytest.mark.rule("R2")
@heads
def test_the_guard_is_allowed_the_motor_steps_of_the_lease(head: str) -> None:
    pump = started(head, 27.7)
    seen = []

    def look() -> None:
        span, motion = pump.pump.delivery.span, pump.pump.delivery.motion
        if span is not None and span.planned_s:
            seen.append(pump.board.guard.allowance_steps + motion._guard_base - motion.path.motor(span.leased_steps))

    for zero_steps in range(0, 3_200, 640):
        pump.each_turn(50, look)
        pump.call("stop")
        pump.law.set_phase(zero_steps)
        pump.call("start")
        pump.advance(0.01)
    assert set(seen) == {0}


@pytest.mark.rule("R2")
@heads
def test_flash_books_what_the_step_too_far_can_bring(head: str) -> None:
    pump = started(head, 27.7)
    seen = set()

    def look() -> None:
        span = pump.pump.delivery.span
        if span is not None and span.planned_s:
            record = pump.on_flash()
            over = pump.pump.delivery.motion.path.delivered(pump.pump.delivery.motion.path.motor(span.leased_steps) + 1)
            assert span.leased_steps < over <= record.leased_steps
            seen.add(record.leased_steps - span.leased_steps)

    pump.each_turn(100, look)
    assert seen == {pump.law.table.dearest}


@pytest.mark.rule("R3")
@pytest.mark.parametrize("wait_s", [1.3, 3.9, 6.1, 8.8])
@heads
def test_a_change_of_the_law_in_a_crossing_reports_what_was_made(head: str, wait_s: float) -> None:
    """What the queue still holds was laid by the table before: it tells what that brings, up to its last step, and never falls."""
    pump = started(head, 277.0)
    pump.advance(0.01)
    motion, told = pump.pump.delivery.motion, []
    by_volume = motion.path

    def look() -> None:
        told.append(motion.delivered_steps())
        if pump.motor_steps() <= by_volume.motor_steps():
            assert pump.brought() <= told[-1] - pump.begun[1] <= pump.brought() + 1 + pump.law.table.dearest

    pump.each_turn(wait_s, look)
    pump.law.lose_phase("phase_fault")
    for _ in range(700):
        pump.each_turn(0.1, look)
        look()
    assert told == sorted(told)
    assert law_of(pump) == ("angle", "phase_fault")


@pytest.mark.rule("R4")
@heads
def test_changes_of_the_law_lose_nothing(head: str) -> None:
    """Whatever the motor is late at a change, it makes up by the next law, to a grain."""
    pump = started(head, 277.0)
    motion = pump.pump.delivery.motion
    for number in range(8):
        before, due, dose = motion.path, 0, 0
        pump.law.no_phase = "" if pump.law.no_phase else "phase_fault"
        while motion.path is before:
            due, dose = before.due(), before.dose_steps
            pump.advance(0.3)
        if before.dose_steps == dose:  # else the last slice was laid in between
            assert before.due() == due
        laid, made = motion.path.dose_steps - before.dose_steps, motion.path.motor_steps() - before.motor_steps()
        by_law = motion.path.rotor
        at = before.motor_steps() - motion.path.zero_steps
        assert before.due() + laid * PARTS == by_law.paid(at + made) - by_law.paid(at) + motion.path.due()
        pump.advance(7.7 * number)
