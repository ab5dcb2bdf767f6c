"""Read and check a bench: the description of one rig (driver, pins, ceilings, nominal calibration) as the store holds it."""

import json

from pumpcore.motion.dose import CALIBRATED, UNCALIBRATED, Calibration
from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Json

# --- tables ------------------------------------------------------------------------------------------------------------------
# Checked reading of decoded tables. An error names the key as `table.key`.


class BenchError(ValueError):
    """A bench is incomplete or out of range. The text names the key."""


class SensorUnsupported(BenchError):
    """A bench names a sensor that this firmware does not read: it runs no such bench, so that nobody trusts a dead sensor."""


def _wrong(table: dict, name: str, wanted: str) -> BenchError:
    """Return the error for the key `name`: what the value must be, and what it is."""
    key = name.split(".")[-1]
    return BenchError("%s %s, %s" % (name, wanted, "not " + _shown(table[key]) if key in table else "and is missing"))


def _shown(value: "Json") -> str:
    """Return a value as text that is the same in both Pythons: CPython and MicroPython write floats and texts differently."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return "%d" % value if -(1 << 63) < value < 1 << 64 else "a number of more than 64 bits"
    if type(value) is str:
        return '"' + value[:40] + '"'
    return {float: "a number with a point", list: "a list", dict: "a table"}.get(type(value), "something else")


def integer(table: dict, name: str, low: int, high: int) -> int:
    """Return the whole number under the last part of `name`. Raises BenchError unless it is from `low` to `high`, both included."""
    value = table.get(name.split(".")[-1])
    if type(value) is not int or not low <= value <= high:
        raise _wrong(table, name, "must be a whole number from %d to %d" % (low, high))
    return value


def text(table: dict, name: str) -> str:
    """Return the text under the last part of `name`. Raises BenchError unless it has 1 to 40 characters."""
    value = table.get(name.split(".")[-1])
    if type(value) is not str or not 0 < len(value) <= 40:
        raise _wrong(table, name, "must be a text of 1 to 40 characters")
    return value


def one_of(table: dict, name: str, values: tuple[str, ...]) -> str:
    """Return the text under the last part of `name`. Raises BenchError unless it is one of `values`."""
    value = table.get(name.split(".")[-1])
    if type(value) is not str or value not in values:
        raise _wrong(table, name, "must be one of " + ", ".join(values))
    return value


def subtable(table: dict, key: str, keys: tuple[str, ...]) -> dict:
    """Return the table under `key`. Raises BenchError if it is missing, or holds another key than `keys`."""
    value = table.get(key)
    if type(value) is not dict:
        raise BenchError("[%s] is missing" % key)
    for name in value:
        if name not in keys:
            raise BenchError("%s.%s is not a key of this bench: it takes %s" % (key, name, ", ".join(keys)))
    return value


# --- pins --------------------------------------------------------------------------------------------------------------------
# Which pins a rig needs, and which GPIO of the Pico each may be.

COIL_NAMES = const(("coil_a1", "coil_a2", "coil_b1", "coil_b2"))
_STEP_NAMES = const(("step", "dir"))
_ALWAYS = const(("enable", "stop_button"))
_CLOCK = const(("clock_sda", "clock_scl"))
BUS_PINS = const(("sensor_sda", "sensor_scl"))
_OPTIONAL = const(("bolus_button", "buzzer", "led", "clock_sda", "clock_scl", "motor_supply"))

_LAST_GPIO = const(28)
_PICO_LED = const(25)
_INSIDE_THE_PICO = {23: "its power supply's mode", 24: "its sense of USB power", _PICO_LED: "its LED"}
ANALOGUE = const((26, 27, 28))


def read(bench: dict, kind: str, clock_chip: bool, sensor: bool = False) -> dict:
    """Return {pin name: GPIO number}, checked for a motor of this `kind` (STEP_DIR or COILS), with the bus of the rotor's `sensor` if it
    has one. Raises BenchError, which says what to change.
    """
    required = (COIL_NAMES + ("strobe",) if kind == COILS else _STEP_NAMES) + _ALWAYS + (BUS_PINS if sensor else ())
    pins = subtable(bench, "pins", required + _OPTIONAL)
    for name in required:
        if name not in pins:
            raise BenchError("pins.%s is missing: give it a GPIO number from 0 to %d" % (name, _LAST_GPIO))
    for name in pins:
        check_number(name, pins[name])
    check_numbers_differ(pins)
    if pins["enable"] in ANALOGUE:  # such a pad has a diode to the Pico's supply, and without that supply pulls the line to *enabled*
        raise BenchError("pins.enable must be 0 to 22: 26 to 28 load the line when the Pico has no power")
    _check_clock(pins, clock_chip)
    if sensor:
        check_bus([pins[name] for name in BUS_PINS], pins)
    if "motor_supply" in pins and pins["motor_supply"] not in ANALOGUE:
        raise BenchError("pins.motor_supply must be 26, 27 or 28: only these can measure")
    if kind == COILS:
        _check_coils(pins)
    return pins


def check_number(name: str, pin: int) -> None:
    """Raises BenchError unless the Pico lets a rig use this GPIO number for the pin `name`."""
    if type(pin) is not int or not 0 <= pin <= _LAST_GPIO:
        raise BenchError("pins.%s must be a GPIO number from 0 to %d" % (name, _LAST_GPIO))
    if pin in _INSIDE_THE_PICO and not (name == "led" and pin == _PICO_LED):
        raise BenchError("pins.%s: the Pico uses GPIO %d inside for %s: choose another" % (name, pin, _INSIDE_THE_PICO[pin]))


def check_numbers_differ(pins: dict) -> None:
    """Raises BenchError if two pins have one GPIO number."""
    names: dict[int, str] = {}
    for name in sorted(pins):
        gpio = pins[name]
        if gpio in names:
            raise BenchError("pins.%s and pins.%s are both GPIO %d: give each its own" % (names[gpio], name, gpio))
        names[gpio] = name


def _check_clock(pins: dict, clock_chip: bool) -> None:
    for name in _CLOCK:
        if clock_chip and name not in pins:
            raise BenchError("pins.%s is missing: a clock chip needs clock_sda and clock_scl" % name)
        if not clock_chip and name in pins:
            raise BenchError("pins.%s: clock_chip is false: leave it out, or set clock_chip = true" % name)
    if clock_chip and not is_i2c_pair(pins["clock_sda"], pins["clock_scl"]):
        raise BenchError("pins.clock_sda and pins.clock_scl must be SDA and SCL of one I2C block, such as 0 and 1, or 2 and 3")


def check_bus(bus: "list[int]", pins: dict) -> None:
    """Raises BenchError unless the sensor has an I2C block without the clock: a bus that a sensor holds must not take the time."""
    if not is_i2c_pair(bus[0], bus[1]):
        raise BenchError("pins.sensor_sda and pins.sensor_scl must be SDA and SCL of one I2C block, such as 18 and 19")
    if "clock_sda" in pins and bus[0] // 2 % 2 == pins["clock_sda"] // 2 % 2:
        raise BenchError("pins.sensor_sda is on the I2C block of the clock: take the other block, such as 18 and 19 beside 20 and 21")


def is_i2c_pair(sda: int, scl: int) -> bool:
    """Return True if the RP2040 can make these two GPIO numbers SDA and SCL of one I2C block: even and odd, bit 1 is the block."""
    return sda % 2 == 0 and scl % 2 == 1 and sda // 2 % 2 == scl // 2 % 2


def _check_coils(pins: dict) -> None:
    """The four pins must be consecutive and in this order, because one PIO instruction sets all of them."""
    first = pins[COIL_NAMES[0]]
    if [pins[name] for name in COIL_NAMES] != [first, first + 1, first + 2, first + 3]:
        raise BenchError("pins: %s must be four GPIO numbers in a row, in this order" % ", ".join(COIL_NAMES))


# --- motor -------------------------------------------------------------------------------------------------------------------
# Which drivers there are, how fast and how finely each may step, and at which level its enable line is off.

SIM = const("sim")
STEP_DIR = const("step_dir")
COILS = const("coils")

# driver: (kind, level of the enable line that disables it, microsteps that its straps or patterns can make, us from enable to action). The
# enable line of the DRV8833 is nSLEEP, which takes up to 1 ms (datasheet, tWAKE). On the A4988 and the DRV8825 the enable line is nENABLE
# and not nSLEEP (1 ms, 1.7 ms). It acts within a microsecond, as it does on the TMC2209 and the L298N.
_DRIVERS = {
    "sim": (SIM, 1, tuple(range(1, 257)), 0),
    "tmc2209": (STEP_DIR, 1, (8, 16, 32, 64), 0),
    "drv8825": (STEP_DIR, 1, (1, 2, 4, 8, 16, 32), 0),
    "a4988": (STEP_DIR, 1, (1, 2, 4, 8, 16), 0),
    "drv8833": (COILS, 0, (1, 2), 1_000),
    "l298n": (COILS, 0, (1, 2), 0),
}
DRIVERS = const(("sim", "tmc2209", "drv8825", "a4988", "drv8833", "l298n"))
HIGHEST_HZ = {SIM: 200_000, STEP_DIR: 25_000, COILS: 2_000}
STYLE_MICROSTEPS = {"single": 1, "double": 1, "interleave": 2}

_KEYS = const(("driver", "max_rate_hz", "microsteps", "coil_style", "direction", "start_rate_hz", "acceleration_hz_per_s"))
_SUPPLY_KEYS = const(("supply_full_scale_mv", "supply_low_mv", "supply_high_mv"))
_DIRECTIONS = const(("forward", "reverse"))
_HIGHEST_HZ_PER_S = const(1_000_000)
_HIGHEST_MV = const(60_000)


class Motor:
    """The motor table. `kind` is SIM, STEP_DIR or COILS. Without coils `coil_style` is "". Without a ramp or supply their numbers are 0.

    `supply_full_scale_mv`: the motor supply at which its divider gives 3.3 V. `supply_low_mv`: below this supply no step can be trusted.
    `supply_high_mv`: from this supply on nothing runs; 0 if nobody watches that.

    Raises BenchError.
    """

    def __init__(self, bench: dict) -> None:
        table = subtable(bench, "motor", _KEYS + _SUPPLY_KEYS)
        self.driver = one_of(table, "motor.driver", DRIVERS)
        self.kind, self.disabled_level, microsteps, self.wake_us = _DRIVERS[self.driver]
        self.max_rate_hz = integer(table, "motor.max_rate_hz", 1, HIGHEST_HZ[self.kind])
        self.microsteps = integer(table, "motor.microsteps", 1, 256)
        if self.microsteps not in microsteps:
            raise BenchError("motor.microsteps of a %s must be one of %s" % (self.driver, ", ".join([str(n) for n in microsteps])))
        self.coil_style = self._read_coil_style(table)
        self.forward = self._read_direction(table)
        self.start_rate_hz, self.acceleration_hz_per_s = self._read_ramp(table)
        self.supply_full_scale_mv, self.supply_low_mv, self.supply_high_mv = self._read_supply(table)

    def _read_coil_style(self, table: dict) -> str:
        if self.kind != COILS:
            if "coil_style" in table:
                raise BenchError("motor.coil_style belongs to coil drivers only: leave it out for a %s" % self.driver)
            return ""
        style = one_of(table, "motor.coil_style", ("single", "double", "interleave"))
        if STYLE_MICROSTEPS[style] != self.microsteps:
            raise BenchError("motor.microsteps must be %d for the coil style %s" % (STYLE_MICROSTEPS[style], style))
        return style

    def _read_direction(self, table: dict) -> bool:
        """Return True for forward. Only a simulated motor may leave it out: on a real head a wrong default would pump backwards."""
        if self.kind == SIM and "direction" not in table:
            return True
        return one_of(table, "motor.direction", _DIRECTIONS) == "forward"

    def _read_ramp(self, table: dict) -> tuple[int, int]:
        if "start_rate_hz" not in table and "acceleration_hz_per_s" not in table:
            return 0, 0
        start_rate_hz = integer(table, "motor.start_rate_hz", 1, self.max_rate_hz)
        return start_rate_hz, integer(table, "motor.acceleration_hz_per_s", 1, _HIGHEST_HZ_PER_S)

    def _read_supply(self, table: dict) -> tuple[int, int, int]:
        if not [key for key in _SUPPLY_KEYS if key in table]:
            return 0, 0, 0
        full_scale_mv = integer(table, "motor.supply_full_scale_mv", 3_300, _HIGHEST_MV)
        low_mv, high_mv = integer(table, "motor.supply_low_mv", 1_000, full_scale_mv), 0
        if "supply_high_mv" in table:
            high_mv = integer(table, "motor.supply_high_mv", low_mv + 1, full_scale_mv)
        return full_scale_mv, low_mv, high_mv


# --- bench -------------------------------------------------------------------------------------------------------------------
# The bench as the pump stores it.

RP2 = const("rp2")
FULL_STEPS_PER_TURN = const(200)  # a motor of 1.8 degrees, mounted on the head without a gear
SENSORS = const("sensors")  # pumpcore.bench.sensors has its schema, for the host alone
SENSE_PIN = const("enable_sense")  # back from the enable terminal of the driver; no pump reads it
AS5600_ADDRESS = const(0x36)  # fixed in the chip, so a bus takes one
KEYS = const(("name", "target", "clock_chip", "ceilings", "motor", "pins", "calibration"))
_SENSOR_KEYS = const(("bus_hz", "rotor", "pressure", "tube", "scale"))
_LEAST_BUS_HZ = const(10_000)
_MOST_BUS_HZ = const(400_000)

_U48 = const(1 << 48)
_CEILING_KEYS = const(("rate_nl", "rate_seconds_s", "hour_nl", "day_nl"))


class Bench:
    """One rig, checked. Built from the dictionary of the bench file. Raises BenchError, which names the first wrong key, and
    SensorUnsupported for a bench with sensors.

    Ceilings: `rate_nl` per `rate_seconds_s`, `hour_nl` per rolling hour, `day_nl` per rolling 24 h. `pins` is {name: GPIO number}, empty on
    `target` "sim".

    Motor: the attributes of Motor; those that do not apply are "" or 0. `disabled_level` is the level of the enable line.

    `sensor_hz`: of the bus of the rotor's AS5600, 0 without one; `sensor_forward`: it counts up while the motor turns forward.

    `turns` turns of the pump head take `turns_steps` steps: those of the nominal calibration if the bench gives its turns.
    """

    def __init__(self, table: dict) -> None:
        self._read_sensor(table)
        for name in table:
            if name not in KEYS and name != SENSORS:
                raise BenchError("%s is not a key of a bench" % name)
        self.name = text(table, "name")
        self.target = one_of(table, "target", (SIM, RP2))
        self.clock_chip = table.get("clock_chip")
        if type(self.clock_chip) is not bool:
            raise BenchError("clock_chip must be true or false")
        self._read_ceilings(subtable(table, "ceilings", _CEILING_KEYS))
        self._read_motor(Motor(table))
        self.pins = self._read_pins(table)
        self._read_calibration(subtable(table, "calibration", ("volume_nl", "steps", "turns", "state")))

    def _read_sensor(self, table: dict) -> None:
        """Read [sensors.rotor]. Raises SensorUnsupported if the bench names another sensor."""
        self.sensor_hz, self.sensor_forward = 0, True
        if SENSORS not in table:
            return
        sensors = subtable(table, SENSORS, _SENSOR_KEYS)
        rotor, pins = sensors.get("rotor"), table.get("pins")
        sensed = type(pins) is dict and SENSE_PIN in pins
        if type(rotor) is not dict or len(sensors) != 2 or rotor.get("chip") != "as5600" or sensed:
            raise SensorUnsupported("[sensors]: this firmware reads the rotor's AS5600 alone: leave the others and their pins out")
        integer(rotor, "sensors.rotor.address", AS5600_ADDRESS, AS5600_ADDRESS)
        self.sensor_forward = one_of(rotor, "sensors.rotor.direction", _DIRECTIONS) == "forward"
        self.sensor_hz = integer(sensors, "sensors.bus_hz", _LEAST_BUS_HZ, _MOST_BUS_HZ)

    def _read_ceilings(self, ceilings: dict) -> None:
        self.rate_nl = integer(ceilings, "ceilings.rate_nl", 1, _U48)
        self.rate_seconds_s = integer(ceilings, "ceilings.rate_seconds_s", 1, 1 << 31)
        self.hour_nl = integer(ceilings, "ceilings.hour_nl", 1, _U48)
        self.day_nl = integer(ceilings, "ceilings.day_nl", 1, _U48)

    def _read_motor(self, motor: Motor) -> None:
        if (motor.kind == SIM) != (self.target == SIM):
            raise BenchError('motor.driver "sim" and target "sim" go together: a simulated rig has no other driver, a real one has one')
        self.driver = motor.driver
        self.kind = motor.kind
        self.disabled_level = motor.disabled_level
        self.max_rate_hz = motor.max_rate_hz
        self.microsteps = motor.microsteps
        self.coil_style = motor.coil_style
        self.forward = motor.forward
        self.start_rate_hz = motor.start_rate_hz
        self.acceleration_hz_per_s = motor.acceleration_hz_per_s
        self.wake_us = motor.wake_us
        self.supply_full_scale_mv, self.supply_low_mv = motor.supply_full_scale_mv, motor.supply_low_mv
        self.supply_high_mv = motor.supply_high_mv

    def _read_pins(self, table: dict) -> dict:
        if self.target != SIM:
            found = read(table, self.kind, self.clock_chip, self.sensor_hz > 0)
            if ("motor_supply" in found) != (self.supply_low_mv > 0):
                raise BenchError("pins.motor_supply and motor.supply_low_mv go together: give both or none")
            return found
        if "pins" in table:
            raise BenchError("[pins]: a simulated rig has no pins: leave the table out")
        return {}

    def _read_calibration(self, calibration: dict) -> None:
        state = UNCALIBRATED
        if "state" in calibration:
            state = one_of(calibration, "calibration.state", (CALIBRATED, UNCALIBRATED))
        volume_nl = integer(calibration, "calibration.volume_nl", 1, (1 << 32) - 1)
        self.calibration = Calibration(volume_nl, integer(calibration, "calibration.steps", 1, (1 << 32) - 1), state)
        self.turns, self.turns_steps = 1, FULL_STEPS_PER_TURN * self.microsteps
        if "turns" in calibration:
            self.turns, self.turns_steps = integer(calibration, "calibration.turns", 1, 10_000), self.calibration.steps


def parse(payload: bytes) -> Bench:
    """Return the bench of the JSON bytes in its slot. Raises BenchError."""
    try:
        table = json.loads(payload)
    except ValueError:
        raise BenchError("the bench is not JSON")
    if type(table) is not dict:
        raise BenchError("the bench is not an object")
    return Bench(table)
