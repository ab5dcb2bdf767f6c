"""The sensors that a bench may name: what the host refuses, in which words, what it accepts, and that a pump reads the rotor's alone."""

import json

import pytest

from pumpcore.bench import sensors
from pumpcore.bench.bench import Bench, BenchError, SensorUnsupported, parse
from pumpcore.faults import fault_texts
from support.pump.bench_tables import ABSENT, COILS, SENSED, SIM, STEP_DIR, changed
from thecal.deploy import bench_slot
from thecal.errors import BadInput

ROTOR = changed(
    SENSED,
    {f"sensors.{name}": ABSENT for name in ("pressure", "tube", "scale")}
    | {f"pins.{name}": ABSENT for name in ("tube_light", "tube_sensor", "scale_data", "scale_clock", "enable_sense")},
)
ALONE = {f"sensors.{name}": ABSENT for name in sensors.KEYS}
NO_PINS = {f"pins.{name}": ABSENT for name in sensors.PIN_NAMES}

REFUSED = {
    "not a table": (SENSED, {"sensors": 1}, "[sensors] is missing"),
    "unknown sensor": (
        SENSED,
        {"sensors.flow": {}},
        "sensors.flow is not a key of this bench: it takes bus_hz, rotor, pressure, tube, scale",
    ),
    "empty": (SENSED, ALONE | NO_PINS, "[sensors] is empty: leave it out"),
    "pins without sensors": (SENSED, {"sensors": ABSENT}, "pins.sensor_sda is the pin of a sensor: the bench has no [sensors]"),
    "sense without sensors": (STEP_DIR, {"pins.enable_sense": 5}, "pins.enable_sense is the pin of a sensor"),
    "no bus speed": (SENSED, {"sensors.bus_hz": ABSENT}, "sensors.bus_hz must be a whole number from 10000 to 400000, and is missing"),
    "bus too fast": (SENSED, {"sensors.bus_hz": 400_001}, "sensors.bus_hz must be a whole number from 10000 to 400000"),
    "bus for nobody": (
        SENSED,
        {"sensors.rotor": ABSENT, "sensors.pressure": ABSENT, "pins.sensor_sda": ABSENT, "pins.sensor_scl": ABSENT},
        "sensors.bus_hz: neither rotor nor pressure is on the bus",
    ),
    "one address twice": (SENSED, {"sensors.pressure.address": 0x36}, "sensors.pressure.address is the rotor's"),
    "rotor no table": (SENSED, {"sensors.rotor": 1}, "[sensors.rotor] is missing"),
    "rotor's slip": (
        SENSED,
        {"sensors.rotor.slip_permille": 30},
        "sensors.rotor.slip_permille is not a key of this bench: it takes chip, address, direction",
    ),
    "rotor's chip": (SENSED, {"sensors.rotor.chip": "as5048"}, "sensors.rotor.chip must be one of as5600"),
    "rotor's address": (SENSED, {"sensors.rotor.address": 0x37}, "sensors.rotor.address must be 54: an AS5600 has no other"),
    "rotor's address beyond": (SENSED, {"sensors.rotor.address": 0x78}, "sensors.rotor.address must be a whole number from 8 to 119"),
    "rotor's direction": (SENSED, {"sensors.rotor.direction": ABSENT}, "sensors.rotor.direction must be one of forward, reverse"),
    "pressure's chip": (SENSED, {"sensors.pressure.chip": "bmp"}, "sensors.pressure.chip must be one of mpr"),
    "pressure's address": (SENSED, {"sensors.pressure.address": 7}, "sensors.pressure.address must be a whole number from 8 to 119"),
    "pressure's scale": (SENSED, {"sensors.pressure.full_scale_pa": 0}, "sensors.pressure.full_scale_pa must be a whole number from 1 to"),
    "pressure's stop": (
        SENSED,
        {"sensors.pressure.stop_above_pa": 172_370},
        "sensors.pressure.stop_above_pa must be a whole number from 1 to 172369",
    ),
    "tube's chip": (SENSED, {"sensors.tube.chip": "ir"}, "sensors.tube.chip must be one of optical"),
    "tube's air": (SENSED, {"sensors.tube.air_above_mv": 3_301}, "sensors.tube.air_above_mv must be a whole number from 1 to 3300"),
    "tube's volume": (SENSED, {"sensors.tube.air_after_nl": 0}, "sensors.tube.air_after_nl must be a whole number from 1"),
    "scale's chip": (SENSED, {"sensors.scale.chip": "ads"}, "sensors.scale.chip must be one of hx711"),
    "scale's counts": (SENSED, {"sensors.scale.counts_per_g": -1}, "sensors.scale.counts_per_g must be a whole number from 0 to"),
    **{f"no {name}": (SENSED, {f"pins.{name}": ABSENT}, f"pins.{name} is missing: a sensor needs it") for name in sensors.PIN_NAMES[:-1]},
    **{f"{name} for nobody": (ROTOR, {f"pins.{name}": 28}, f"pins.{name}: no sensor uses it") for name in sensors.PIN_NAMES[2:-1]},
    "pin 29": (SENSED, {"pins.tube_light": 29}, "pins.tube_light must be a GPIO number from 0 to 28"),
    "pin 23": (SENSED, {"pins.scale_data": 23}, "pins.scale_data: the Pico uses GPIO 23 inside"),
    "pin twice": (SENSED, {"pins.scale_data": 2}, "pins.scale_data and pins.step are both GPIO 2"),
    "two sensors on a pin": (SENSED, {"pins.scale_data": 22}, "pins.scale_data and pins.tube_light are both GPIO 22"),
    "sense on a pin": (SENSED, {"pins.enable_sense": 4}, "pins.enable and pins.enable_sense are both GPIO 4"),
    "tube digital": (SENSED, {"pins.tube_sensor": 17}, "pins.tube_sensor must be 26, 27 or 28: only these can measure"),
    "bus crossed": (SENSED, {"pins.sensor_sda": 19, "pins.sensor_scl": 18}, "must be SDA and SCL of one I2C block"),
    "bus on two blocks": (SENSED, {"pins.sensor_scl": 17}, "must be SDA and SCL of one I2C block"),
    "the clock's block": (SENSED, {"pins.sensor_sda": 16, "pins.sensor_scl": 17}, "pins.sensor_sda is on the I2C block of the clock"),
    "the rest of the bench": (SENSED, {"motor.max_rate_hz": 0}, "motor.max_rate_hz must be a whole number"),
    "pins in the simulator": (SIM, {"sensors": SENSED["sensors"], "pins": {"tube_light": 3}}, "[pins]: a simulated rig has no pins"),
}


