"""What the drawings need of a rig: parts with kind and words, nets, the wires off the board."""

from __future__ import annotations

import re
from dataclasses import dataclass

from thecal.hardware import nets
from thecal.hardware.draw.blocks import WireEnd
from thecal.hardware.library import LibraryPart
from thecal.hardware.rig import Rig

Node = tuple[str, str]
BLOCK = "terminal_block"
# Kinds that a drawing names by their value alone: how many pieces of the library's words after the kind.
_VALUE_PARTS = {"resistor": 1, "capacitor": 2}


@dataclass(frozen=True)
class Item:
    """A part that has terminals. `types` is {terminal: its type}; `lines` are the words beside its mark."""

    mark: str
    kind: str
    lines: tuple[str, ...]
    types: dict[str, str]


@dataclass(frozen=True)
class Scheme:
    """`nets` is {name: nodes}; strips are names of nets, not nodes. `wires` is {node: the off-board wires that end there}."""

    name: str
    items: dict[str, Item]
    nets: dict[str, frozenset[Node]]
    wires: dict[Node, tuple[WireEnd, ...]]
    pins: dict[str, int]
    strips: dict[str, str]

    def net_of(self, node: Node) -> str:
        """Return the net's name; an empty text if nothing reaches the terminal."""
        return next((name for name, nodes in self.nets.items() if node in nodes), "")


def of(rig: Rig) -> Scheme:
    """Return the scheme of a rig."""
    strips = {mark: part.library.what for mark, part in rig.parts.items() if part.rail}
    found = {name: frozenset(node for node in nodes if node[0] not in strips) for name, nodes in nets.of(rig).nets.items()}
    items = {}
    for mark, part in rig.parts.items():
        if part.rail or not part.library.terminals:
            continue
        types: dict[str, str] = {name: terminal.type for name, terminal in part.library.terminals.items()}
        words = tuple(word for word in (short(part.library), _head(part.place)) if word)
        items[mark] = Item(mark, _kind(part.library), words, types)
    return Scheme(rig.name, items, found, _wire_ends(rig, items), rig.pins, strips)


def short(library: LibraryPart) -> str:
    """Return the few words for a drawing: the value of a resistor or capacitor, what another part is and its order number."""
    what = _head(library.what)
    if library.kind in _VALUE_PARTS:
        pieces = what.partition(" ")[2].split(", ")
        return ", ".join(pieces[: _VALUE_PARTS[library.kind]])
    brief = ", ".join(what.split(", ")[:2])
    number = f"{library.maker} {library.number}" if library.number.isdigit() else library.number
    return brief if library.number in brief or not library.number else f"{brief}, {number}"


def _head(text: str) -> str:
    """Return a text up to its first reason or remark."""
    return re.split("[;:]", text)[0].strip()


def _kind(library: LibraryPart) -> str:
    """Return the symbol's name."""
    kind, terminals, contact = library.kind, library.terminals, library.contact
    if kind == "capacitor" and "plus" in terminals:
        return "electrolytic"
    if kind == "switch":
        return "switch_nc" if contact == "NC" else "switch_no"
    return kind


def _wire_ends(rig: Rig, items: dict[str, Item]) -> dict[Node, tuple[WireEnd, ...]]:
    """Return the wires by the node at which they end. A terminal block is drawn in the wire that comes from the part off the board."""
    ends: dict[Node, list[WireEnd]] = {}
    for wire in rig.wires:
        nodes = [end.key for end in wire.ends]
        for here, there in (nodes, nodes[::-1]):
            if here[0] in items:
                block = not there[1] or (there[0] in items and items[there[0]].kind == BLOCK)
                ends.setdefault(here, []).append(WireEnd(wire.number, wire.colour, there, block))
    return {node: tuple(found) for node, found in ends.items()}
