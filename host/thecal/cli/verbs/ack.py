"""`thecal ack`: acknowledge one alarm by number or name, or all of them."""

from typing import Annotated

import typer

from thecal.cli import complete
from thecal.cli.consent import unsent
from thecal.cli.options import AsJson, DryRun, Port
from thecal.terminal.console import data, emit_json, talk


def ack(
    fault: Annotated[
        str, typer.Argument(metavar="FAULT", help="Number or name from `thecal alarms`, or all.", autocompletion=complete.faults)
    ],
    port: Port = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Acknowledge an alarm after you have removed its cause."""
    from thecal.api.alarms import fault_number
    from thecal.cli.consent import opened
    from thecal.pump.orders import Order

    wanted = fault if fault == "all" else fault_number(fault)
    with opened(port) as pump:
        if dry_run:
            active = [one["fault"] for one in pump.alarms()] if wanted == "all" else [wanted]
            talk(f"would acknowledge {', '.join(map(str, active)) or 'nothing'}")
            unsent([Order("ack", {"fault": number}) for number in active], as_json)
            return
        replies = pump.ack(wanted)
    if as_json:
        emit_json(replies)
    else:
        data("\n".join(f"acknowledged {reply['fault']}" for reply in replies) or "no alarm is active")
