"""Format alarms and warnings."""

from __future__ import annotations

from typing import Any

from pumpcore.faults import fault_texts, faults


def severity(number: int) -> str:
    """Return "alarm" or "warning"; any other severity of a newer pump counts as an alarm."""
    try:
        return str(faults.by_number(number).severity)
    except KeyError:
        return faults.ALARM


def fault_text(number: int) -> str:
    try:
        fault = faults.by_number(number)
    except KeyError:
        return f"{number} (unknown to this version of thecal)"
    text, remedy = fault_texts.told(fault.name)
    return f"{number} {fault.name}: {text}; {remedy}"


def described(alarm: Any) -> dict[str, Any]:
    """Return an active fault by number with the shared texts; extra keys of the pump are kept."""
    number = int(alarm["fault"] if isinstance(alarm, dict) else alarm)
    extra = alarm if isinstance(alarm, dict) else {}
    try:
        fault = faults.by_number(number)
    except KeyError:
        return {
            "fault": number,
            "name": "unknown",
            "severity": "alarm",
            "text": "unknown to this version of thecal",
            "do": "update thecal",
            **extra,
        }
    text, remedy = fault_texts.told(fault.name)
    return {"name": fault.name, "severity": fault.severity, "text": text, "do": remedy, **extra, "fault": number}
