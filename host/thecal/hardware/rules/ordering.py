"""E14: every part can be ordered, and the coin cell is the one that its holder takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, listed
from thecal.hardware.rules.roles import Roles

RULE = "E14"
SUPPLIERS = 2


def every_part_can_be_ordered(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find parts without maker, order number, two suppliers, price with its date, or substitute."""
    for part in circuit.rig.parts.values():
        one = part.library
        if not one.bought:
            continue
        lacks = [name for name in ("maker", "number", "substitute") if not getattr(one, name)]
        lacks += ["a second supplier"] if len(one.suppliers) < SUPPLIERS else []
        lacks += ["price"] if one.price is None else []
        if lacks:
            text = f"{part.mark} ({circuit.what(part.mark)}) can't be ordered: {one.id} lacks {listed(lacks)}"
            yield Finding(RULE, text, "add it to hardware/library, with its source", parts=(part.mark,))
        if re.search(r"\bany\b", f"{one.maker} {one.number}", re.IGNORECASE):
            yield Finding(
                RULE, f'{part.mark} says "any", which nobody can order: {one.maker} {one.number}', "name one part", parts=(part.mark,)
            )


def the_cell_fits(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a clock module without the coin cell that it takes."""
    for part in circuit.of_kind("clock_module"):
        takes = part.library.cell
        cells = [cell.library.number for cell in circuit.of_kind("cell")]
        if takes not in cells:
            text = (
                f"{part.mark} takes a {takes or 'cell'}; the bench has {listed(cells) or 'none'}: the time would be lost at each power cut"
            )
            yield Finding(RULE, text, f"add a {takes} to [parts]", parts=(part.mark,))


RULES = {"E14": (every_part_can_be_ordered, the_cell_fits)}
