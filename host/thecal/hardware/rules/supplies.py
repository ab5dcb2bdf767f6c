"""E1, supplies, and E4, ground: one source a net, none at ground, and ground reaches every part without a module that can be lifted."""

from __future__ import annotations

from collections.abc import Iterator

from thecal.hardware import nets
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, listed
from thecal.hardware.rules.roles import Roles


def one_supply_a_net(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find nets with two terminals that give power."""
    for net in circuit.wired.nets:
        sources = [node for node in circuit.nodes(net) if circuit.terminal(node).type == "power_out"]
        if len(sources) > 1:
            text = f"{listed([nets.show(node) for node in sources])} both feed the net {net}: one would push current back into the other"
            yield Finding("E1", text, "give each supply a net of its own", net, tuple(mark for mark, _ in sources))


def no_supply_at_ground(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a supply that is joined to ground: a short."""
    for net in circuit.wired.nets:
        nodes = circuit.nodes(net)
        sources = [node for node in nodes if circuit.terminal(node).type == "power_out"]
        grounds = [node for node in nodes if circuit.terminal(node).type == "ground"]
        if sources and grounds:
            text = f"{nets.show(sources[0])} and {nets.show(grounds[0])} are both on the net {net}: the supply is shorted to ground"
            yield Finding("E1", text, "move one of the two wires", net, (sources[0][0], grounds[0][0]))


def one_of_each(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a bench with no supply, Pico, driver or motor, or with two: the rules know one of each."""
    for kinds in (("supply",), ("pico",), ("driver",), ("motor", "head")):
        found = circuit.of_kind(*kinds)
        if kinds[0] == "motor":
            found = [part for part in found if part.library.terminals]
        if len(found) != 1:
            marks = listed([part.mark for part in found]) or "none"
            text = f"a bench has exactly one {kinds[0]}: this one has {marks}"
            yield Finding("E1", text, f"leave one {kinds[0]} in [parts]", parts=tuple(part.mark for part in found))


def the_right_driver(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a driver module that is not the one of [motor]."""
    driver = circuit.driver
    if driver.library.driver != circuit.bench.driver:
        text = f"[motor] says {circuit.bench.driver}, but {driver.mark} is a {circuit.what(driver.mark)}"
        yield Finding("E1", text, "make [motor].driver and the part agree", parts=(driver.mark,))


def ground_reaches_every_part(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find ground terminals off the net of the supply's minus: they would hang on a module that can be lifted."""
    for node, terminal, net in circuit.every_node():
        if terminal.type == "ground" and net != circuit.ground:
            others = [name for name in circuit.names(net) if name != nets.show(node)]
            via = f"only {listed(others)}" if others else "nothing"
            text = f"{nets.show(node)} is not on the ground net {circuit.ground} of the supply: its net {net} holds {via}"
            yield Finding("E4", text, f"wire {nets.show(node)} to {circuit.ground}", net, (node[0],))


def ground_by_the_pico_only(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find parts whose net meets ground only inside the Pico: with the Pico lifted out, they float (AGND without a wire)."""
    grounds = {circuit.net("PICO", name) for name in circuit.terminals_of(circuit.only("pico"), "ground")} - {"", circuit.ground}
    for net in sorted(grounds):
        hanging = [node for node in circuit.nodes(net) if circuit.kind_of(node) != "pico"]
        if hanging:
            text = f"no wire but the Pico, which can be lifted out, joins {listed([nets.show(node) for node in hanging])} to ground"
            cure = f"wire the net {net} to {circuit.ground}"
            yield Finding("E4", text, cure, net, tuple(sorted({mark for mark, _ in hanging})))


def every_ground_has_a_wire(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find ground terminals without any wire. On the Pico too: a missing one leads its current through another."""
    for part in circuit.rig.parts.values():
        for name in circuit.terminals_of(part, "ground"):
            if not circuit.net(part.mark, name):
                text = f"{part.mark}:{name} is ground and has no wire"
                yield Finding("E4", text, f"wire it to {circuit.ground}", circuit.ground, (part.mark,))


RULES = {
    "E1": (one_supply_a_net, no_supply_at_ground, one_of_each, the_right_driver),
    "E4": (ground_reaches_every_part, ground_by_the_pico_only, every_ground_has_a_wire),
}
