"""`thecal name [NAME]`: give a pump a name that the pump keeps, so that other verbs find it by that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from thecal.cli.consent import Consent, answer, undo
from thecal.cli.options import AsJson, DryRun, Port
from thecal.errors import BadInput, Failed
from thecal.terminal.console import data, emit_json

if TYPE_CHECKING:
    from thecal.pump.client import Client


def name(
    new: Annotated[str | None, typer.Argument(metavar="NAME", help="New name, like flow-1 (without: print the name).")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the name away.")] = False,
    port: Port = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give a stopped pump a name, which `--port` and `stop` then take instead of a port."""
    from thecal.pump.opening import open_pump
    from thecal.pump.orders import Order, require
    from thecal.pump.transport import names

    if new is not None and remove:
        raise BadInput("--remove and a name can't be combined", "give one of them")
    if new is not None:
        names.check(new)
    with open_pump(port) as client:
        if new is None and not remove:
            show(client, as_json)
            return
        require(client, "name.set")
        wanted = new or ""
        if wanted:
            refuse_double(client, wanted)
        consent = Consent(True, dry_run, as_json)
        reply = undo(Order("name.set", {"name": wanted}), consent, lambda: client.name_set(wanted))
        if reply is not None:
            names.learn({"unique_id": client.unique_id, "name": wanted}, client.port_url)
    how = f"is called {wanted}: thecal stop {wanted}" if wanted else "has no name"
    answer(reply, consent, lambda _: f"the pump on {client.port_url} {how}")


def show(client: Client, as_json: bool) -> None:
    """Print the name that the pump has."""
    now = str((client.greeting or {}).get("name", ""))
    if as_json:
        emit_json({"name": now})
    else:
        data(now or "no name")


def refuse_double(client: Client, wanted: str) -> None:
    """Raise Failed if another pump has this name: one that is here, or one that this computer remembers."""
    from thecal.pump.opening import look
    from thecal.pump.transport import names
    from thecal.pump.transport.ports import candidates

    for candidate in candidates():
        if candidate.port_url != client.port_url:
            look(candidate)  # its name may be news for this computer
    others = [one for one in names.called(wanted) if one.unique_id.casefold() != client.unique_id.casefold()]
    if others:
        where = f" (last seen on {others[0].port_url})" if others[0].port_url else ""
        cause = f'another pump is called "{wanted}": serial number {others[0].unique_id}{where}'
        raise Failed(cause, "choose another name, or take that one away there: thecal name --remove")
