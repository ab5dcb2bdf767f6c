"""E2, ratings: the worst voltage of every net, in every state of the rig, against what each terminal bears and needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from thecal.hardware import nets
from thecal.hardware.nets import Node
from thecal.hardware.rules.circuit import NEUTRAL, Circuit
from thecal.hardware.rules.finding import Finding, amperes, listed, ohms, span, volts
from thecal.hardware.rules.network import OUTPUTS, Span, State, pico_3v3, resistance, supplied, voltages
from thecal.hardware.rules.roles import Roles

RULE = "E2"
# A connector's rating names a nominal voltage: a supply for it may be a tenth higher.
OF_A_CONNECTOR = 1.1
# Every CMOS input bears so much more than its supply.
OVER_ITS_SUPPLY_MV = 300
# An input diode of a part without power begins to conduct here.
CLAMP_MV = 600


def states(circuit: Circuit) -> list[State]:
    """Return the states of a rig that a person can bring about."""
    closed = frozenset(part.mark for part in circuit.of_kind("switch"))
    found = []
    for contacts in (frozenset[str](), closed):
        found += [State(closed=contacts), State(closed=contacts, usb=True), State(closed=contacts, reset=True)]
        found += [
            State(closed=contacts, pico=False),
            State(closed=contacts, pico=False, driver=False),
            State(closed=contacts, driver=False),
        ]
        found += [State(closed=contacts, supply=False, usb=True)]
    return found


def worst(circuit: Circuit, known: Roles) -> dict[str, Span]:
    """Return {net: lowest and highest mV over all states}."""
    found: dict[str, Span] = {}
    for state in states(circuit):
        for net, (low, high) in voltages(circuit, known, state).items():
            before = found.get(net, (low, high))
            found[net] = (min(low, before[0]), max(high, before[1]))
    return found


def no_terminal_over_its_rating(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find terminals whose net can have more than they bear."""
    held = worst(circuit, known)
    for node, net in [(node, name) for name in held for node in sorted(circuit.wired.nets[name])]:
        if node[1] and circuit.terminal(node).max_mv is not None:
            limit_mv = _limit_mv(circuit, held, node)
            if held[net][1] > limit_mv:
                numbers = f"{span(held[net])}, limit {volts(limit_mv)}"
                text = f"the net {net} has up to {volts(held[net][1])}, but {nets.show(node)} bears {volts(limit_mv)}"
                yield Finding(RULE, text, f"move {nets.show(node)} to the net that it belongs to", net, (node[0],), numbers)


def _limit_mv(circuit: Circuit, held: Mapping[str, Span], node: Node) -> float:
    """Return the worst rating. A pin of the Pico bears the voltage of the Pico's own 3.3 V, an input a little more than its supply has."""
    limit_mv = float(circuit.rating(node, "max_mv")[0])
    supply = circuit.terminal(node).supply
    if supply and circuit.terminal(node).type in ("input", "strap"):
        limit_mv = max(limit_mv, held.get(circuit.net(node[0], supply), (0.0, 0.0))[1] + OVER_ITS_SUPPLY_MV)
    if circuit.kind_of(node) == "pico" and circuit.terminal(node).type != "power_in":
        return max(limit_mv, pico_3v3(circuit)[1])
    if circuit.kind_of(node) in NEUTRAL:
        return limit_mv * OF_A_CONNECTOR
    return limit_mv


