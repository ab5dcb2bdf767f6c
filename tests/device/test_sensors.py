"""A stored bench that names sensors which the firmware does not read: the pump starts, says why it does nothing, and moves no motor."""

import pytest

from support.pump.bench_tables import SENSED
from support.rig.benches import CLOCK, named
from support.rig.device import Device
from thecal.errors import Refused


@pytest.mark.needs("plant")
@pytest.mark.rule("R6")
def test_a_pump_whose_bench_names_other_sensors_is_in_its_safe_state_with_that_cause() -> None:
    with Device({**named(CLOCK), "sensors": {name: SENSED["sensors"][name] for name in ("bus_hz", "rotor", "pressure")}}) as device:
        assert device.state() == "alarm" and device.alarms() == ["sensor_unsupported"]
        with pytest.raises(Refused, match="alarm"):
            device.client.start()
        with pytest.raises(Refused):
            device.client.ack(639)
        device.run_for(10)
        assert device.sim.plant_steps() == 0 and not device.sim.enable_level()
        assert device.state() == "alarm"
