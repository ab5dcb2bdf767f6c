"""Propose links for a layout: bare tracks along free holes first, an insulated wire where no track gets through.

The links that the layout has stay. A proposal only: the links of a bench are fixed data in its file.
`python -m thecal.hardware.board BENCH` prints one.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import NamedTuple

from thecal.hardware.board.check import groups, under_screw
from thecal.hardware.board.holes import Hole
from thecal.hardware.board.layout import Layout

# A hole, and the step by which the way came to it.
_State = tuple[Hole, Hole]

_STEPS: tuple[Hole, ...] = ((1, 0), (-1, 0), (0, 1), (0, -1))
_BEND = 1.0
# A track may be this much longer than the straight way before a wire is the better link; a wire's own price in holes.
_LONGEST_DETOUR = 14
_WIRE_PRICE = 9.0
# No free hole in reach of a wire's end.
_FARTHEST_END = 6


class ProposedWire(NamedTuple):
    """An insulated wire of a net between two holes."""

    net: str
    start: Hole
    end: Hole


class _Way(NamedTuple):
    """Holes from one piece of a net to another; `price` counts holes and bends."""

    price: float
    path: list[Hole]


class _Join(NamedTuple):
    """Two ways from two pieces to the ends of a wire."""

    price: float
    first: list[Hole]
    second: list[Hole]


@dataclass
class Proposal:
    """Tracks as corner holes, wires; `open` are nets that found no way. A lower `price` is better."""

    tracks: list[list[Hole]] = field(default_factory=list)
    wires: list[ProposedWire] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    @property
    def price(self) -> float:
        """Return length, bends and wires in holes; a net without a way costs more than any detour."""
        length = sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) + _BEND for track in self.tracks for a, b in pairwise(track))
        spans = sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for _, a, b in self.wires)
        return 1000 * len(self.open) + _WIRE_PRICE * len(self.wires) + length + spans / 3


def propose(layout: Layout, nets: Mapping[str, Collection[tuple[str, str]]], tries: int, seed: int = 1) -> Proposal:
    """Return the best of `tries` proposals, each with the nets in another order: those with a short way first, then as luck has it."""
    chance = random.Random(seed)
    where = {(mark, pin): hole for mark, pin, hole in layout.pads()}
    wanted = {net: [where[pin] for pin in sorted(pins)] for net, pins in nets.items() if len(pins) > 1}
    weight = {net: _span(holes) for net, holes in wanted.items()}
    best: Proposal | None = None
    for _ in range(tries):
        order = sorted(wanted, key=lambda net: weight[net])
        made = _Router(layout, wanted).run(order)
        if best is None or made.price < best.price:
            best, kept = made, dict(weight)
        # Nets that needed a wire come earlier next time; the rest is shaken around the best order so far.
        weight = {net: value * chance.uniform(0.4, 1.8) for net, value in kept.items()}
        for net, _, _ in best.wires:
            if chance.random() < 0.3:
                weight[net] *= 0.3
    assert best is not None
    return best


def _span(holes: list[Hole]) -> float:
    columns, rows = [hole[0] for hole in holes], [hole[1] for hole in holes]
    return max(columns) - min(columns) + max(rows) - min(rows) + 1.0


class _Router:
    def __init__(self, layout: Layout, wanted: Mapping[str, list[Hole]]) -> None:
        self.layout = layout
        self.wanted = wanted
        self.owner: dict[Hole, str] = {hole: f"{mark}:{pin}" for mark, pin, hole in layout.pads()}
        self.owner |= {hole: net for net, holes in wanted.items() for hole in holes}
        self.legs = {hole for _, _, hole in layout.pads()}
        grid = [(column, row) for column in range(1, layout.columns + 1) for row in range(1, layout.rows + 1)]
        self.shut = {hole for hole in grid if under_screw(layout, hole)}
        self.covered = set(self._covered())
        self.laid = groups(layout)
        for group in self.laid:
            net = next((self.owner[hole] for hole in group if hole in self.owner), "a link without a leg")
            self.owner |= dict.fromkeys(group, net)
        self.legs |= {hole for wire in layout.wires for hole in wire.ends}
        self.made = Proposal()

    def run(self, order: list[str]) -> Proposal:
        for net in order:
            pieces = self._pieces(net)
            while len(pieces) > 1:
                if not self._track(net, pieces) and not self._wire(net, pieces):
                    self.made.open.append(net)
                    break
        return self.made

    def _pieces(self, net: str) -> list[set[Hole]]:
        """Return the holes of a net in pieces: each leg with what the layout's own links join to it."""
        pieces: list[set[Hole]] = []
        for hole in self.wanted[net]:
            if not any(hole in piece for piece in pieces):
                pieces.append(next((group for group in self.laid if hole in group), {hole}))
        for piece in pieces:
            self.owner |= dict.fromkeys(piece, net)
        return pieces

    def _track(self, net: str, pieces: list[set[Hole]]) -> bool:
        """Join the cheapest two pieces by a track; False when no way is short enough."""
        rests = [set[Hole]().union(*pieces[:number], *pieces[number + 1 :]) for number in range(len(pieces))]
        ways = [way for piece, rest in zip(pieces, rests, strict=True) if (way := self._way(net, piece, rest))]
        if not ways:
            return False
        path = min(ways).path
        if len(path) - 1 > _direct(path) + _LONGEST_DETOUR:
            return False
        self._lay(net, path, pieces)
        return True

    def _lay(self, net: str, path: list[Hole], pieces: list[set[Hole]]) -> None:
        self.owner |= dict.fromkeys(path, net)
        self.made.tracks.append(corners(path))
        touched = [piece for piece in pieces if piece & set(path)]
        for piece in touched:
            pieces.remove(piece)
        pieces.append(set(path).union(*touched))

    def _way(self, net: str, start: set[Hole], goal: set[Hole]) -> _Way | None:
        """Dijkstra over (hole, direction) from one piece to any other."""
        heap = [(0.0, hole, (0, 0)) for hole in start]
        came: dict[_State, _State] = {}
        best = {(hole, (0, 0)): 0.0 for hole in start}
        while heap:
            price, hole, heading = heapq.heappop(heap)
            if hole in goal:
                return _Way(price, _back(came, (hole, heading)))
            if price > best.get((hole, heading), price):
                continue
            for step in _STEPS:
                there = (hole[0] + step[0], hole[1] + step[1])
                if not self._free(there, net) or there in start:
                    continue
                bend = _BEND if heading not in ((0, 0), step) else 0.0
                total = price + 1 + bend
                if total < best.get((there, step), float("inf")):
                    best[there, step] = total
                    came[there, step] = (hole, heading)
                    heapq.heappush(heap, (total, there, step))
        return None

    def _free(self, hole: Hole, net: str) -> bool:
        return self.layout.has(hole) and hole not in self.shut and self.owner.get(hole, net) == net

    def _wire(self, net: str, pieces: list[set[Hole]]) -> bool:
        """Join the two pieces that are cheapest to join by a wire, each end in a free hole that a short track reaches."""
        ends = [list(self._ends(net, piece)) for piece in pieces]
        pairs = [(first, second) for one, other in combinations(ends, 2) for first in one for second in other]
        joins = [_join(first, second) for first, second in pairs if not set(first) & set(second)]
        if not joins:
            return False
        _, first, second = min(joins, key=lambda join: join.price)
        for path in (first, second):
            if len(path) > 1:
                self._lay(net, path, pieces)
            self.legs.add(path[-1])
            self.owner[path[-1]] = net
        self.made.wires.append(ProposedWire(net, second[-1], first[-1]))
        joined = [piece for piece in pieces if first[-1] in piece or second[-1] in piece]
        for piece in joined:
            pieces.remove(piece)
        pieces.append(set().union(*joined))
        return True

    def _ends(self, net: str, piece: set[Hole]) -> Iterator[list[Hole]]:
        """Yield ways from a piece to holes in which a wire can end."""
        seen: dict[Hole, list[Hole]] = {hole: [hole] for hole in piece}
        ring = list(piece)
        found = 0
        for hole in piece:
            if hole not in self.legs and hole not in self.covered:
                found += 1
                yield [hole]
        for _ in range(_FARTHEST_END):
            after = []
            for hole in ring:
                for step in _STEPS:
                    there = (hole[0] + step[0], hole[1] + step[1])
                    if there in seen or not self._free(there, net):
                        continue
                    seen[there] = [*seen[hole], there]
                    after.append(there)
                    if there not in self.legs and there not in self.covered:
                        found += 1
                        yield seen[there]
            if found > 12:
                return
            ring = after

    def _covered(self) -> Iterator[Hole]:
        """Yield the holes under bodies, in which no wire can end."""
        for place in self.layout.places.values():
            for box in place.footprint.bodies:
                body = self.layout.box(place, box)
                for column in range(1, self.layout.columns + 1):
                    for row in range(1, self.layout.rows + 1):
                        if body.has(*self.layout.at((column, row))):
                            yield column, row


def corners(path: list[Hole]) -> list[Hole]:
    """Return a path's first hole, its bends and its last hole."""
    kept = [path[0]]
    for before, here, after in zip(path, path[1:], path[2:], strict=False):
        if (here[0] - before[0], here[1] - before[1]) != (after[0] - here[0], after[1] - here[1]):
            kept.append(here)
    return [*kept, path[-1]]


def _join(first: list[Hole], second: list[Hole]) -> _Join:
    span = abs(first[-1][0] - second[-1][0]) + abs(first[-1][1] - second[-1][1])
    return _Join(span / 3 + len(first) + len(second), first, second)


def _direct(path: list[Hole]) -> int:
    return abs(path[0][0] - path[-1][0]) + abs(path[0][1] - path[-1][1])


def _back(came: Mapping[_State, _State], last: _State) -> list[Hole]:
    path = [last[0]]
    while last in came:
        last = came[last]
        path.append(last[0])
    return path[::-1]
