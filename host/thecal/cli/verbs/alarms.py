"""`thecal alarms`: list active alarms and their remedies."""

import typer

from thecal.cli.options import AsJson, Port
from thecal.errors import InAlarm
from thecal.terminal.console import alert, data, emit_json


def alarms(port: Port = None, as_json: AsJson = False) -> None:
    """List the active alarms and warnings. Exits with 5 if an alarm is active."""
    from thecal.cli.consent import opened

    with opened(port) as pump:
        active = pump.alarms()
    if as_json:
        emit_json({"alarms": active})
    else:
        for alarm in active:
            do = f"{alarm['do']}: thecal ack {alarm['fault']}" if str(alarm["do"]).endswith("acknowledge") else alarm["do"]
            data(f"{alert(str(alarm['severity']))} {alarm['fault']} {alarm['name']}: {alarm['text']}\n    {do}")
        if not active:
            data("no alarm is active")
    if any(alarm["severity"] == "alarm" for alarm in active):
        raise typer.Exit(InAlarm.exit_code)
