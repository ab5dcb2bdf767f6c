"""alarms: the active conditions with their text and what to do."""

from app import texts
from app.pump import Pump
from pumpcore import faults


def alarms(pump: Pump, params: dict) -> dict:
    """Active faults, lowest number first, with how often each came."""
    active = [faults.by_number(number) for number in pump.alarms.active()]
    told = texts.told(pump.board.system, [fault.name for fault in active])
    counts = pump.alarms.counts()
    return {"alarms": [_row(fault, words, counts[fault.number]) for fault, words in zip(active, told)]}


def _row(fault: faults.Fault, told: "tuple[str, str]", count: int) -> dict:
    text, remedy = told
    return {"fault": fault.number, "name": fault.name, "severity": fault.severity, "text": text, "do": remedy, "count": count}
