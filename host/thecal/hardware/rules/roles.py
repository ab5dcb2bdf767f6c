"""What each net is for. Every terminal asks for a role, and a net may hold only terminals whose roles go together."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from thecal.hardware import pico
from thecal.hardware.nets import Node
from thecal.hardware.rules.circuit import Circuit, Element

GROUND, PLUS, FUSED = "ground", "the supply before the fuse", "the fused supply"
MOTOR, FEED, VSYS = "the motor supply", "the Pico's 5 V before its diode", "VSYS"
LOGIC, PICO_3V3 = "the driver's 3.3 V", "the Pico's 3V3"
STRAP, REGULATOR_IN = "a strap", "a regulator's input"
SUPPLIES = (PLUS, FUSED, MOTOR, FEED, VSYS, LOGIC, PICO_3V3)
# Pairs of roles that one net may have together.
TOGETHER = {
    frozenset(pair)
    for pair in (
        (FUSED, MOTOR),
        (MOTOR, FEED),
        (REGULATOR_IN, FUSED),
        (REGULATOR_IN, MOTOR),
        (REGULATOR_IN, FEED),
        (STRAP, GROUND),
        (STRAP, LOGIC),
    )
}
COIL_INPUTS = {
    "AIN1": "coil_a1",
    "AIN2": "coil_a2",
    "BIN1": "coil_b1",
    "BIN2": "coil_b2",
    "IN1": "coil_a1",
    "IN2": "coil_a2",
    "IN3": "coil_b1",
    "IN4": "coil_b2",
}
BUSES = ("clock", "sensor")
# Pins behind a resistor and a lead to something off the board.
BUTTONS = {"stop_button": "NC", "bolus_button": "NO"}
LEADS = (*BUTTONS, "buzzer", "tube_light", "tube_sensor")


def pin(name: str) -> str:
    """Return the role of the net at a pin of the Pico."""
    return f"pin {name}"


def line(name: str) -> str:
    """Return the role of the net at an input of the driver."""
    return f"the driver's {name} line"


def lead(name: str) -> str:
    """Return the role of the net between the resistor at a pin and what lies off the board."""
    return f"the lead of {name}"


class Roles:
    """The roles of nets and terminals of one circuit."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit

    def of_node(self, node: Node) -> str:
        """Return the role that a terminal asks for; an empty text if it takes any that its pair table allows, or is unknown."""
        kind = self.circuit.kind_of(node)
        terminal = self.circuit.terminal(node)
        if terminal.type == "ground":
            return GROUND
        by_kind = {"supply": PLUS, "fuse": self._of_fuse(node), "pico": self._of_pico(node[1])}
        if kind in by_kind:
            return by_kind[kind]
        if kind == "tvs":
            return FUSED if terminal.type == "cathode" else GROUND
        if kind == "diode":
            return VSYS if terminal.type == "cathode" else FEED
        if kind in ("converter", "regulator"):
            return self._of_converter(kind, terminal.type, node)
        if kind == "driver":
            return self._of_driver(node)
        if kind in ("motor", "head") and terminal.coil:
            return f"coil {terminal.coil}{terminal.name[-1]}"
        return self._of_module(kind, node)

    def _of_fuse(self, node: Node) -> str:
        """A fuse leads from the supply to the rest: the end that is not at the supply's plus is fused."""
        return PLUS if self.circuit.net(*node) == self.circuit.plus else FUSED

    def _of_pico(self, name: str) -> str:
        if name in self.circuit.rig.pins:
            return pin(name)
        return {"VSYS": VSYS, "3V3": PICO_3V3}.get(name, "")

    def _of_converter(self, kind: str, terminal_type: str, node: Node) -> str:
        if terminal_type == "power_in":
            return FUSED if kind == "converter" else REGULATOR_IN
        if kind == "regulator":
            return LOGIC
        fed = {(self.circuit.kind_of(other), other[1]) for other in self.circuit.nodes(self.circuit.net(*node))}
        return MOTOR if ("driver", self.motor_supply) in fed else FEED

    @cached_property
    def motor_supply(self) -> str:
        """Return the driver's terminal for the motor's supply: the power input that may have the highest voltage."""
        driver = self.circuit.driver
        names = self.circuit.terminals_of(driver, "power_in")
        return max(names, key=lambda name: self.circuit.rating((driver.mark, name), "max_mv"))

    def _of_driver(self, node: Node) -> str:
        part, terminal = self.circuit.rig.parts[node[0]].library, self.circuit.terminal(node)
        if terminal.type == "power_in":
            return MOTOR if node[1] == self.motor_supply else LOGIC
        if terminal.type == "motor":
            return f"coil {terminal.coil}{terminal.name[-1]}"
        if node[1] == part.enable:
            return line("enable")
        if node[1] in ("STEP", "DIR"):
            return line(node[1].lower())
        if node[1] in COIL_INPUTS:
            return line(COIL_INPUTS[node[1]])
        tied = part.ties.get(node[1], "")
        if tied in part.terminals:
            return self.of_node((node[0], tied))
        return STRAP if terminal.type in ("strap", "input", "passive") else ""

    def _of_module(self, kind: str, node: Node) -> str:
        """Return the role of a terminal of a clock or sensor module."""
        if kind not in ("clock_module", "sensor_module"):
            return ""
        if self.circuit.terminal(node).type == "power_in":
            return PICO_3V3
        if node[1] in ("SDA", "SCL"):
            return pin(f"{'clock' if kind == 'clock_module' else 'sensor'}_{node[1].lower()}")
        return ""

    @cached_property
    def by_net(self) -> dict[str, dict[str, list[Node]]]:
        """Return {net: {role: terminals that ask for it}}; a lead has the role of the pin behind its resistor."""
        found: dict[str, dict[str, list[Node]]] = {net: defaultdict(list) for net in self.circuit.wired.nets}
        for node, _, net in self.circuit.every_node():
            role = self.of_node(node)
            if role:
                found[net][role].append(node)
        for name in LEADS:
            net = self._lead_net(name, found)
            if net:
                found[net][lead(name)] = []
        return found

    def _lead_net(self, name: str, found: dict[str, dict[str, list[Node]]]) -> str:
        """Return the net without a role of its own behind the resistor at a pin."""
        here = self.circuit.pin(name)
        behind = [element.other(here) for element in self.circuit.at("resistor", here)]
        return next((net for net in behind if net and not found[net]), "")

    def has(self, net: str, *roles: str) -> bool:
        """Return True if the net has one of the roles."""
        return any(role in self.by_net.get(net, {}) for role in roles)

    def net_with(self, role: str) -> str:
        """Return the net with a role; an empty text if none has it."""
        return next((net for net, roles in self.by_net.items() if role in roles), "")

    def purpose(self, element: Element) -> bool:
        """Return True if the rules know what a resistor, capacitor, switch or buzzer between these two nets is for."""
        one, other = (self.by_net.get(net, {}) for net in element.ends)
        if element.ends[0] == element.ends[1]:
            return False
        return any(frozenset((a, b)) in PAIRS[element.kind] for a in one for b in other)


