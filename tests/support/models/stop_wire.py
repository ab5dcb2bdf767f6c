"""A metre of wire from the stop contact, opened by a press, beside motor wires that a driver chops: the level that the Pico's pin reads.

A model, not a measurement, and it imports nothing of ours. The TMC2209 chops at about 35 kHz (PWM_FREQ default, 2/683 of its 12 MHz clock).
The RP2040's pull-up has 50 to 80 kOhm. Its pads surely read 2.0 V as high and 0.8 V as low, with at least 0.2 V between rising and falling
(datasheet). Assumed: 40 pF a metre to each motor wire, 70 pF a metre within the stop lead, two coils that chop a quarter of a period apart.
"""

from dataclasses import dataclass

SUPPLY_V, MOTOR_V = 3.3, 12.0
CHOP_NS = 28_500  # a period
LEAD_PF, PIN_PF, COUPLING_PF = 70, 5, 40
CLAMP_V = (-0.5, SUPPLY_V + 0.5)  # the diodes of the pad
STEP_NS = 20


@dataclass(frozen=True)
class Pad:
    """The voltages at which a pad begins to read high, and low."""

    rises_v: float
    falls_v: float


MIDDLE = Pad(1.5, 1.3)
WORST = Pad(2.0, 1.8)  # sees the shallowest dip as low and takes longest to read high


@dataclass(frozen=True)
class Lead:
    """The opened lead: the chip's pull-up, the motor wires beside it, and the parts at the Pico (0: not there)."""

    pull_up_ohm: float
    motor_wires: int
    resistor_ohm: float = 0  # from 3.3 V to the lead
    series_ohm: float = 0  # from the lead to the pin
    capacitor_nf: float = 0  # from the pin to ground


def voltages(lead: Lead, duration_ns: int) -> list[float]:
    """Return the pin's voltage each STEP_NS after the contact opened, which held it at ground."""
    pin_f, wire_f = (PIN_PF + lead.capacitor_nf * 1000) * 1e-12, (LEAD_PF + COUPLING_PF * lead.motor_wires) * 1e-12
    if not lead.series_ohm:
        pin_f, wire_f = pin_f + wire_f, 0.0
    step_s, found, wire_v, pin_v = STEP_NS * 1e-9, [], 0.0, 0.0
    for at_ns in range(STEP_NS, duration_ns, STEP_NS):
        pushed_c = COUPLING_PF * 1e-12 * _swing_v(lead.motor_wires, at_ns)
        into_pin_a = (SUPPLY_V - pin_v) / lead.pull_up_ohm
        if lead.series_ohm:
            through_a = (wire_v - pin_v) / lead.series_ohm
            into_wire_a = (SUPPLY_V - wire_v) / lead.resistor_ohm if lead.resistor_ohm else 0.0
            wire_v += ((into_wire_a - through_a) * step_s + pushed_c) / wire_f
            pin_v += (into_pin_a + through_a) * step_s / pin_f
        else:
            pin_v += (into_pin_a * step_s + pushed_c) / pin_f
        pin_v = min(max(pin_v, CLAMP_V[0]), CLAMP_V[1])
        found.append(pin_v)
    return found


def _swing_v(motor_wires: int, at_ns: int) -> float:
    """Return by how many volts the motor wires change in this step. Each is high for half a period, the second a quarter later."""
    swing_v = 0.0
    for wire in range(motor_wires):
        now, before = ((at_ns - back_ns - wire * CHOP_NS // 4) % CHOP_NS < CHOP_NS // 2 for back_ns in (0, STEP_NS))
        swing_v += MOTOR_V * (now - before)
    return swing_v


def edges(found_v: list[float], pad: Pad) -> list[tuple[int, int]]:
    """Return (time in ns after the contact opened, level) of each change that the pad reads; it begins low."""
    level, changes = 0, []
    for place, volt in enumerate(found_v):
        if volt < pad.falls_v if level else volt >= pad.rises_v:
            level = 1 - level
            changes.append(((place + 1) * STEP_NS, level))
    return changes


def longest_high_ns(changes: list[tuple[int, int]], end_ns: int) -> int:
    """Return the longest time for which the pad read high without a break."""
    ends = [at_ns for at_ns, _ in changes[1:]] + [end_ns]
    return max((end - at_ns for (at_ns, level), end in zip(changes, ends, strict=True) if level), default=0)