def every_input_has_its_supply(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find power inputs without a voltage, or below what they need, when the bench supply is on."""
    held = voltages(circuit, known, State())
    for part in circuit.rig.parts.values():
        for name in circuit.terminals_of(part, "power_in"):
            net = circuit.net(part.mark, name)
            need_mv = circuit.rating((part.mark, name), "min_mv")[1]
            low_mv = held.get(net, (0.0, 0.0))[0]
            if low_mv < need_mv:
                text = f"{part.mark}:{name} needs {volts(need_mv)}, but its net {net or '(no wire)'} has {volts(low_mv)} at the worst"
                yield Finding(RULE, text, "wire it to its supply", net, (part.mark,), f"{volts(low_mv)}, needs {volts(need_mv)}")


def one_output_a_net(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find nets on which two outputs drive against each other, and drivers' inputs that nothing drives."""
    for net in circuit.wired.nets:
        drives = [node for node in circuit.nodes(net) if _drives(circuit, node)]
        if len(drives) > 1:
            text = f"{listed([nets.show(node) for node in drives])} all drive the net {net}"
            yield Finding(RULE, text, "leave one of them on this net", net, tuple(mark for mark, _ in drives))
    held = voltages(circuit, known, State())
    for node, terminal, net in circuit.every_node():
        if terminal.type in ("input", "strap") and net not in held and terminal.pull == "none" and not _tied_to_a_pull(circuit, node):
            text = f"nothing drives the input {nets.show(node)}: its net {net} holds only {listed(circuit.names(net))}"
            yield Finding(RULE, text, "wire it to the output or the level that it needs", net, (node[0],))


def _drives(circuit: Circuit, node: Node) -> bool:
    """Return True for an output: of a part, of the driver's bridge, or a pin of the Pico that the firmware drives."""
    kind = circuit.terminal(node).type
    if circuit.kind_of(node) == "pico":
        return kind == "power_out" or node[1] in OUTPUTS
    return kind in ("output", "power_out") or (kind == "motor" and circuit.kind_of(node) == "driver")


def _tied_to_a_pull(circuit: Circuit, node: Node) -> bool:
    """Return True if the part's own table ties this terminal to another one on the same net that has a pull (RESET to SLEEP)."""
    other = circuit.rig.parts[node[0]].library.ties.get(node[1], "")
    return bool(other) and circuit.net(node[0], other) == circuit.net(*node)


def polarised_capacitors(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a capacitor with a plus that is not on the higher net, or that bears less than its net can have."""
    held = worst(circuit, known)
    for element in circuit.elements:
        if element.kind == "capacitor" and "plus" in element.terminals and all(net in held for net in element.ends):
            plus, minus = (held[element.ends[element.terminals.index(name)]] for name in ("plus", "minus"))
            if plus[1] <= minus[1]:
                yield Finding(
                    RULE,
                    f"{element.mark} is the wrong way round: its plus is on {element.ends[0]}",
                    "turn it",
                    element.ends[0],
                    (element.mark,),
                )


def no_current_into_a_part_without_power(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find driver inputs that the Pico feeds on USB alone, when the driver's own 3.3 V is off, with more than the chip's diode bears."""
    on = supplied(circuit, known, State(supply=False, usb=True))
    driver = circuit.driver
    for terminal in driver.library.terminals.values():
        net = circuit.net(driver.mark, terminal.name)
        fed = circuit.net(driver.mark, terminal.supply) in on
        if terminal.type == "input" and terminal.supply and net and not fed:
            limit_ma = circuit.value(driver.mark, "input_ma")[0]
            for ohm, output in _feeds(circuit, net):
                flows_ma = (pico_3v3(circuit)[1] - CLAMP_MV) / ohm if ohm else float("inf")
                if flows_ma > limit_ma:
                    flows = amperes(flows_ma) if ohm else "an unlimited current"
                    into = f"{driver.mark}:{terminal.name}, whose supply is off; it bears {amperes(limit_ma)}"
                    numbers = f"{flows}, limit {amperes(limit_ma)}"
                    text = f"on USB alone PICO:{output} drives {flows} into {into}"
                    yield Finding(RULE, text, f"put {ohms(1000)} in series, at the Pico", net, (driver.mark, "PICO"), numbers)


def _feeds(circuit: Circuit, net: str) -> Iterator[tuple[float, str]]:
    """Yield (least series resistance, name) of the Pico's outputs at a net, or behind one resistor."""
    pins = {circuit.pin(name): name for name in circuit.rig.pins}
    if net in pins:
        yield 0.0, pins[net]
    for element in circuit.at("resistor", net):
        if element.other(net) in pins:
            yield resistance(circuit, element.mark)[0], pins[element.other(net)]


def shown(held: Mapping[str, Span]) -> dict[str, str]:
    """Return the voltages as texts, for a report."""
    return {net: span(one) for net, one in sorted(held.items())}


RULES = {
    "E2": (
        no_terminal_over_its_rating, every_input_has_its_supply, one_output_a_net, polarised_capacitors,
        no_current_into_a_part_without_power,
    ),
}  # fmt: skip
