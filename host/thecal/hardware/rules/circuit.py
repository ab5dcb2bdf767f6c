"""The rig as the rules see it: parts by kind, nets, the figures of the library at their worst end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from thecal.files.bench import checked
from thecal.hardware import nets, pico
from thecal.hardware.figures import UNREAD, Figure
from thecal.hardware.library import Terminal
from thecal.hardware.nets import Node
from thecal.hardware.rig import Part, Rig
from thecal.hardware.rules.finding import Undecided

# Parts that only lead a net on: any net may pass through them.
NEUTRAL = ("strip", "terminal_block", "socket", "connector", "board", "wire", "cable")
TWO_ENDED = ("fuse", "tvs", "diode", "resistor", "capacitor", "switch", "buzzer")
Bounds = tuple[int, int]


class Place(NamedTuple):
    """A wired terminal: its node, what the library says of it, and its net."""

    node: Node
    terminal: Terminal
    net: str


@dataclass(frozen=True)
class Element:
    """A part with two terminals and the nets at them, in the order of the library's terminals."""

    mark: str
    kind: str
    terminals: tuple[str, str]
    ends: tuple[str, str]

    def other(self, net: str) -> str:
        """Return the net at the other end."""
        return self.ends[1] if self.ends[0] == net else self.ends[0]


