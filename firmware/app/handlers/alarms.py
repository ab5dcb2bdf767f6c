"""alarms: the active conditions with their text and what to do."""

from app.pump import Pump
from pumpcore import faults


def alarms(pump: Pump, params: dict) -> dict:
    """Active faults, lowest number first, with how often each came."""
    counts = pump.alarms.counts()
    return {"alarms": [_row(number, counts[number]) for number in pump.alarms.active()]}


def _row(number: int, count: int) -> dict:
    fault = faults.by_number(number)
    return {
        "fault": number,
        "name": fault.name,
        "severity": fault.severity,
        "text": fault.text,
        "do": fault.remedy,
        "count": count,
    }
