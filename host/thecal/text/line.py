"""What is in the line, in words: two contents, how far the front between them is, and what a start needs."""

from __future__ import annotations

from typing import Any

from thecal.errors import Refused
from thecal.quantities.amounts import ml, ug_per_ml

LINE_FAULTS = ("bridge_needed", "bridge_impossible")
BRIDGE, PRIME = "thecal bridge", 'thecal prime --rate "2 mL/h"'
Line = dict[str, Any]


def of(status: dict[str, Any]) -> Line | None:
    """The line of a status; None while it holds one content."""
    line: Line | None = (status.get("therapy") or {}).get("line")
    return line


def content(line: Line, which: str) -> str:
    """ "dye 500 ug/mL" of `old` or `new`."""
    fluid, mass_ng, volume_nl = (line[f"{which}_{name}"] for name in ("fluid", "ng", "nl"))
    return f"{fluid} {ug_per_ml(mass_ng, volume_nl, 3)}" if volume_nl else fluid or "unknown"


def need(line: Line) -> str:
    """What is to be done before a start; "" when nothing is."""
    words = {
        "bridge": f"a bridge delivers it at its own dose: {BRIDGE}; or flush it out: {PRIME}",
        "prime": f"only a priming ends that: {PRIME}",
    }
    return words.get(line["needs"], "")


def text(line: Line) -> str:
    """ "dye 500 ug/mL, behind it dye 300 ug/mL; the front is at 0.1 of 0.339 mL; bridge: old"."""
    least, most = ml(line["least_nl"]), ml(line["most_nl"])
    where = most if line["most_nl"] - line["least_nl"] <= 1 else f"between {least} and {most}"
    front = f"the front is at {where} of {ml(line['line_nl'])}"
    if not line["needs"]:
        front = f"the front has passed, {where} after {ml(line['line_nl'])}"
    phase = {"old": "; a bridge runs: the tip delivers the old", "uncertain": "; a bridge runs: nobody knows what the tip delivers"}
    return f"{content(line, 'old')}, behind it {content(line, 'new')}; {front}{phase.get(line.get('phase', ''), '')}"


def explained(refused: Refused, status: dict[str, Any]) -> Refused:
    """A start that was refused because of the line, in words that say what is in it and what to type."""
    line = of(status)
    if refused.fault not in LINE_FAULTS or line is None:
        return refused
    cause = f"the line still holds {content(line, 'old')}, the program delivers {content(line, 'new')}"
    return Refused(refused.code, refused.fault, cause, need(line) or refused.do)
