"""Prepare and send the orders of a dose: bolus, extended bolus, demand bolus, priming."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thecal.errors import BadInput, Failed

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.api.review import Draft, Order, Part, Rows
    from thecal.pump.facts import PumpFacts
    from thecal.pump.orders import Order as WireOrder


def bolus(pump: PumpFacts, volume: str, rate: str) -> Draft:
    """Check a volume at a rate and return its review. Raises BadInput, Failed."""
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
    wanted = orders.bolus(dose.volume_nl, dose.rate_nl)
    return of_volume(pump, "bolus", wanted, volume, [("bolus", "typed", "that is", "will deliver"), *dose.review])


def extended(pump: PumpFacts, volume: str, over_text: str) -> Draft:
    """Check a volume over a time and return its review; its rate follows exactly. Raises BadInput, Failed."""
    from thecal.api.typed import over
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
    wanted = orders.extended(volume_nl, duration_s)
    return of_volume(pump, "extended", wanted, volume, [*rows, ("rate", "", ml_per_h(volume_nl, duration_s))])


def of_volume(pump: PumpFacts, kind: str, wanted: WireOrder, volume: str, rows: Rows) -> Draft:
    """Return the review of a typed volume, with the drug dose, the last bolus and the calibration."""
    from thecal.api import last_dose
    from thecal.api.review import HEADED, LINES, Part
    from thecal.checks.dose import volume_of
    from thecal.text.calibration import line
    from thecal.text.program import dose_rows

    doses = [*dose_rows(pump.active(), int(wanted.params["volume_nl"])), last_dose.row(pump, volume_of(volume))]
    calibration = ("calibration", line(pump.status["calibration"]))
    return draft(pump, kind, wanted, [Part(rows, HEADED), Part([*doses, calibration], LINES)])


def demand(pump: PumpFacts) -> Draft:
    """Return the review of the program's demand bolus; the pump checks lockout and count. Raises Failed if the program allows none."""
    from thecal.api import last_dose
    from thecal.api.review import Part
    from thecal.checks import orders as order_checks
    from thecal.checks import rigs
    from thecal.checks.dose import delivered
    from thecal.pump import orders
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
    will = delivered(settings.demand_nl, rig.calibration, typed, program)
    holds = dose_rows(program, settings.demand_nl)
    rows: Rows = [*demand_facts(settings).items(), ("will deliver", will), *holds, last_dose.row(pump, None)]
    return draft(pump, "demand", orders.demand(), [Part(rows)])


def prime(pump: PumpFacts, rate: str, again: bool) -> Draft:
    """Return the review of a priming with the program's volumes of tubing and catheter. Raises BadInput, Failed."""
    from thecal.api import last_dose
    from thecal.api.review import Part
    from thecal.checks import orders as order_checks
    from thecal.checks import rigs
    from thecal.checks.dose import delivered, rate_nl, rate_of
    from thecal.pump import orders
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
    will = delivered(program.line_nl(), rig.calibration, in_all, program)
    rows = [*priming_rows(program, settings, rate, asked_nl), ("will deliver", will), last_dose.row(pump, None)]
    return draft(pump, "prime", orders.prime(asked_nl, again), [Part(rows)])


def line_of(program: Program) -> Any:
    """Return the settings with the volumes of the line. Raises Failed if the program states none."""
    settings: Any = program.settings
    if settings is None or not settings.line_nl():
        raise Failed("the active program states no volumes of tubing and catheter", "add [line] to the prescription and upload it")
    return settings


def priming_rows(program: Program, settings: Any, rate: str, rate_nl: int) -> Rows:
    """Return the volumes of the line, the rate, and the time that they take."""
    from thecal.quantities.amounts import ml, ml_per_h, span
    from thecal.text.settings import line_facts

    line_nl, seconds_s = settings.line_nl(), program.rate_seconds_s
    takes_s = -(-line_nl * seconds_s // rate_nl)
    rows: Rows = [(label, text) for label, text in line_facts(settings).items()]
    return [*rows, ("total", ml(line_nl)), ("rate", f"{rate} = {ml_per_h(rate_nl, seconds_s)}"), ("takes", span(takes_s))]


QUESTIONS = {"demand": "Deliver a demand bolus?", "prime": "Prime the line now?"}
NAMES = {"prime": "priming"}  # in a sentence; the others are boluses


def draft(pump: PumpFacts, kind: str, wanted: WireOrder, parts: list[Part]) -> Draft:
    """Return an order with its review. Raises Failed for a firmware that does not know this order."""
    from thecal.api.review import Draft, clock_part
    from thecal.pump import orders

    orders.require(pump.client, wanted.method)
    again = " Again?" if wanted.params.get("again") else ""
    question = QUESTIONS.get(kind, "Deliver this bolus?") + again
    return Draft(kind, question, (clock_part(pump.reading), *parts), (wanted,), lambda now: place(now, kind, wanted))


def place(pump: PumpFacts, kind: str, wanted: WireOrder) -> Order:
    """Send a reviewed dose with a new token. Raises Refused, Unknown."""
    from thecal.api.review import Order
    from thecal.pump import orders
    from thecal.text.orders import sentence

    reply = orders.place(pump.client, wanted)
    calibration = pump.status["calibration"]
    words = sentence(reply, calibration, NAMES.get(kind, "bolus"))
    return Order(kind, str(reply["token"]), str(pump.status.get("program_digest") or ""), reply, words, {"calibration": calibration})


def running_token(status: dict[str, Any], option: str) -> str:
    """Return the token of the bolus that runs or waits; `option` of `thecal bolus` for a message. Raises Failed if none does, BadInput if
    there are two."""
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
