"""The rig as a WireViz file: parts are connectors, harnesses are bundles, a rail is drawn anew wherever a wire meets it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from thecal.hardware import pico
from thecal.hardware.rig import COLOURS, End, Part, Rig, Wire

WARNING = "Bench use only. Never connect this pump to a person or an animal."

_HEAD = """\
# Written from the bench file by `python -m thecal.hardware`; a test compares them. Change the bench file, not this one.
options:
  fontname: DejaVu Sans
  color_mode: full
  mini_bom_mode: false
"""


def wireviz(rig: Rig) -> str:
    """YAML for WireViz."""
    lines = ["connectors:", *_connectors(rig), "", "cables:", *_cables(rig), "", "connections:", *_connections(rig)]
    return _HEAD + "\n" + _title(rig) + "\n" + "\n".join(lines) + "\n"


def _title(rig: Rig) -> str:
    """Return a line above the drawing, passed to Graphviz unchanged."""
    graph = f'graph [ranksep=1.2, nodesep=0.2, labelloc=t, fontsize=24, label="{rig.name}. {WARNING}"]'
    return f"tweak:\n  append: {_text(graph)}\n"


def _rail(end: End, wire: Wire, side: int) -> str:
    """Return the name of one drawn symbol of a rail."""
    return f"{end.part}_{wire.number}{'ab'[side]}"


def _connectors(rig: Rig) -> Iterator[str]:
    for name, part in rig.parts.items():
        if not part.rail and (part.terminals or name == pico.PART):
            yield from _connector(rig, name, part)
    for wire in rig.wires:
        for side, end in enumerate(wire.ends):
            if not end.terminal:
                yield f"  {_text(_rail(end, wire, side))}: {{style: simple, type: {_text(end.part)}, show_name: false}}"


def _connector(rig: Rig, name: str, part: Part) -> Iterator[str]:
    ends = {end.terminal: end.label for wire in rig.wires for end in wire.ends if end.part == name}
    terminals = sorted(ends, key=int) if name == pico.PART else list(part.terminals)
    yield f"  {_text(name)}:"
    yield f"    type: {_text(part.what)}"
    yield "    show_pincount: false"
    yield f"    pins: [{', '.join(map(_pin, terminals))}]"
    if any(ends.values()):
        yield f"    pinlabels: {json.dumps([ends[terminal] for terminal in terminals])}"


def _cables(rig: Rig) -> Iterator[str]:
    for harness, wires in _by_harness(rig).items():
        yield f"  {_text(harness)}:"
        yield "    category: bundle"
        yield "    show_wirecount: false"
        yield f"    colors: {json.dumps([COLOURS[wire.colour] for wire in wires])}"
        yield f"    wirelabels: {json.dumps([str(wire.number) for wire in wires])}"


def _connections(rig: Rig) -> Iterator[str]:
    for harness, wires in _by_harness(rig).items():
        for place, wire in enumerate(wires, 1):
            first, second = (_point(end, wire, side) for side, end in enumerate(wire.ends))
            yield f"  - [{first}, {{{_text(harness)}: [{place}]}}, {second}]"


def _point(end: End, wire: Wire, side: int) -> str:
    if not end.terminal:
        return _text(_rail(end, wire, side))
    return f"{{{_text(end.part)}: [{_pin(end.terminal)}]}}"


def _by_harness(rig: Rig) -> dict[str, list[Wire]]:
    found: dict[str, list[Wire]] = {}
    for wire in rig.wires:
        found.setdefault(wire.harness, []).append(wire)
    return found


def _pin(terminal: str) -> str:
    """WireViz makes a number of what looks like one, in some places only: so it gets numbers in all."""
    return terminal if terminal.isdigit() else _text(terminal)


def _text(text: str) -> str:
    """Quoted: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)
