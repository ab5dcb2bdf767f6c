"""Describe the line: its two solutions, the position of the front, and what a start needs."""

from __future__ import annotations

from typing import Any

from thecal.errors import Refused
from thecal.pump.active import content_of
from thecal.quantities.amounts import ml, ug_per_ml

LINE_FAULTS = ("bridge_needed", "bridge_impossible")
BRIDGE, PRIME = "thecal bridge", 'thecal prime --rate "2 mL/h"'
Line = dict[str, Any]


def of(status: dict[str, Any]) -> Line | None:
    """Return the line of a status; None while it holds one solution."""
    line: Line | None = (status.get("therapy") or {}).get("line")
    return line


def content(line: Line, which: str) -> str:
    """Return "dye 500 ug/mL" of `old` or `new`."""
    return " and ".join(f"{name} {ug_per_ml(ng, nl, 3)}" if nl else name or "an unknown fluid" for name, ng, nl in content_of(line, which))


def need(line: Line) -> str:
    """Return the necessary step before a start; "" if none."""
    words = {
        "bridge": f"deliver it at the same drug dose: {BRIDGE}; or flush it out: {PRIME}",
        "prime": f"prime the line: {PRIME}",
    }
    return words.get(line["needs"], "")


def text(line: Line) -> str:
    """Return "dye 500 ug/mL, followed by dye 300 ug/mL; the front is at 0.1 of 0.339 mL"."""
    least, most = ml(line["least_nl"]), ml(line["most_nl"])
    where = most if line["most_nl"] - line["least_nl"] <= 1 else f"between {least} and {most}"
    front = f"the front is at {where} of {ml(line['line_nl'])}"
    if not line["needs"]:
        front = f"the front has passed the tip ({where} of {ml(line['line_nl'])})"
    phase = {
        "old": "; a bridge runs: the tip delivers the old concentration",
        "uncertain": "; a bridge runs: the concentration at the tip is uncertain",
    }
    return f"{content(line, 'old')}, followed by {content(line, 'new')}; {front}{phase.get(line.get('phase', ''), '')}"


def explained(refused: Refused, status: dict[str, Any]) -> Refused:
    """Return a start's refusal because of the line with its solutions and the command to type."""
    line = of(status)
    if refused.fault not in LINE_FAULTS or line is None:
        return refused
    cause = f"the line still holds {content(line, 'old')}, the program delivers {content(line, 'new')}"
    return Refused(refused.code, refused.fault, cause, need(line) or refused.do)
