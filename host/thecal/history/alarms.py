"""Convert the faults ring to a list of alarms: time, count, acknowledgement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pumpcore.faults import faults
from thecal.history.axis import Axis
from thecal.history.rows import Row


@dataclass
class AlarmLine:
    """One alarm until its acknowledgement; `acknowledged_ms` is None while it is not acknowledged."""

    fault: int
    name: str
    severity: str
    raised_ms: int
    count: int
    acknowledged_ms: int | None = None


def alarm_lines(rows: list[Row], axis: Axis) -> list[AlarmLine]:
    """Convert `rows` of the faults ring, sorted by sequence number."""
    found: list[AlarmLine] = []
    open_lines: dict[int, AlarmLine] = {}
    for one in rows:
        if one["event"] != "alarm":
            continue
        line = open_lines.get(one["fault"])
        if line is None or one["change"] == "raised":
            line = open_lines[one["fault"]] = AlarmLine(one["fault"], *named(one["fault"]), axis.of(one), one["count"])
            found.append(line)
        line.count = max(line.count, one["count"])
        if one["change"] == "acknowledged":
            line.acknowledged_ms = axis.of(one)
            del open_lines[one["fault"]]
    return found


class Named(NamedTuple):
    """The name of a fault, and its severity: alarm, warning or unknown."""

    name: str
    severity: str


def named(number: int) -> Named:
    """Return name and severity of a fault; a number of a newer pump has neither."""
    try:
        fault = faults.by_number(number)
    except KeyError:
        return Named(f"fault {number}", "unknown")
    return Named(fault.name, fault.severity)
