"""One test per rule of the bench schema: what is refused, in which words, and what is accepted."""

import json

import pytest

from pumpcore.bench.bench import DRIVERS, HIGHEST_HZ, Bench, BenchError, is_i2c_pair, parse
from support.pump.bench_tables import ABSENT, COILS, SIM, STEP_DIR, changed

CLOCKED = changed(STEP_DIR, {"clock_chip": True, "pins.clock_sda": 20, "pins.clock_scl": 21})

SUPPLY = {"motor.supply_full_scale_mv": 16_170, "motor.supply_low_mv": 10_000}
REFUSED = {
    "top key": (SIM, {"wires": {}}, "wires is not a key of a bench"),
    "no name": (SIM, {"name": ABSENT}, "name must be a text of 1 to 40 characters"),
    "name long": (SIM, {"name": "n" * 41}, "name must be a text of 1 to 40 characters"),
    "name empty": (SIM, {"name": ""}, "name must be a text of 1 to 40 characters"),
    "target": (SIM, {"target": "emu"}, "target must be one of sim, rp2"),
    "clock chip": (SIM, {"clock_chip": 1}, "clock_chip must be true or false"),
    "no ceilings": (SIM, {"ceilings": ABSENT}, "[ceilings] is missing"),
    "ceiling unknown": (SIM, {"ceilings.minute_nl": 1}, "ceilings.minute_nl is not a key of this bench"),
    "ceiling zero": (SIM, {"ceilings.hour_nl": 0}, "ceilings.hour_nl must be a whole number from 1 to"),
    "ceiling of 49 bits": (SIM, {"ceilings.day_nl": (1 << 48) + 1}, "ceilings.day_nl must be a whole number from 1 to"),
    "ceiling true": (SIM, {"ceilings.rate_nl": True}, "ceilings.rate_nl must be a whole number"),
    "ceiling with a point": (SIM, {"ceilings.rate_seconds_s": 3600.0}, "ceilings.rate_seconds_s must be a whole number"),
    "no motor": (SIM, {"motor": ABSENT}, "[motor] is missing"),
    "motor unknown": (SIM, {"motor.gear": 5}, "motor.gear is not a key of this bench"),
    "driver": (SIM, {"motor.driver": "uln2003"}, "motor.driver must be one of sim, tmc2209, drv8825, a4988, drv8833, l298n"),
    "driver list": (SIM, {"motor.driver": ["sim"]}, "motor.driver must be one of sim"),
    "sim driver on a pico": (STEP_DIR, {"motor.driver": "sim"}, 'motor.driver "sim" and target "sim" go together'),
    "real driver in the simulator": (STEP_DIR, {"target": "sim"}, 'motor.driver "sim" and target "sim" go together'),
    "rate sim": (SIM, {"motor.max_rate_hz": 200_001}, "motor.max_rate_hz must be a whole number from 1 to 200000"),
    "rate step": (STEP_DIR, {"motor.max_rate_hz": 25_001}, "motor.max_rate_hz must be a whole number from 1 to 25000"),
    "rate coils": (COILS, {"motor.max_rate_hz": 2_001}, "motor.max_rate_hz must be a whole number from 1 to 2000"),
    "rate zero": (STEP_DIR, {"motor.max_rate_hz": 0}, "motor.max_rate_hz must be a whole number"),
    "microsteps sim": (SIM, {"motor.microsteps": 257}, "motor.microsteps must be a whole number from 1 to 256"),
    "microsteps tmc2209": (STEP_DIR, {"motor.microsteps": 4}, "motor.microsteps of a tmc2209 must be one of 8, 16, 32, 64"),
    "microsteps drv8825": (
        STEP_DIR,
        {"motor.driver": "drv8825", "motor.microsteps": 64},
        "motor.microsteps of a drv8825 must be one of 1, 2, 4, 8, 16, 32",
    ),
    "microsteps a4988": (
        STEP_DIR,
        {"motor.driver": "a4988", "motor.microsteps": 32},
        "motor.microsteps of a a4988 must be one of 1, 2, 4, 8, 16",
    ),
    "microsteps coils": (COILS, {"motor.microsteps": 16}, "motor.microsteps of a drv8833 must be one of 1, 2"),
    "microsteps interleave": (COILS, {"motor.microsteps": 1}, "motor.microsteps must be 2 for the coil style interleave"),
    "microsteps double": (COILS, {"motor.coil_style": "double"}, "motor.microsteps must be 1 for the coil style double"),
    "microsteps single": (COILS, {"motor.coil_style": "single"}, "motor.microsteps must be 1 for the coil style single"),
    "no coil style": (COILS, {"motor.coil_style": ABSENT}, "motor.coil_style must be one of single, double, interleave"),
    "coil style micro": (COILS, {"motor.coil_style": "microstep"}, "motor.coil_style must be one of single, double, interleave"),
    "coil style with step": (STEP_DIR, {"motor.coil_style": "double"}, "motor.coil_style belongs to coil drivers only"),
    "coil style in the simulator": (SIM, {"motor.coil_style": "double"}, "motor.coil_style belongs to coil drivers only"),
    "no direction": (STEP_DIR, {"motor.direction": ABSENT}, "motor.direction must be one of forward, reverse"),
    "no direction, coils": (COILS, {"motor.direction": ABSENT}, "motor.direction must be one of forward, reverse"),
    "direction": (SIM, {"motor.direction": "left"}, "motor.direction must be one of forward, reverse"),
    "ramp without start": (STEP_DIR, {"motor.acceleration_hz_per_s": 8_000}, "motor.start_rate_hz must be a whole number"),
    "ramp without slope": (STEP_DIR, {"motor.start_rate_hz": 800}, "motor.acceleration_hz_per_s must be a whole number"),
    "ramp above the top": (
        STEP_DIR,
        {"motor.max_rate_hz": 500, "motor.start_rate_hz": 501, "motor.acceleration_hz_per_s": 1},
        "motor.start_rate_hz must be a whole number from 1 to 500",
    ),
    "ramp too steep": (
        STEP_DIR,
        {"motor.start_rate_hz": 800, "motor.acceleration_hz_per_s": 1_000_001},
        "motor.acceleration_hz_per_s must be a whole number from 1 to 1000000",
    ),
    "no pins": (STEP_DIR, {"pins": ABSENT}, "[pins] is missing"),
    "pins in the simulator": (SIM, {"pins": {}}, "[pins]: a simulated rig has no pins"),
    "pin unknown": (STEP_DIR, {"pins.fan": 9}, "pins.fan is not a key of this bench"),
    "coil on step and dir": (STEP_DIR, {"pins.coil_a1": 9}, "pins.coil_a1 is not a key of this bench: it takes step, dir, enable"),
    "step on coils": (COILS, {"pins.step": 9}, "pins.step is not a key of this bench: it takes coil_a1"),
    **{f"no {name}": (STEP_DIR, {f"pins.{name}": ABSENT}, f"pins.{name} is missing: give it a GPIO") for name in STEP_DIR["pins"]},
    **{f"no {name}, coils": (COILS, {f"pins.{name}": ABSENT}, f"pins.{name} is missing: give it a GPIO") for name in COILS["pins"]},
    "pin -1": (STEP_DIR, {"pins.step": -1}, "pins.step must be a GPIO number from 0 to 28"),
    "pin 29": (STEP_DIR, {"pins.step": 29}, "pins.step must be a GPIO number from 0 to 28"),
    "pin true": (STEP_DIR, {"pins.step": True}, "pins.step must be a GPIO number from 0 to 28"),
    "pin text": (STEP_DIR, {"pins.step": "GP2"}, "pins.step must be a GPIO number from 0 to 28"),
    "pin 23": (STEP_DIR, {"pins.step": 23}, "pins.step: the Pico uses GPIO 23 inside for its power supply's mode: choose another"),
    "pin 24": (STEP_DIR, {"pins.buzzer": 24}, "pins.buzzer: the Pico uses GPIO 24 inside for its sense of USB power"),
    "pin 25": (STEP_DIR, {"pins.buzzer": 25}, "pins.buzzer: the Pico uses GPIO 25 inside for its LED"),
    "led 24": (STEP_DIR, {"pins.led": 24}, "pins.led: the Pico uses GPIO 24 inside"),
    "pin twice": (STEP_DIR, {"pins.stop_button": 2}, "pins.step and pins.stop_button are both GPIO 2: give each its own"),
    "optional pin twice": (STEP_DIR, {"pins.buzzer": 9, "pins.led": 9}, "pins.buzzer and pins.led are both GPIO 9"),
    "enable on an analogue pad": (STEP_DIR, {"pins.enable": 26}, "pins.enable must be 0 to 22"),
    "clock without pins": (STEP_DIR, {"clock_chip": True}, "pins.clock_sda is missing: a clock chip needs"),
    "clock without scl": (CLOCKED, {"pins.clock_scl": ABSENT}, "pins.clock_scl is missing: a clock chip needs"),
    "clock pins without clock": (CLOCKED, {"clock_chip": False}, "pins.clock_sda: clock_chip is false"),
    "clock pins swapped": (CLOCKED, {"pins.clock_sda": 21, "pins.clock_scl": 20}, "must be SDA and SCL of one I2C block"),
    "clock pins of two blocks": (CLOCKED, {"pins.clock_scl": 19}, "must be SDA and SCL of one I2C block"),
    "supply": (STEP_DIR, {"pins.motor_supply": 22}, "pins.motor_supply must be 26, 27 or 28: only these can measure"),
    "supply without numbers": (STEP_DIR, {"pins.motor_supply": 26}, "motor.supply_low_mv go together: give both or none"),
    "supply without a pin": (STEP_DIR, SUPPLY, "motor.supply_low_mv go together: give both or none"),
    "supply without a limit": (
        STEP_DIR,
        {"motor.supply_full_scale_mv": 16_170},
        "motor.supply_low_mv must be a whole number from 1000 to",
    ),
    "supply without a scale": (
        STEP_DIR,
        {"motor.supply_low_mv": 10_000},
        "motor.supply_full_scale_mv must be a whole number from",
    ),
    "supply beyond its scale": (
        SIM,
        SUPPLY | {"motor.supply_low_mv": 16_171},
        "motor.supply_low_mv must be a whole number from 1000 to",
    ),
    "supply high alone": (SIM, {"motor.supply_high_mv": 14_000}, "motor.supply_full_scale_mv must be a whole number from"),
    "supply high at the low one": (
        SIM,
        SUPPLY | {"motor.supply_high_mv": 10_000},
        "motor.supply_high_mv must be a whole number from 10001 to 16170, not 10000",
    ),
    "supply high beyond what is measured": (
        SIM,
        SUPPLY | {"motor.supply_high_mv": 16_171},
        "motor.supply_high_mv must be a whole number from 10001 to 16170, not 16171",
    ),
    "coils apart": (COILS, {"pins.coil_b2": 8}, "must be four GPIO numbers in a row"),
    "coils out of order": (COILS, {"pins.coil_b1": 5, "pins.coil_b2": 4}, "must be four GPIO numbers in a row, in this order"),
    "no calibration": (SIM, {"calibration": ABSENT}, "[calibration] is missing"),
    "calibration unknown": (SIM, {"calibration.date": "today"}, "calibration.date is not a key of this bench"),
    "calibration zero": (SIM, {"calibration.steps": 0}, "calibration.steps must be a whole number from 1 to 4294967295"),
    "calibration of 33 bits": (SIM, {"calibration.volume_nl": 1 << 32}, "calibration.volume_nl must be a whole number"),
    "calibration state": (SIM, {"calibration.state": "GOOD"}, "calibration.state must be one of CALIBRATED, UNCALIBRATED"),
}


