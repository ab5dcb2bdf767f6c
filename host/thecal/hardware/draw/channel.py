"""One channel between two columns: an upright line for each net, a level stub for each pin, a dot where lines join.

Lines that cross without a dot are not connected. Two lines never lie on each other: pins of different nets have different heights,
nets whose lines meet in height have different tracks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from thecal.hardware.draw.blocks import LEFT, RIGHT, Pin, WireEnd, insulated
from thecal.hardware.draw.ink import SMALL, Letters, Look, Page, Point
from thecal.hardware.draw.metrics import text_width

TRACK = 11
STAIR = 17
TAG_ROOM = 36
PLAIN_ROOM = 16
CLEARANCE = 12
BAR_WIDTH = 4
WIRE_WIDTH = 2


@dataclass(frozen=True)
class Stub:
    """A pin at a side of the channel, at its height on the page."""

    pin: Pin
    side: int
    y: float
    tagged: bool = False


@dataclass
class Run:
    """A net in one channel. `bridge_y` is where it crosses below the middle board into the other channel; None if it does not."""

    net: str
    bar: bool
    colour: str
    stubs: list[Stub] = field(default_factory=list)
    bridge_y: float | None = None
    note: str = ""
    top: float = 0
    bottom: float = 0
    track: int = -1

    def straight(self) -> bool:
        """Return true if it is one level line from side to side."""
        heights = {stub.y for stub in self.stubs}
        return len(heights) == 1 and len(self.stubs) == 2 and self.bridge_y is None and not self.bar

    def one_wire(self) -> WireEnd | None:
        """Return the off-board wire that this net is, if it is one wire from end to end."""
        wires = [stub.pin.wires for stub in self.stubs]
        whole = len(wires) == 2 and self.bridge_y is None and all(len(ends) == 1 and not ends[0].block for ends in wires)
        return wires[0][0] if whole and wires[0][0].number == wires[1][0].number else None

    def balance(self) -> float:
        """Return -1 if all pins are on the left side, 1 if all are on the right."""
        return sum(stub.side for stub in self.stubs) / len(self.stubs)


class Channel:
    """The runs of one channel, with their tracks."""

    def __init__(self, runs: Iterable[Run], bars_top: float) -> None:
        self.runs = list(runs)
        self._bars_top = bars_top
        for run in self.runs:
            heights = [stub.y for stub in run.stubs] + ([run.bridge_y] if run.bridge_y is not None else [])
            run.top, run.bottom = min(heights), max(heights)
        self.tracks = self._assign()
        self.rooms = {side: self._room(side) for side in (LEFT, RIGHT)}

    @property
    def width(self) -> float:
        """Return how wide it has to be."""
        return self.rooms[LEFT] + self.rooms[RIGHT] + TRACK * max(0, self.tracks - 1)

    def bars(self) -> list[Run]:
        """Return the bars from left to right."""
        return sorted((run for run in self.runs if run.bar), key=lambda run: run.track)

    def _room(self, side: int) -> float:
        return TAG_ROOM if any(stub.tagged for run in self.runs for stub in run.stubs if stub.side == side) else PLAIN_ROOM

    def _assign(self) -> int:
        """Give each run a track, from the left; return how many there are. Nets of the left column come first."""
        ends: list[tuple[list[tuple[float, float]], bool]] = []
        moving = [run for run in self.runs if not run.straight()]
        for run in sorted(moving, key=lambda run: (round(run.balance(), 2), run.top, run.net)):
            span = (run.top - CLEARANCE, run.bottom + CLEARANCE)
            for index, (spans, bar) in enumerate(ends):
                if not bar and not run.bar and all(span[1] < low or high < span[0] for low, high in spans):
                    run.track = index
                    spans.append(span)
                    break
            else:
                run.track = len(ends)
                ends.append(([span], run.bar))
        return len(ends)

    def paint(self, page: Page, left: float, right: float) -> dict[str, float]:
        """Draw the channel between two edges; return the x of each net's track."""
        places: dict[str, float] = {}
        room = right - left - self.rooms[LEFT] - self.rooms[RIGHT]
        step = room / max(1, self.tracks - 1)
        for run in self.runs:
            if run.track >= 0:
                places[run.net] = left + self.rooms[LEFT] + step * run.track
        for index, run in enumerate(self.bars()):
            run.top = self._bars_top + index * STAIR
        for run in self.runs:
            with page.group("net", net=run.net):
                self._paint_run(page, run, places.get(run.net), left, right)
        self._paint_tags(page, left, right)
        return places

    def _paint_run(self, page: Page, run: Run, x: float | None, left: float, right: float) -> None:
        edge = {LEFT: left, RIGHT: right}
        wire = run.one_wire()
        if x is None:
            y = run.stubs[0].y
            _line(page, [(left, y), (right, y)], run, wire)
            return
        if run.bottom > run.top:
            _line(page, [(x, run.top), (x, run.bottom)], run, wire, BAR_WIDTH if run.bar else WIRE_WIDTH)
        for stub in run.stubs:
            _line(page, [(edge[stub.side], stub.y), (x, stub.y)], run, wire)
        for y in {stub.y for stub in run.stubs}:
            many = sum(stub.y == y for stub in run.stubs) > 1
            inside = run.top < y < run.bottom
            if inside or (many and run.top < run.bottom):
                page.disc((x, y), 4, Look(run.colour, run.colour, 1), kind="dot")
        if run.bar:
            page.text((x + 5, run.top + 9), run.net, Letters(bold=True, colour=run.colour), kind="barname")
            if run.note:
                page.text((x + 10 + text_width(run.net, SMALL, True), run.top + 9), f"(also on {run.note})", Letters(colour=run.colour))

    def _paint_tags(self, page: Page, left: float, right: float) -> None:
        """Draw number and colour of each off-board wire that ends at a pin of the board in the middle, not at a terminal block."""
        for run in self.runs:
            for stub in run.stubs:
                if not stub.tagged:
                    continue
                x, inward = (left, 1) if stub.side == LEFT else (right, -1)
                insulated(page, [(x, stub.y), (x + inward * 30, stub.y)], stub.pin.wires[0], "overlay")
                page.tag((x + inward * 18, stub.y), " ".join(str(wire.number) for wire in stub.pin.wires), kind="wirenumber")


def _line(page: Page, points: list[Point], run: Run, wire: WireEnd | None, width: float = WIRE_WIDTH) -> None:
    if wire:
        insulated(page, points, wire)
    else:
        page.line(points, run.colour, width, "wire", run.net)
