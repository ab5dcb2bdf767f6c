"""The pins of a bench: which names a rig has, and which GPIO of the Pico each may be."""

from pumpcore.motor import COILS
from pumpcore.tables import BenchError, subtable

COIL_NAMES = ("coil_a1", "coil_a2", "coil_b1", "coil_b2")
_STEP_NAMES = ("step", "dir")
_ALWAYS = ("enable", "stop_button")
_CLOCK = ("clock_sda", "clock_scl")
_OPTIONAL = ("bolus_button", "buzzer", "led", "clock_sda", "clock_scl", "motor_supply")

_LAST_GPIO = 28
_PICO_LED = 25
_INSIDE_THE_PICO = {23: "its power supply's mode", 24: "its sense of USB power", _PICO_LED: "its LED"}
_ANALOGUE = (26, 27, 28)


def read(bench: dict, kind: str, clock_chip: bool) -> dict:
    """GPIO number by name, checked for a motor of this `kind` (STEP_DIR or COILS); BenchError says what to change."""
    required = (COIL_NAMES + ("strobe",) if kind == COILS else _STEP_NAMES) + _ALWAYS
    pins = subtable(bench, "pins", required + _OPTIONAL)
    for name in required:
        if name not in pins:
            raise BenchError("pins.%s is missing: give it a GPIO number from 0 to %d" % (name, _LAST_GPIO))
    for name in pins:
        _check_number(name, pins[name])
    _check_no_number_twice(pins)
    _check_enable(pins["enable"])
    _check_clock(pins, clock_chip)
    if "motor_supply" in pins and pins["motor_supply"] not in _ANALOGUE:
        raise BenchError("pins.motor_supply must be 26, 27 or 28: only these can measure")
    if kind == COILS:
        _check_coils(pins)
    return pins


def _check_number(name: str, gpio: int) -> None:
    if type(gpio) is not int or not 0 <= gpio <= _LAST_GPIO:
        raise BenchError("pins.%s must be a GPIO number from 0 to %d" % (name, _LAST_GPIO))
    if gpio in _INSIDE_THE_PICO and not (name == "led" and gpio == _PICO_LED):
        raise BenchError("pins.%s: the Pico uses GPIO %d inside for %s: choose another" % (name, gpio, _INSIDE_THE_PICO[gpio]))


def _check_no_number_twice(pins: dict) -> None:
    names: dict[int, str] = {}
    for name in sorted(pins):
        gpio = pins[name]
        if gpio in names:
            raise BenchError("pins.%s and pins.%s are both GPIO %d: give each its own" % (names[gpio], name, gpio))
        names[gpio] = name


def _check_enable(gpio: int) -> None:
    """An analogue pad has a diode to the Pico's own supply: with that gone it would pull the line to *enabled*."""
    if gpio in _ANALOGUE:
        raise BenchError("pins.enable must be 0 to 22: 26 to 28 load the line when the Pico has no power")


def _check_clock(pins: dict, clock_chip: bool) -> None:
    for name in _CLOCK:
        if clock_chip and name not in pins:
            raise BenchError("pins.%s is missing: a clock chip needs clock_sda and clock_scl" % name)
        if not clock_chip and name in pins:
            raise BenchError("pins.%s: clock_chip is false: leave it out, or set clock_chip = true" % name)
    if clock_chip and not is_i2c_pair(pins["clock_sda"], pins["clock_scl"]):
        raise BenchError("pins.clock_sda and pins.clock_scl must be SDA and SCL of one I2C block, such as 0 and 1, or 2 and 3")


def is_i2c_pair(sda: int, scl: int) -> bool:
    """Whether the RP2040 can make these two GPIO numbers SDA and SCL of one block: even and odd, block by bit 1."""
    return sda % 2 == 0 and scl % 2 == 1 and sda // 2 % 2 == scl // 2 % 2


def _check_coils(pins: dict) -> None:
    """One PIO instruction sets all four: they must lie side by side, in this order."""
    first = pins[COIL_NAMES[0]]
    if [pins[name] for name in COIL_NAMES] != [first, first + 1, first + 2, first + 3]:
        raise BenchError("pins: %s must be four GPIO numbers in a row, in this order" % ", ".join(COIL_NAMES))
