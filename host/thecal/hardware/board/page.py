"""The page to solder by: material, the place of each part, the links in their order, and the test with a beeper."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from thecal.hardware.board import check, plan
from thecal.hardware.board.footprints import ORDINARY_DRILL_MM
from thecal.hardware.board.holes import Hole, name
from thecal.hardware.board.layout import Layout, Track, Wire
from thecal.hardware.rig import Rig
from thecal.hardware.tables import WARNING, table

# For each end of a wire: what goes through the hole, and a little to bend.
_END_MM = 8

_ORDER = """\
1. Print [board-1to1.svg](board-1to1.svg) at 100 %, measure its line of 100 mm, cut both pictures out. Count the holes of your board:
   it needs {rows} rows of {columns}. Mark row A and column 1 on both sides of the board with a felt pen.
2. Drill 3.2 mm for the screws, {inset} mm from both edges of each corner. Drill these holes to 1.3 mm:
   {drilled}.
3. Solder the parts of the table below from the lowest to the highest: resistors, diodes, small capacitors, sockets, terminals, the rest.
   A part with two unlike legs has its first pin where the table says so; the modules stay out until the last test is done.
4. Lay the bare wires of the list in its order. Each goes flat along the named holes and is soldered at every leg that it touches, and at
   each bend. It keeps one hole of distance to its neighbours: check with a lens that no drop of solder bridges two rows.
5. Lay the insulated wires: 3 mm bare at each end, from the back through a hole of its own, soldered to the bare wire that is there.
   They may cross bare wires. They must not lie on a sharp leg: cut the legs first.
6. Do the test with the beeper. Then follow the first power-up."""


def page(rig: Rig, layout: Layout, bench_file: str) -> str:
    """Return the page as Markdown."""
    written = f"Written from `{bench_file}` by `python -m thecal.hardware`; a test compares them. Change the bench file, not this page."
    large = [place for place in layout.places.values() if place.footprint.drill_mm > ORDINARY_DRILL_MM]
    drilled = sorted((hole for place in large for hole in place.holes.values()), key=lambda hole: hole[::-1])
    inset = f"{layout.screw_inset_mm:g}"
    steps = _ORDER.format(rows=layout.rows, columns=layout.columns, inset=inset, drilled=", ".join(map(name, drilled)))
    nets = plan.nets_of(rig)
    parts = [f"# Board of {rig.name}", WARNING, written, "Nobody has built it yet: `../BUILDS.md` is the form for what you find."]
    parts += ["![front: parts](board-front.svg)", "![back, mirrored: links](board-back.svg)"]
    parts += ["## Material", _material(layout)]
    parts += ["## Order of work", steps]
    parts += ["## Parts", table(("part", "value", "holes"), _places(rig, layout))]
    parts += ["## Links", table(("link", "wire", "along the holes", "net", "legs, and other links, that it joins"), _links(layout, nets))]
    parts += ["## Test with a beeper", _test(layout), table(("net", "these must beep with each other"), _together(layout, nets))]
    return "\n\n".join(parts) + "\n"


def _material(layout: Layout) -> str:
    bare = sum(_length_mm(layout, track.corners) + _END_MM for track in layout.tracks)
    lengths: dict[tuple[str, int], float] = defaultdict(float)
    for wire in layout.wires:
        lengths[wire.colour, wire.mm2_hundredths] += _length_mm(layout, wire.ends) + 2 * _END_MM
    size, grid = f"{layout.width_mm} x {layout.height_mm} mm", f"{layout.columns} x {layout.rows} holes"
    rows = [f"- a board with a pad at each hole, 2.54 mm apart, {size}, at least {grid}"]
    rows.append(f"- bare tinned copper wire 0.8 mm (0.5 mm2): {_up(bare)} cm")
    rows += [f"- insulated wire {mm2 / 100:g} mm2, {colour}: {_up(length)} cm" for (colour, mm2), length in lengths.items()]
    return "\n".join(rows)


def _length_mm(layout: Layout, corners: tuple[Hole, ...]) -> float:
    places = [layout.at(hole) for hole in corners]
    return sum(math.dist(one, other) for one, other in pairwise(places))


def _up(length_mm: float) -> int:
    """Return a length in cm, a tenth more, rounded up to 5 cm."""
    return 5 * math.ceil(length_mm * 1.1 / 50)


def _places(rig: Rig, layout: Layout) -> Iterator[tuple[str, ...]]:
    values = plan.names_of(rig).values
    for mark, place in layout.places.items():
        pins = list(place.holes.items())
        if len(pins) > 8:
            # Two corners of a module tell which way round it stands.
            first, last = (choose(pins, key=lambda pin: (pin[1][1], pin[1][0])) for choose in (min, max))
            yield mark, values[mark], f"{len(pins)} pins, {first[0]} at {name(first[1])} to {last[0]} at {name(last[1])}"
        else:
            yield mark, values[mark], ", ".join(f"{pin} at {name(hole)}" for pin, hole in pins)


def _links(layout: Layout, nets: check.Nets) -> Iterator[tuple[str, ...]]:
    """Yield a row for each track, then for each wire: number, wire, holes, net, and the legs and other links that it meets."""
    pin_at = {hole: f"{mark} {pin}" for mark, pin, hole in layout.pads()}
    net_at = _net_at(layout, nets)
    links: list[Track | Wire] = [*layout.tracks, *layout.wires]
    under = [link.holes if isinstance(link, Track) else link.ends for link in links]
    for number, link in enumerate(links):
        corners = link.corners if isinstance(link, Track) else link.ends
        kind = "bare" if isinstance(link, Track) else f"{link.colour} {link.mm2_hundredths / 100:g} mm2"
        legs = [pin_at[hole] for hole in under[number] if hole in pin_at]
        met = [str(other + 1) for other, holes in enumerate(under) if other != number and set(holes) & set(under[number])]
        joined = ", ".join(legs) + (f" (links {', '.join(met)})" if met else "")
        yield str(number + 1), kind, " - ".join(map(name, corners)), net_at[corners[0]], joined.strip()


def _net_at(layout: Layout, nets: check.Nets) -> dict[Hole, str]:
    """Return the net by hole, for every hole that a link touches."""
    net_of = {pin: net for net, pins in nets.items() for pin in pins}
    pin_at = {hole: (mark, pin) for mark, pin, hole in layout.pads()}
    found: dict[Hole, str] = {}
    for group in check.groups(layout):
        net = next(net_of[pin_at[hole]] for hole in sorted(group) if pin_at.get(hole) in net_of)
        found |= dict.fromkeys(group, net)
    return found


def _test(layout: Layout) -> str:
    modules = ", ".join(mark for mark, place in layout.places.items() if place.footprint.solid)
    return (
        f"Fuse and {modules} out, nothing connected. Each row must beep between its first leg and each other one. Then put one probe on\n"
        "the first leg of a row and touch the first leg of every other row: no beep (a capacitor may beep a moment, a resistor must not)."
    )


def _together(layout: Layout, nets: check.Nets) -> Iterator[tuple[str, str]]:
    for net, pins in nets.items():
        legs = [f"{mark} {pin} ({name(layout.places[mark].holes[pin])})" for mark, pin in pins]
        yield net, ", ".join(legs)