@pytest.mark.parametrize(("table", "changes", "words"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_sensor_is_refused_in_these_words(table: dict, changes: dict, words: str) -> None:
    sensors.read(table)
    with pytest.raises(BenchError) as caught:
        sensors.read(changed(table, changes))
    assert words in str(caught.value)


TAKEN = {
    "all": (SENSED, {}),
    "the rotor and enable_sense": (ROTOR, {"pins.enable_sense": 5}),
    "enable_sense alone": (SENSED, ALONE | NO_PINS | {"pins.enable_sense": 5}),
    "a simulated rig": (SIM, {"sensors": SENSED["sensors"]}),
}
READ = {
    "the rotor alone": (ROTOR, {}),
    "no clock, any block": (
        ROTOR,
        {"clock_chip": False, "pins.clock_sda": ABSENT, "pins.clock_scl": ABSENT, "pins.sensor_sda": 20, "pins.sensor_scl": 21},
    ),
    "a simulated rig": (SIM, {"sensors": ROTOR["sensors"]}),
    "coils": (COILS, {"sensors": ROTOR["sensors"], "pins.sensor_sda": 18, "pins.sensor_scl": 19}),
    "backwards": (ROTOR, {"sensors.rotor.direction": "reverse"}),
}


@pytest.mark.parametrize(("table", "changes"), TAKEN.values(), ids=TAKEN)
@pytest.mark.rule("R10")
def test_a_right_one_is_taken_by_the_host_and_refused_by_the_pump(table: dict, changes: dict) -> None:
    made = changed(table, changes)
    bench = sensors.read(made)
    assert not set(bench.pins) & set(sensors.PIN_NAMES)
    with pytest.raises(SensorUnsupported, match="reads the rotor's AS5600 alone"):
        parse(json.dumps(made).encode())
    assert not sensors.is_read(made)


@pytest.mark.parametrize(("table", "changes"), READ.values(), ids=READ)
def test_a_bench_with_the_rotors_sensor_alone_is_taken_by_both(table: dict, changes: dict) -> None:
    made = changed(table, changes)
    sensors.read(made)
    bench = parse(json.dumps(made).encode())
    assert bench.sensor_hz == 100_000
    assert bench.sensor_forward is (made["sensors"]["rotor"]["direction"] == "forward")
    assert sensors.is_read(made)


PUMP_REFUSES = {
    "address": ({"sensors.rotor.address": 0x37}, "sensors.rotor.address must be a whole number from 54 to 54"),
    "direction": ({"sensors.rotor.direction": 1}, "sensors.rotor.direction must be one of forward, reverse"),
    "speed": ({"sensors.bus_hz": 9_999}, "sensors.bus_hz must be a whole number from 10000"),
    "no pin": ({"pins.sensor_sda": ABSENT}, "pins.sensor_sda is missing"),
    "crossed": ({"pins.sensor_sda": 19, "pins.sensor_scl": 18}, "must be SDA and SCL of one I2C block"),
    "the clock's block": ({"pins.sensor_sda": 16, "pins.sensor_scl": 17}, "on the I2C block of the clock"),
    "pins without a sensor": ({"sensors": ABSENT}, "pins.sensor_sda is not a key of this bench"),
}


@pytest.mark.parametrize(("changes", "words"), PUMP_REFUSES.values(), ids=PUMP_REFUSES)
def test_a_wrong_rotor_sensor_is_refused_by_the_pump_too(changes: dict, words: str) -> None:
    with pytest.raises(BenchError) as caught:
        parse(json.dumps(changed(ROTOR, changes)).encode())
    assert words in str(caught.value) and not isinstance(caught.value, SensorUnsupported)


@pytest.mark.parametrize("table", [SIM, STEP_DIR, COILS], ids=["sim", "step_dir", "coils"])
def test_a_bench_without_sensors_is_the_same_for_both(table: dict) -> None:
    read, built = vars(sensors.read(table)), vars(Bench(table))
    assert read.pop("calibration").describe() == built.pop("calibration").describe()
    assert read == built and sensors.without(table) == table


@pytest.mark.rule("R6")
def test_a_bench_with_sensors_is_refused_before_anything_is_written_in_the_words_of_the_pump() -> None:
    text, do = fault_texts.told("sensor_unsupported")
    with pytest.raises(BadInput) as refused:
        bench_slot.require_for_board(SENSED)
    assert text in refused.value.cause and "sensor_unsupported" in refused.value.cause and refused.value.do == do
    with pytest.raises(BadInput, match="does not read"):
        bench_slot.require_for_board({**SENSED, "sensors": {}})
