"""`thecal alarms`: what is active, and what to do about each."""

from typing import Any

import typer

from thecal.cli.options import AsJson, Port
from thecal.errors import InAlarm
from thecal.terminal.console import alert, data, emit_json


def alarms(port: Port = None, as_json: AsJson = False) -> None:
    """List the active alarms and warnings. Leaves with 5 when there is an alarm among them."""
    from thecal.pump.opening import open_pump

    with open_pump(port) as client:
        reply = client.alarms()
    active = [described(alarm) for alarm in reply["alarms"]]
    if as_json:
        emit_json({**reply, "alarms": active})
    else:
        for alarm in active:
            data(f"{alert(str(alarm['severity']))} {alarm['fault']} {alarm['name']}: {alarm['text']}\n    {alarm['do']}")
        if not active:
            data("no alarm is active")
    if any(alarm["severity"] == "alarm" for alarm in active):
        raise typer.Exit(InAlarm.exit_code)


def described(alarm: Any) -> dict[str, Any]:
    """An active fault by number with the words of the table both sides share; extra keys of the pump are kept."""
    from pumpcore import fault_texts, faults

    number = int(alarm["fault"] if isinstance(alarm, dict) else alarm)
    extra = alarm if isinstance(alarm, dict) else {}
    try:
        fault = faults.by_number(number)
    except KeyError:
        return {"fault": number, "name": "unknown", "severity": "alarm", "text": "a newer pump's fault", "do": "update thecal", **extra}
    text, remedy = fault_texts.told(fault.name)
    return {"name": fault.name, "severity": fault.severity, "text": text, "do": remedy, **extra, "fault": number}
