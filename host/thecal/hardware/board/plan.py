"""From a rig to its board: the parts that stand on it, the nets that the links must make, those that carry current, the words beside."""

from __future__ import annotations

from pydantic import ValidationError

from thecal.hardware import pico
from thecal.hardware.board import footprints
from thecal.hardware.board.check import Pin
from thecal.hardware.board.layout import Layout, Standing, layout
from thecal.hardware.board.sheets import Names
from thecal.hardware.rig import End, Part, Rig

TABLE = "board"
# Names of terminals as the modules have them printed.
_PRINTED = {"GND_M": "GND", "GND_L": "GND", "SPREAD": "SPRD"}
_REGULATOR = {"VIN": "IN", "VOUT": "OUT"}
_CARRYING = ("power_in", "power_out", "ground", "motor")
_FEEDING = ("fuse", "tvs")
_UNITS = ((1_000_000, "M"), (1_000, "k"), (1, ""))


def has_board(rig: Rig) -> bool:
    """Return False for a bench without `[board]`: nobody has laid it out."""
    return TABLE in rig.bench


def layout_of(rig: Rig) -> Layout:
    """Return the geometry of a bench's `[board]`. Raises ValueError with the place of the mistake."""
    parts = {mark: Standing(part.library.footprint, _terminals(part)) for mark, part in on_board(rig).items()}
    try:
        return layout(rig.bench[TABLE], parts)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{TABLE}.{where}: {first['msg']}") from None


def on_board(rig: Rig) -> dict[str, Part]:
    """Return the parts that stand in holes, by mark."""
    return {mark: part for mark, part in rig.parts.items() if part.library.mount == "board" and part.library.footprint}


def _terminals(part: Part) -> list[str]:
    if part.mark == pico.PART:
        return [str(row) for row in range(1, 41)]
    return list(part.library.terminals)


def nets_of(rig: Rig) -> dict[str, list[Pin]]:
    """Return the pins of each net of the board. The Pico's pins have their number in the rows."""
    return {name: [_pin(end) for end in ends] for name, ends in rig.links.items()}


def _pin(end: End) -> Pin:
    return (end.part, str(end.row)) if end.row else end.key


def heavy_nets(rig: Rig) -> list[str]:
    """Return the nets that carry supply, ground or motor current: their wires need 0.5 mm2."""
    return [name for name, ends in rig.links.items() if any(_carries(rig, end) for end in ends)]


def _carries(rig: Rig, end: End) -> bool:
    part = rig.parts[end.part].library
    terminal = part.terminals.get(end.library_terminal)
    return part.kind in _FEEDING or (terminal is not None and terminal.type in _CARRYING)


def names_of(rig: Rig) -> Names:
    """Return what the pictures write: short values, and the names of pins."""
    values = {mark: short_value(part) for mark, part in on_board(rig).items()}
    labels = dict(_labels(rig))
    return Names(rig.name, values, labels)


def _labels(rig: Rig) -> dict[Pin, str]:
    labels: dict[Pin, str] = {}
    printed = {row: f"GP{gpio}" for gpio, row in pico.ROW_PIN.items()}
    printed |= {row: name.rstrip("0123456789") if name.startswith("GND") else name for name, row in pico.FIXED.items()}
    printed[pico.FIXED["ADC_VREF"]] = "VREF"
    for row, name in printed.items():
        labels[pico.PART, str(row)] = name
    net_of = {end.key: net for net, ends in rig.links.items() for end in ends}
    for mark, part in on_board(rig).items():
        if part.library.kind == "terminal_block":
            labels |= {(mark, name): net_of.get((mark, name), "") for name in part.library.terminals}
        elif len(part.library.terminals) > 2 and mark != pico.PART:
            short = _PRINTED if part.library.kind == "driver" else _REGULATOR if part.library.kind in ("converter", "regulator") else {}
            pins = [*part.library.terminals, *(pin for pin in footprints.named(part.library.footprint).pads if not pin.startswith("free"))]
            labels |= {(mark, name): short.get(name, name) for name in pins}
    return labels


def short_value(part: Part) -> str:
    """Return what is written beside a part: 4k7, 100 nF, the type of a module."""
    library = part.library
    for name, unit in (("ohm", ""), ("nf", "F"), ("rated_ma", "A")):
        figure = library.values.get(name)
        if figure is None or figure.low is None or figure.low != figure.high or library.kind not in ("resistor", "capacitor", "fuse"):
            continue
        return _ohms(figure.value) if name == "ohm" else _farads(figure.value) if unit == "F" else f"T{figure.value / 1000:g}A"
    if library.kind == "terminal_block":
        return ""
    # The family is enough to tell a regulator: MCP1700 of MCP1700-3302E/TO.
    return library.number.split("-")[0] if library.kind == "regulator" else library.number


def _ohms(ohm: int) -> str:
    for size, letter in _UNITS:
        if ohm >= size:
            whole, rest = divmod(ohm, size)
            return f"{whole}{letter}{str(rest)[0] if rest else ''}"
    return "0"


def _farads(nf: int) -> str:
    return f"{nf // 1000}u" if nf >= 1000 else f"{nf}n"
