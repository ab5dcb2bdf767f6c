"""E11, the coils' energy into the bulk capacitor, and E12: decoupling, reversed supply, and the only way into VSYS."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from thecal.hardware import nets, pico
from thecal.hardware.rules import roles
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, amperes, listed, volts
from thecal.hardware.rules.loads import Loads
from thecal.hardware.rules.network import USB_AT_VSYS_MV, capacitance_nf
from thecal.hardware.rules.roles import Roles

LEAST_BULK_NF = 47_000
LEAST_FILTER_NF = 47


def bulk_at_the_motor(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a motor supply without its bulk capacitor."""
    motor = known.net_with(roles.MOTOR)
    least_nf = capacitance_nf(circuit, motor)[0]
    if least_nf < LEAST_BULK_NF:
        text = f"the motor supply {motor} has {least_nf / 1000:.0f} uF to ground; a stop needs at least {LEAST_BULK_NF // 1000} uF there"
        cure = "put the bulk capacitor at the driver's motor supply and ground"
        yield Finding("E11", text, cure, motor, (circuit.driver.mark,), f"{least_nf / 1000:.0f} uF")


def the_coils_lift_no_rail(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a rail that the energy of both coils, at a stop, lifts over what a part on it or behind its diode bears. A model."""
    motor = known.net_with(roles.MOTOR)
    loads = Loads(circuit, known)
    least_nf = capacitance_nf(circuit, motor)[0]
    if not least_nf:
        return
    part = circuit.motor
    henry_uh = circuit.value(part.mark, "coil_inductance_uh")[1]
    energy_uj = henry_uh * (loads.coil_ma() / 1000) ** 2
    resting_mv = loads.held.get(motor, (0.0, 0.0))[1]
    peak_mv = 1000 * sqrt((resting_mv / 1000) ** 2 + 2 * energy_uj * 1000 / least_nf)
    peak_mv = min([peak_mv, *_clamps(circuit, motor)])
    for net in _lifted(circuit, motor):
        for node in circuit.nodes(net):
            terminal = circuit.terminal(node)
            if terminal.max_mv is not None and circuit.kind_of(node) not in ("tvs", "resistor", "fuse"):
                limit_mv = circuit.rating(node, "max_mv")[0]
                if peak_mv > limit_mv:
                    lift = f"at a stop the coils' {energy_uj / 1000:.2f} mJ lift {net} to {volts(peak_mv)}"
                    text = f"{lift}; {nets.show(node)} bears {volts(limit_mv)}"
                    cure = "a larger bulk capacitor, and a converter of its own for the Pico"
                    yield Finding("E11", text, cure, net, (node[0],), f"{volts(peak_mv)}, limit {volts(limit_mv)}")


def _clamps(circuit: Circuit, net: str) -> list[float]:
    """Return the highest voltages that the TVS diodes of a net let through."""
    return [float(circuit.value(element.mark, "clamp_mv")[1]) for element in circuit.between("tvs", net, circuit.ground)]


def _lifted(circuit: Circuit, net: str) -> list[str]:
    """Return the net, and those behind its diodes."""
    behind = [element.other(net) for element in circuit.at("diode", net) if circuit.end(element.mark, "anode") == net]
    return [net, *behind]


def regulators_are_decoupled(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a regulator without the capacitors that its data sheet asks for: it would oscillate."""
    for part in circuit.of_kind("regulator", "converter"):
        for side, kind in (("input", "power_in"), ("output", "power_out")):
            for name in circuit.terminals_of(part, kind):
                yield from _decoupled(circuit, part.mark, name, side)


def _decoupled(circuit: Circuit, mark: str, terminal: str, side: str) -> Iterator[Finding]:
    net, values = circuit.net(mark, terminal), circuit.rig.parts[mark].library.values
    least_nf, most_nf = capacitance_nf(circuit, net)
    nominal_nf = sum(circuit.value(element.mark, "nf")[0] for element in circuit.between("capacitor", net, circuit.ground))
    if f"{side}_cap_min_nf" in values:
        need_nf = circuit.value(mark, f"{side}_cap_min_nf")[1]
        if nominal_nf < need_nf:
            text = f"{mark}:{terminal} has {nominal_nf} nF to ground; it needs {need_nf} nF"
            yield Finding(
                "E12", text, f"put {need_nf} nF at {mark}:{terminal}, within 10 mm", net, (mark,), f"{least_nf:.0f} to {most_nf:.0f} nF"
            )
    for limit in {f"{side}_cap_max_nf", "load_max_nf" if side == "output" else ""} & values.keys():
        if most_nf > circuit.value(mark, limit)[0]:
            text = f"{mark}:{terminal} has up to {most_nf:.0f} nF to ground, more than it can start with or stay stable"
            yield Finding("E12", text, "take a smaller capacitor", net, (mark,), f"{most_nf:.0f} nF")


def the_adc_is_filtered(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a supply sense without its capacitor."""
    net = circuit.pin("motor_supply")
    if net and not LEAST_FILTER_NF <= capacitance_nf(circuit, net)[0] <= 1000:
        text = f"PICO:motor_supply has {capacitance_nf(circuit, net)[0]:.0f} nF to ground; the ADC needs 100 nF"
        yield Finding("E12", text, "put 100 nF from the pin to AGND", net, ("PICO",), f"{capacitance_nf(circuit, net)[0]:.0f} nF")


def a_reversed_supply_opens_the_fuse(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a rig that a reversed or too high supply destroys: there must be a TVS diode behind the fuse, cathode at the plus."""
    fused = known.net_with(roles.FUSED)
    found = list(circuit.between("tvs", fused, circuit.ground))
    good = [one for one in found if circuit.end(one.mark, "cathode") == fused]
    if not good:
        text = "nothing protects the rig from a reversed supply: no TVS diode has its cathode behind the fuse and its anode at ground"
        yield Finding("E12", text, "put a P6KE18A behind the fuse, cathode to plus", fused, tuple(one.mark for one in found))
    highest_mv = Loads(circuit, known).held.get(fused, (0.0, 0.0))[1]
    for element in good:
        standoff_mv = circuit.value(element.mark, "standoff_mv")[0]
        if standoff_mv < highest_mv:
            text = f"{element.mark} conducts from {volts(standoff_mv)} on, and the supply may have {volts(highest_mv)}"
            yield Finding("E12", text, "take a TVS diode for a higher voltage", fused, (element.mark,), volts(standoff_mv))
        surge_ma, short_ma = circuit.value(element.mark, "forward_max_ma")[0], _short_ma(circuit)
        if surge_ma < short_ma:
            text = f"{element.mark} bears {amperes(surge_ma)} until the fuse opens, and a reversed supply gives {amperes(short_ma)}"
            yield Finding("E12", text, "take a stronger TVS diode", fused, (element.mark,), f"{amperes(surge_ma)} of {amperes(short_ma)}")
        clamp_mv = circuit.value(element.mark, "clamp_mv")[1]
        for node in circuit.nodes(fused):
            rated = circuit.kind_of(node) not in ("tvs", "fuse", "resistor") and circuit.terminal(node).max_mv is not None
            if rated and circuit.rating(node, "max_mv")[0] < clamp_mv:
                text = (
                    f"{element.mark} lets {volts(clamp_mv)} through, and {nets.show(node)} bears {volts(circuit.rating(node, 'max_mv')[0])}"
                )
                yield Finding("E12", text, "take a TVS diode for a lower voltage", fused, (element.mark, node[0]), volts(clamp_mv))


def _short_ma(circuit: Circuit) -> int:
    """Return the most that the supply gives into a short."""
    return circuit.value(circuit.only("supply").mark, "short_circuit_ma")[1]


def the_diode_bears_usb(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a diode to VSYS that does not bear USB's 5 V in reverse, when the bench supply is off."""
    for part in circuit.of_kind("diode"):
        can_mv = circuit.value(part.mark, "reverse_max_mv")[0]
        if can_mv < USB_AT_VSYS_MV[1]:
            text = f"{part.mark} bears {volts(can_mv)} in reverse; USB puts {volts(USB_AT_VSYS_MV[1])} at its cathode"
            cure = "take a diode for a higher voltage"
            yield Finding("E12", text, cure, circuit.end(part.mark, "cathode"), (part.mark,), volts(can_mv))


def vsys_is_fed_by_a_diode_only(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a VSYS that something else feeds: on USB the Pico would feed the rig, and the rig the computer."""
    net = circuit.net(pico.PART, "VSYS")
    sources = [node for node in circuit.nodes(net) if circuit.terminal(node).type in ("power_out", "motor")]
    diodes = [node for node in circuit.nodes(net) if circuit.kind_of(node) == "diode" and circuit.terminal(node).type == "cathode"]
    if sources or len(diodes) != 1:
        has = listed([nets.show(node) for node in sources] or [nets.show(node) for node in diodes]) or "nothing"
        text = f"VSYS (net {net or 'none'}) must be fed through exactly one diode, cathode at VSYS; it is fed by {has}"
        yield Finding("E12", text, "wire the converter to the diode's anode, and its cathode to PICO:VSYS", net, ("PICO",))


RULES = {
    "E11": (bulk_at_the_motor, the_coils_lift_no_rail),
    "E12": (
        regulators_are_decoupled, the_adc_is_filtered, a_reversed_supply_opens_the_fuse, the_diode_bears_usb, vsys_is_fed_by_a_diode_only,
    ),
}  # fmt: skip
