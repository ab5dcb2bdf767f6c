"""`thecal maintenance`: give the board's prompt back for file copying."""

from thecal.cli.consent import unsent
from thecal.cli.options import AsJson, DryRun, Port, Yes
from thecal.terminal.console import confirm, data, emit_json, talk


def maintenance(port: Port = None, yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Give the board's prompt back for copying files. Only a stopped pump does it; a reset ends it."""
    from thecal.pump.opening import open_pump
    from thecal.pump.orders import Order

    with open_pump(port) as client:
        talk(f"the pump on {client.port_url} will do no therapy until it is reset")
        if dry_run:
            unsent(Order("maintenance"), as_json)
            return
        confirm("Go into maintenance?", yes)
        reply = client.maintenance()
    if as_json:
        emit_json(reply)
    else:
        data("in maintenance; reset the pump to end it")
