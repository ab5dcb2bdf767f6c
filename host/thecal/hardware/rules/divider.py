"""E7: the divider of the motor supply against the bench's full scale, the ADC's limit, and the lowest and highest supply."""

from __future__ import annotations

from collections.abc import Iterator

from thecal.hardware import nets, pico
from thecal.hardware.rules import roles
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, span, volts
from thecal.hardware.rules.network import State, voltages
from thecal.hardware.rules.roles import Roles

RULE = "E7"
ADC_FULL_MV = 3_300
FULL_SCALE_PERMILLE = 10
OVER_PERMILLE = 1_250


def _arms(circuit: Circuit, known: Roles) -> tuple[float, float]:
    """Return the nominal Ohm of the upper and the lower arm; 0 for one that is missing."""
    here = circuit.pin("motor_supply")
    arms = []
    for rail in (known.net_with(roles.MOTOR), circuit.ground):
        conductances = [1 / circuit.value(element.mark, "ohm")[0] for element in circuit.between("resistor", here, rail)]
        arms.append(1 / sum(conductances) if conductances else 0.0)
    return arms[0], arms[1]


def the_supply_is_watched(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a real rig without a divider: steps would be lost in silence when the supply sags."""
    if "motor_supply" not in circuit.rig.pins:
        text = "[pins] has no motor_supply: the pump would count steps that a sagging supply lost"
        yield Finding(RULE, text, "add motor_supply with its divider, supply_full_scale_mv and supply_low_mv", parts=("PICO",))


def the_divider_is_at_the_motor_supply(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a pin for the motor supply that no resistor joins to it."""
    here, motor = circuit.pin("motor_supply"), known.net_with(roles.MOTOR)
    if "motor_supply" in circuit.rig.pins and not circuit.between("resistor", here, motor):
        text = f"PICO:motor_supply is not joined to the motor supply {motor or '(none)'} by a resistor"
        yield Finding(RULE, text, "put the divider's upper resistor between them", here, ("PICO",))


def full_scale_is_that_of_the_divider(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a full scale that is not 3.3 V times the divider's ratio, within 1 %."""
    if "motor_supply" not in circuit.rig.pins:
        return
    upper, lower = _arms(circuit, known)
    here = circuit.pin("motor_supply")
    if not (upper and lower):
        missing = "upper" if not upper else "lower"
        text = f"the divider at PICO:motor_supply has no {missing} resistor"
        yield Finding(RULE, text, "39 kOhm from the motor supply, 10 kOhm to ground", here, ("PICO",))
        return
    right_mv = ADC_FULL_MV * (upper + lower) / lower
    said_mv = circuit.bench.supply_full_scale_mv
    if abs(said_mv - right_mv) * 1000 > FULL_SCALE_PERMILLE * right_mv:
        text = f"motor.supply_full_scale_mv is {said_mv}, but the divider makes {right_mv:.0f}: the pump would misread its supply"
        yield Finding(
            RULE, text, f"write supply_full_scale_mv = {right_mv:.0f}, or correct the resistors", here, ("PICO",), f"{right_mv:.0f} mV"
        )


def the_adc_bears_the_divider(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a divider that gives the ADC more than 3.3 V when the supply is a quarter too high."""
    here = circuit.pin("motor_supply")
    held = voltages(circuit, known, State(supply_permille=_over_permille(circuit, known))).get(here)
    if held and held[1] > ADC_FULL_MV:
        text = f"at 1.25 times the nominal supply PICO:motor_supply has {volts(held[1])}, over the 3.3 V of the ADC"
        yield Finding(RULE, text, "take a larger upper resistor, and correct supply_full_scale_mv", here, ("PICO",), span(held))


def _over_permille(circuit: Circuit, known: Roles) -> int:
    """Return the factor by which the supply's highest voltage is 1.25 times its nominal one."""
    supply = circuit.only("supply")
    low, high = circuit.rating((supply.mark, circuit.terminals_of(supply, "power_out")[0]), "out_mv")
    return OVER_PERMILLE * (low + high) // (2 * high)


def low_is_above_what_stops(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a lowest supply at which driver or converter no longer work, or that is above the nominal supply."""
    low_mv, motor = circuit.bench.supply_low_mv, known.net_with(roles.MOTOR)
    if not low_mv:
        return
    for node in circuit.nodes(motor):
        if circuit.terminal(node).type == "power_in":
            need_mv = circuit.rating(node, "min_mv")[1]
            if low_mv < need_mv:
                why = "it stops before the pump notices"
                text = f"motor.supply_low_mv is {volts(low_mv)}, but {nets.show(node)} needs {volts(need_mv)}: {why}"
                yield Finding(
                    RULE, text, f"write at least supply_low_mv = {need_mv}", motor, (node[0],), f"{low_mv} mV, needs {need_mv} mV"
                )
    held = voltages(circuit, known, State()).get(motor, (0.0, 0.0))
    if low_mv >= held[0]:
        text = f"motor.supply_low_mv is {volts(low_mv)}, not below the supply at its lowest, {volts(held[0])}: the pump would never start"
        yield Finding(RULE, text, "write a lower supply_low_mv", motor, (pico.PART,), span(held))


def high_is_above_the_supply(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a highest supply that the good supply reaches, that a part does not bear, or that the divider can't show."""
    high_mv = circuit.bench.supply_high_mv
    motor = known.net_with(roles.MOTOR)
    if not high_mv:
        return
    held = voltages(circuit, known, State()).get(motor, (0.0, 0.0))
    if high_mv <= held[1]:
        why = "the pump would refuse a good supply"
        text = f"motor.supply_high_mv is {volts(high_mv)}, and the supply itself may have {volts(held[1])}: {why}"
        yield Finding(RULE, text, "write a higher supply_high_mv", motor, (pico.PART,), span(held))
    if high_mv >= circuit.bench.supply_full_scale_mv:
        full = volts(circuit.bench.supply_full_scale_mv)
        text = f"motor.supply_high_mv is {volts(high_mv)}, at or over the full scale, {full}: it can't be seen"
        yield Finding(RULE, text, "write a lower supply_high_mv", motor, (pico.PART,), f"{high_mv} mV")
    for node in circuit.nodes(motor):
        if circuit.terminal(node).type in ("power_in", "passive") and high_mv > circuit.rating(node, "max_mv")[0]:
            text = f"motor.supply_high_mv is {volts(high_mv)}, but {nets.show(node)} bears {volts(circuit.rating(node, 'max_mv')[0])}"
            yield Finding(RULE, text, "write a lower supply_high_mv", motor, (node[0],), f"{high_mv} mV")


RULES = {
    "E7": (
        the_supply_is_watched, the_divider_is_at_the_motor_supply, full_scale_is_that_of_the_divider, the_adc_bears_the_divider,
        low_is_above_what_stops, high_is_above_the_supply,
    ),
}  # fmt: skip
