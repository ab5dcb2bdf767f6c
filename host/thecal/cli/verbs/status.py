"""`thecal status`: show the pump's state, deliveries and alarms; `--all`: one row for each pump."""

from typing import Annotated

import typer

from thecal.cli.options import AsJson, Port, Pump, Steps
from thecal.cli.typed import one_port
from thecal.errors import BadInput, InAlarm
from thecal.terminal.console import alert, columns, data, emit_json, talk


def status(
    pump: Pump = None,
    every: Annotated[bool, typer.Option("--all", help="Show every pump on USB and every simulated one, a row each.")] = False,
    steps: Steps = False,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Show the pump's state. Exits with 5 if the pump is in alarm."""
    from thecal.pump import facts
    from thecal.pump.opening import open_pump
    from thecal.text.status import Beside, rows, volumes

    chosen = one_port(pump, port)
    if every:
        if chosen is not None:
            raise BadInput(f"--all and {chosen[:40]} can't be combined", "give one of them")
        from thecal.cli import every_pump

        raise typer.Exit(every_pump.show(as_json))
    with open_pump(chosen) as client:
        known = facts.ask(client)
        program = None if as_json else known.known_program()
    reply, reading = known.status, known.reading
    if as_json:
        emit_json({**reply, "clock": reading.as_dict(), "delivered": volumes(reply)})
    else:
        text = columns(rows(reply, Beside(program, known.hello.get("ceilings"), reading), steps))
        data(alert(text) if reply["state"] == "alarm" else text)
        if reading.warning():
            talk(reading.warning())
    if reply["state"] == "alarm":
        raise typer.Exit(InAlarm.exit_code)
