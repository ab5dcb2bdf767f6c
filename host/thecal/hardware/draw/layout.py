"""Where the blocks of a sheet stand, so that no pin of another net has the same height at the other side of its channel."""

from __future__ import annotations

from typing import NamedTuple

from thecal.hardware.draw.blocks import LEFT, RIGHT, Block, Board, Cable, Pin, Symbol
from thecal.hardware.draw.channel import Channel, Run, Stub
from thecal.hardware.draw.ink import HEAD, LICENCE, TEXT, WARNING, Letters, Page

A4_MM = (210, 297)
WIDTH, HEIGHT = 1_000, 1_414
MARGIN = 22
TOP = 112
FOOT = 74
GAP = 20
LEAST_GAP = 4
TRIES = 20
NEAR = 9
STEP = 4
BRIDGE = 13
# Lines of nets, and bars: no colour is in both.
COLOURS = ("#1d4e89", "#7a1f5c", "#0b6e4f", "#9c4a00", "#5b3fa0", "#00697a", "#6b5900")
BAR_COLOURS = ("#c62828", "#e07b00", "#c2188b", "#5a3ff0", "#00838f")
GROUND, GROUND_COLOUR = "GND", "#111111"

LEGEND = (
    "A dot joins lines; lines that cross without a dot are not connected. Arrows: the net goes on, on another sheet.",
    "Lines with a number are wires off the board, in the colour of their insulation. Green squares are screw terminals or strips.",
)


class Title(NamedTuple):
    """The line above a sheet, and the one below it."""

    head: str
    below: str


