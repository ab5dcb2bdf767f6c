"""E5: every path from the supply passes the fuse; the fuse fits supply and load, and everything behind it bears it."""

from __future__ import annotations

from collections.abc import Iterator

from thecal.hardware import nets
from thecal.hardware.rules.circuit import NEUTRAL, Circuit, Element
from thecal.hardware.rules.finding import Finding, amperes, listed
from thecal.hardware.rules.loads import Loads
from thecal.hardware.rules.roles import Roles

RULE = "E5"
SUPPLY_TIMES, LOAD_TIMES = 3, 2


def _fuses(circuit: Circuit) -> list[Element]:
    return circuit.at("fuse", circuit.plus)


def every_path_passes_the_fuse(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find what meets the supply's plus before the fuse."""
    fuses = {element.mark for element in circuit.elements if element.kind == "fuse"}
    direct = [node for node in circuit.nodes(circuit.plus) if circuit.kind_of(node) != "supply" and node[0] not in fuses]
    if direct:
        names = listed([nets.show(node) for node in direct])
        text = f"{names} meets the supply's plus before the fuse (net {circuit.plus})"
        yield Finding(RULE, text, "move it behind the fuse", circuit.plus, tuple(sorted({mark for mark, _ in direct})))
    both = [element for element in _fuses(circuit) if element.ends[0] == element.ends[1]]
    if both:
        text = f"both ends of {both[0].mark} are on the net {circuit.plus}: the fuse is bypassed"
        yield Finding(RULE, text, "give the net behind the fuse its own name", circuit.plus, (both[0].mark,))
    if len(_fuses(circuit)) != 1:
        marks = listed([element.mark for element in _fuses(circuit)]) or "none"
        text = f"exactly one fuse must be at the supply's plus (net {circuit.plus}); there is {marks}"
        cure = "wire the supply's plus to the fuse, and the rest behind it"
        yield Finding(RULE, text, cure, circuit.plus, (circuit.only("supply").mark,))


def the_supply_opens_the_fuse(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a fuse that the supply can't open: it must be able to give three times the fuse."""
    supply = circuit.only("supply")
    can_ma = min(circuit.rating((supply.mark, name), "max_ma")[0] for name in circuit.terminals_of(supply, "power_out"))
    for element in _fuses(circuit):
        rated_ma = circuit.value(element.mark, "rated_ma")[1]
        if SUPPLY_TIMES * rated_ma > can_ma:
            numbers = f"{SUPPLY_TIMES} x {amperes(rated_ma)} = {amperes(SUPPLY_TIMES * rated_ma)}, supply {amperes(can_ma)}"
            fuse = f"{element.mark} ({amperes(rated_ma)})"
            text = f"{supply.mark} gives {amperes(can_ma)}, less than {SUPPLY_TIMES} times {fuse}: a short may not open it"
            yield Finding(RULE, text, "take a smaller fuse, or a stronger supply", circuit.plus, (element.mark, supply.mark), numbers)


def the_fuse_bears_the_load(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a fuse of less than twice the load; the other half is for the motor's mechanical work and inrush."""
    loads = Loads(circuit, known)
    for element in _fuses(circuit):
        load_ma = loads.of_net(element.other(circuit.plus))
        rated_ma = circuit.value(element.mark, "rated_ma")[0]
        if rated_ma < LOAD_TIMES * load_ma:
            text = f"{element.mark} ({amperes(rated_ma)}) is less than twice the load behind it, {amperes(load_ma)}: it may open in use"
            cure = "take a larger fuse, if the supply can give three times as much"
            yield Finding(RULE, text, cure, element.other(circuit.plus), (element.mark,), f"load {amperes(load_ma)}")


def everything_bears_the_fuse(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find wires, strips, terminals and sockets that bear less than the fuse lets through."""
    fuses = [circuit.value(element.mark, "rated_ma")[1] for element in circuit.elements if element.kind == "fuse"]
    rated_ma = max(fuses, default=0)
    if not circuit.of_kind("wire"):
        yield Finding(RULE, "the bench has no wire in [parts], so nobody knows whether it bears the fuse", "add one of hardware/library")
    for part in circuit.of_kind(*NEUTRAL):
        if part.library.kind in ("strip", "terminal_block", "connector", "wire"):
            bears_ma = circuit.value(part.mark, "rated_ma")[0]
            if bears_ma < rated_ma:
                text = f"{part.mark} ({circuit.what(part.mark)}) bears {amperes(bears_ma)}, less than the fuse, {amperes(rated_ma)}"
                yield Finding(RULE, text, "take a thicker one, or a smaller fuse", parts=(part.mark,), numbers=f"{bears_ma} mA")


RULES = {"E5": (every_path_passes_the_fuse, the_supply_opens_the_fuse, the_fuse_bears_the_load, everything_bears_the_fuse)}
