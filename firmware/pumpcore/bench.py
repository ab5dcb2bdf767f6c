"""The bench as the pump stores it: name, clock chip, ceilings, motor, pins, nominal calibration. Checked when read."""

import json

from pumpcore import pins
from pumpcore.calibration import CALIBRATED, UNCALIBRATED, Calibration
from pumpcore.motor import SIM, Motor
from pumpcore.tables import BenchError, integer, one_of, subtable, text

RP2 = "rp2"
FULL_STEPS_PER_TURN = 200  # a motor of 1.8 degrees, straight on the head
KEYS = ("name", "target", "clock_chip", "ceilings", "motor", "pins", "calibration")

_U48 = 1 << 48
_CEILING_KEYS = ("rate_nl", "rate_seconds_s", "hour_nl", "day_nl")


class Bench:
    """One rig. Ceilings: `rate_nl` per `rate_seconds_s`, `hour_nl` per rolling hour, `day_nl` per rolling 24 h.

    Motor: `driver`, `kind`, `max_rate_hz`, `microsteps`, `forward`, `disabled_level` (of the enable line), `coil_style` or "",
    `turns` turns of the pump head take `turns_steps` steps: those of the nominal pair when the bench tells its turns.
    `start_rate_hz` and `acceleration_hz_per_s` or 0, `supply_full_scale_mv`
    and `supply_low_mv` or 0, `wake_us`. `pins` is GPIO number by name, empty on `target` "sim".
    Built from the dictionary that the bench file holds; BenchError names the first key that is wrong.
    """

    def __init__(self, table: dict) -> None:
        for name in table:
            if name not in KEYS:
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

    def _read_pins(self, table: dict) -> dict:
        if self.target != SIM:
            found = pins.read(table, self.kind, self.clock_chip)
            if ("motor_supply" in found) != (self.supply_low_mv > 0):
                raise BenchError("pins.motor_supply and motor.supply_low_mv go together: give both or none")
            return found
        if "pins" in table:
            raise BenchError("[pins]: a simulated rig has no pins: leave the table out")
        return {}

    def _read_calibration(self, pair: dict) -> None:
        state = UNCALIBRATED
        if "state" in pair:
            state = one_of(pair, "calibration.state", (CALIBRATED, UNCALIBRATED))
        volume_nl = integer(pair, "calibration.volume_nl", 1, (1 << 32) - 1)
        self.calibration = Calibration(volume_nl, integer(pair, "calibration.steps", 1, (1 << 32) - 1), state)
        self.turns, self.turns_steps = 1, FULL_STEPS_PER_TURN * self.microsteps
        if "turns" in pair:
            self.turns, self.turns_steps = integer(pair, "calibration.turns", 1, 10_000), self.calibration.steps


def parse(payload: bytes) -> Bench:
    """Bench of the JSON bytes in its slot; BenchError when they are not a bench."""
    try:
        table = json.loads(payload)
    except ValueError:
        raise BenchError("the bench is not JSON")
    if type(table) is not dict:
        raise BenchError("the bench is not an object")
    return Bench(table)
