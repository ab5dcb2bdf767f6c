"""E2, the kinds of terminals: a net holds only terminals that belong together, and every part lies where the rules know its purpose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from thecal.hardware import nets
from thecal.hardware.nets import Node
from thecal.hardware.rules import roles
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, listed
from thecal.hardware.rules.roles import Roles

RULE = "E2"


def one_role_a_net(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find nets that join what must stay apart."""
    for net, found in known.by_net.items():
        if not roles.together(sorted(found)):
            held = [f"{role} ({', '.join(map(nets.show, nodes)) or 'by its resistor'})" for role, nodes in sorted(found.items())]
            parts = tuple(sorted({mark for nodes in found.values() for mark, _ in nodes}))
            yield Finding(
                RULE, f"the net {net} joins {listed(held)}", "separate them: move the wire that joins them to its own net", net, parts
            )


def one_net_a_role(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find terminals that belong to one net and are on several."""
    spread: dict[str, dict[str, list[Node]]] = defaultdict(dict)
    for net, found in known.by_net.items():
        for role, nodes in found.items():
            if role not in (roles.STRAP, roles.REGULATOR_IN):
                spread[role][net] = nodes
    for role, where in spread.items():
        if len(where) > 1:
            main = max(where, key=lambda net: (len(where[net]), net == circuit.ground, net))
            astray = [nets.show(node) for net, nodes in where.items() if net != main for node in nodes]
            text = f"{listed(astray) or role} belongs to {role} (net {main}), but is on {listed(sorted(where.keys() - {main}))}"
            yield Finding(RULE, text, f"wire it to {main}", main, tuple(sorted({name.split(":")[0] for name in astray})))


def every_part_has_a_purpose(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find resistors, capacitors, switches and buzzers between nets where the rules know no use for them."""
    for element in circuit.elements:
        if element.kind in roles.PAIRS and not known.purpose(element):
            ends = listed([f"{terminal} at {net or 'nothing'}" for terminal, net in zip(element.terminals, element.ends, strict=True)])
            text = f"{element.mark} ({circuit.what(element.mark)}) has no purpose that the rules know: its terminals are {ends}"
            yield Finding(RULE, text, "wire it as in the shipped bench, or take it out", element.ends[0], (element.mark,))


def every_terminal_has_a_role(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find wired terminals that no rule knows, such as an open-drain output or RUN."""
    for node, terminal, net in circuit.every_node():
        if not known.of_node(node) and circuit.kind_of(node) not in roles.PAIRS and circuit.kind_of(node) != "sensor_module":
            text = f"{nets.show(node)} ({terminal.type}) must stay without a wire: no rule covers it, and it is on the net {net}"
            yield Finding(RULE, text, "take its wire away, and give the reason under [wiring.unwired]", net, (node[0],))


def no_wire_to_nothing(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find nets with a single terminal of a part."""
    for net in circuit.wired.nets:
        nodes = circuit.nodes(net)
        if len(nodes) < 2:
            alone = nets.show(nodes[0]) if nodes else "no part"
            text = f"the net {net} holds {alone} and nothing else: its wire leads to nothing"
            yield Finding(RULE, text, "join it to the net that it belongs to", net, tuple(mark for mark, _ in nodes))


RULES = {"E2": (one_role_a_net, one_net_a_role, every_part_has_a_purpose, every_terminal_has_a_role, no_wire_to_nothing)}
