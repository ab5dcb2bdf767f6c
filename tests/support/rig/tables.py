"""A table of the rotor for a pump under test."""

import base64

from pumpcore.bench import learned, weighed
from support.models.rotor import dip
from support.programs import MONDAY_UTC_S
from support.pump.calibrations import weighed_one
from support.pump.learned_tables import learned_one
from support.rig.device import Device


def give_table(device: Device) -> learned.Learned:
    """Calibrate the pump, give it a table, and say where its rotor stands."""
    client = device.client
    client.clock_set(MONDAY_UTC_S, 0)
    client.calibration_set(weighed.pack(weighed_one(volume_nl=1_000_000, steps=100_000)))
    table = learned_one(dip(0.35), bench=client.hello()["bench"])
    text = base64.b64encode(learned.pack(table)).decode()
    assert client.ask("rotor.check", {"rotor": text})["rotor"] == text
    told = client.ask("rotor.set", {"rotor": text, "zero_steps": client.status()["motor_steps"]})
    assert (told["law"], told["law_cause"]) == ("volume", "")
    return table
