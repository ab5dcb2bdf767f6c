"""The voltages of all nets at rest, as worst-case intervals: supplies first, then every network of resistors at the ends of its ranges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from thecal.hardware import pico
from thecal.hardware.rules import roles
from thecal.hardware.rules.circuit import Bounds, Circuit
from thecal.hardware.rules.finding import Span, Undecided
from thecal.hardware.rules.roles import Roles

OUTPUTS = ("step", "dir", "enable", *roles.COIL_INPUTS.values(), "strobe", "buzzer", "tube_light", "scale_clock")
CONTACT_OHM: Span = (0.01, 1.0)
MOST_CORNERS = 1 << 14
# The Pico has a Schottky diode from USB to VSYS.
USB_AT_VSYS_MV: Span = (4_000.0, 5_300.0)
INSIDE = "inside "


@dataclass(frozen=True)
class State:
    """What is plugged in, and what the Pico does. `levels` is {output: high}; an output that is not in it may be either.

    With `reset` no pin drives: each has its pull-down. `closed`: marks of the switches whose contact is closed.
    """

    supply: bool = True
    usb: bool = False
    pico: bool = True
    driver: bool = True
    reset: bool = False
    levels: Mapping[str, bool] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    supply_permille: int = 1000


@dataclass(frozen=True)
class Edge:
    """A resistance between two nets."""

    ends: tuple[str, str]
    ohm: Span


def voltages(circuit: Circuit, known: Roles, state: State) -> dict[str, Span]:
    """Return {net: lowest and highest millivolts}; a net that nothing holds is missing. Each state of a circuit is solved once."""
    key = (state.supply, state.usb, state.pico, state.driver, state.reset, tuple(state.levels.items()), state.closed, state.supply_permille)
    if key not in circuit.solved:
        circuit.solved[key] = _solve(circuit, known, state)
    return circuit.solved[key]


def _solve(circuit: Circuit, known: Roles, state: State) -> dict[str, Span]:
    found = supplied(circuit, known, state)
    edges = list(_edges(circuit, state))
    for component in _components(edges, found):
        found.update(_solved(component, found))
    return {net: span for net, span in found.items() if not net.startswith(INSIDE)}


# --- nets that a supply or an output holds


def supplied(circuit: Circuit, known: Roles, state: State) -> dict[str, Span]:
    """Return {net: millivolts} of the nets that a supply, a converter or an output holds, and not only a resistor."""
    found: dict[str, Span] = {circuit.ground: (0.0, 0.0), INSIDE + "ground": (0.0, 0.0)}
    if state.supply:
        supply = circuit.only("supply")
        for name in circuit.terminals_of(supply, "power_out"):
            low, high = circuit.rating((supply.mark, name), "out_mv")
            net = circuit.net(supply.mark, name)
            found[net] = (low * state.supply_permille / 1000, high * state.supply_permille / 1000)
    vsys = circuit.net(pico.PART, "VSYS")
    if state.usb and state.pico and vsys:
        found[vsys] = USB_AT_VSYS_MV
    while _spread(circuit, state, found):
        pass
    if state.pico:
        found.update(_of_pico(circuit, state, found))
    if state.driver and known.net_with(roles.MOTOR) in found:
        motor_high_mv = found[known.net_with(roles.MOTOR)][1]
        for net, held in known.by_net.items():
            if any(role.startswith("coil ") for role in held) and net not in found:
                found[net] = (0.0, motor_high_mv)
    return found


def _spread(circuit: Circuit, state: State, found: dict[str, Span]) -> bool:
    """Carry voltages over fuses, diodes and converters. Returns True if a net is new."""
    before = len(found)
    for element in circuit.elements:
        if element.kind == "fuse":
            for here, there in (element.ends, element.ends[::-1]):
                if here in found and there:
                    found.setdefault(there, found[here])
        if element.kind == "diode":
            _over_diode(circuit, element.mark, found)
    for part in circuit.of_kind("converter", "regulator"):
        fed = [circuit.net(part.mark, name) for name in circuit.terminals_of(part, "power_in")]
        if any(net in found for net in fed):
            for name in circuit.terminals_of(part, "power_out"):
                if circuit.net(part.mark, name):
                    found.setdefault(circuit.net(part.mark, name), _floats(circuit.rating((part.mark, name), "out_mv")))
    if state.pico and circuit.net(pico.PART, "VSYS") in found and circuit.net(pico.PART, "3V3"):
        found.setdefault(circuit.net(pico.PART, "3V3"), pico_3v3(circuit))
    return len(found) > before


def _over_diode(circuit: Circuit, mark: str, found: dict[str, Span]) -> None:
    anode, cathode = circuit.end(mark, "anode"), circuit.end(mark, "cathode")
    if anode in found and cathode:
        low, high = found[anode]
        drop_high = circuit.value(mark, "forward_mv")[1]
        own = found.get(cathode)
        carried = (max(low - drop_high, own[0] if own else 0.0), max(high, own[1] if own else 0.0))
        found[cathode] = carried


def pico_3v3(circuit: Circuit) -> Span:
    """Return the voltage of the Pico's 3V3 in mV."""
    return _floats(circuit.rating((pico.PART, "3V3"), "out_mv"))


