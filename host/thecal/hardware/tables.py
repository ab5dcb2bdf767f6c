"""The wiring as a page to build from, and the bill of materials as a sheet to order from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from thecal.hardware import pico
from thecal.hardware.rig import Rig
from thecal.terminal.sheets import cell

WARNING = "**Bench use only. Never connect this pump to a person or an animal.**"


def page(rig: Rig, bench_file: str) -> str:
    """Markdown: the Pico's pins by number, then every wire by harness."""
    written = f"Written from `{bench_file}` by `python -m thecal.hardware`; a test compares them. Change the bench file, not this page."
    parts = [f"# Wiring of {rig.name}", WARNING, written, "![drawing of the wires](wiring.svg)"]
    parts += ["## Pins of the Pico", table(("signal", "GPIO", "pin", "goes to"), _pins(rig))]
    parts += ["## Wires", table(("wire", "harness", "from", "to", "colour"), _wires(rig))]
    return "\n\n".join(parts) + "\n"


def bill(rig: Rig) -> str:
    """CSV: mark on the drawing, how many, what it is, what to order."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(("mark", "count", "what", "order"))
    writer.writerows([cell(value) for value in (name, part.count, part.what, part.order)] for name, part in rig.parts.items())
    return sheet.getvalue()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a markdown table."""
    lines: list[Sequence[str]] = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _pins(rig: Rig) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, gpio in sorted(rig.pins.items(), key=lambda item: item[1]):
        number = str(pico.ROW_PIN.get(gpio, "none"))
        rows.append((f"`{name}`", f"GP{gpio}", number, rig.unwired.get(name) or ", ".join(_reached(rig, number))))
    return rows


def _reached(rig: Rig, number: str) -> list[str]:
    """Return the other ends of the wires at this pin of the Pico."""
    pairs = [wire.ends for wire in rig.wires] + [wire.ends[::-1] for wire in rig.wires]
    return [str(there) for here, there in pairs if (here.part, here.terminal) == (pico.PART, number)]


def _wires(rig: Rig) -> list[tuple[str, ...]]:
    return [(str(wire.number), wire.harness, str(wire.ends[0]), str(wire.ends[1]), wire.colour) for wire in rig.wires]
