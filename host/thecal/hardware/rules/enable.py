"""E3: a resistor at the driver holds the motor off, with the Pico in reset and without a Pico; the Pico can still enable it."""

from __future__ import annotations

from collections.abc import Iterator

from thecal.hardware import nets
from thecal.hardware.rules import roles
from thecal.hardware.rules.circuit import Circuit, Element
from thecal.hardware.rules.finding import Finding, ohms, span, volts
from thecal.hardware.rules.network import State, resistance, supplied, voltages
from thecal.hardware.rules.roles import Roles

RULE = "E3"
MOST_OHM, LEAST_OHM = 10_500, 2_000


def _enable(circuit: Circuit) -> str:
    """Return the net at the driver's enable terminal."""
    return circuit.net(circuit.driver.mark, circuit.driver.library.enable)


def _rail(circuit: Circuit, known: Roles) -> str:
    """Return the net to which the resistor must lead: the driver's own 3.3 V, or ground."""
    return known.net_with(roles.LOGIC) if circuit.driver.library.disabled == "high" else circuit.ground


def _pulls(circuit: Circuit, known: Roles) -> list[Element]:
    return circuit.between("resistor", _enable(circuit), _rail(circuit, known))


def the_resistor_is_there(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a driver whose enable line has no resistor to the level that switches it off, or one that is too large or too small."""
    driver, net, rail = circuit.driver, _enable(circuit), _rail(circuit, known)
    name = f"{driver.mark}:{driver.library.enable}"
    if (
        (driver.library.disabled == "low"
        and circuit.bench.disabled_level)
        or (driver.library.disabled == "high"
        and not circuit.bench.disabled_level)
    ):
        text = (
            f"the firmware switches a {circuit.bench.driver} off by another level than {driver.library.disabled}, which {driver.mark} needs"
        )
        yield Finding(RULE, text, "correct the driver in hardware/library", net, (driver.mark,))
    found = _pulls(circuit, known)
    if not found:
        direction = "pull-up" if driver.library.disabled == "high" else "pull-down"
        why = f"so the motor is on when the Pico is not: it needs a {direction} to {rail or 'a rail'}"
        text = f"no resistor holds {name} {driver.library.disabled}, {why}"
        yield Finding(RULE, text, f"put 4.7 to 10 kOhm between {name} and {rail or 'the 3.3 V of the driver'}", net, (driver.mark,))
        return
    for element in found:
        low_ohm, high_ohm = resistance(circuit, element.mark)
        if high_ohm > MOST_OHM or low_ohm < LEAST_OHM:
            text = f"{element.mark} at {name} has {ohms(circuit.value(element.mark, 'ohm')[0])}; it must have 2.2 to 10 kOhm"
            yield Finding(RULE, text, "use 4.7 kOhm (pull-up) or 10 kOhm (pull-down)", net, (element.mark,), ohms(high_ohm))


def off_without_the_pico(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find an enable line that is not safely off while the motor has power: Pico lifted out, in reset, or a broken wire to it."""
    for state, words in ((State(pico=False), "with the Pico lifted out"), (State(reset=True), "with the Pico in reset")):
        yield from _not_at(circuit, known, state, circuit.driver.library.disabled, f"off {words}")


def the_pico_decides(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find an enable line that the Pico can't switch on, or off."""
    off = circuit.driver.library.disabled
    on = "low" if off == "high" else "high"
    yield from _not_at(circuit, known, State(levels={"enable": on == "high"}), on, "on when the Pico enables it")
    yield from _not_at(circuit, known, State(levels={"enable": off == "high"}), off, "off when the Pico disables it")


def _not_at(circuit: Circuit, known: Roles, state: State, level: str, words: str) -> Iterator[Finding]:
    driver, net = circuit.driver, _enable(circuit)
    node = (driver.mark, driver.library.enable)
    held = voltages(circuit, known, state).get(net)
    need_mv = circuit.rating(node, "high_mv")[1] if level == "high" else circuit.rating(node, "low_mv")[0]
    good = held is not None and (held[0] >= need_mv if level == "high" else held[1] <= need_mv)
    if not good:
        seen = span(held) if held else "no level at all"
        side = "above" if level == "high" else "below"
        text = f"{node[0]}:{node[1]} must be {words}, {side} {volts(need_mv)}, and has {seen}"
        cure = f"4.7 kOhm at {node[0]}:{node[1]} to {_rail(circuit, known) or 'its rail'}, 1 kOhm from PICO:enable"
        yield Finding(RULE, text, cure, net, (driver.mark,), f"{seen}, {side} {volts(need_mv)}")


def no_motor_power_without_its_logic(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a pull-up rail that can be dead while the motor has power: it must come from the motor's side, and not from the Pico."""
    if circuit.driver.library.disabled != "high":
        return
    rail = _rail(circuit, known)
    makers = [node for node in circuit.nodes(rail) if circuit.terminal(node).type == "power_out"]
    if not rail or any(circuit.kind_of(node) == "pico" for node in makers) or not makers:
        why = "so it can be off while the motor is on"
        text = f"the driver's logic supply {rail or '(none)'} does not come from a regulator of the motor's side, {why}"
        yield Finding(RULE, text, "feed it from its own regulator after the 12 V", rail, (circuit.driver.mark,))


def logic_follows_the_motor_supply(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a driver whose logic supply is on while its motor supply is off, as on USB alone: its maker wants the logic off first."""
    held = supplied(circuit, known, State(supply=False, usb=True))
    rail, motor = known.net_with(roles.LOGIC), known.net_with(roles.MOTOR)
    for node in circuit.nodes(rail):
        fed = [circuit.net(node[0], name) for name in circuit.terminals_of(circuit.rig.parts[node[0]], "power_in")]
        if circuit.terminal(node).type == "power_out" and any(net in held for net in fed) and motor not in held:
            text = f"on USB alone {nets.show(node)} feeds the driver's logic supply {rail} while its motor supply is off"
            yield Finding(
                RULE, text, "feed the regulator from the converter's output, before the diode", rail, (node[0], circuit.driver.mark)
            )


RULES = {
    "E3": (
        the_resistor_is_there, off_without_the_pico, the_pico_decides, no_motor_power_without_its_logic, logic_follows_the_motor_supply,
    ),
}  # fmt: skip
