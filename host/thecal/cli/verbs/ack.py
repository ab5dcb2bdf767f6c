"""`thecal ack`: acknowledge one alarm by number or name, or all of them."""

from typing import Annotated

import typer

from thecal.cli import complete
from thecal.cli.consent import unsent
from thecal.cli.options import AsJson, DryRun, Port
from thecal.errors import BadInput
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
    from thecal.pump.opening import open_pump
    from thecal.pump.orders import Order
    from thecal.text.faults import described

    wanted = None if fault == "all" else fault_number(fault)
    with open_pump(port) as client:
        active = [described(alarm)["fault"] for alarm in client.alarms()["alarms"]] if wanted is None else [wanted]
        if dry_run:
            talk(f"would acknowledge {', '.join(map(str, active)) or 'nothing'}")
            unsent([Order("ack", {"fault": number}) for number in active], as_json)
            return
        replies = [{"fault": number, **client.ack(number)} for number in active]
    if as_json:
        emit_json(replies)
    else:
        data("\n".join(f"acknowledged {reply['fault']}" for reply in replies) or "no alarm is active")


def fault_number(text: str) -> int:
    from pumpcore.faults import faults
    from thecal.files.toml_file import suggestion

    numbers = {name: number for names in faults.NUMBERS.values() for name, number in names.items()}
    if text in numbers:
        return int(numbers[text])
    if text.isascii() and text.isdigit() and len(text) < 6 and int(text) in numbers.values():
        return int(text)
    near = suggestion(text, list(numbers))
    raise BadInput(f'"{text[:40]}" is not a fault', f"{near} ".lstrip() + "give a number or a name from `thecal alarms`, or all")
