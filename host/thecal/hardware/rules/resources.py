"""E13: no two functions share a part of the RP2040: a PWM slice, the instructions and machines of a PIO block.

The schema of a bench (pumpcore.bench) refuses a wrong ADC pin, a wrong I2C pair and two buses on one I2C block. Nothing uses a UART.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pumpcore.bench.bench import COILS
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, listed
from thecal.hardware.rules.roles import Roles

RULE = "E13"
# Functions that need a PWM slice for a tone or a light of their own frequency.
PWM = ("buzzer", "tube_light")
MOST_INSTRUCTIONS, MOST_MACHINES = 32, 4
# (PIO block, instructions, machines) of hal/rp2/programs.py; a test counts them.
STEP_DIR_PIO, COILS_PIO = (0, 13, 1), (0, 22, 1)
GUARD_PIO, STOP_PIO, BOLUS_PIO = (1, 8, 1), (1, 11, 1), (1, 10, 1)
# No program reads a scale yet: this is the place that is kept for it.
SCALE_PIO = (0, 10, 1)


def pwm_slices(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find two tones on one PWM slice: GPIO n and n + 1, and n + 16, have one."""
    slices: dict[int, list[str]] = defaultdict(list)
    for name in PWM:
        if name in circuit.rig.pins:
            slices[circuit.rig.pins[name] // 2 % 8].append(name)
    for number, names in slices.items():
        if len(names) > 1:
            text = f"{listed(names)} share the PWM slice {number}, which has one frequency"
            yield Finding(RULE, text, f"move {names[1]} to a GPIO of another slice", parts=("PICO",), numbers=f"slice {number}")


def pio(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find PIO blocks with more programs than they hold."""
    used = [COILS_PIO if circuit.bench.kind == COILS else STEP_DIR_PIO, GUARD_PIO, STOP_PIO]
    used += [BOLUS_PIO] if "bolus_button" in circuit.rig.pins else []
    used += [SCALE_PIO] if "scale_data" in circuit.rig.pins else []
    for block in (0, 1):
        words = sum(size for where, size, _ in used if where == block)
        machines = sum(count for where, _, count in used if where == block)
        if words > MOST_INSTRUCTIONS or machines > MOST_MACHINES:
            text = f"PIO block {block} would hold {words} of {MOST_INSTRUCTIONS} instructions and {machines} of {MOST_MACHINES} machines"
            yield Finding(RULE, text, "leave a sensor out", parts=("PICO",), numbers=f"{words} instructions")


RULES = {"E13": (pwm_slices, pio)}