class Circuit:
    """A rig with its nets. Figures come as (lowest, highest); a missing one raises Undecided."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.bench = checked(rig.bench)
        self.wired = nets.of(rig)
        self.solved: dict[tuple[object, ...], dict[str, tuple[float, float]]] = {}

    def of_kind(self, *kinds: str) -> list[Part]:
        """Return the parts of these kinds in the order of the bench."""
        return [part for part in self.rig.parts.values() if part.library.kind in kinds]

    @cached_property
    def driver(self) -> Part:
        """Return the first driver. Raises Undecided if there is none."""
        return self.only("driver")

    @cached_property
    def motor(self) -> Part:
        """Return the motor, or the head with a motor of its own. Raises Undecided if there is none."""
        for part in self.of_kind("motor", "head"):
            if part.library.terminals:
                return part
        raise Undecided("", "the bench has no motor", "add one from the parts library to [parts]")

    def only(self, *kinds: str) -> Part:
        """Return the first part of these kinds. Raises Undecided if there is none."""
        found = self.of_kind(*kinds)
        if not found:
            name = kinds[0].replace("_", " ")
            raise Undecided("", f"the bench has no {name}", f"add a {name} from the parts library to [parts]")
        return found[0]

    def what(self, mark: str) -> str:
        """Return what a part is, without the details after a colon."""
        return self.rig.parts[mark].library.what.partition(":")[0]

    def kind_of(self, node: Node) -> str:
        """Return the library's kind of the part at a node."""
        return self.rig.parts[node[0]].library.kind

    def terminal(self, node: Node) -> Terminal:
        """Return the library's terminal of a node. A function of the Pico is looked up by its row pin."""
        mark, name = node
        known = self.rig.parts[mark].library.terminals
        if mark == pico.PART and name in self.rig.pins:
            name = f"GP{self.rig.pins[name]}"
        return known[name]

    def net(self, mark: str, terminal: str) -> str:
        """Return the name of the net at a terminal; an empty text if it has no wire."""
        return self.wired.net_of((mark, terminal))

    def pin(self, name: str) -> str:
        """Return the net at a pin of the bench; an empty text if it has no wire."""
        return self.net(pico.PART, name)

    def nodes(self, net: str) -> list[Node]:
        """Return the terminals at a net, but for strips and the like, sorted."""
        return sorted(node for node in self.wired.nets.get(net, ()) if self.kind_of(node) not in NEUTRAL)

    def names(self, net: str) -> list[str]:
        """Return the terminals at a net as texts, sorted."""
        return [nets.show(node) for node in self.nodes(net)]

    def every_node(self) -> Iterator[Place]:
        """Yield every wired terminal but those of strips and the like."""
        for net in self.wired.nets:
            for node in self.nodes(net):
                yield Place(node, self.terminal(node), net)

    @cached_property
    def elements(self) -> list[Element]:
        """Return the parts with two terminals."""
        found = []
        for part in self.of_kind(*TWO_ENDED):
            names = list(part.library.terminals)
            if len(names) == 2:
                ends = (self.net(part.mark, names[0]), self.net(part.mark, names[1]))
                found.append(Element(part.mark, part.library.kind, (names[0], names[1]), ends))
        return found

    def end(self, mark: str, kind: str) -> str:
        """Return the net at the terminal of this type, such as "anode"; an empty text without a wire."""
        return next((self.net(mark, one.name) for one in self.rig.parts[mark].library.terminals.values() if one.type == kind), "")

    def between(self, kind: str, one: str, other: str) -> list[Element]:
        """Return the parts of a kind that lie between two nets."""
        return [element for element in self.elements if element.kind == kind and set(element.ends) == {one, other} and one and other]

    def at(self, kind: str, net: str) -> list[Element]:
        """Return the parts of a kind with one end on a net."""
        return [element for element in self.elements if element.kind == kind and net in element.ends and net]

    def value(self, mark: str, name: str) -> Bounds:
        """Return a figure of the part's values. Raises Undecided if the library lacks it, or it waits for the builder's measurement."""
        return self._bounds(mark, name, self.rig.parts[mark].library.values.get(name))

    def rating(self, node: Node, name: str) -> Bounds:
        """Return a figure of a terminal, such as `max_mv`. Raises Undecided."""
        return self._bounds(node[0], f"{self.terminal(node).name}.{name}", getattr(self.terminal(node), name))

    def _bounds(self, mark: str, name: str, found: Figure | None) -> Bounds:
        part = self.rig.parts[mark].library
        if found is None:
            cure = f"add the figure to {part.id} in hardware/library, with its source"
            raise Undecided(mark, f"{mark} ({self.what(mark)}) has no {name} in the parts library, so this rule can't be checked", cure)
        measured = self.rig.measured.get(f"{mark}.{name}")
        if measured is not None and found.state == UNREAD:
            return self._measured(mark, name, measured.value, found)
        if found.low is not None and found.high is not None:
            return found.low, found.high
        form = f'[measured]: "{mark}.{name}" = {{ value = ..., by = "...", date = ... }}'
        text = f"flashing waits for the builder's measurement of {name} of {mark} ({self.what(mark)})"
        raise Undecided(mark, text, f"measure it ({found.source}), then write it under {form}")

    def _measured(self, mark: str, name: str, value: int, found: Figure) -> Bounds:
        """Return a measured figure. A measurement outside of the library's range tells of another part, so it decides nothing."""
        if found.low is not None and found.high is not None and not found.low <= value <= found.high:
            text = f"[measured] {mark}.{name} is {value}, and the library says {found}: this is another part, or a wrong measurement"
            raise Undecided(mark, text, "measure again, or name the part that it is")
        return value, value

    @cached_property
    def ground(self) -> str:
        """Return the net of the supply's minus."""
        return self._supply_net("ground")

    @cached_property
    def plus(self) -> str:
        """Return the net of the supply's plus, before the fuse."""
        return self._supply_net("power_out")

    def _supply_net(self, kind: str) -> str:
        supply = self.only("supply")
        for terminal in supply.library.terminals.values():
            if terminal.type == kind:
                return self.net(supply.mark, terminal.name)
        raise Undecided(supply.mark, f"{supply.mark} has no terminal of type {kind}", "correct it in hardware/library")

    def terminals_of(self, part: Part, *types: str) -> list[str]:
        """Return the names of a part's terminals of these types."""
        return [terminal.name for terminal in part.library.terminals.values() if terminal.type in types]