def _of_pico(circuit: Circuit, state: State, found: Mapping[str, Span]) -> Iterator[tuple[str, Span]]:
    """Yield the nets that the Pico's outputs drive, if it has power."""
    powered = circuit.net(pico.PART, "VSYS") in found
    if not powered or state.reset:
        return
    high = pico_3v3(circuit)
    for name in OUTPUTS:
        net = circuit.pin(name)
        if net and net not in found:
            level = state.levels.get(name)
            yield net, high if level else (0.0, 0.0) if level is False else (0.0, high[1])


# --- resistances


def _edges(circuit: Circuit, state: State) -> Iterator[Edge]:
    for element in circuit.elements:
        if element.kind == "resistor" and all(element.ends):
            yield Edge(element.ends, resistance(circuit, element.mark))
        if element.kind == "switch" and element.mark in state.closed and all(element.ends):
            yield Edge(element.ends, CONTACT_OHM)
    for node, terminal, net in circuit.every_node():
        kind = circuit.kind_of(node)
        if kind == "pico":
            if state.pico and node[1] in circuit.rig.pins:
                yield from _pico_pull(circuit, state, node[1], net)
        elif terminal.pull != "none" and (kind != "driver" or state.driver):
            towards = circuit.net(node[0], terminal.pull_to or terminal.supply) if terminal.pull == "up" else INSIDE + "ground"
            if towards:
                yield Edge((net, towards), _floats(circuit.rating(node, "pull_ohm")))


def _pico_pull(circuit: Circuit, state: State, name: str, net: str) -> Iterator[Edge]:
    """Yield the pull of one pin: down after a reset; later up at the buttons and none at the analogue pins."""
    ohm = _floats(circuit.rating((pico.PART, name), "pull_ohm"))
    if state.reset:
        yield Edge((net, INSIDE + "ground"), ohm)
    elif name in roles.BUTTONS and circuit.net(pico.PART, "3V3"):
        yield Edge((net, circuit.net(pico.PART, "3V3")), ohm)


def resistance(circuit: Circuit, mark: str) -> Span:
    """Return lowest and highest Ohm of a resistor with its tolerance."""
    low, high = circuit.value(mark, "ohm")
    tolerance = circuit.value(mark, "tolerance_permille")[1]
    return low * (1 - tolerance / 1000), high * (1 + tolerance / 1000)


def capacitance_nf(circuit: Circuit, net: str) -> tuple[float, float]:
    """Return the least and most nF between a net and ground, with tolerances."""
    least = most = 0.0
    for element in circuit.between("capacitor", net, circuit.ground):
        tolerance = circuit.value(element.mark, "tolerance_permille")[1] / 1000
        low, high = circuit.value(element.mark, "nf")
        least, most = least + low * (1 - tolerance), most + high * (1 + tolerance)
    return least, most


def _floats(bounds: Bounds) -> Span:
    return float(bounds[0]), float(bounds[1])


# --- solving


def _components(edges: Iterable[Edge], known: Mapping[str, Span]) -> Iterator[list[Edge]]:
    """Yield the edges that hang together by nets of unknown voltage."""
    at: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        for net in edge.ends:
            if net not in known:
                at[net].append(edge)
    seen: set[str] = set()
    for start in sorted(at):
        if start not in seen:
            group: dict[Edge, None] = {}
            waiting = [start]
            while waiting:
                net = waiting.pop()
                if net in seen or net in known:
                    continue
                seen.add(net)
                for edge in at[net]:
                    group[edge] = None
                    waiting.extend(edge.ends)
            yield list(group)


def _solved(edges: list[Edge], known: Mapping[str, Span]) -> dict[str, Span]:
    """Return the spans of the unknown nets: a voltage is monotonous in each resistance and supply, so the corners bound it."""
    nets = {net for edge in edges for net in edge.ends}
    held, unknown = sorted(nets & known.keys()), sorted(nets - known.keys())
    if not held:
        return {}
    choices = [sorted(set(edge.ohm)) for edge in edges] + [sorted(set(known[net])) for net in held]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MOST_CORNERS:
        raise Undecided("", f"{len(edges)} resistances hang together at {unknown[0]}: too many to solve", "split the network")
    found: dict[str, Span] = {}
    for corner in product(*choices):
        values = dict(zip(held, corner[len(edges) :], strict=True))
        for net, value in _nodal(edges, corner[: len(edges)], values, unknown).items():
            low, high = found.get(net, (value, value))
            found[net] = (min(low, value), max(high, value))
    return found


def _nodal(edges: list[Edge], resistances: Iterable[float], held: Mapping[str, float], unknown: list[str]) -> dict[str, float]:
    """Solve Kirchhoff's current law for one corner by elimination. Each unknown net is reached from a held one, so it has one solution."""
    index = {net: number for number, net in enumerate(unknown)}
    size = len(unknown)
    rows = [[0.0] * (size + 1) for _ in unknown]
    for edge, value in zip(edges, resistances, strict=True):
        for here, there in (edge.ends, edge.ends[::-1]):
            if here in index:
                row = rows[index[here]]
                row[index[here]] += 1 / value
                if there in index:
                    row[index[there]] -= 1 / value
                else:
                    row[size] += held[there] / value
    for column in range(size):
        pivot = rows[column]
        for row in rows[column + 1 :]:
            factor = row[column] / pivot[column]
            for place in range(column, size + 1):
                row[place] -= factor * pivot[place]
    solution = [0.0] * size
    for number in reversed(range(size)):
        row = rows[number]
        solution[number] = (row[size] - sum(row[other] * solution[other] for other in range(number + 1, size))) / row[number]
    return dict(zip(unknown, solution, strict=True))