@pytest.mark.parametrize(("table", "changes", "words"), REFUSED.values(), ids=REFUSED)
def test_a_bench_that_breaks_a_rule_is_refused_by_name(table: dict, changes: dict, words: str) -> None:
    Bench(table)
    with pytest.raises(BenchError) as caught:
        Bench(changed(table, changes))
    assert words in str(caught.value)


TAKEN = {
    "sim": (SIM, {}),
    "sim, reverse": (SIM, {"motor.direction": "reverse"}),
    "highest": (STEP_DIR, {"motor.max_rate_hz": 25_000}),
    "highest coils": (COILS, {"motor.max_rate_hz": 2_000}),
    "ramp from the top": (STEP_DIR, {"motor.start_rate_hz": 25_000, "motor.acceleration_hz_per_s": 1_000_000}),
    "led of the pico": (STEP_DIR, {"pins.led": 25}),
    "led elsewhere": (STEP_DIR, {"pins.led": 22}),
    "supply": (STEP_DIR, SUPPLY | {"pins.motor_supply": 28}),
    "supply of a simulated motor": (SIM, SUPPLY),
    "supply, highest limit": (STEP_DIR, SUPPLY | {"motor.supply_high_mv": 16_170, "pins.motor_supply": 28}),
    "supply, lowest limit": (SIM, SUPPLY | {"motor.supply_high_mv": 10_001}),
    "button on an analogue pad": (STEP_DIR, {"pins.bolus_button": 27}),
    "enable 22": (STEP_DIR, {"pins.enable": 22}),
    "pins 0 and 1": (STEP_DIR, {"pins.step": 0, "pins.dir": 1}),
    "clock": (CLOCKED, {}),
    "clock on block 1": (CLOCKED, {"pins.clock_sda": 26, "pins.clock_scl": 7}),
    "full steps": (COILS, {"motor.coil_style": "single", "motor.microsteps": 1}),
    "last coils": (COILS, {f"pins.coil_{name}": 19 + place for place, name in enumerate(("a1", "a2", "b1", "b2"))}),
    "calibrated": (SIM, {"calibration.state": "CALIBRATED"}),
}


