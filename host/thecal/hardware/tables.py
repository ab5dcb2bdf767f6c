"""The wiring as a page to build from: pins, and the wires that leave the board."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from thecal.hardware import pico, words
from thecal.hardware.rig import Rig

SPDX = f"<!-- {words.LICENCE} -->"
WARNING = f"**{words.BENCH_ONLY}**"


def page(rig: Rig, bench_file: str) -> str:
    """Markdown: the Pico's pins by number, then the wires that leave the board, by harness. What is on the board is in its layout."""
    written = f"Written from `{bench_file}` by `python -m thecal.hardware`; a test compares them. Change the bench file, not this page."
    parts = [SPDX, f"# Wiring of {rig.name}", WARNING, words.NOT_BUILT, written]
    parts += ["## Pins of the Pico", table(("signal", "GPIO", "pin", "goes to"), _pins(rig))]
    parts += ["## Wires that leave the board", table(("wire", "harness", "from", "to", "colour"), _wires(rig))]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a markdown table."""
    lines: list[Sequence[str]] = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _pins(rig: Rig) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, gpio in sorted(rig.pins.items(), key=lambda item: item[1]):
        number = str(pico.ROW_PIN.get(gpio, "none"))
        rows.append((f"`{name}`", f"GP{gpio}", number, rig.unwired.get(name) or ", ".join(_reached(rig, name))))
    return rows


def _reached(rig: Rig, name: str) -> list[str]:
    """Return the other ends of the wires and of the net at this pin of the Pico."""
    ends = [*(wire.ends for wire in rig.wires), *rig.links.values()]
    return [str(there) for one in ends if (pico.PART, name) in {end.key for end in one} for there in one if there.key != (pico.PART, name)]


def _wires(rig: Rig) -> list[tuple[str, ...]]:
    return [(str(wire.number), wire.harness, str(wire.ends[0]), str(wire.ends[1]), wire.colour) for wire in rig.wires]
