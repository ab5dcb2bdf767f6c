"""`thecal status`: show the pump's state, deliveries and alarms; `--all`: one row for each pump."""

from typing import Annotated

import typer

from thecal.cli.options import AsJson, Port, Pump, Steps
from thecal.cli.typed import one_port
from thecal.errors import BadInput, InAlarm
from thecal.terminal.console import alert, data, emit_json, talk


def status(
    pump: Pump = None,
    every: Annotated[bool, typer.Option("--all", help="Show every pump on USB and every simulated one, a row each.")] = False,
    steps: Steps = False,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Show the pump's state. Exits with 5 if the pump is in alarm."""
    from thecal.cli.consent import opened

    chosen = one_port(pump, port)
    if every:
        if chosen is not None:
            raise BadInput(f"--all and {chosen[:40]} can't be combined", "give one of them")
        from thecal.cli import every_pump

        raise typer.Exit(every_pump.show(as_json))
    with opened(chosen) as open_one:
        found = open_one.status(steps)
    if as_json:
        emit_json(found.data)
    else:
        data(alert(found.text) if found.state == "alarm" else found.text)
        if found.warning:
            talk(found.warning)
    if found.state == "alarm":
        raise typer.Exit(InAlarm.exit_code)
