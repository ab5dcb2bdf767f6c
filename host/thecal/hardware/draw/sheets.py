"""The two sheets of a rig: power and driver; Pico and controls. Which part is drawn where follows from its kind and its nets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from thecal.hardware import pico
from thecal.hardware.draw import symbols
from thecal.hardware.draw.blocks import LEFT, RIGHT, Block, Board, Box, Cable, Flag, Pin, Symbol
from thecal.hardware.draw.layout import Sheet, Title
from thecal.hardware.draw.scheme import BLOCK, Item, Node, Scheme

POWER, CONTROLS, SENSORS = "power.svg", "controls.svg", "sensors.svg"
TITLES = {POWER: "power and driver", CONTROLS: "Pico and controls", SENSORS: "sensors"}
_PROBES = "An orange number is a probe point of build.md."
SUBTITLES = {
    POWER: f"From the supply to the motor. {_PROBES}",
    CONTROLS: f"The Pico as seen from above, USB at the top. {_PROBES}",
    SENSORS: "Reserved: this firmware reads no sensor. The Pico's pins are those of controls.svg.",
}
_SENSOR = "sensor_module"
_CONTROLS = ("pico", "switch_nc", "switch_no", "buzzer", "clock_module")
_BAR_PINS = 3
_SIGNAL_PINS = 8
_SUPPLY = ("power_out", "power_in", "ground")
_GROUND = "GND"
# A flag names so many terminals of the other sheet at most.
_NAMED = 2
# A column before the channels are known: its width, and how much stands in it.
_COLUMN, _ROOM = 215, 1_000
_OTHER = {35: "ADC_VREF", 37: "3V3_EN", 40: "VBUS"}


def draw(scheme: Scheme, bench_file: str, probes: Mapping[Node, int] = MappingProxyType({})) -> dict[str, str]:
    """Return the sheets by the name of their file; that of the sensors only if there are some.

    `probes` are the numbers of the points to measure at.
    """
    where = _sheet_of(scheme)
    files = [file for file in (POWER, CONTROLS, SENSORS) if file != SENSORS or SENSORS in where.values()]
    return {file: _Maker(scheme, where, file, probes).sheet().svg(bench_file) for file in files}


def _sheet_of(scheme: Scheme) -> dict[str, str]:
    """Return the sheet of each part. What touches a signal of the Pico, a control or a sensor belongs to it, but not at the driver."""
    where = {
        mark: SENSORS if item.kind == _SENSOR else CONTROLS if item.kind in _CONTROLS else POWER for mark, item in scheme.items.items()
    }
    for file in (CONTROLS, SENSORS):
        own = {name for name, nodes in scheme.nets.items() if len(nodes) < _SIGNAL_PINS and _signal(scheme, where, nodes, file)}
        for mark, item in scheme.items.items():
            if symbols.known(item.kind) and any(scheme.net_of((mark, terminal)) in own for terminal in item.types):
                where[mark] = file
    for mark, item in scheme.items.items():
        if item.kind == BLOCK:
            where[mark] = _of_its_wires(scheme, where, mark)
    return where


def _signal(scheme: Scheme, where: dict[str, str], nodes: Iterable[Node], file: str) -> bool:
    """Return true for a net of a terminal on that sheet that is neither ground nor supply, without one of the driver."""
    marks = {mark for mark, _ in nodes}
    if any(scheme.items[mark].kind == "driver" for mark in marks) or any(mark == pico.PART and name in pico.FIXED for mark, name in nodes):
        return False
    if file == CONTROLS and any(mark == pico.PART and name in scheme.pins for mark, name in nodes):
        return True
    return any(where[mark] == file and scheme.items[mark].types.get(name) not in _SUPPLY for mark, name in nodes)


def _of_its_wires(scheme: Scheme, where: dict[str, str], block: str) -> str:
    """Return the sheet of the parts whose wires end at a terminal block."""
    for node, ends in scheme.wires.items():
        if any(end.block and end.far[0] == block for end in ends) and node[0] in where:
            return where[node[0]]
    return POWER


class _Root(NamedTuple):
    """The pin of the board that a part belongs to: its side and row, and how many parts lie between."""

    face: int
    row: float
    far: int


class _Maker:
    """Makes one sheet."""

    def __init__(self, scheme: Scheme, where: dict[str, str], file: str, probes: Mapping[Node, int]) -> None:
        self._scheme = scheme
        self._where = where
        self._file = file
        self._probes = probes
        self._items = {mark: item for mark, item in scheme.items.items() if where[mark] == file}
        self._nets = {name: [node for node in nodes if node[0] in self._items] for name, nodes in scheme.nets.items()}
        self._bars = frozenset(name for name, nodes in self._nets.items() if self._is_bar(name, nodes))
        self._in_cable: set[Node] = set()

    def _is_bar(self, name: str, nodes: list[Node]) -> bool:
        """Return true for ground, a strip, and a supply with some parts at it."""
        if name == _GROUND or name in self._scheme.strips:
            return len(nodes) >= 2
        return len(nodes) >= _BAR_PINS and any(self._feeds(node) for node in self._scheme.nets[name])

    def _feeds(self, node: Node) -> bool:
        mark, terminal = node
        if mark == pico.PART:
            return terminal in pico.FIXED
        return mark in self._scheme.items and self._scheme.items[mark].types.get(terminal) in _SUPPLY

    def sheet(self) -> Sheet:
        """Return the sheet with everything in its place."""
        board = {POWER: self._driver, CONTROLS: self._pico, SENSORS: self._extract}[self._file]()
        blocks = self._blocks(board)
        sides = self._sides(board, blocks)
        board.pins = [replace(pin, probe=self._probes.get((pin.mark, pin.terminal), 0)) for pin in board.pins]
        columns: dict[int, list[Block]] = {LEFT: [], RIGHT: []}
        for block in self._in_order(board, blocks):
            block.side = sides[block.mark]
            block.pins = [replace(pin, face=-block.side, probe=self._probes.get((pin.mark, pin.terminal), 0)) for pin in block.pins]
            columns[block.side].append(block)
        bars = {name: ", ".join(file.removesuffix(".svg") for file in self._elsewhere(name)) for name in self._bars}
        title = Title(f"{self._scheme.name}: {TITLES[self._file]}", SUBTITLES[self._file])
        return Sheet(title, board, columns, bars)

    # --- the board in the middle --------------------------------------------------------------------------------------------

    def _pico(self) -> Board:
        item = self._items[pico.PART]
        names = {pico.ROW_PIN[gpio]: f"GP{gpio}" for gpio in range(29) if gpio in pico.ROW_PIN}
        fixed = {number: name for name, number in pico.FIXED.items()}
        used = {pico.ROW_PIN[gpio]: name for name, gpio in self._scheme.pins.items() if gpio in pico.ROW_PIN}
        pins = []
        for number in range(1, 41):
            terminal = used.get(number) or fixed.get(number) or names.get(number) or _OTHER[number]
            words = f"{names[number]} {used[number]}" if number in used else terminal.rstrip("0123456789") if number in fixed else terminal
            words = "3V3" if terminal == "3V3" else words
            face, row = (LEFT, number - 1) if number <= 20 else (RIGHT, 40 - number)
            label = f"{number}  {words}" if face == LEFT else f"{words}  {number}"
            node = (pico.PART, terminal)
            pins.append(Pin(*node, self._scheme.net_of(node), row, face, label, self._scheme.wires.get(node, ())))
        board = Board(pico.PART, "pico", 0, item.lines, pins)
        board.usb = True
        return board

    def _extract(self) -> Board:
        """Return the pins of the Pico that the sensors need, half of them at each side."""
        names = [name for name in self._scheme.pins if self._nets.get(self._scheme.net_of((pico.PART, name)))]
        names.sort(key=lambda name: pico.ROW_PIN[self._scheme.pins[name]])
        half = (len(names) + 1) // 2
        pins = []
        for index, name in enumerate(names):
            gpio = self._scheme.pins[name]
            face, row = (LEFT, index) if index < half else (RIGHT, index - half)
            words = f"{pico.ROW_PIN[gpio]}  GP{gpio} {name}" if face == LEFT else f"GP{gpio} {name}  {pico.ROW_PIN[gpio]}"
            pins.append(Pin(pico.PART, name, self._scheme.net_of((pico.PART, name)), row, face, words))
        board = Board(pico.PART, "pico", 0, (f"its whole board: {CONTROLS}",), pins)
        board.rows, board.pitch = max(1, half), 60
        return board

    def _driver(self) -> Board:
        mark = next((mark for mark, item in self._items.items() if item.kind == "driver"), "")
        if not mark:
            return Board("", "none", 0, ("no driver",), [])
        item = self._items[mark]
        pins = []
        rows = {LEFT: 0, RIGHT: 0}
        for terminal in item.types:
            net = self._scheme.net_of((mark, terminal))
            face = LEFT if net in self._bars or not net else RIGHT
            pins.append(Pin(mark, terminal, net, rows[face], face, terminal, self._scheme.wires.get((mark, terminal), ())))
            rows[face] += 1
        board = Board(mark, "driver", 0, item.lines, pins)
        board.rows = max(rows.values())
        board.pitch = 46
        return board

    # --- the blocks at the sides --------------------------------------------------------------------------------------------

    def _blocks(self, board: Board) -> list[Block]:
        """Return a block for each part but the board, and a flag for each net that goes on and is no bar."""
        blocks: list[Block] = []
        late: list[Item] = []
        for mark, item in self._items.items():
            if mark == board.mark:
                continue
            if item.kind == BLOCK:
                late.append(item)
                continue
            blocks.append(self._block(item))
        for item in late:
            left_over = [terminal for terminal in item.types if (item.mark, terminal) not in self._in_cable]
            rest = [terminal for terminal in left_over if self._scheme.net_of((item.mark, terminal))]
            if rest:
                blocks.append(self._of_kind(Box, item, rest))
        at_board = {pin.net for pin in board.pins} if self._file == SENSORS else set()
        for name, nodes in self._nets.items():
            there = self._elsewhere(name)
            if nodes and there and name not in self._bars and name not in at_board:
                file, terminals = next(iter(there.items()))
                words = f"{', '.join(terminals) if len(terminals) <= _NAMED else name} on {file}"
                self._add_flag(blocks, name, words)
        return blocks

    def _add_flag(self, blocks: list[Block], net: str, words: str) -> None:
        """Put the flag at the part's own lead if the net has nothing else here."""
        here = [(block, pin) for block in blocks for pin in block.pins if pin.net == net]
        block, pin = here[0] if len(here) == 1 else (None, None)
        if len(self._nets[net]) == 1 and pin is not None and isinstance(block, Symbol):
            block.flag = pin.terminal, words
            return
        blocks.append(Flag(f"flag {net}", "flag", LEFT, (words,), [Pin(f"flag {net}", "", net, 0, RIGHT)]))

    def _elsewhere(self, name: str) -> dict[str, list[str]]:
        """Return the terminals of a net on the other sheets, as words, by sheet in their order."""
        found: dict[str, list[str]] = {}
        for node in sorted(self._scheme.nets[name]):
            file = self._where.get(node[0], self._file)
            if file != self._file:
                found.setdefault(file, []).append(" ".join(node))
        return {file: found[file] for file in TITLES if file in found}

    def _block(self, item: Item) -> Block:
        if self._is_cable(item.mark):
            pins = [pin for terminal in item.types for pin in self._cable_pins(item.mark, terminal)]
            return Cable(item.mark, item.kind, LEFT, item.lines, pins)
        return self._of_kind(Symbol if symbols.known(item.kind) and len(item.types) == 2 else Box, item, item.types)

    def _is_cable(self, mark: str) -> bool:
        """Return true for a part off the board: one that is no terminal block and has wires with numbers."""
        item = self._items.get(mark)
        if item is None or item.kind in (BLOCK, "driver", "pico"):
            return False
        return any((mark, terminal) in self._scheme.wires for terminal in item.types)

    def _cable_pins(self, mark: str, terminal: str) -> list[Pin]:
        """Return a pin for each wire at the terminal. A wire between two parts off the board is a line of its own."""
        node = (mark, terminal)
        pins = []
        for wire in self._scheme.wires.get(node, ()):
            net = f"wire {wire.number}" if self._is_cable(wire.far[0]) else self._scheme.net_of(node)
            shown = wire
            if wire.block:
                shown = replace(wire, block=wire.far not in self._in_cable or not wire.far[1])
                self._in_cable.add(wire.far)
            pins.append(Pin(*node, net, 0, RIGHT, terminal, (shown,)))
        return pins or [Pin(*node, self._scheme.net_of(node), 0, RIGHT, terminal)]

    def _of_kind(self, shape: type[Block], item: Item, terminals: Iterable[str]) -> Block:
        pins = []
        for terminal in terminals:
            node = (item.mark, terminal)
            pins.append(Pin(*node, self._scheme.net_of(node), 0, RIGHT, terminal, self._scheme.wires.get(node, ())))
        return shape(item.mark, item.kind, LEFT, item.lines, pins)

    # --- which side, which order ----------------------------------------------------------------------------------------------

    def _sides(self, board: Board, blocks: list[Block]) -> dict[str, int]:
        """Return the side of each block: that of the board's pins which it reaches over nets that are no bars, else where room is."""
        roots = self._roots(board, blocks)
        sides = {block.mark: roots[block.mark].face for block in blocks if block.mark in roots}
        used = {side: sum(block.height(_COLUMN) for block in blocks if sides.get(block.mark) == side) for side in (LEFT, RIGHT)}
        for block in blocks:
            if block.mark not in sides:
                full = used[LEFT] + block.height(_COLUMN) > _ROOM
                side = RIGHT if (full if self._file == POWER else used[RIGHT] <= used[LEFT]) else LEFT
                sides[block.mark] = side
                used[side] += block.height(_COLUMN)
        return sides

    def _roots(self, board: Board, blocks: list[Block]) -> dict[str, _Root]:
        """Return the root of each block that the board reaches over nets that are no bars."""
        reached: dict[str, _Root] = {}
        nets = deque((pin.net, _Root(pin.face, pin.dy, 0)) for pin in board.pins if pin.net and pin.net not in self._bars)
        seen: set[str] = set()
        while nets:
            net, root = nets.popleft()
            if net in seen:
                continue
            seen.add(net)
            for block in blocks:
                if block.mark in reached or all(pin.net != net for pin in block.pins):
                    continue
                reached[block.mark] = root
                nets.extend((pin.net, root._replace(far=root.far + 1)) for pin in block.pins if pin.net not in self._bars)
        return reached

    def _in_order(self, board: Board, blocks: list[Block]) -> list[Block]:
        """Return the blocks from top to bottom: by the board's pins; the others in the order of the bench, flags after their net."""
        roots = self._roots(board, blocks)
        free = [block for block in blocks if block.mark not in roots and not isinstance(block, Flag)]
        for flag in blocks:
            if isinstance(flag, Flag) and flag.mark not in roots:
                net = flag.pins[0].net
                places = [index for index, block in enumerate(free) if any(pin.net == net for pin in block.pins)]
                free.insert(max(places, default=len(free) - 1) + 1, flag)
        tied = sorted((block for block in blocks if block.mark in roots), key=lambda block: roots[block.mark])
        return free + tied if self._file == POWER else tied + free
