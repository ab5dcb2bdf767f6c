"""The pump computes its own forecast while it delivers; the laptop's is the same."""

from datetime import UTC, datetime

import pytest

from pumpcore.program import packing as programs
from pumpcore.program.forecast import Forecast
from pumpcore.program.schedule import Zone
from support.rig.device import Device, Figures

pytestmark = pytest.mark.needs("plant", "free_time")
AUTUMN = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp())
BERLIN = Zone(7200, AUTUMN, 3600)


def full() -> programs.Program:
    """Return 336 entries, every half hour of the week."""
    made = programs.Program("full", "water", 3600, [(minute, 1 + 7919 * minute % 900_001) for minute in range(0, 10_080, 30)])
    made.mode = programs.SCHEDULE
    return made


@pytest.mark.rule("R1")
def test_laptop_and_pump_agree_while_a_dose_runs(record_property: Figures) -> None:
    made = full()
    with Device() as device:
        device.begin(made, utc_s=AUTUMN - 86_400)
        device.run_for(100)
        guest_s = device.sim.guest_time_s()
        digest = programs.digest(programs.pack(made))
        asked = device.client.forecast_digest(digest, AUTUMN - 86_400, BERLIN, 30)
        guest_s = device.sim.guest_time_s() - guest_s
        forecast = Forecast(made, device.calibration(), AUTUMN - 86_400, BERLIN, 30)
        cursor, blocks = forecast.begin(bytes.fromhex(digest)), 0
        while cursor.second_s < forecast.end_s:
            cursor, blocks = forecast.block(cursor), blocks + 1
        assert asked == cursor.chain.hex()
        device.run_for(60)
        assert device.state() == "running" and device.alarms() == []
    record_property("figure", f"forecast of 30 days, {blocks} calls: {guest_s * 1000:.0f} ms of guest time, digests agree")
