"""`thecal maintenance`: return to the board's prompt for file copying."""

from thecal.cli.consent import Consent, answer, undo
from thecal.cli.options import AsJson, DryRun, Port, Yes
from thecal.terminal.console import confirm, talk


def maintenance(port: Port = None, yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Return a stopped pump to the board's prompt, to copy files. A reset ends it."""
    from thecal.pump.opening import open_pump
    from thecal.pump.orders import Order

    consent = Consent(yes, dry_run, as_json)
    with open_pump(port) as client:
        talk(f"the pump on {client.port_url} delivers nothing until you reset it")
        if not dry_run:
            confirm("Go into maintenance?", yes)
        reply = undo(Order("maintenance"), consent, client.maintenance)
    answer(reply, consent, lambda _: "the pump is in maintenance; reset it to end that")
