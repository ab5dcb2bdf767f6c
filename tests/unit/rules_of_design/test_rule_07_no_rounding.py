"""R7: nothing is rounded up, clamped or defaulted; what is impossible is refused with the nearest value."""

from fractions import Fraction

import pytest

from pumpcore.motion.dose import Calibration
from support.programs import constant
from support.pump.running import BENCH, UnitPump, bench_with
from support.replies import fault_of
from thecal.checks.dose import Bolus
from thecal.errors import BadInput
from thecal.quantities.typed import parse

pytestmark = pytest.mark.rule("R7")
STEPS, VOLUME_NL = BENCH["calibration"]["steps"], BENCH["calibration"]["volume_nl"]
RATE_NL = BENCH["ceilings"]["rate_nl"]


def test_a_rate_above_the_ceiling_is_refused_with_the_nearest() -> None:
    pump = UnitPump.ready(constant(1_000), bench=bench_with(rate_nl=600_000_000))
    reply = pump.judge(constant(600_000_001))
    assert fault_of(reply) == "rate_above_ceiling"
    nearest_nl = reply["error"]["data"]["nearest_nl"]
    assert "result" in pump.judge(constant(nearest_nl))
    assert "error" in pump.judge(constant(nearest_nl + 1))


def test_a_rate_above_the_motor_is_refused_with_the_nearest() -> None:
    wide = 10**12
    bench = bench_with(rate_nl=wide, hour_nl=wide, day_nl=24 * wide) | {"motor": BENCH["motor"] | {"max_rate_hz": 1_000}}
    pump = UnitPump.ready(constant(1_000), bench=bench)
    reply = pump.judge(constant(50_000_000))
    assert fault_of(reply) == "rate_above_motor"
    nearest_nl = reply["error"]["data"]["nearest_nl"]
    assert "result" in pump.judge(constant(nearest_nl))
    assert "error" in pump.judge(constant(nearest_nl + 1))


@pytest.mark.parametrize("volume_nl", [60_000, 60_001, 60_009, 123_457])
def test_a_bolus_is_the_whole_steps_that_do_not_exceed_it(volume_nl: int) -> None:
    pump = UnitPump.running(constant(0))
    pump.order(volume_nl, 3_999_983)
    pump.advance(200)
    exact = Fraction(volume_nl * STEPS, VOLUME_NL)
    assert exact - 1 < pump.plant_steps() <= exact


def test_volumes_become_steps_rounded_down() -> None:
    pair = Calibration(VOLUME_NL, STEPS)
    for volume_nl in range(1, 400):
        assert pair.steps_for_nl(volume_nl) == int(Fraction(volume_nl * STEPS, VOLUME_NL))
        assert pair.nl_for_steps(pair.steps_for_nl(volume_nl)) <= volume_nl


def test_basal_and_bolus_together_above_the_maximum_are_refused_when_ordered() -> None:
    pump = UnitPump.running(constant(500_000_000))
    token = pump.token()
    reply = pump.ask("bolus.start", token=token, volume_nl=2_000_000, rate_nl=RATE_NL - 500_000_000 + 1)
    assert fault_of(reply) == "rate_above_ceiling"
    assert reply["error"]["data"]["nearest_nl"] == RATE_NL - 500_000_000
    again = pump.ask("bolus.start", token=token, volume_nl=2_000_000, rate_nl=RATE_NL - 500_000_000)
    assert "result" in again


@pytest.mark.parametrize(("volume_nl", "rate_nl", "fault"), [(9, 1_000, "bolus_too_small"), (60_000, 36_000_000, "bolus_too_short")])
def test_a_bolus_that_the_pump_can_not_make_is_refused(volume_nl: int, rate_nl: int, fault: str) -> None:
    pump = UnitPump.running(constant(0))
    token = pump.token()
    assert pump.fault("bolus.start", token=token, volume_nl=volume_nl, rate_nl=rate_nl) == fault


def test_the_host_does_not_read_a_decimal_comma_as_anything() -> None:
    for text in ("1,5 mL/h", "1,500 mL/h"):
        with pytest.raises(BadInput, match="comma"):
            parse(text)


def test_the_host_does_not_round_a_bolus() -> None:
    active = constant(36_000_000)
    assert Bolus(active, "0.000005 mL", "6 mL/h").volume_nl == 5
    with pytest.raises(BadInput, match="not a whole number") as error:
        Bolus(active, "0.0000055 mL", "6 mL/h")
    assert "nearest: 5 nL and 6 nL" in error.value.do
