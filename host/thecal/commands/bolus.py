"""`thecal bolus`: order a dose, ask what became of one, or cancel it. The token is asked for after the confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.commands.options import AsJson, DryRun, Port, Yes
from thecal.console import columns, confirm, data, emit_json, talk
from thecal.errors import BadInput, Failed, Unknown

if TYPE_CHECKING:
    from thecal.client import Client
    from thecal.exchange import Reply

Token = Annotated[str | None, typer.Option(metavar="TOKEN")]


def bolus(
    volume: Annotated[str | None, typer.Argument(metavar="VOLUME", help='How much, e.g. "0.5 mL" or "250 ug".')] = None,
    rate: Annotated[str | None, typer.Option(metavar="RATE", help='How fast, e.g. "6 mL/h".')] = None,
    token: Annotated[str | None, typer.Option("--status", metavar="TOKEN", help="Ask what became of a bolus.")] = None,
    cancel: Annotated[str | None, typer.Option("--cancel", metavar="TOKEN", help="Cancel a bolus.")] = None,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Order a bolus on top of the basal rate."""
    from pumpcore.wire.messages import TOKEN_DIGITS, is_hex
    from thecal.connecting import open_pump
    from thecal.dose import rate_of, volume_of
    from thecal.quantities import shown

    if sum(chosen is not None for chosen in (volume, token, cancel)) != 1 or (volume is None) != (rate is None):
        raise BadInput("say what to do", 'order with: thecal bolus "0.5 mL" --rate "6 mL/h"; or give --status TOKEN or --cancel TOKEN')
    if volume is not None:
        volume_of(volume), rate_of(str(rate))
    for named in (token, cancel):
        if named is not None and not is_hex(named, TOKEN_DIGITS):
            raise BadInput(f"{shown(named)} is not a token", f"give the {TOKEN_DIGITS} hex digits that `thecal bolus` printed")
    with open_pump(port) as client:
        if token is not None:
            reply: Reply | None = client.bolus_status(token)
        elif cancel is not None:
            reply = client.bolus_cancel(cancel)
        else:
            reply = order(client, (str(volume), str(rate)), yes, dry_run)
    if reply is None:
        return
    if as_json:
        emit_json(reply)
    else:
        data(sentence(reply))


def order(client: Client, typed: tuple[str, str], yes: bool, dry_run: bool) -> Reply | None:
    """Review, confirm, ask for a token, order; the reply carries the token. None for a dry run."""
    from thecal import ceilings, clock
    from thecal.calibration_text import line
    from thecal.dose import Bolus

    active = active_program(client)
    dose = Bolus(active, *typed)
    ceilings.check_bolus(dose, active, ceilings.of_pump(client))
    clock.tell(client)
    talk(columns([("bolus", "typed", "in the pump", "that is"), *dose.review]))
    talk(f"calibration: {line(client.status()['calibration'])}")
    if dry_run:
        return None
    confirm("Deliver this bolus?", yes)
    token = client.bolus_token()
    try:
        return {"token": token, **client.bolus_start(token, dose.volume_nl, dose.rate_nl)}
    except Unknown as error:
        raise Unknown(error.cause, f"ask what became of it before ordering again: thecal bolus --status {token}") from error


def active_program(client: Client) -> Any:
    import base64

    from pumpcore.program import unpack

    packed = client.program_read().get("program")
    if not packed:
        raise Failed("no program is active in the pump", "program it first: thecal program rx.toml")
    return unpack(base64.b64decode(packed))


def sentence(reply: Reply) -> str:
    """What the pump said of a bolus: ordered (steps, seconds), cancelled (steps that still may come), or its state."""
    if "duration_s" in reply:
        text = f"ordered: {reply['ordered_steps']} steps in {reply['duration_s']} s"
    elif "planned_steps" in reply:
        text = f"cancelled: at most {reply['planned_steps']} steps of it are delivered"
    elif "delivered_steps" in reply:
        text = f"{reply['state']}: {reply['delivered_steps']} of {reply['ordered_steps']} steps"
    else:
        text = str(reply.get("state")).replace("_", " ")
    return f"bolus {text} (token {reply.get('token')})"