def _pairs_of_resistors() -> set[frozenset[str]]:
    pairs = [(pin(name), line(name)) for name in ("step", "dir", "enable", *COIL_INPUTS.values())]
    pairs += [(line("enable"), LOGIC), (line("enable"), GROUND), (MOTOR, pin("motor_supply")), (pin("motor_supply"), GROUND)]
    pairs += [(pin(name), lead(name)) for name in LEADS] + [(PICO_3V3, lead(name)) for name in (*BUTTONS, "tube_light")]
    pairs += [(lead("buzzer"), GROUND), (line("enable"), pin("enable_sense"))]
    pairs += [(PICO_3V3, pin(f"{bus}_{wire}")) for bus in BUSES for wire in ("sda", "scl")]
    pairs += [(PICO_3V3, pin("tube_sensor")), (pin("tube_sensor"), GROUND), (lead("tube_sensor"), GROUND)]
    return {frozenset(pair) for pair in pairs}


_FILTERED = ("motor_supply", *BUTTONS, "tube_sensor")
PAIRS: dict[str, set[frozenset[str]]] = {
    "resistor": _pairs_of_resistors(),
    "capacitor": {frozenset((role, GROUND)) for role in (FUSED, MOTOR, FEED, VSYS, LOGIC, PICO_3V3, *map(pin, _FILTERED))},
    "switch": {frozenset((role, GROUND)) for name in BUTTONS for role in (pin(name), lead(name))},
    "buzzer": {frozenset((role, GROUND)) for role in (pin("buzzer"), lead("buzzer"))},
}
PICO_GROUNDS = tuple(name for name in pico.FIXED if name.startswith("GND"))


def together(roles: list[str]) -> bool:
    """Return True if one net may have all these roles."""
    pairs = [frozenset((one, other)) for one in roles for other in roles if one < other]
    return all(pair in TOGETHER or _same_line(pair) for pair in pairs)


def _same_line(pair: frozenset[str]) -> bool:
    """Return True for a pin that is wired to its line without a resistor."""
    return any(pair == {pin(name), line(name)} for name in ("step", "dir", "enable", *COIL_INPUTS.values()))
