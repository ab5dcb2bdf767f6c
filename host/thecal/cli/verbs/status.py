"""`thecal status`: show the pump's state, deliveries and alarms."""

import typer

from thecal.cli.options import AsJson, Port, Steps
from thecal.errors import InAlarm
from thecal.terminal.console import alert, columns, data, emit_json, talk


def status(port: Port = None, steps: Steps = False, as_json: AsJson = False) -> None:
    """Show the pump's state. Exits with 5 if the pump is in alarm."""
    from thecal.pump import facts
    from thecal.pump.opening import open_pump
    from thecal.text.status import Beside, rows, volumes

    with open_pump(port) as client:
        pump = facts.ask(client)
        program = None if as_json else pump.known_program()
    reply, reading = pump.status, pump.reading
    if as_json:
        emit_json({**reply, "clock": reading.as_dict(), "delivered": volumes(reply)})
    else:
        text = columns(rows(reply, Beside(program, pump.hello.get("ceilings"), reading), steps))
        data(alert(text) if reply["state"] == "alarm" else text)
        if reading.warning():
            talk(reading.warning())
    if reply["state"] == "alarm":
        raise typer.Exit(InAlarm.exit_code)
