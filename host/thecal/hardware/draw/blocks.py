"""The things on a sheet: parts in the columns at both sides, one board in the middle, flags that name the other sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from thecal.hardware.draw import symbols
from thecal.hardware.draw.ink import FAINT, INK, PAPER, SMALL, TEXT, Letters, Look, Page, Point
from thecal.hardware.draw.metrics import text_width, wrap

Node = tuple[str, str]
LEFT, RIGHT = -1, 1
ROW = 26
PROBE = "#ffb347"
LINE = SMALL + 2

# The colour of an insulation, as drawn.
INSULATION = {
    "black": "#222222",
    "blue": "#2a62c9",
    "brown": "#8b5a2b",
    "green": "#2e9e4f",
    "grey": "#9a9a9a",
    "orange": "#f08a24",
    "pink": "#f29ac0",
    "red": "#d62728",
    "violet": "#8f4fc9",
    "white": "#fafafa",
    "yellow": "#f2d21b",
}

# Terminals with a short name in the drawing.
SHORT = {"anode": "A", "cathode": "K", "plus": "+", "minus": "-"}

_AXIS = 46
_SYMBOL_HEIGHT = 48
_CABLE = 118
_BLOCK_NUMBER = 44


@dataclass(frozen=True)
class WireEnd:
    """The end of an off-board wire at a terminal. `far` is its other end; `block`: that is a terminal block or a strip."""

    number: int
    colour: str
    far: Node
    block: bool = False


@dataclass(frozen=True)
class Pin:
    """A terminal on the sheet: `dy` below the top of its block, `face` the channel it looks at. `label` is written at the block."""

    mark: str
    terminal: str
    net: str
    dy: float
    face: int
    label: str = ""
    wires: tuple[WireEnd, ...] = ()
    probe: int = 0

    def at(self, dy: float) -> Pin:
        """Return the same pin at another height."""
        return replace(self, dy=dy)


@dataclass
class Block:
    """A part as drawn. `side` is the column (LEFT, 0 for the middle, RIGHT). `kind` chooses the symbol."""

    mark: str
    kind: str
    side: int
    lines: tuple[str, ...]
    pins: list[Pin] = field(default_factory=list)
    off_board: bool = False

    def height(self, width: float) -> float:
        """Return the height in drawing units when the column is so wide."""
        raise NotImplementedError

    def set_pins(self, width: float) -> None:
        """Place the pins for a column of this width."""
        raise NotImplementedError

    def paint(self, page: Page, edge: float, top: float, width: float) -> None:
        """Draw it. `edge` is the side of the column at the channel."""
        raise NotImplementedError

    def _pin_marks(self, page: Page, pin: Pin, at: Point, label_at: Point, anchor: str) -> None:
        with page.group("terminal", part=pin.mark, terminal=pin.terminal):
            colour = INK if pin.net else FAINT
            dot(page, at, pin, 3, INK)
            page.text(label_at, SHORT.get(pin.label, pin.label), Letters(anchor=anchor, colour=colour))


def dot(page: Page, at: Point, pin: Pin, radius: float, fill: str) -> None:
    """Draw the end of a pin: empty if nothing is wired to it, with a number if it is a probe point."""
    if pin.probe:
        page.disc(at, 9, Look(PROBE, INK, 1.5), kind="pin")
        page.text((at[0], at[1] + 5), str(pin.probe), Letters(anchor="middle", bold=True), kind="probe")
        return
    page.disc(at, radius, Look(fill if pin.net else PAPER, INK if pin.net else FAINT, 1.5), kind="pin")


def insulated(page: Page, points: Sequence[Point], wire: WireEnd, kind: str = "wire") -> None:
    """Draw an insulated wire in its colour."""
    page.line(points, INK, 5, "casing")
    page.line(points, INSULATION[wire.colour], 3, kind, f"wire {wire.number}, {wire.colour}")


class Symbol(Block):
    """A part with two terminals on the board: its symbol stands upright, its texts beside it.

    `flag` is (terminal, words) of a terminal whose net goes on to the other sheet and has nothing else on this one.
    """

    flag: tuple[str, str] | None = None

    def height(self, width: float) -> float:
        """Return the height: of the symbol or of the texts."""
        flag = self._flag_height(width)
        return max(_SYMBOL_HEIGHT + 6 + flag / 2, LINE * (1 + len(self._texts(width))) + 6 + flag)

    def _texts(self, width: float) -> list[str]:
        return [piece for line in self.lines for piece in wrap(line, SMALL, width - _AXIS - 20)]

    def _flag_texts(self, width: float) -> list[str]:
        return wrap(self.flag[1], SMALL, width - _AXIS - 34) if self.flag else []

    def _flag_height(self, width: float) -> float:
        return LINE * len(self._flag_texts(width)) + 8 if self.flag else 0

    def _flag_first(self) -> bool:
        return self.flag is not None and self.pins[0].terminal == self.flag[0]

    def set_pins(self, width: float) -> None:
        """Put the two pins at the ends of the symbol; the one with the flag in the middle of the flag."""
        high, flag = self.height(width), self._flag_height(width)
        top = flag / 2 + 1 if self._flag_first() else high - flag / 2 - 1 - _SYMBOL_HEIGHT if flag else (high - _SYMBOL_HEIGHT) / 2
        self.pins = [pin.at(round(top) + index * _SYMBOL_HEIGHT) for index, pin in enumerate(self.pins)]

    def paint(self, page: Page, edge: float, top: float, width: float) -> None:
        """Draw symbol, leads and texts."""
        axis = edge + self.side * _AXIS
        first, second = (top + pin.dy for pin in self.pins)
        with page.group("part", mark=self.mark):
            symbols.paint(page, self.kind, symbols.Span(axis, first, second, self.side))
            for pin in self.pins:
                if self.flag and pin.terminal == self.flag[0]:
                    continue
                y = top + pin.dy
                page.line([(axis, y), (edge, y)], INK, 2, "lead")
                self._pin_marks(page, pin, (edge, y), (edge + self.side * (26 if pin.probe else 18), y - 4), "middle")
            self._paint_texts(page, axis + self.side * 18, top, width)
            if self.flag:
                self._paint_flag(page, axis, top, width)

    def _paint_texts(self, page: Page, x: float, top: float, width: float) -> None:
        anchor = "end" if self.side == LEFT else "start"
        texts = self._texts(width)
        flag = self._flag_height(width)
        room = self.height(width) - flag
        start = top + (flag if self._flag_first() else 0) + (room - LINE * (1 + len(texts))) / 2 + LINE - 3
        page.text((x, start), self.mark, Letters(anchor=anchor, bold=True), kind="mark")
        page.texts((x, start + LINE), texts, Letters(anchor=anchor))

    def _paint_flag(self, page: Page, axis: float, top: float, width: float) -> None:
        """Draw the lead of the terminal to its flag, away from the channel."""
        pin = next(pin for pin in self.pins if self.flag and pin.terminal == self.flag[0])
        y, start = top + pin.dy, axis + self.side * 16
        page.line([(axis, y), (start, y)], INK, 2, "lead")
        self._pin_marks(page, pin, (axis, y), (axis - self.side * 10, y + 5), "middle")
        flag(page, (start, y), self.side, self._flag_texts(width), pin.net)


def flag(page: Page, at: Point, side: int, texts: Sequence[str], net: str) -> None:
    """Draw an arrow out of the sheet with its words."""
    high = LINE * len(texts) + 6
    wide = max(text_width(line, SMALL) for line in texts) + 14
    start, y = at
    a, b, c = (start + side * x for x in (0, 10, 10 + wide))
    with page.group("flag", net=net):
        page.area(
            [(a, y), (b, y - high / 2), (c, y - high / 2), (c, y + high / 2), (b, y + high / 2)], Look("#fff4d6", INK, 1.5), kind="body"
        )
        page.texts((b + 6 if side == RIGHT else c + 8, y - high / 2 + LINE - 1), texts)


class Cable(Block):
    """A part off the board. Its wires are drawn in their colours, with their numbers, up to the terminal block of the board."""

    def _texts(self, width: float) -> list[str]:
        return wrap(" ".join((self.mark, ", ".join(self.lines))), SMALL, width - 12)

    def _head(self, width: float) -> float:
        return LINE * len(self._texts(width)) + 6

    def _rows(self) -> float:
        two = len(self.pins) == 2 and symbols.known(self.kind)
        return _SYMBOL_HEIGHT if two else ROW * (len(self.pins) - 1)

    def height(self, width: float) -> float:
        """Return the height: texts, then a row a pin."""
        return self._head(width) + self._rows() + 26

    def set_pins(self, width: float) -> None:
        """Put a row for each pin below the texts."""
        step = self._rows() / max(1, len(self.pins) - 1)
        top = self._head(width) + 16
        self.pins = [pin.at(round(top + index * step)) for index, pin in enumerate(self.pins)]

    def paint(self, page: Page, edge: float, top: float, width: float) -> None:
        """Draw body, wires and terminal block."""
        body = edge + self.side * _CABLE
        with page.group("part", mark=self.mark):
            self._paint_texts(page, edge, top, width)
            if len(self.pins) == 2 and symbols.known(self.kind):
                axis = body + self.side * _AXIS
                symbols.paint(page, self.kind, symbols.Span(axis, top + self.pins[0].dy, top + self.pins[1].dy, self.side))
                for pin in self.pins:
                    page.line([(axis, top + pin.dy), (body, top + pin.dy)], INK, 2, "lead")
                label, anchor = self.side * 16, "middle"
                rise = -4.0
            else:
                wide = min(width - _CABLE, 16 + max(text_width(SHORT.get(pin.label, pin.label), SMALL) for pin in self.pins))
                wide = max(wide, 56)
                x = body if self.side == RIGHT else body - wide
                page.box((x, top + self.pins[0].dy - 14), (wide, self._rows() + 28), Look("#f3f0e6", INK, 2, 3), kind="body")
                label, anchor = self.side * 8, "start" if self.side == RIGHT else "end"
                rise = 5.0
            for pin in self.pins:
                self._pin_marks(page, pin, (body, top + pin.dy), (body + label, top + pin.dy + rise), anchor)
        self._paint_wires(page, edge, body, top)

    def _paint_texts(self, page: Page, edge: float, top: float, width: float) -> None:
        left = edge - width if self.side == LEFT else edge + 8
        lines = self._texts(width)
        page.text((left, top + LINE), self.mark, Letters(bold=True), kind="mark")
        rest = lines[0][len(self.mark) :].strip()
        page.text((left + text_width(self.mark, SMALL, True) + 5, top + LINE), rest)
        page.texts((left, top + 2 * LINE), lines[1:])

    def _paint_wires(self, page: Page, edge: float, body: float, top: float) -> None:
        for pin in self.pins:
            y = top + pin.dy
            wire = pin.wires[0] if pin.wires else None
            if wire is None:
                page.line([(body, y), (edge, y)], INK, 2, "wire", pin.net)
                continue
            end = edge + self.side * _BLOCK_NUMBER if wire.block else edge
            insulated(page, [(body, y), (end, y)], wire)
            page.tag(((body + end) / 2, y), " ".join(str(one.number) for one in pin.wires), kind="wirenumber")
            if wire.block:
                self._paint_block(page, wire.far, edge, y)

    def _paint_block(self, page: Page, block: Node, edge: float, y: float) -> None:
        x = edge if self.side == RIGHT else edge - _BLOCK_NUMBER
        mark, terminal = block
        with page.group("terminal" if terminal else "strip", part=mark, terminal=terminal):
            page.box((x, y - 10), (_BLOCK_NUMBER, 20), Look("#d8ecd2", INK, 1.5, 2), "block")
            page.text((x + _BLOCK_NUMBER / 2, y + 5), f"{mark}.{terminal}".rstrip("."), Letters(anchor="middle"))


class Box(Block):
    """A part on the board with more than two terminals, in a column at a side."""

    def _texts(self, width: float) -> list[str]:
        return wrap(" ".join((self.mark, ", ".join(self.lines))), SMALL, width - self._label() - 40)

    def _label(self) -> float:
        return max(text_width(pin.label, SMALL) for pin in self.pins)

    def height(self, width: float) -> float:
        """Return the height: of the rows or of the texts."""
        return max(ROW * len(self.pins), LINE * len(self._texts(width)) + 12) + 6

    def set_pins(self, width: float) -> None:
        """Spread the pins over the height."""
        first = (self.height(width) - ROW * (len(self.pins) - 1)) / 2
        self.pins = [pin.at(round(first + index * ROW)) for index, pin in enumerate(self.pins)]

    def paint(self, page: Page, edge: float, top: float, width: float) -> None:
        """Draw frame, pins and texts."""
        near = edge + self.side * 10
        wide = width - 10
        left = near - wide if self.side == LEFT else near
        with page.group("part", mark=self.mark):
            page.box((left, top), (wide, self.height(width) - 4), Look("#eef3fa", INK, 2, 3), kind="body")
            lines = self._texts(width)
            x = left + 8 if self.side == LEFT else left + self._label() + 20
            y = top + (self.height(width) - 4 - LINE * len(lines)) / 2 + LINE - 3
            page.text((x, y), self.mark, Letters(bold=True), kind="mark")
            page.text((x + text_width(self.mark, SMALL, True) + 5, y), lines[0][len(self.mark) :].strip())
            page.texts((x, y + LINE), lines[1:])
            for pin in self.pins:
                page.line([(near, top + pin.dy), (edge, top + pin.dy)], INK, 2, "lead")
                anchor = "end" if self.side == LEFT else "start"
                self._pin_marks(page, pin, (edge, top + pin.dy), (near + self.side * 6, top + pin.dy + 5), anchor)


class Flag(Block):
    """A net that goes on to the other sheet, with the terminals that it reaches there."""

    def _texts(self, width: float) -> list[str]:
        return wrap(" ".join(self.lines), SMALL, width - 34)

    def height(self, width: float) -> float:
        """Return the height of its lines."""
        return LINE * len(self._texts(width)) + 10

    def set_pins(self, width: float) -> None:
        """Put its one pin at half its height."""
        self.pins = [pin.at(round(self.height(width) / 2)) for pin in self.pins]

    def paint(self, page: Page, edge: float, top: float, width: float) -> None:
        """Draw an arrow out of the sheet."""
        flag(page, (edge, top + self.pins[0].dy), self.side, self._texts(width), self.pins[0].net)


class Board(Block):
    """The board in the middle of a sheet: two rows of pins. `numbers` writes the pin's number at its row end, as on a Pico."""

    rows = 20
    pitch = 36
    usb = False

    def width(self) -> float:
        """Return how wide it has to be for the labels of its pins."""
        widest = [max([text_width(pin.label, SMALL) for pin in self.pins if pin.face == face], default=40) for face in (LEFT, RIGHT)]
        return max(150, round(sum(widest) + 56, 0))

    def height(self, width: float) -> float:
        """Return the height: a pitch a row, and its head."""
        return self._head() + self.rows * self.pitch + (10 if self.usb else 0)

    def _head(self) -> float:
        return (54 if self.usb else 16) + LINE * (1 + len(self._texts()))

    def _texts(self) -> list[str]:
        return [piece for line in self.lines for piece in wrap(line, SMALL, self.width() - 16)]

    def set_pins(self, width: float) -> None:
        """Pins come with the row as `dy`; make a height of it, once."""
        if self.pins and max(pin.dy for pin in self.pins) < self.rows + 1:
            top = self._head()
            self.pins = [pin.at(round(top + (pin.dy + 0.5) * self.pitch)) for pin in self.pins]

    def paint(self, page: Page, edge: float, top: float, width: float) -> None:
        """Draw the board; `edge` is its left side."""
        wide = self.width()
        with page.group("part", mark=self.mark):
            page.box((edge, top), (wide, self.height(width)), Look("#e3f1e6", INK, 2.5, 10), kind="body")
            y = top + LINE + 4
            if self.usb:
                page.box((edge + wide / 2 - 34, top - 8), (68, 38), Look("#d9d9d9", INK, 2, 3), kind="usb")
                page.text((edge + wide / 2, top + 16), "USB", Letters(anchor="middle", bold=True))
                y = top + 38 + LINE
            page.text((edge + wide / 2, y), self.mark, Letters(anchor="middle", bold=True), kind="mark")
            page.texts((edge + wide / 2, y + LINE), self._texts(), Letters(anchor="middle"))
            for pin in self.pins:
                x = edge if pin.face == LEFT else edge + wide
                inside = x - pin.face * 12
                used = bool(pin.net)
                with page.group("terminal", part=pin.mark, terminal=pin.terminal):
                    dot(page, (x, top + pin.dy), pin, 5, "#e0b83c")
                    anchor = "start" if pin.face == LEFT else "end"
                    page.text((inside, top + pin.dy + 5), pin.label, Letters(anchor=anchor, colour=INK if used else FAINT))


__all__ = ["LEFT", "RIGHT", "TEXT", "Block", "Board", "Box", "Cable", "Flag", "Pin", "Symbol", "WireEnd"]
