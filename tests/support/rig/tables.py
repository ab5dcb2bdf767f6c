"""A table of the rotor for the pump at its port, without learning one: calibrated, given, and its phase known."""

import base64
from collections.abc import Callable

from pumpcore.bench import learned, weighed
from support.models.rotor import dip
from support.programs import MONDAY_UTC_S
from support.pump.calibrations import weighed_one
from support.pump.learned_tables import learned_one
from support.rig.device import Device

STEPS, VOLUME_NL = 100_000, 1_000_000
STEPS_PER_NL = STEPS / VOLUME_NL


def rate_nl(rate_hz: float) -> int:
    """Return the rate per hour that is so many dose steps a second."""
    return round(rate_hz / STEPS_PER_NL * 3600)


def give_table(device: Device, rate: Callable[[float], float] | None = None, **calibration: int) -> learned.Learned:
    """Calibrate the pump, give it a table, and say where its rotor stands. `calibration`: fields that are not the usual ones."""
    client = device.client
    client.clock_set(MONDAY_UTC_S, 0)
    client.calibration_set(weighed.pack(weighed_one(volume_nl=VOLUME_NL, steps=STEPS, **calibration)))
    table = learned_one(rate or dip(0.35), bench=client.hello()["bench"])
    packed = learned.pack(table)
    assert base64.b64decode(client.rotor_check(packed)["rotor"]) == packed
    told = client.rotor_set(packed, client.status()["motor_steps"])
    assert (told["law"], told["law_cause"]) == ("volume", "")
    return table
