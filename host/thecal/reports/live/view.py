"""One reading as text: rows for a live table, or one line for a pipe. Amounts in mL by the pump's own calibration."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from pumpcore.faults.faults import ALARM, WARNING
from pumpcore.motion.dose import CALIBRATED, UNCALIBRATED
from pumpcore.units import NL_PER_ML
from thecal.quantities import measured
from thecal.quantities.amounts import clock_text, span
from thecal.quantities.typed import decimal
from thecal.reports.live.past import Past
from thecal.reports.terminal_plot import sparkline
from thecal.text import law as law_text
from thecal.text.faults import fault_text, severity
from thecal.text.protocol import now_text
from thecal.text.status import bolus_text, next_text, rate_text, temporary_text

Status = dict[str, Any]
UNKNOWN = "UNKNOWN"
SPARK_CELLS = 30
AXIS_BEGIN, AXIS_END = "-60min", "now"
ALERT, PLAIN = "alert", ""


class Row(NamedTuple):
    """One line of the table."""

    label: str
    text: str
    style: str = PLAIN


def volume(status: Status, steps: int | Fraction) -> Fraction | None:
    """Convert steps to mL; None without a calibration."""
    pair = status.get("calibration")
    return Fraction(steps) * pair["volume_nl"] / pair["steps"] / NL_PER_ML if pair else None


def today_text(status: Status, past: Past) -> str:
    """Format the volume since local midnight; both bounds if a power cut left uncertain steps."""
    found, pair = past.today(status), status.get("calibration")
    if found is None:
        return UNKNOWN
    least, most = found
    if not pair:
        return f"{most} steps" if least >= most else f"{least} to {most} steps"
    text = measured.total(most, pair).text()
    return text if least >= most else f"{measured.volume(measured.total(least, pair).volume_nl)} to {text}"


def reservoir_text(status: Status) -> str:
    """Format the volume left, if the pump counts it; otherwise empty."""
    told = (status.get("therapy") or {}).get("reservoir") or status.get("reservoir")
    if not isinstance(told, dict) or not isinstance(told.get("left_nl"), int):
        return ""
    uncertain = told.get("uncertain_nl")
    spread = f" (uncertain {measured.volume(uncertain)})" if isinstance(uncertain, int) and uncertain else ""
    return measured.volume(told["left_nl"]) + spread


def uncalibrated(status: Status) -> str:
    """Return UNCALIBRATED or EXPIRED; empty for a valid calibration."""
    pair = status.get("calibration")
    return "" if pair is None or pair["state"] == CALIBRATED else str(pair["state"])


def spark_text(status: Status, past: Past, cells: int, encoding: str) -> str:
    """Return the delivered rate over the last hour, and its highest value."""
    values = past.hour(cells)
    known = [value for value in values if value is not None]
    if not known:
        return UNKNOWN
    top = max(known)
    highest = volume(status, top)
    unit = f"{decimal(top, 0)} steps/h" if highest is None else f"{float(highest):.4g} mL/h"
    return f"{sparkline(values, top, encoding)} 0 to {unit}"


def axis_text(cells: int) -> str:
    """Return the time axis below the curve: "-60 min     -30      now"."""
    middle = "-30".center(cells - len(AXIS_BEGIN) - len(AXIS_END)) if cells >= 20 else " " * (cells - len(AXIS_BEGIN) - len(AXIS_END))
    return AXIS_BEGIN + middle + AXIS_END


def rows(status: Status, past: Past, width: int, encoding: str) -> list[Row]:
    """Return the rows of a table `width` cells wide."""
    now = (
        clock_text(status["utc_s"], status["offset_s"])[4:23]
        if status["utc_s"]
        else f"time {UNKNOWN}, up {span(status['uptime_ms'] // 1000)}"
    )
    today = today_text(status, past)
    found: list[Row] = [
        Row("state", f"{status['state']}", ALERT if status["state"] == "alarm" else PLAIN),
        Row("time", now),
        Row("program", status.get("program_name") or "none"),
        Row("rate", rate_text(status, past.program)),
        *[Row(label, text) for label, text in law_text.rows(status) if law_text.short(status)],
        Row("next", next_text(status, past.program)),
        Row("today", today + (f" ({past.why})" if today == UNKNOWN else "")),
    ]
    if text := now_text(status):
        found.append(Row("protocol", text))
    if status.get("bolus"):
        found.append(Row("bolus", bolus_text(status)))
    if status.get("extended"):
        found.append(Row("extended", bolus_text({**status, "bolus": status["extended"]})))
    if status.get("temporary"):
        found.append(Row("temporary", temporary_text(status)))
    if text := reservoir_text(status):
        found.append(Row("reservoir", text))
    cells = max(8, min(SPARK_CELLS, width - 26))
    spark = spark_text(status, past, cells, encoding)
    found.append(Row("last hour", spark))
    if spark != UNKNOWN and cells > len(AXIS_BEGIN) + len(AXIS_END):
        found.append(Row("", axis_text(cells)))
    found += [Row(severity(number), fault_text(number), ALERT) for number in status["alarms"]] or [Row("alarms", "none")]
    if state := uncalibrated(status):
        text = f"{state}: volumes are nominal" if state == UNCALIBRATED else f"calibration {state}: volumes may be off"
        found.append(Row("", text, ALERT))
    return found


def one_line(status: Status, past: Past) -> str:
    """Return one line for a pipe or a log."""
    parts = [
        clock_text(status["utc_s"], status["offset_s"])[4:23] if status["utc_s"] else f"up {span(status['uptime_ms'] // 1000)}",
        status["state"],
        rate_text(status, past.program),
        f"next {next_text(status, past.program)}",
        f"today {today_text(status, past)}",
    ]
    if text := now_text(status):
        parts.append(text)
    if status.get("bolus"):
        parts.append("bolus " + status["bolus"]["state"])
    if text := reservoir_text(status):
        parts.append(f"reservoir {text}")
    for kind in (ALARM, WARNING):
        if numbers := [str(number) for number in status["alarms"] if severity(number) == kind]:
            parts.append(f"{kind}s " + ",".join(numbers))
    if state := uncalibrated(status):
        parts.append(state)
    return "  ".join(parts)
