"""The bench as the pump stores it: name, clock chip, ceilings, motor, nominal calibration. Integers only, checked when read."""

import json

from pumpcore.calibration import CALIBRATED, UNCALIBRATED, Calibration

_U48 = 1 << 48


class BenchError(ValueError):
    """A bench that is not complete or out of range; the text names the key."""


def _integer(table: dict, key: str, low: int, high: int) -> int:
    value = table.get(key)
    if type(value) is not int or not low <= value <= high:
        raise BenchError("%s must be a whole number from %d to %d" % (key, low, high))
    return value


def _text(table: dict, key: str) -> str:
    value = table.get(key)
    if type(value) is not str or not 0 < len(value) <= 40:
        raise BenchError("%s must be a text of 1 to 40 characters" % key)
    return value


def _table(table: dict, key: str, keys: tuple) -> dict:
    value = table.get(key)
    if type(value) is not dict:
        raise BenchError("[%s] is missing" % key)
    for name in value:
        if name not in keys:
            raise BenchError("%s.%s is not a key of a bench" % (key, name))
    return value


_TOP_KEYS = ("name", "target", "clock_chip", "ceilings", "motor", "calibration")
_CEILING_KEYS = ("rate_nl", "rate_seconds_s", "hour_nl", "day_nl")


class Bench:
    """One rig. Ceilings: `rate_nl` per `rate_seconds_s`, `hour_nl` per rolling hour, `day_nl` per rolling 24 h.

    Built from the dictionary that the bench file holds; BenchError names the first key that is wrong.
    """

    def __init__(self, table: dict) -> None:
        for name in table:
            if name not in _TOP_KEYS:
                raise BenchError("%s is not a key of a bench" % name)
        self.name = _text(table, "name")
        self.target = _text(table, "target")
        self.clock_chip = table.get("clock_chip")
        if type(self.clock_chip) is not bool:
            raise BenchError("clock_chip must be true or false")
        self._read_ceilings(_table(table, "ceilings", _CEILING_KEYS))
        motor = _table(table, "motor", ("driver", "max_rate_hz", "microsteps"))
        self.driver = _text(motor, "driver")
        self.max_rate_hz = _integer(motor, "max_rate_hz", 1, 200_000)
        self.microsteps = _integer(motor, "microsteps", 1, 256)
        self._read_calibration(_table(table, "calibration", ("volume_nl", "steps", "state")))

    def _read_ceilings(self, ceilings: dict) -> None:
        self.rate_nl = _integer(ceilings, "rate_nl", 1, _U48)
        self.rate_seconds_s = _integer(ceilings, "rate_seconds_s", 1, 1 << 31)
        self.hour_nl = _integer(ceilings, "hour_nl", 1, _U48)
        self.day_nl = _integer(ceilings, "day_nl", 1, _U48)

    def _read_calibration(self, pair: dict) -> None:
        state = pair.get("state", UNCALIBRATED)
        if state not in (CALIBRATED, UNCALIBRATED):
            raise BenchError("calibration.state must be %s or %s" % (CALIBRATED, UNCALIBRATED))
        volume_nl = _integer(pair, "volume_nl", 1, (1 << 32) - 1)
        self.calibration = Calibration(volume_nl, _integer(pair, "steps", 1, (1 << 32) - 1), state)


def parse(payload: bytes) -> Bench:
    """Bench of the JSON bytes in its slot; BenchError when they are not a bench."""
    try:
        table = json.loads(payload)
    except ValueError:
        raise BenchError("the bench is not JSON")
    if type(table) is not dict:
        raise BenchError("the bench is not an object")
    return Bench(table)
