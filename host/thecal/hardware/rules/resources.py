"""E13: no two functions share a part of the RP2040: PWM slice, PIO instructions and machines, ADC channel, UART, I2C block."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pumpcore.bench.bench import COILS, is_i2c_pair
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, listed
from thecal.hardware.rules.roles import Roles

RULE = "E13"
# Functions that need a PWM slice for a tone or a light of their own frequency.
PWM = ("buzzer", "tube_light")
ANALOGUE = ("motor_supply", "tube_sensor")
BUSES = {"clock": ("clock_sda", "clock_scl"), "sensor": ("sensor_sda", "sensor_scl")}
INSTRUCTIONS = MACHINES = 32, 4
# (PIO block, instructions, machines) by what a bench has: hal/rp2/programs.py, counted by a test.
STEP_DIR_PIO, COILS_PIO = (0, 15, 1), (0, 26, 1)
GUARD_PIO, STOP_PIO, BOLUS_PIO = (1, 9, 1), (1, 13, 1), (1, 10, 1)
SCALE_PIO = (0, 8, 1)


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


def adc_channels(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find analogue functions on pins that can't measure."""
    for name in ANALOGUE:
        if circuit.rig.pins.get(name, 26) not in (26, 27, 28):
            yield Finding(RULE, f"pins.{name} is GPIO {circuit.rig.pins[name]}, which has no ADC", "use 26, 27 or 28", parts=("PICO",))


def i2c_blocks(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find two buses on one I2C block, and pins that are no pair of one block."""
    blocks: dict[int, list[str]] = defaultdict(list)
    for bus, (sda, scl) in BUSES.items():
        pins = circuit.rig.pins
        if sda in pins and scl in pins:
            blocks[pins[sda] // 2 % 2].append(bus)
            if not is_i2c_pair(pins[sda], pins[scl]):
                yield Finding(
                    RULE, f"pins.{sda} and pins.{scl} are not SDA and SCL of one I2C block", "use 18 and 19, or 20 and 21", parts=("PICO",)
                )
        elif sda in pins or scl in pins:
            yield Finding(RULE, f"[pins] has only one of {sda} and {scl}", "give both", parts=("PICO",))
    for number, buses in blocks.items():
        if len(buses) > 1:
            text = f"the {listed(buses)} buses share the I2C block {number}: a hung sensor would take the time away"
            yield Finding(RULE, text, "move sensor_sda and sensor_scl to 18 and 19", parts=("PICO",), numbers=f"I2C{number}")


def uarts(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find driver_tx and driver_rx that are no pair of one UART."""
    pins = circuit.rig.pins
    if ("driver_tx" in pins) != ("driver_rx" in pins):
        yield Finding(RULE, "[pins] has only one of driver_tx and driver_rx", "give both", parts=("PICO",))
    elif "driver_tx" in pins and (pins["driver_tx"] % 4, pins["driver_rx"] - pins["driver_tx"]) != (0, 1):
        text = f"driver_tx and driver_rx are GPIO {pins['driver_tx']} and {pins['driver_rx']}, which are no pair of one UART"
        yield Finding(RULE, text, "use 8 and 9", parts=("PICO",))


def pio(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find PIO blocks with more programs than they hold."""
    used = [COILS_PIO if circuit.bench.kind == COILS else STEP_DIR_PIO, GUARD_PIO, STOP_PIO]
    used += [BOLUS_PIO] if "bolus_button" in circuit.rig.pins else []
    used += [SCALE_PIO] if "scale_data" in circuit.rig.pins else []
    for block in (0, 1):
        words = sum(size for where, size, _ in used if where == block)
        machines = sum(count for where, _, count in used if where == block)
        if words > INSTRUCTIONS[0] or machines > INSTRUCTIONS[1]:
            text = f"PIO block {block} would hold {words} of {INSTRUCTIONS[0]} instructions and {machines} of {INSTRUCTIONS[1]} machines"
            yield Finding(RULE, text, "leave a sensor out", parts=("PICO",), numbers=f"{words} instructions")


RULES = {"E13": (pwm_slices, adc_channels, i2c_blocks, uarts, pio)}
