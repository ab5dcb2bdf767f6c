"""The motor and the panel on an emulated board's pins: the driver's reaction to the lines, and the bench's resistors."""

from __future__ import annotations

from typing import Any

from pumpcore.bench import bench as motors
from support.emulator.pads import Lines

Bench = dict[str, Any]


class Motor:
    """Count a step at each rising edge of STEP (or of the coils' strobe) while the driver is enabled."""

    def __init__(self, lines: Lines, bench: Bench) -> None:
        pins = bench["pins"]
        described = motors.Motor(bench)
        self._lines = lines
        self._enable_gpio: int = pins["enable"]
        self._disabled_level = described.disabled_level
        self.counted_gpio: int = pins["strobe"] if described.kind == motors.COILS else pins["step"]
        self.true_steps = 0
        self.powered = True
        self.last_step_ns: int | None = None
        lines.pull(self._enable_gpio, self._disabled_level)
        lines.hold(pins["stop_button"], 0, 0)
        if "bolus_button" in pins:
            lines.hold(pins["bolus_button"], 1, 0)
        lines.watch(self.counted_gpio, self._edge)

    def enabled(self) -> bool:
        return self._lines.level(self._enable_gpio) != self._disabled_level

    def _edge(self, at_ns: int, level: int) -> None:
        if level and self.powered and self.enabled():
            self.true_steps += 1
            self.last_step_ns = at_ns