@pytest.mark.parametrize(("table", "changes"), TAKEN.values(), ids=TAKEN)
def test_what_the_rules_allow_is_taken(table: dict, changes: dict) -> None:
    Bench(changed(table, changes))


@pytest.mark.rule("R6")
def test_the_level_at_which_the_enable_line_holds_the_motor_off_belongs_to_the_driver() -> None:
    levels = {}
    for driver in DRIVERS:
        table = {"sim": SIM, "drv8833": COILS, "l298n": COILS}.get(driver, STEP_DIR)
        levels[driver] = Bench(changed(table, {"motor.driver": driver})).disabled_level
    assert levels == {"sim": 1, "tmc2209": 1, "drv8825": 1, "a4988": 1, "drv8833": 0, "l298n": 0}


def test_the_attributes_are_what_the_table_says() -> None:
    ramp = {"motor.start_rate_hz": 400, "motor.acceleration_hz_per_s": 9_000, "motor.max_rate_hz": 1_700}
    coils = Bench(changed(COILS, ramp))
    assert (coils.target, coils.driver, coils.kind, coils.coil_style, coils.microsteps) == ("rp2", "drv8833", "coils", "interleave", 2)
    assert (coils.forward, coils.start_rate_hz, coils.acceleration_hz_per_s, coils.max_rate_hz) == (False, 400, 9_000, 1_700)
    assert coils.pins == COILS["pins"]
    stepper = Bench(STEP_DIR)
    assert (stepper.kind, stepper.coil_style, stepper.forward) == ("step_dir", "", True)
    assert (stepper.start_rate_hz, stepper.acceleration_hz_per_s) == (0, 0)
    simulated = Bench(SIM)
    assert (simulated.target, simulated.kind, simulated.pins, simulated.forward) == ("sim", "sim", {}, True)
    assert set(HIGHEST_HZ) == {simulated.kind, stepper.kind, coils.kind}


