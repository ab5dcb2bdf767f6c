"""The sensors that a bench may name or reserve: their tables and pins. The host checks them; not deployed: a pump reads the rotor's alone.

A pump refuses a bench with another sensor (`sensor_unsupported`), so that nobody trusts a sensor that nothing reads. The AS5600's address
is from its data sheet. The other ranges are those of the numbers, not of a part.
"""

from pumpcore.bench.bench import (
    ANALOGUE,
    AS5600_ADDRESS,
    BUS_PINS,
    SENSE_PIN,
    SENSORS,
    SIM,
    Bench,
    BenchError,
    check_bus,
    check_number,
    check_numbers_differ,
    integer,
    one_of,
    subtable,
)
from pumpcore.units import const

KEYS = const(("bus_hz", "rotor", "pressure", "tube", "scale"))
# the pins of each sensor: rotor and pressure share a bus of their own
PINS = {
    "rotor": BUS_PINS,
    "pressure": BUS_PINS,
    "tube": ("tube_light", "tube_sensor"),
    "scale": ("scale_data", "scale_clock"),
}
PIN_NAMES = BUS_PINS + PINS["tube"] + PINS["scale"] + (SENSE_PIN,)

_LEAST_ADDRESS = const(0x08)
_MOST_ADDRESS = const(0x77)
_LEAST_HZ = const(10_000)
_MOST_HZ = const(400_000)
_MOST_PA = const(10_000_000)
_MOST_MV = const(3_300)
_U48 = const(1 << 48)
_MOST_COUNTS = const(1 << 23)


def read(table: dict) -> Bench:
    """Return the Bench of a table that may have [sensors], whose keys and pins are checked first. Raises BenchError."""
    if SENSORS not in table:
        for name in PIN_NAMES:
            if name in _pins(table):
                raise BenchError("pins.%s is the pin of a sensor: the bench has no [sensors]" % name)
        return Bench(table)
    sensors = subtable(table, SENSORS, KEYS)
    for name, check in _CHECKS.items():
        if name in sensors:
            check(subtable({SENSORS + "." + name: sensors[name]}, SENSORS + "." + name, _KEYS[name]), SENSORS + "." + name + ".")
    _check_bus(sensors)
    bench = Bench(without(table))
    if bench.target != SIM:
        _check_pins(_pins(table), sensors, bench)
    return bench


def is_read(table: dict) -> bool:
    """Return True if a pump's firmware reads all sensors that the bench names: the rotor's alone."""
    sensors = table[SENSORS]
    return type(sensors) is dict and sorted(sensors) == ["bus_hz", "rotor"] and SENSE_PIN not in _pins(table)


def without(table: dict) -> dict:
    """Return the bench without its sensors and their pins."""
    rest = {name: value for name, value in table.items() if name != SENSORS}
    if _pins(table):
        rest["pins"] = {name: gpio for name, gpio in table["pins"].items() if name not in PIN_NAMES}
    return rest


def _pins(table: dict) -> dict:
    pins = table.get("pins")
    return pins if type(pins) is dict else {}


# --- tables ------------------------------------------------------------------------------------------------------------------


def _rotor(table: dict, front: str) -> None:
    one_of(table, front + "chip", ("as5600",))
    if integer(table, front + "address", _LEAST_ADDRESS, _MOST_ADDRESS) != AS5600_ADDRESS:
        raise BenchError("%saddress must be %d: an AS5600 has no other" % (front, AS5600_ADDRESS))
    one_of(table, front + "direction", ("forward", "reverse"))


def _pressure(table: dict, front: str) -> None:
    one_of(table, front + "chip", ("mpr",))
    integer(table, front + "address", _LEAST_ADDRESS, _MOST_ADDRESS)
    integer(table, front + "stop_above_pa", 1, integer(table, front + "full_scale_pa", 1, _MOST_PA))


def _tube(table: dict, front: str) -> None:
    one_of(table, front + "chip", ("optical",))
    integer(table, front + "air_above_mv", 1, _MOST_MV)
    integer(table, front + "air_after_nl", 1, _U48)


def _scale(table: dict, front: str) -> None:
    one_of(table, front + "chip", ("hx711",))
    integer(table, front + "counts_per_g", 0, _MOST_COUNTS)  # 0: not calibrated


_CHECKS = {"rotor": _rotor, "pressure": _pressure, "tube": _tube, "scale": _scale}
_KEYS = {
    "rotor": ("chip", "address", "direction"),
    "pressure": ("chip", "address", "full_scale_pa", "stop_above_pa"),
    "tube": ("chip", "air_above_mv", "air_after_nl"),
    "scale": ("chip", "counts_per_g"),
}


def _check_bus(sensors: dict) -> None:
    on_bus = [name for name in ("rotor", "pressure") if name in sensors]
    if on_bus:
        integer(sensors, "sensors.bus_hz", _LEAST_HZ, _MOST_HZ)
    elif "bus_hz" in sensors:
        raise BenchError("sensors.bus_hz: neither rotor nor pressure is on the bus: leave it out")
    if len(on_bus) == 2 and sensors["rotor"]["address"] == sensors["pressure"]["address"]:
        raise BenchError("sensors.pressure.address is the rotor's: a bus takes each address once")


# --- pins --------------------------------------------------------------------------------------------------------------------


def _check_pins(pins: dict, sensors: dict, bench: Bench) -> None:
    needed = [pin for sensor, names in PINS.items() if sensor in sensors for pin in names]
    for name in needed:
        if name not in pins:
            raise BenchError("pins.%s is missing: a sensor needs it" % name)
    for name in PIN_NAMES:
        if name in pins:
            if name not in needed and name != SENSE_PIN:
                raise BenchError("pins.%s: no sensor uses it: leave it out" % name)
            check_number(name, pins[name])
    check_numbers_differ(pins)
    if not needed and SENSE_PIN not in pins:
        raise BenchError("[sensors] is empty: leave it out, or name a sensor")
    if "tube_sensor" in pins and pins["tube_sensor"] not in ANALOGUE:
        raise BenchError("pins.tube_sensor must be 26, 27 or 28: only these can measure")
    if BUS_PINS[0] in needed:
        check_bus([pins[name] for name in BUS_PINS], bench.pins)
