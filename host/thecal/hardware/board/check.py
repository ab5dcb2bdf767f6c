"""The checks of a layout: from holes, pads, bodies and links alone it must connect just what the bench's nets say."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations

from thecal.hardware.board.holes import Hole, name
from thecal.hardware.board.layout import Layout

Pin = tuple[str, str]  # mark, terminal
Nets = Mapping[str, Collection[Pin]]

# A washer of 7 mm under an M3 screw, and a pad's radius: no leg and no link nearer to the screw's middle.
SCREW_KEEP_OUT_MM = 4.5
_TOUCHING_MM = 0.05


def problems(layout: Layout, nets: Nets, heavy: Collection[str]) -> list[str]:
    """Return every mistake of a layout, none if it is good. `heavy`: the nets that need 0.5 mm2."""
    found = [*_places(layout), *_holes(layout), *_bodies(layout), *_unplaced(layout, nets)]
    # Pads outside of the board or on each other make the nets meaningless.
    return found or [*_connections(layout, nets), *_cross_sections(layout, nets, heavy)]


def groups(layout: Layout) -> list[set[Hole]]:
    """Return the sets of holes that tracks and wires join; a hole without a link is not in any."""
    group_of: dict[Hole, set[Hole]] = {}
    for joined in [*(track.holes for track in layout.tracks), *(wire.ends for wire in layout.wires)]:
        merged = set(joined)
        for hole in joined:
            merged |= group_of.get(hole, set())
        for hole in merged:
            group_of[hole] = merged
    return list({id(group): group for group in group_of.values()}.values())


def _unplaced(layout: Layout, nets: Nets) -> Iterator[str]:
    for mark in sorted({mark for pins in nets.values() for mark, _ in pins} - layout.places.keys()):
        yield f"{mark} has no place on the board"
    for net, pins in nets.items():
        for mark, pin in pins:
            if mark in layout.places and pin not in layout.places[mark].pads:
                yield f"net {net}: {mark} has no pin {pin} in the board"


def _places(layout: Layout) -> Iterator[str]:
    for mark, pin, hole in layout.pads():
        if not layout.has(hole):
            yield f"{mark}: pin {pin} is outside of the board"
    for mark, place in layout.places.items():
        left, top, right, bottom = layout.box(place, place.footprint.outline)
        if left < 0 or top < 0 or right > layout.width_mm or bottom > layout.height_mm:
            yield f"{mark}: its body stands out over the board's edge"
    for link in [*(track.holes for track in layout.tracks), *(wire.ends for wire in layout.wires)]:
        yield from (f"a link at {name(hole)} is outside of the board" for hole in link if not layout.has(hole))


def _holes(layout: Layout) -> Iterator[str]:
    """Each hole takes one leg or one wire end; around a screw there is neither, nor a track."""
    users: dict[Hole, list[str]] = defaultdict(list)
    for mark, pin, hole in layout.pads():
        users[hole].append(f"{mark} {pin}")
    for wire in layout.wires:
        for hole in wire.ends:
            users[hole].append("a wire's end")
    for hole, there in sorted(users.items()):
        if len(there) > 1:
            yield f"hole {name(hole)} is used twice: {', '.join(there)}"
    under_tracks = {hole for track in layout.tracks for hole in track.holes}
    for hole in sorted(users.keys() | under_tracks):
        if under_screw(layout, hole):
            yield f"hole {name(hole)} is under the head of a screw"


def under_screw(layout: Layout, hole: Hole) -> bool:
    """Return True if a screw's washer covers the hole's pad."""
    return any(math.dist(layout.at(hole), screw) < SCREW_KEEP_OUT_MM for screw in layout.screws)


def _bodies(layout: Layout) -> Iterator[str]:
    outlines = {mark: layout.box(place, place.footprint.outline) for mark, place in layout.places.items()}
    for one, other in combinations(outlines, 2):
        if outlines[one].meets(outlines[other], _TOUCHING_MM):
            yield f"the bodies of {one} and {other} overlap"
    for mark, place in layout.places.items():
        boxes = [layout.box(place, box) for box in place.footprint.bodies]
        for wire in layout.wires:
            for hole in wire.ends:
                if any(box.has(*layout.at(hole)) for box in boxes):
                    yield f"a wire's end at {name(hole)} is under the body of {mark}"


def _connections(layout: Layout, nets: Nets) -> Iterator[str]:
    """Compare what the links join with the nets: nothing open, no short, no link without purpose."""
    net_of = {pin: net for net, pins in nets.items() for pin in pins}
    pin_at = {hole: (mark, pin) for mark, pin, hole in layout.pads()}
    group_at = {hole: number for number, group in enumerate(groups(layout)) for hole in group}
    for number in sorted(set(group_at.values())):
        there = {pin_at[hole] for hole, group in group_at.items() if group == number and hole in pin_at}
        yield from _short(there, net_of)
        if len(there) < 2:
            first = min(hole for hole, group in group_at.items() if group == number)
            yield f"the links at {name(first)} join no two pins"
    for net, pins in nets.items():
        pieces: dict[object, list[str]] = defaultdict(list)
        for mark, pin in sorted(pins):
            hole = layout.places[mark].holes[pin]
            pieces[group_at.get(hole, hole)].append(f"{mark}:{pin}")
        if len(pieces) > 1:
            yield f"net {net} is open: {' | '.join(', '.join(piece) for piece in pieces.values())}"


def _short(pins: set[Pin], net_of: Mapping[Pin, str]) -> Iterator[str]:
    named: dict[str, list[Pin]] = defaultdict(list)
    for pin in sorted(pins):
        named[net_of.get(pin, f"the unused pin {pin[0]}:{pin[1]}")].append(pin)
    if len(named) > 1:
        where = ", ".join(f"{net} ({pins[0][0]}:{pins[0][1]})" for net, pins in named.items())
        yield f"short between {where}"


def _cross_sections(layout: Layout, nets: Nets, heavy: Collection[str]) -> Iterator[str]:
    """A wire of a net that carries supply, ground or motor current has 0.5 mm2; a track always has."""
    hole_of = {(mark, pin): hole for mark, pin, hole in layout.pads()}
    by_net = {net: {hole_of[pin] for pin in nets[net]} for net in heavy if net in nets}
    for group in groups(layout):
        for net, holes in by_net.items():
            for wire in layout.wires:
                if holes & group and wire.ends[0] in group and wire.mm2_hundredths < 50:
                    yield f"wire {name(wire.ends[0])} to {name(wire.ends[1])} of net {net} must have 0.5 mm2, not 0.{wire.mm2_hundredths}"
