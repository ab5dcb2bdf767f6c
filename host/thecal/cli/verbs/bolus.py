"""`thecal bolus`: order a dose, show the state of one, or cancel it. The verb fetches the token after the confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.cli import complete
from thecal.cli.consent import Consent, answer, carry_out, undo
from thecal.cli.options import AsJson, DryRun, Port, Wait, Yes
from thecal.cli.typed import check_token, over
from thecal.errors import BadInput, Failed
from thecal.terminal.console import columns, headed, talk

if TYPE_CHECKING:
    from thecal.pump.exchange import Reply
    from thecal.pump.facts import PumpFacts
    from thecal.pump.orders import Order

    Rows = list[tuple[str, ...]]

WHAT_TO_DO = (
    'order with: thecal bolus "0.5 mL" --rate "6 mL/h", thecal bolus "0.5 mL" --extended "4 h" or thecal bolus --demand; '
    "or give --status TOKEN or --cancel TOKEN"
)


def bolus(
    volume: Annotated[str | None, typer.Argument(metavar="VOLUME", help='Volume or drug mass, e.g. "0.5 mL" or "250 ug".')] = None,
    rate: Annotated[str | None, typer.Option(metavar="RATE", help='Rate of delivery, e.g. "6 mL/h".')] = None,
    demand: Annotated[bool, typer.Option("--demand", help="Order the program's demand bolus, as the pump's button does.")] = False,
    extended: Annotated[
        str | None, typer.Option("--extended", metavar="TIME", help='Deliver VOLUME over this time, 10 min to 24 h, e.g. "4 h".')
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--status", metavar="[TOKEN]", help="Show the state of this bolus (default: the one that runs).", autocompletion=complete.tokens
        ),
    ] = None,
    cancel: Annotated[
        str | None,
        typer.Option(
            "--cancel", metavar="[TOKEN]", help="Cancel this bolus (default: the one that runs).", autocompletion=complete.tokens
        ),
    ] = None,
    wait: Wait = False,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Order a bolus on top of the basal rate."""
    from thecal.checks.dose import rate_of, volume_of
    from thecal.cli import following
    from thecal.pump import facts
    from thecal.pump.opening import open_pump
    from thecal.pump.orders import Order
    from thecal.text.orders import sentence

    chosen = sum(one is not None for one in (volume, token, cancel)) + demand
    if chosen != 1 or (volume is not None) != ((rate is not None) + (extended is not None)):
        raise BadInput("the command names no complete order, or more than one", WHAT_TO_DO)
    if wait and (token is not None or cancel is not None):
        raise BadInput("--wait follows an order, and this command orders nothing", "leave out --wait")
    checks = ((volume, volume_of), (rate, rate_of), (extended, over), (token, check_token), (cancel, check_token))
    for text, check in checks:
        if text is not None and (text or check is not check_token):
            check(text)
    consent = Consent(yes, dry_run, as_json)
    with open_pump(port) as client:
        pump = facts.ask(client)  # first: after the order a lost link would hide its answer
        wanted = token if token is not None else cancel
        if wanted is not None:
            wanted = wanted or running_token(pump.status, "--status" if cancel is None else "--cancel")
        if token is not None:
            reply: Reply | None = client.bolus_status(str(wanted))
        elif cancel is not None:
            reply = undo(Order("bolus.cancel", {"token": wanted}), consent, lambda: client.bolus_cancel(str(wanted)))
        else:
            reply = order_demand(pump, consent) if demand else order(pump, str(volume), rate, extended, consent)
    if wait and reply is not None:
        reply = following.ended_bolus(client.port_url, reply, "bolus", pump.status["calibration"])
    answer(reply, consent, lambda reply: sentence(reply, pump.status["calibration"]))


def running_token(status: Reply, option: str) -> str:
    """Return the token of the bolus that runs or waits. Raises Failed if none does, BadInput if there are two."""
    from thecal.pump.client import LIVE_STATES

    known = [status[name] for name in ("bolus", "extended") if status.get(name)]
    live = [one for one in known if one["state"] in LIVE_STATES]  # the status keeps the last one of each after its end
    if not live and len(known) == 1 and option == "--status":
        live = known
    if not live:
        raise Failed("no bolus runs", f"name an earlier one by its token: thecal bolus {option} TOKEN")
    if len(live) > 1:
        tokens = " or ".join(f"{one['token']} ({one.get('purpose', 'manual')})" for one in live)
        raise BadInput("two boluses run", f"name one: thecal bolus {option} TOKEN, with {tokens}")
    return str(live[0]["token"])