@pytest.mark.rule("R6")
def test_a_bench_without_an_upper_limit_has_none() -> None:
    assert (Bench(changed(SIM, SUPPLY)).supply_low_mv, Bench(changed(SIM, SUPPLY)).supply_high_mv) == (10_000, 0)
    assert Bench(changed(SIM, SUPPLY | {"motor.supply_high_mv": 14_000})).supply_high_mv == 14_000
    assert Bench(SIM).supply_high_mv == 0


def test_the_i2c_pairs_are_those_of_the_chip() -> None:
    """From the RP2040's function table: GPIO of SDA and SCL, block by block."""
    blocks = [((0, 4, 8, 12, 16, 20, 24, 28), (1, 5, 9, 13, 17, 21, 25, 29)), ((2, 6, 10, 14, 18, 22, 26), (3, 7, 11, 15, 19, 23, 27))]
    pairs = {(sda, scl) for sdas, scls in blocks for sda in sdas for scl in scls}
    assert {(sda, scl) for sda in range(30) for scl in range(30) if is_i2c_pair(sda, scl)} == pairs


@pytest.mark.parametrize(
    ("payload", "words"),
    [(b"", "not JSON"), (b"{", "not JSON"), (b"[]", "not an object"), (b"null", "not an object"), (b"\xff\xfe", "not JSON")],
)
def test_bytes_that_are_no_bench_are_refused(payload: bytes, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        parse(payload)


@pytest.mark.parametrize("table", [SIM, CLOCKED, COILS], ids=["sim", "step_dir", "coils"])
def test_the_pump_reads_from_json_what_was_written(table: dict) -> None:
    read, built = vars(parse(json.dumps(table).encode())), vars(Bench(table))
    assert read.pop("calibration").describe() == built.pop("calibration").describe()
    assert read == built
