"""E6: no converter, regulator, diode, GPIO or resistor gives more than it can."""

from __future__ import annotations

from collections.abc import Iterator

from pumpcore.bench.bench import COILS
from thecal.hardware import nets, pico
from thecal.hardware.rules import roles
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, amperes
from thecal.hardware.rules.loads import Loads
from thecal.hardware.rules.network import OUTPUTS, pico_3v3, resistance
from thecal.hardware.rules.ratings import worst
from thecal.hardware.rules.roles import Roles

RULE = "E6"
# A resistor on a board in a box bears half of its rating.
DERATED = 0.5


def every_source_bears_its_load(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find supplies, converters, regulators and the Pico's 3V3 with more load than they bear."""
    loads = Loads(circuit, known)
    for node, terminal, net in circuit.every_node():
        if terminal.type == "power_out" and net:
            load_ma, can_ma = loads.of_net(net), circuit.rating(node, "max_ma")[0]
            if load_ma > can_ma:
                text = f"{nets.show(node)} must give {amperes(load_ma)} to the net {net}, and can give {amperes(can_ma)}"
                yield Finding(
                    RULE, text, "take a stronger one, or feed less from it", net, (node[0],), f"{amperes(load_ma)} of {amperes(can_ma)}"
                )


def diodes_bear_their_load(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a diode with more load behind it than it bears."""
    loads = Loads(circuit, known)
    for element in circuit.elements:
        if element.kind == "diode":
            behind = circuit.end(element.mark, "cathode")
            load_ma, can_ma = loads.of_net(behind), circuit.value(element.mark, "forward_max_ma")[0]
            if load_ma > can_ma:
                text = f"{element.mark} leads {amperes(load_ma)} to {behind}, and bears {amperes(can_ma)}"
                yield Finding(RULE, text, "take a larger diode", behind, (element.mark,), f"{amperes(load_ma)} of {amperes(can_ma)}")


def the_driver_bears_the_motor(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a motor without a chopper whose coils draw more than the driver or the motor bears."""
    loads, driver = Loads(circuit, known), circuit.driver
    motor = circuit.motor
    if circuit.bench.kind == COILS:
        for part, figure in ((driver, "max_coil_ma"), (motor, "coil_current_ma")):
            can_ma = circuit.value(part.mark, figure)[0]
            if loads.coil_ma() > can_ma:
                text = (
                    f"a coil draws {amperes(loads.coil_ma())} from {known.net_with(roles.MOTOR)}, and {part.mark} bears {amperes(can_ma)}"
                )
                cure = "take a motor of more Ohm a coil, or a lower supply"
                yield Finding(RULE, text, cure, known.net_with(roles.MOTOR), (part.mark,), amperes(loads.coil_ma()))


def every_gpio_bears_its_load(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find outputs of the Pico with a resistance so low that they give too much current, alone or together."""
    total_ma = 0.0
    for name in circuit.rig.pins:
        net = circuit.pin(name)
        if name in OUTPUTS and net:
            load_ma = sum(pico_3v3(circuit)[1] / resistance(circuit, element.mark)[0] for element in circuit.at("resistor", net))
            total_ma += load_ma
            can_ma = circuit.rating((pico.PART, name), "max_ma")[0]
            if load_ma > can_ma:
                text = f"PICO:{name} may give {amperes(load_ma)} through the resistors on {net}, and bears {amperes(can_ma)}"
                yield Finding(RULE, text, "take 1 kOhm", net, ("PICO",), f"{amperes(load_ma)} of {amperes(can_ma)}")
    can_ma = circuit.value(pico.PART, "gpio_total_ma")[0]
    if total_ma > can_ma:
        text = f"all outputs of the Pico may give {amperes(total_ma)} together, and bear {amperes(can_ma)}"
        yield Finding(RULE, text, "take larger resistors", parts=("PICO",), numbers=f"{amperes(total_ma)} of {amperes(can_ma)}")


def resistors_stay_cool(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find resistors that turn more than half of their rating into heat."""
    held = worst(circuit, known)
    for element in circuit.elements:
        if element.kind == "resistor" and all(net in held for net in element.ends):
            one, other = (held[net] for net in element.ends)
            across_mv = max(one[1] - other[0], other[1] - one[0])
            heat_mw = across_mv**2 / resistance(circuit, element.mark)[0] / 1000
            can_mw = DERATED * circuit.value(element.mark, "rated_mw")[0]
            if heat_mw > can_mw:
                where = f"between {element.ends[0]} and {element.ends[1]}"
                text = f"{element.mark} may turn {heat_mw:.0f} mW into heat {where}; it bears {can_mw:.0f} mW"
                yield Finding(
                    RULE, text, "take a larger resistance, or a stronger resistor", element.ends[0], (element.mark,), f"{heat_mw:.0f} mW"
                )


def regulators_stay_cool(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find regulators that turn more into heat than they bear."""
    loads = Loads(circuit, known)
    for part in circuit.of_kind("regulator"):
        for name in circuit.terminals_of(part, "power_out"):
            fed = [loads.held.get(circuit.net(part.mark, one), (0.0, 0.0))[1] for one in circuit.terminals_of(part, "power_in")]
            across_mv = max(fed) - circuit.rating((part.mark, name), "out_mv")[0]
            heat_mw = across_mv * loads.of_net(circuit.net(part.mark, name)) / 1000
            can_mw = circuit.value(part.mark, "dissipation_mw")[0]
            if heat_mw > can_mw:
                text = f"{part.mark} turns {heat_mw:.0f} mW into heat, and bears {can_mw} mW"
                yield Finding(RULE, text, "feed it from a lower voltage", circuit.net(part.mark, name), (part.mark,), f"{heat_mw:.0f} mW")


RULES = {
    "E6": (
        every_source_bears_its_load, diodes_bear_their_load, the_driver_bears_the_motor, every_gpio_bears_its_load, resistors_stay_cool,
        regulators_stay_cool,
    ),
}  # fmt: skip
