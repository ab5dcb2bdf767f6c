"""The circuit in a drawing, from its lines: which terminals are joined, by following lines, dots, bars and flags over both sheets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from support.drawn.svg import Box, Drawing, Point, Shape

Node = tuple[str, str]
Pin = tuple[Node, list[Point], Shape]
SHORT = {"A": "anode", "K": "cathode", "+": "plus", "-": "minus"}
NEAR = 0.6
EMPTY = "#ffffff"


class Joined:
    """Sets of things that are joined."""

    def __init__(self) -> None:
        self._root: dict[object, object] = {}

    def find(self, thing: object) -> object:
        self._root.setdefault(thing, thing)
        while self._root[thing] != thing:
            thing = self._root[thing]
        return thing

    def join(self, one: object, other: object) -> None:
        self._root[self.find(one)] = self.find(other)

    def groups(self) -> list[set[object]]:
        found: dict[object, set[object]] = {}
        for thing in self._root:
            found.setdefault(self.find(thing), set()).add(thing)
        return list(found.values())


def nets(sheets: dict[str, Drawing]) -> set[frozenset[Node]]:
    """The sets of terminals that are joined in a set of sheets, by their names as seen; not the empty ones, that have no wire."""
    joined = Joined()
    seen = {name: list(terminals(drawing)) for name, drawing in sheets.items()}
    everywhere = {node for pins in seen.values() for node, _, _ in pins}
    for name, drawing in sheets.items():
        _join_sheet(joined, name, drawing, seen[name])
    for name, drawing in sheets.items():
        _join_flags(joined, name, drawing, {"pins": seen[name], "everywhere": everywhere, "others": sheets.keys() - {name}})
    empty = {node for pins in seen.values() for node, _, shape in pins if shape.fill == EMPTY}
    found = (frozenset(thing for thing in group if isinstance(thing, tuple) and len(thing) == 2 and thing[1]) for group in joined.groups())
    return {group for group in found if group and not group <= empty}


def terminals(drawing: Drawing) -> Iterator[Pin]:
    """Each terminal as (name, its ends on the sheet, its shape). Part and terminal are read from the visible texts."""
    texts = drawing.of("text")
    labels: dict[tuple, list[Shape]] = {}
    marks: dict[tuple, list[str]] = {}
    for text in texts:
        if text.kind == "mark":
            marks.setdefault(_key(text, "part"), []).append(text.text)
        elif text.kind != "probe" and text.data("terminal"):
            labels.setdefault(_key(text, "terminal"), []).append(text)
    for shape in drawing.of("circle", "pin"):
        (label,) = [text for text in labels[_key(shape, "terminal")] if _beside(text, shape)]
        (mark,) = marks[_key(shape, "part")]
        assert ("part", mark) in _key(shape, "terminal"), f"{mark} has a terminal of {_key(shape, 'terminal')}"
        yield (mark, _terminal(label.text)), [shape.points[0]], shape
    for shape in drawing.of("rect", "block"):
        (label,) = [text for text in texts if shape.box.holds(text.box)]
        part, _, terminal = label.text.partition(".")  # a strip has its mark alone
        middle = (shape.box.top + shape.box.bottom) / 2
        yield (part, terminal), [(shape.box.left, middle), (shape.box.right, middle)], shape


def _key(shape: Shape, kind: str) -> tuple:
    data = shape.data(kind)
    assert data is not None, f"{shape.tag} {shape.text} is in no {kind}"
    return tuple(sorted(data.items()))


def _beside(text: Shape, pin: Shape) -> bool:
    return abs((text.box.top + text.box.bottom) / 2 - pin.points[0][1]) < 14


def _terminal(label: str) -> str:
    """`4  GP2 step` and `GP26 motor_supply  31` are pins of the Pico: step, motor_supply; ground there has its number in its name."""
    found = re.fullmatch(r"(\d+)  (.*)", label) or re.fullmatch(r"(.*)  (\d+)", label)
    if found is None:
        return SHORT.get(label, label)
    number, words = sorted(found.groups(), key=lambda text: not text.isdigit() or len(text) > 2)
    name = words.split()[-1]
    return f"GND{number}" if name == "GND" else name


def _join_sheet(joined: Joined, sheet: str, drawing: Drawing, pins: list[Pin]) -> None:
    """Lines that end at one point are joined, and lines through one dot; lines that only cross are not."""
    lines = [(sheet, index, "line") for index, _ in enumerate(drawing.of("polyline", "wire"))]
    at: dict[Point, list[tuple]] = {}
    for line, shape in zip(lines, drawing.of("polyline", "wire"), strict=True):
        joined.find(line)
        for end in (shape.points[0], shape.points[-1]):
            at.setdefault(end, []).append(line)
    for node, ends, _ in pins:
        joined.find(node)
        for end in ends:
            at.setdefault(end, []).append(node)
    for dot in drawing.of("circle", "dot"):
        at.setdefault(dot.points[0], []).extend(
            line for line, shape in zip(lines, drawing.of("polyline", "wire"), strict=True) if shape.box.near(dot.points[0], NEAR)
        )
    for things in at.values():
        for thing in things:
            joined.join(things[0], thing)
    _join_loose_ends(joined, sheet, drawing, at)
    for bar in drawing.of("text", "barname"):
        for line, shape in zip(lines, drawing.of("polyline", "wire"), strict=True):
            if abs(shape.points[0][0] + 5 - bar.box.left) < 1.5 and abs(shape.points[0][1] - bar.box.bottom) < 14:
                joined.join((sheet, bar.text, "bar"), line)


def _join_loose_ends(joined: Joined, sheet: str, drawing: Drawing, at: dict[Point, list[tuple]]) -> None:
    """A line that ends nowhere, or a terminal without a line, is a net of its own, which no bench has."""
    tops = {bar.box.left - 5: bar.box.bottom for bar in drawing.of("text", "barname")}
    flags = [shape.points[0] for shape in drawing.of("polygon", "body") if shape.data("flag") is not None]
    led = {lead.points[0] for flag in flags for lead in drawing.of("polyline", "lead") if same(lead.points[-1], flag)}
    led |= {pin.points[0] for pin in drawing.of("circle", "pin") if pin.fill == EMPTY}
    for end, things in at.items():
        at_bar = any(abs(end[0] - x) < 1.5 and abs(end[1] - y) < 14 for x, y in tops.items())
        if len(things) == 1 and not at_bar and end not in flags and end not in led:
            joined.find((f"{sheet} {end}", "a loose end"))


def _join_flags(joined: Joined, sheet: str, drawing: Drawing, known: dict) -> None:
    """A flag reads `TERMINALS on SHEET` or `BAR on SHEET`; a bar's note reads `(also on SHEET)`. `known`: what all sheets have."""
    for shape in drawing.of("polygon", "body"):
        if shape.data("flag") is None:
            continue
        words = " ".join(text.text for text in drawing.of("text") if shape.box.holds(text.box))
        named, _, other = words.rpartition(" on ")
        assert other in known["others"], words
        flag = (sheet, shape.points[0], "flag")
        there = _lines_at(sheet, drawing, shape.points[0]) + _pins_led_to(drawing, shape.points[0], known["pins"])
        if not there:
            joined.find((words, "a flag without a line"))
        for thing in there:
            joined.join(flag, thing)
        nodes = [tuple(piece.split(" ")) for piece in named.split(", ")]
        if all(node in known["everywhere"] for node in nodes):
            for node in nodes:
                joined.join(flag, node)
        else:
            joined.join(flag, (other, named, "bar"))
    for note in drawing.of("text"):
        found = re.fullmatch(r"\(also on (.+)\)", note.text)
        for other in found[1].split(", ") if found else ():
            (bar,) = [text for text in drawing.of("text", "barname") if text.box.meets(_stretched(note))]
            joined.join((sheet, bar.text, "bar"), (f"{other}.svg", bar.text, "bar"))


def _lines_at(sheet: str, drawing: Drawing, point: Point) -> list[object]:
    lines = enumerate(drawing.of("polyline", "wire"))
    return [(sheet, index, "line") for index, line in lines if same(point, line.points[0]) or same(point, line.points[-1])]


def _pins_led_to(drawing: Drawing, point: Point, pins: list[Pin]) -> list[object]:
    """The terminals whose lead ends at a point: their flag is at the part itself."""
    leads = [lead for lead in drawing.of("polyline", "lead") if same(point, lead.points[-1])]
    return [node for node, ends, _ in pins for lead in leads if same(ends[0], lead.points[0])]


def _stretched(note: Shape) -> Box:
    return Box(note.box.left - 10, note.box.top, note.box.right, note.box.bottom)


def same(one: Point, other: Point, by: float = NEAR) -> bool:
    return abs(one[0] - other[0]) < by and abs(one[1] - other[1]) < by
