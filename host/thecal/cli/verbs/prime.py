"""`thecal prime --rate RATE`: fill tubing and catheter once, from the program's measured volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.cli.consent import Consent, answer, carry_out
from thecal.cli.options import AsJson, DryRun, Port, Wait, Yes
from thecal.errors import Failed
from thecal.terminal.console import columns, talk

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.pump.exchange import Reply
    from thecal.pump.facts import PumpFacts


def prime(
    rate: Annotated[str, typer.Option("--rate", metavar="RATE", help='Rate of the priming, e.g. "2 mL/h".')],
    again: Annotated[bool, typer.Option("--again", help="Prime again even if the line is already primed.")] = False,
    wait: Wait = False,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Prime the line with the volume of tubing and catheter. The ledger counts it as a dose."""
    from thecal.checks.dose import rate_of
    from thecal.cli import following
    from thecal.pump import facts
    from thecal.pump.opening import open_pump
    from thecal.pump.steering import interruptible
    from thecal.text.orders import sentence

    rate_of(rate)
    consent = Consent(yes, dry_run, as_json)
    with interruptible(), open_pump(port) as client:
        pump = facts.ask(client)
        reply = order(pump, rate, again, consent)
    if wait and reply is not None:
        reply = following.ended_bolus(client.port_url, reply, "priming", pump.status["calibration"])
    answer(reply, consent, lambda reply: sentence(reply, pump.status["calibration"], "priming"))


def order(pump: PumpFacts, rate: str, again: bool, consent: Consent) -> Reply | None:
    from thecal.checks import orders as order_checks
    from thecal.checks import rigs
    from thecal.checks.dose import delivered, rate_nl, rate_of
    from thecal.cli import last_dose
    from thecal.pump import clock, orders
    from thecal.quantities.amounts import ml
    from thecal.quantities.typed import parse

    program = pump.active()
    settings = line_of(program)
    asked_nl = rate_nl(program, rate_of(rate))
    if not asked_nl:
        raise Failed("priming needs a rate above zero", 'write it like: thecal prime --rate "2 mL/h"')
    rig = rigs.of_pump(pump)
    order_checks.check_priming(program, rig, asked_nl, rate_of(rate))
    in_all = parse(ml(program.line_nl()).removeprefix("~"))
    order_checks.check_steps(program, rig, program.line_nl(), in_all)
    clock.tell(pump.reading)
    will = delivered(program.line_nl(), rig.calibration, in_all, program)
    last = last_dose.row(pump, None)
    talk(columns([*review(program, settings, rate, asked_nl), ("will deliver", will), last]))
    return carry_out(pump.client, orders.prime(asked_nl, again), "Prime the line now?" + (" Again?" if again else ""), consent)


def line_of(program: Program) -> Any:
    settings: Any = program.settings
    if settings is None or not settings.line_nl():
        raise Failed("the active program states no volumes of tubing and catheter", "add [line] to the prescription and upload it")
    return settings


def review(program: Program, settings: Any, rate: str, rate_nl: int) -> list[tuple[str, ...]]:
    from thecal.quantities.amounts import ml, ml_per_h, span
    from thecal.text.settings import line_facts

    line_nl, seconds_s = settings.line_nl(), program.rate_seconds_s
    takes_s = -(-line_nl * seconds_s // rate_nl)
    rows: list[tuple[str, ...]] = [(label, text) for label, text in line_facts(settings).items()]
    return [*rows, ("total", ml(line_nl)), ("rate", f"{rate} = {ml_per_h(rate_nl, seconds_s)}"), ("takes", span(takes_s))]
