"""`thecal bridge`: after a change of concentration, deliver what is still in the line so that the dose stays right."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from thecal.commands.options import AsJson, DryRun, Port, Yes
from thecal.console import columns, confirm, data, emit_json, talk

if TYPE_CHECKING:
    from pumpcore.program import Program
    from thecal.client import Client
    from thecal.exchange import Reply


def bridge(port: Port = None, yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Order a bridge; the rates change until the new concentration is at the tip."""
    from thecal.connecting import open_pump

    with open_pump(port) as client:
        reply = order(client, yes, dry_run)
    if reply is not None and as_json:
        emit_json(reply)
    elif reply is not None:
        from thecal.status_text import ml

        data(f"bridge ordered: the front has {ml(reply['line_nl'] - reply['front_nl'])} of {ml(reply['line_nl'])} to go")


def order(client: Client, yes: bool, dry_run: bool) -> Reply | None:
    from thecal import clock, orders
    from thecal.commands.bolus import active_program
    from thecal.commands.prime import line_of

    orders.require(client, "bridge.start")
    program = active_program(client)
    settings = line_of(program)
    line = (client.status().get("therapy") or {}).get("line") or {}
    clock.tell(client)
    talk(columns(review(program, settings, line)))
    if dry_run:
        return None
    confirm("Bridge to the program's concentration?", yes)
    return orders.bridge(client)


def review(program: Program, settings: Any, line: dict[str, Any]) -> list[tuple[str, ...]]:
    """What is in the line and what follows it, and by what the rates are multiplied meanwhile."""
    from thecal.quantities import decimal
    from thecal.review import concentration
    from thecal.status_text import ml

    rows: list[tuple[str, ...]] = [("line", ml(settings.line_nl())), ("program's concentration", concentration(program))]
    old_ng, old_nl = line.get("concentration_ng"), line.get("concentration_nl")
    if old_ng and old_nl and program.concentration[0]:
        old = Fraction(old_ng, old_nl)
        factor = Fraction(*program.concentration) / old
        rows.insert(1, ("in the line", f"{decimal(old * 1000)} ug/mL"))
        rows.append(("rates meanwhile", f"x {decimal(factor)}"))
    return rows
