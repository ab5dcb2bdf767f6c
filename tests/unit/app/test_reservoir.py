"""The reservoir: never more is left than reported, low blocks boluses, empty stops the pump, and a refill is reconciled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.fluid import reservoir
from pumpcore.fluid.reservoir import Reservoir
from pumpcore.motion.dose import Calibration
from support.programs import constant, resuming, with_settings
from support.pump.calibrations import put
from support.pump.running import BENCH, Watched, power_cut, ready, running
from support.replies import refusal_of

PAIR = Calibration(BENCH["calibration"]["volume_nl"], BENCH["calibration"]["steps"])
SETTINGS = {"capacity_nl": 20_000_000, "low_nl": 2_000_000, "empty_nl": 500_000, "tolerance_permille": 50, "tolerance_nl": 100_000}
RATE = 3_600_000  # 1 ul a second, 100 steps


def watching(rate_nl: int = RATE) -> Watched:
    """Return a stopped pump whose program watches its reservoir."""
    return ready(resuming(with_settings(constant(rate_nl), **SETTINGS)))


def refill(pump: Watched, measured_nl: int, filled_nl: int) -> dict:
    token = pump.token()
    return pump.ask("reservoir.refill", token=token, measured_nl=measured_nl, filled_nl=filled_nl)


def filled(filled_nl: int, rate_nl: int = RATE) -> Watched:
    """Return a pump that runs with this much in the reservoir."""
    pump = watching(rate_nl)
    assert refill(pump, 0, filled_nl)["result"]["blocks"] == 0
    pump.call("start")
    pump.advance(0.001)
    return pump


def left(pump: Watched) -> dict:
    return pump.call("status")["therapy"]["reservoir"]


# --- arithmetic ---------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R7")
@given(st.integers(0, 1 << 40), st.integers(1, 1 << 48), st.integers(0, 1 << 48), st.integers(0, 1 << 40))
def test_the_last_position_with_enough_is_exact(position: int, base_nl: int, wanted_nl: int, uncertain: int) -> None:
    tank = Reservoir()
    tank.position_steps, tank.base_nl, tank.volume_nl, tank.steps = position, base_nl, PAIR.volume_nl, PAIR.steps
    at = tank.position_at(wanted_nl)
    if wanted_nl <= base_nl:
        assert tank.left_nl(at) >= wanted_nl
        assert wanted_nl == 0 or tank.left_nl(at + 1) < wanted_nl
    assert reservoir.unpack(tank.pack()).__dict__ == {**{name: getattr(tank, name) for name in reservoir.FIELDS}}
    tank.move(at, uncertain, Calibration(7, 3))
    assert tank.left_nl(at) == max(0, base_nl - -(-(at - position) * PAIR.volume_nl // PAIR.steps))


@pytest.mark.parametrize("image", [b"", b"x", Reservoir().pack()[:-1], bytes(len(Reservoir().pack()))])
def test_what_is_no_reservoir_is_not_read(image: bytes) -> None:
    with pytest.raises(ValueError, match="reservoir"):
        reservoir.unpack(image)


# --- running out --------------------------------------------------------------------------------------------------------------


def test_left_is_what_was_filled_less_what_was_delivered() -> None:
    pump = filled(10_000_000)
    pump.advance(600)
    gone_nl = -(-pump.plant_steps() * PAIR.volume_nl // PAIR.steps)
    told = left(pump)
    assert (told["left_nl"], told["spread_nl"], told["delivered_nl"]) == (10_000_000 - gone_nl, 0, gone_nl)


@pytest.mark.rule("R5")
def test_low_refuses_boluses_and_keeps_the_basal() -> None:
    pump = filled(2_200_000)
    pump.order(60_000, 3_600_000)
    pump.advance(300)
    assert pump.alarms() == ["reservoir_low"]
    token = pump.token()
    told = pump.refusal("bolus.start", token=token, volume_nl=1000, rate_nl=180_000)
    assert (told["fault"], told["rule"], told["limit_nl"]) == ("reservoir_is_low", "R5", 2_000_000)
    before = pump.plant_steps()
    pump.advance(60)
    assert pump.plant_steps() - before in range(5990, 6010) and pump.state() == "running"
    assert [row["count"] for row in pump.records("alarm", ring="faults") if row["fault"] == 625] == [1]


@pytest.mark.rule("R5")
def test_empty_stops_with_an_alarm_before_the_mark_is_passed() -> None:
    pump = filled(1_000_000)
    pump.advance(1200)
    assert pump.state() == "alarm" and "reservoir_empty" in pump.alarms() and not pump.board.stepper.enabled
    delivered_nl = PAIR.nl_for_steps(pump.plant_steps())
    assert 500_000 - 70_000 <= delivered_nl <= 500_000
    assert left(pump)["left_nl"] >= 500_000
    pump.call("ack", fault=660)  # a lease's worth above the mark
    pump.call("start")
    pump.advance(60)
    assert pump.state() == "alarm"


def test_an_empty_reservoir_stays_an_alarm_until_it_is_refilled() -> None:
    pump = filled(1_000_000, 36_000)
    pump.pump.setup.tank.base_nl = 500_000  # exactly empty
    pump.pump.delivery.watch_tank()
    pump.advance(120)
    assert pump.refusal("ack", fault=660)["fault"] == "alarm_stays"
    assert refill(pump, 500_000, 5_000_000)["result"]["blocks"] == 0
    pump.call("ack", fault=660)
    pump.call("start")
    pump.advance(10)
    assert pump.state() == "running"


@pytest.mark.rule("R5")
def test_a_bolus_that_the_reservoir_does_not_hold_is_refused_with_what_it_holds() -> None:
    pump = filled(3_000_000, 36_000)
    token = pump.token()
    told = pump.refusal("bolus.start", token=token, volume_nl=2_600_000, rate_nl=36_000_000)
    assert told["fault"] == "reservoir_holds_less" and 2_490_000 < told["nearest_nl"] <= 2_500_000
    assert "result" in pump.ask("bolus.start", token=token, volume_nl=told["nearest_nl"] - 1000, rate_nl=36_000_000)


@pytest.mark.rule("R2")
@pytest.mark.rule("R5")
def test_after_a_cut_uncertain_steps_count_as_gone_and_widen_what_may_be_there() -> None:
    pump = filled(10_000_000)
    pump.advance(601)
    made_nl = -(-pump.plant_steps() * PAIR.volume_nl // PAIR.steps)
    again = power_cut(pump, 3)
    again.advance(0.1)
    told = left(again)
    assert told["left_nl"] <= 10_000_000 - made_nl <= told["left_nl"] + told["spread_nl"]
    assert told["spread_nl"] > 0


# --- refill -------------------------------------------------------------------------------------------------------------------


def test_a_pump_that_was_never_told_does_not_start() -> None:
    pump = watching()
    assert pump.fault("start") == "refill_unknown" and left(pump)["left_nl"] is None
    refill(pump, 0, 5_000_000)
    pump.call("start")


@pytest.mark.rule("R7")
def test_more_than_the_capacity_is_refused_with_what_fits() -> None:
    told = refusal_of(refill(watching(), 1_000_000, 19_000_001))
    assert (told["fault"], told["asked_nl"], told["limit_nl"], told["nearest_nl"]) == ("refill_volume", 20_000_001, 20_000_000, 19_000_000)


def stopped_after(duration_s: float) -> tuple[Watched, int]:
    """Return a pump that ran for so long from 10 mL and was stopped, and the volume it expects to be left."""
    pump = filled(10_000_000)
    pump.advance(duration_s)
    pump.call("stop")
    return pump, left(pump)["left_nl"]


@pytest.mark.rule("R5")
@pytest.mark.parametrize("by", [-1, 1])
def test_a_residual_is_judged_to_the_nanolitre(by: int) -> None:
    pump, expected = stopped_after(1800)
    tolerance_nl = 100_000 + left(pump)["delivered_nl"] * 50 // 1000
    inside = refill(pump, expected + by * tolerance_nl, 1_000_000)["result"]
    assert (inside["expected_nl"], inside["blocks"]) == (expected, 0)
    pump, expected = stopped_after(1800)
    assert refill(pump, expected + by * (tolerance_nl + 1), 1_000_000)["result"]["blocks"] == 1


@pytest.mark.rule("R5")
def test_out_of_tolerance_blocks_the_next_start_until_somebody_says_why_also_after_a_cut() -> None:
    pump, expected = stopped_after(1800)
    refill(pump, expected - 500_000, 4_000_000)
    assert pump.fault("start") == "refill_blocks" and "refill_tolerance" in pump.alarms()
    again = power_cut(pump, 3)
    again.advance(0.1)
    assert again.fault("start") == "refill_blocks" and "refill_tolerance" in again.alarms()
    again.call("ack", fault=626)
    assert again.fault("start") == "refill_blocks"
    assert again.fault("reservoir.acknowledge", reason="") == "bad_params"
    again.call("reservoir.acknowledge", reason="spilt a drop: µ")
    (row,) = again.records("refill_acknowledged")
    assert row["reason"].rstrip(b"\0").decode() == "spilt a drop: µ"
    assert again.fault("reservoir.acknowledge", reason="again") == "no_refill_blocks"
    again.call("start")
    again.advance(5)
    assert again.state() == "running"


@pytest.mark.rule("R5")
def test_a_refill_that_blocks_also_blocks_a_resume() -> None:
    pump = filled(10_000_000)
    pump.advance(300)
    refill(pump, 1_000_000, 4_000_000)
    again = power_cut(pump, 3)
    again.advance(120)
    assert again.state() == "stopped" and "not_resumed" in again.alarms()


@pytest.mark.rule("R8")
def test_a_refill_counts_once_however_often_it_is_sent() -> None:
    pump, expected = stopped_after(600)
    token = pump.token()
    first = pump.call("reservoir.refill", token=token, measured_nl=expected, filled_nl=3_000_000)
    assert pump.call("reservoir.refill", token=token, measured_nl=expected, filled_nl=3_000_000) == first
    assert pump.fault("reservoir.refill", token=token, measured_nl=expected, filled_nl=3_000_001) == "token_used"
    assert left(pump)["left_nl"] == expected + 3_000_000 and len(pump.records("refilled")) == 2
    again = power_cut(pump, 3)
    again.advance(0.1)
    assert again.call("reservoir.refill", token=token, measured_nl=expected, filled_nl=3_000_000) == first
    assert left(again)["left_nl"] == expected + 3_000_000


def test_the_journal_tells_what_was_expected_and_what_was_there() -> None:
    pump, expected = stopped_after(600)
    delivered_nl = left(pump)["delivered_nl"]
    refill(pump, expected + 5, 3_000_000)
    told = pump.records("refilled")[-1]
    del told["token"]
    assert told == {
        "expected_nl": expected, "uncertain_nl": 0, "measured_nl": expected + 5, "filled_nl": 3_000_000, "delivered_nl": delivered_nl,
        "blocks": 0,
    }  # fmt: skip


def test_a_program_without_a_reservoir_watches_none() -> None:
    pump = running(with_settings(constant(RATE), bolus_max_nl=1_000_000))
    assert refusal_of(refill(pump, 0, 1))["fault"] == "no_reservoir" and left(pump) is None
    pump.order(60_000, 3_600_000)


def test_another_calibration_counts_from_where_it_was_set() -> None:
    pump, expected = stopped_after(600)
    pump.pump.setup.calibration = Calibration(2 * PAIR.volume_nl, PAIR.steps)
    assert left(pump)["left_nl"] == expected
    pump.call("start")
    pump.advance(0.001)
    before = pump.plant_steps()
    pump.advance(60)
    gone_nl = -(-(pump.plant_steps() - before) * 2 * PAIR.volume_nl // PAIR.steps)
    assert abs(left(pump)["left_nl"] - (expected - gone_nl)) <= 41


def test_a_damaged_image_is_an_alarm_that_a_refill_ends() -> None:
    pump, expected = stopped_after(60)
    for letter in "ab":
        path = f"/store/reservoir.{letter}"
        if pump.board.flash.exists(path):
            pump.board.flash.write(path, b"damaged")
    again = power_cut(pump, 3)
    again.advance(0.1)
    assert "reservoir_damaged" in again.alarms() and again.fault("start") == "alarm_active"
    refill(again, expected, 1_000_000)
    again.call("start")
    again.advance(5)
    assert again.state() == "running"


@pytest.mark.rule("R7")
@pytest.mark.parametrize("off", [False, True])
def test_what_a_program_that_does_not_watch_delivers_is_counted_by_the_calibration_that_counted_then(off: bool) -> None:
    """Each calibration fixes the volume left when it is set, even if nobody reads it before the next one."""
    pump = filled(10_000_000)
    pump.advance(600)
    pump.call("stop")
    before_nl = left(pump)["left_nl"]
    put(pump, volume_nl=1_100_000, steps=100_003)
    pump.upload(constant(RATE + 1))
    pump.call("start")
    pump.advance(1000)
    made = pump.call("stop")["delivered_steps"]
    made -= (10_000_000 - before_nl) * PAIR.steps // PAIR.volume_nl
    pump.call("calibration.set", calibration="")
    if off:
        pump = power_cut(pump, 5)
        pump.advance(0.1)
    pump.upload(with_settings(constant(RATE), **SETTINGS))
    pump.call("start")
    pump.advance(0.001)
    assert abs(left(pump)["left_nl"] - (before_nl - made * 1_100_000 // 100_003)) <= 20
