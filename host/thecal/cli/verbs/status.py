"""`thecal status`: show the pump's state, deliveries and alarms."""

import typer

from thecal.cli.options import AsJson, Port
from thecal.errors import InAlarm
from thecal.terminal.console import alert, columns, data, emit_json, talk


def status(port: Port = None, as_json: AsJson = False) -> None:
    """Show the pump's state. Exits with 5 if the pump is in alarm."""
    from thecal.pump import clock
    from thecal.pump.opening import open_pump

    with open_pump(port) as client:
        reply, reading = clock.read(client)
    if as_json:
        emit_json({**reply, "clock": reading.as_dict()})
    else:
        from thecal.text.status import rows

        text = columns(rows(reply, reading))
        data(alert(text) if reply["state"] == "alarm" else text)
        if reading.warning():
            talk(reading.warning())
    if reply["state"] == "alarm":
        raise typer.Exit(InAlarm.exit_code)