def order_demand(pump: PumpFacts, consent: Consent) -> Reply | None:
    """Order the program's demand bolus; the pump checks lockout and count."""
    from thecal.checks import orders as order_checks
    from thecal.checks import rigs
    from thecal.checks.dose import delivered
    from thecal.cli import last_dose
    from thecal.pump import clock, orders
    from thecal.quantities.amounts import ml
    from thecal.quantities.typed import parse
    from thecal.text.program import dose_rows
    from thecal.text.settings import demand_facts

    program = pump.active()
    settings: Any = program.settings
    if settings is None or not settings.demand_on:
        raise Failed("the active program allows no demand bolus", "add [demand] to the prescription and upload it")
    rig, typed = rigs.of_pump(pump), parse(ml(settings.demand_nl).removeprefix("~"))
    order_checks.check_steps(program, rig, settings.demand_nl, typed)
    clock.tell(pump.reading)
    will = delivered(settings.demand_nl, rig.calibration, typed, program)
    holds = dose_rows(program, settings.demand_nl)
    talk(columns([*demand_facts(settings).items(), ("will deliver", will), *holds, last_dose.row(pump, None)]))
    return carry_out(pump.client, orders.demand(), "Deliver a demand bolus?", consent)


def order(pump: PumpFacts, volume: str, rate: str | None, over_text: str | None, consent: Consent) -> Reply | None:
    """Check, review, confirm, order a volume at a rate or over a time."""
    from thecal.checks.dose import volume_of
    from thecal.cli import last_dose
    from thecal.pump import clock
    from thecal.text.calibration import line
    from thecal.text.program import dose_rows

    wanted, rows = checked_bolus(pump, volume, str(rate)) if over_text is None else checked_extended(pump, volume, over_text)
    clock.tell(pump.reading)
    talk(headed(rows))
    for row in [*dose_rows(pump.active(), int(wanted.params["volume_nl"])), last_dose.row(pump, volume_of(volume))]:
        talk(": ".join(row))
    talk(f"calibration: {line(pump.status['calibration'])}")
    return carry_out(pump.client, wanted, "Deliver this bolus?", consent)


def checked_bolus(pump: PumpFacts, volume: str, rate: str) -> tuple[Order, Rows]:
    """Return the order and its review."""
    from thecal.checks import orders as order_checks
    from thecal.checks import program as program_checks
    from thecal.checks import rigs
    from thecal.checks.dose import Bolus
    from thecal.pump import orders

    active, rig = pump.active(), rigs.of_pump(pump)
    dose = Bolus(active, volume, rate, rig.calibration)
    order_checks.check_steps(active, rig, dose.volume_nl, dose.volume)
    program_checks.check_bolus(dose, active, rig)
    order_checks.check_bolus(active, rig, dose)
    return orders.bolus(dose.volume_nl, dose.rate_nl), [("bolus", "typed", "that is", "will deliver"), *dose.review]


def checked_extended(pump: PumpFacts, volume: str, over_text: str) -> tuple[Order, Rows]:
    """Return the order of an extended bolus and its review; its rate follows exactly."""
    from thecal.checks import orders as order_checks
    from thecal.checks import rigs
    from thecal.checks.dose import delivered, volume_of
    from thecal.checks.dose import volume_nl as whole_nl_of
    from thecal.pump import orders
    from thecal.quantities.amounts import ml_per_h, span

    active, duration_s = pump.active(), over(over_text)
    volume_nl = whole_nl_of(active, volume_of(volume))
    if not volume_nl or not duration_s:
        raise BadInput("a bolus needs a volume and a time above zero", 'write it like: thecal bolus "0.5 mL" --extended "4 h"')
    rig = rigs.of_pump(pump)
    order_checks.check_steps(active, rig, volume_nl, volume_of(volume))
    order_checks.check_extended(active, rig, volume_nl, duration_s, volume_of(volume).described(f"{volume} over {over_text}"))
    made = delivered(volume_nl, rig.calibration, volume_of(volume), active)
    rows: Rows = [("extended bolus", "typed", "will deliver"), ("volume", volume, made), ("over", over_text, span(duration_s))]
    return orders.extended(volume_nl, duration_s), [*rows, ("rate", "", ml_per_h(volume_nl, duration_s))]
