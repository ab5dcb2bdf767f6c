"""The motor's true steps against a history of the pump."""

from support.rig.device import Device
from thecal.history.timeline import Timeline

NEAR_STEPS = 2


class Witness:
    """Let time pass, and note the motor's true steps at many moments of the pump's own clock."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.looks: list[tuple[int, int, int]] = []

    def run_for(self, duration_s: float) -> None:
        while duration_s > 0:
            part_s = min(duration_s, 397.3)
            self.device.run_for(part_s)
            self.look()
            duration_s -= part_s

    def look(self) -> None:
        status = self.device.client.status()
        self.looks.append((status["boot"], status["uptime_ms"], self.device.sim.plant_steps()))

    def check(self, line: Timeline) -> None:
        """Check that every true position is in the band, and that the end agrees with the sums."""
        for boot, uptime_ms, plant_steps in self.looks:
            at_ms = line.axis.at_ms(boot, uptime_ms)
            low, high = line.low.at(at_ms), line.high.at(at_ms)
            assert low - NEAR_STEPS <= plant_steps <= high + NEAR_STEPS, (uptime_ms, float(low), plant_steps, float(high))
        sums = line.sums(*line.window(None, None))
        plant_steps = self.device.sim.plant_steps()
        assert sums.delivered_steps <= plant_steps <= sums.delivered_steps + sums.uncertain_steps
        assert -NEAR_STEPS <= sums.due_steps() <= NEAR_STEPS, sums