class Sheet:
    """One drawing: a board in the middle, a column of blocks at each side. `bars` are the nets drawn as bars, each with a note or none."""

    def __init__(self, title: Title, board: Board, columns: dict[int, list[Block]], bars: dict[str, str]) -> None:
        self._title = title
        self._board = board
        self._columns = columns
        self._bars = bars
        self._tops: dict[str, float] = {}
        self._channels: dict[int, Channel] = {}
        self._zone = TOP
        self._lowest = 0.0

    def svg(self, source: str) -> str:
        """Return the sheet as SVG. `source` is the bench file's name."""
        widths = {LEFT: 215.0, RIGHT: 215.0}
        for _ in range(4):
            self._place(widths)
            free = WIDTH - 2 * MARGIN - self._board.width() - sum(channel.width for channel in self._channels.values())
            widths = {LEFT: free / 2, RIGHT: free / 2}
        self._place(widths)
        # A sheet that is too full is longer than A4, rather than unreadable.
        high = max(HEIGHT, round(self._lowest) + FOOT)
        page = Page((A4_MM[0], A4_MM[1] * high // HEIGHT), WIDTH, high, f"{self._title.head}: {self._title.below}. {WARNING}")
        self._frame(page, source)
        self._paint(page, widths)
        return page.svg()

    # --- placing ----------------------------------------------------------------------------------------------------------

    def _place(self, widths: dict[int, float]) -> None:
        self._zone = TOP + 17 * len(self._bars) + 8
        self._board.set_pins(0)
        self._tops = {self._board.mark: round(self._board_top())}
        for side in (LEFT, RIGHT):
            for block in self._columns[side]:
                block.set_pins(widths[side])
            self._place_column(side, widths[side])
        self._route()

    def _board_top(self) -> float:
        room = HEIGHT - FOOT - self._zone - 14 * BRIDGE
        return self._zone + max(10.0, (room - self._board.height(0)) / 3)

    def _place_column(self, side: int, width: float) -> None:
        """Put each block as near as possible to the pins that it belongs to, in order, without overlap."""
        bottom = self._bottom()
        for _ in range(TRIES):
            over = self._pack(side, width, bottom) - self._bottom()
            if over <= 0:
                return
            bottom -= max(over, STEP)

    def _pack(self, side: int, width: float, bottom: float) -> float:
        """Place the blocks of a column from the top so that the last should end at `bottom`; return where it does."""
        blocks = self._columns[side]
        heights = [block.height(width) for block in blocks]
        room = bottom - self._zone - sum(heights)
        gap = max(LEAST_GAP, min(GAP, room / max(1, len(blocks))))
        y: float = self._zone
        for index, block in enumerate(blocks):
            last = bottom - sum(heights[index:]) - gap * (len(blocks) - 1 - index)
            y = self._free(block, y, max(y, min(self._wanted(block, y), last)))
            self._tops[block.mark] = y
            y += heights[index] + gap
        return y - gap

    def _bottom(self) -> float:
        return HEIGHT - FOOT - 8 - BRIDGE * len(self._bars)

    def _wanted(self, block: Block, default: float) -> float:
        """Return the top at which its pins are level with the board's pins of their nets."""
        face = block.side
        tops = []
        for pin in block.pins:
            if pin.net in self._bars:
                continue
            for other in self._board.pins:
                if other.net == pin.net and other.face == face:
                    tops.append(self._tops[self._board.mark] + other.dy - pin.dy)
        return sum(tops) / len(tops) if tops else default

    def _free(self, block: Block, least: float, wanted: float) -> float:
        """Return the top nearest to the wanted one at which no pin has the height of another net's pin opposite."""
        for away in range(0, HEIGHT, STEP):
            for top in (round(wanted) - away, round(wanted) + away):
                if top >= least and self._fits(block, top):
                    return float(top)
        return float(round(wanted))

    def _fits(self, block: Block, top: float) -> bool:
        board = self._tops[self._board.mark]
        for pin in block.pins:
            for other in self._board.pins:
                if (
                    pin.net
                    and other.net
                    and other.face == block.side
                    and other.net != pin.net
                    and abs(top + pin.dy - board - other.dy) < NEAR
                ):
                    return False
        return True

    # --- routing ----------------------------------------------------------------------------------------------------------

    def _stubs(self, side: int) -> list[Stub]:
        stubs = []
        for block in self._columns[side]:
            tagged = not isinstance(block, Cable)
            for pin in block.pins:
                if pin.net and not _flagged(block, pin):
                    stubs.append(Stub(pin, side, self._tops[block.mark] + pin.dy, tagged and bool(pin.wires)))
        top = self._tops[self._board.mark]
        stubs += [Stub(pin, -side, top + pin.dy, bool(pin.wires)) for pin in self._board.pins if pin.net and pin.face == side]
        return stubs

    def _route(self) -> None:
        sides = {side: self._stubs(side) for side in (LEFT, RIGHT)}
        nets = {side: list(dict.fromkeys(stub.pin.net for stub in stubs)) for side, stubs in sides.items()}
        every = list(dict.fromkeys(nets[LEFT] + nets[RIGHT]))
        colours = self._colours(every)
        both = [net for net in every if net in nets[LEFT] and net in nets[RIGHT]]
        lowest = max([stub.y for stubs in sides.values() for stub in stubs] + [self._tops[self._board.mark] + self._board.height(0)])
        self._lowest = lowest + 16 + BRIDGE * len(both)
        bridge = {net: lowest + 16 + index * BRIDGE for index, net in enumerate(both)}
        for side in (LEFT, RIGHT):
            runs = []
            for net in nets[side]:
                own = [stub for stub in sides[side] if stub.pin.net == net]
                runs.append(Run(net, net in self._bars, colours[net], own, bridge.get(net), self._bars.get(net, "")))
            self._channels[side] = Channel(runs, TOP)

    def _colours(self, nets: list[str]) -> dict[str, str]:
        """Return a colour for each net; a line and a bar never have the same."""
        colours = {}
        for palette, bars in ((BAR_COLOURS, True), (COLOURS, False)):
            some = sorted(net for net in nets if (net in self._bars) == bars)
            colours.update({net: palette[index % len(palette)] for index, net in enumerate(some)})
        return {**colours, GROUND: GROUND_COLOUR}

    # --- painting ---------------------------------------------------------------------------------------------------------

    def _frame(self, page: Page, source: str) -> None:
        page.text((MARGIN, 44), self._title.head, Letters(HEAD, bold=True))
        page.text((MARGIN, 68), self._title.below, Letters(TEXT))
        page.text((MARGIN, 90), WARNING, Letters(TEXT, bold=True, colour="#a31621"))
        page.texts((MARGIN, page.height - FOOT + 20), (*LEGEND, f"Written from {source} by python -m thecal.hardware. {LICENCE}"))

    def _paint(self, page: Page, widths: dict[int, float]) -> None:
        edges = {LEFT: MARGIN + widths[LEFT], RIGHT: WIDTH - MARGIN - widths[RIGHT]}
        board_left = edges[LEFT] + self._channels[LEFT].width
        board_right = board_left + self._board.width()
        tracks = {
            LEFT: self._channels[LEFT].paint(page, edges[LEFT], board_left),
            RIGHT: self._channels[RIGHT].paint(page, board_right, edges[RIGHT]),
        }
        for run in self._channels[LEFT].runs:
            if run.bridge_y is not None:
                start, end = tracks[LEFT][run.net], tracks[RIGHT][run.net]
                with page.group("net", net=run.net):
                    page.line([(start, run.bridge_y), (end, run.bridge_y)], run.colour, 4 if run.bar else 2, "wire", run.net)
        self._board.paint(page, board_left, self._tops[self._board.mark], 0)
        for side in (LEFT, RIGHT):
            for block in self._columns[side]:
                block.paint(page, edges[side], self._tops[block.mark], widths[side])


def _flagged(block: Block, pin: Pin) -> bool:
    """Return true if the pin's net goes out of the sheet at the part itself."""
    return isinstance(block, Symbol) and block.flag is not None and block.flag[0] == pin.terminal


__all__ = ["HEIGHT", "WIDTH", "Pin", "Sheet"]
