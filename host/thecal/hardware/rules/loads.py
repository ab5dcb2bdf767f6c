"""The current that each net must give, at its worst: motor, converters, modules, resistors."""

from __future__ import annotations

from pumpcore.bench.bench import COILS
from thecal.hardware.nets import Node
from thecal.hardware.rules import roles
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.network import Span, State, resistance, voltages
from thecal.hardware.rules.roles import Roles

# A chopper's bridge and sense resistors take the rest. A model, not a measurement.
BRIDGE_EFFICIENCY = 0.8


class Loads:
    """Currents in mA. Raises Undecided if a figure is missing."""

    def __init__(self, circuit: Circuit, known: Roles) -> None:
        self.circuit = circuit
        self.known = known
        self.held = voltages(circuit, known, State())

    def coil_ma(self) -> float:
        """Return the highest current of one coil, as its effective value."""
        circuit = self.circuit
        motor = circuit.motor
        if circuit.bench.kind == COILS:
            return self._span(self.known.net_with(roles.MOTOR))[1] / circuit.value(motor.mark, "coil_resistance_mohm")[0] * 1000
        rated = circuit.value(motor.mark, "coil_current_ma")[1]
        return float(min(rated, circuit.value(circuit.driver.mark, "max_coil_ma")[1]))

    def motor_ma(self) -> float:
        """Return the current that two coils draw from the motor's supply: all of it without a chopper, else their heat over its voltage."""
        circuit = self.circuit
        if circuit.bench.kind == COILS:
            return 2 * self.coil_ma()
        motor = circuit.motor
        ohm = circuit.value(motor.mark, "coil_resistance_mohm")[1] / 1000
        heat_mw = 2 * self.coil_ma() ** 2 * ohm / 1000
        return heat_mw / BRIDGE_EFFICIENCY / max(1.0, self._span(self.known.net_with(roles.MOTOR))[0]) * 1000

    def of_net(self, net: str, seen: frozenset[str] = frozenset()) -> float:
        """Return the current that leaves the net for all that it feeds."""
        if not net or net in seen:
            return 0.0
        seen |= {net}
        total_ma = self.motor_ma() if self.known.has(net, roles.MOTOR) else 0.0
        for node in self.circuit.nodes(net):
            if self.circuit.terminal(node).type == "power_in":
                total_ma += self._through(node, net, seen)
        for element in self.circuit.elements:
            if element.kind == "fuse" and net in element.ends and not self.known.has(element.other(net), roles.PLUS):
                total_ma += self.of_net(element.other(net), seen)
            if element.kind == "diode" and self.circuit.end(element.mark, "anode") == net:
                total_ma += self.of_net(element.other(net), seen)
        return total_ma + self._by_resistors(net)

    def _through(self, node: Node, net: str, seen: frozenset[str]) -> float:
        """Return the current into one power input; that of a converter or regulator follows from its output."""
        circuit = self.circuit
        part = circuit.rig.parts[node[0]]
        if part.library.kind not in ("converter", "regulator"):
            return float(circuit.rating(node, "current_ma")[1])
        given_ma = sum(self.of_net(circuit.net(part.mark, name), seen) for name in circuit.terminals_of(part, "power_out"))
        if part.library.kind == "regulator":
            return given_ma + circuit.rating(node, "current_ma")[1]
        out_mv = max(circuit.rating((part.mark, name), "out_mv")[1] for name in circuit.terminals_of(part, "power_out"))
        efficiency = circuit.value(part.mark, "efficiency_permille")[0] / 1000
        return given_ma * out_mv / efficiency / max(1.0, self._span(net)[0])

    def _by_resistors(self, net: str) -> float:
        """Return the most that the resistors at a net can draw, as if their other ends were grounded."""
        high_mv = self._span(net)[1]
        return sum(high_mv / resistance(self.circuit, element.mark)[0] for element in self.circuit.at("resistor", net))

    def _span(self, net: str) -> Span:
        return self.held.get(net, (0.0, 0.0))
