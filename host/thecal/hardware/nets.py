"""The nets of a rig: every set of terminals that wires, links and strips join. Two-terminal parts join nothing: they lie between nets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from thecal.hardware.rig import Rig

# (mark of the part, name of its terminal); a strip has one terminal with an empty name. On the Pico the name is the one of the bench:
# "step", "GND38", "VSYS".
Node = tuple[str, str]


class Nets:
    """`nets` is {name: its terminals}. A name is the board's, else a strip's, else that of the first terminal."""

    def __init__(self, groups: Mapping[str, frozenset[Node]]) -> None:
        self.nets = dict(groups)
        self._net_of = {node: name for name, nodes in groups.items() for node in nodes}

    def net_of(self, node: Node) -> str:
        """Return the name of the terminal's net; an empty text if no wire reaches it."""
        return self._net_of.get(node, "")


def of(rig: Rig) -> Nets:
    """Return the nets of wires off the board and of the links on it."""
    joined: dict[Node, Node] = {}
    names: dict[Node, str] = {}
    for wire in rig.wires:
        _join(joined, [end.key for end in wire.ends])
    for name, ends in rig.links.items():
        nodes = [end.key for end in ends]
        _join(joined, nodes)
        names.update((node, name) for node in nodes[:1])
    groups: dict[Node, set[Node]] = defaultdict(set)
    for node in joined:
        groups[_root(joined, node)].add(node)
    return Nets(dict(_named(groups.values(), names, rig)))


def show(node: Node) -> str:
    """Return `PART:terminal`, or the bare name of a strip."""
    return ":".join(node) if node[1] else node[0]


def _join(joined: dict[Node, Node], nodes: list[Node]) -> None:
    for node in nodes:
        joined.setdefault(node, node)
        joined[_root(joined, node)] = _root(joined, nodes[0])


def _root(joined: dict[Node, Node], node: Node) -> Node:
    while joined[node] != node:
        node = joined[node]
    return node


def _named(groups: Iterable[set[Node]], names: Mapping[Node, str], rig: Rig) -> Iterable[tuple[str, frozenset[Node]]]:
    """Yield each group with a name that no other has."""
    for group in groups:
        on_board = sorted(names[node] for node in group if node in names)
        strips = sorted(mark for mark, _ in group if rig.parts[mark].rail)
        yield next(iter(on_board + strips), show(min(group))), frozenset(group)
