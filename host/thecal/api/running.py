"""Prepare, begin and follow a run; bring back the program that it replaced."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from thecal.errors import BadInput, Failed, InAlarm, Refused

if TYPE_CHECKING:
    from thecal.api.following import Look, Watched
    from thecal.api.person import Person
    from thecal.api.review import Draft, Order, Rows
    from thecal.prescription.compiler import Compiled
    from thecal.prescription.dialled import Contents, Dialled
    from thecal.prescription.file import Prescription
    from thecal.pump.exchange import Reply
    from thecal.pump.facts import PumpFacts

NAME = "thecal run"
RESTORE = "thecal run --restore"


class Fluid(NamedTuple):
    """What is in the reservoir: `drug` is its name (default: the active program's), `concentration` a mass per volume such as "500 ug/mL".
    `library`: the file of a drug library. `overrides`: its soft limits that are confirmed: concentration, rate, bolus or day."""

    drug: str | None = None
    concentration: str | None = None
    library: Path | None = None
    overrides: tuple[str, ...] | list[str] = ()

    def check(self) -> None:
        """Raise BadInput for a value that no pump could use."""
        from thecal.checks.dose import read

        if self.concentration is not None and not read(self.concentration, ("mass/volume",), "500 ug/mL").amount:
            raise BadInput(f'--concentration: "{self.concentration}" is zero', "leave it out for a fluid without a drug")
        if self.drug is not None and not self.drug.strip():
            raise BadInput("--drug is empty", "name what is in the reservoir: --drug water")


def prepare(pump: PumpFacts, dialled: Dialled, asked: Fluid, person: Person, stage: bool = True) -> Draft:
    """Check a run and return its review; `stage`: the pump checks it too. Raises BadInput, Failed, InAlarm, Refused."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.api import uploading
    from thecal.api.review import COLUMNS, LINES, Draft, Part, clock_part
    from thecal.pump import orders

    check_idle(pump)
    fluid = fluid_of(pump, asked, person)
    compiled = compiled_for(pump, prescribed(pump, dialled, fluid, asked, person))
    check_a_step(pump, compiled)
    staged = uploading.stage(pump, compiled, person) if stage else {}
    parts = [clock_part(pump.reading), Part(review_rows(pump, compiled), COLUMNS)]
    if staged.get("line"):
        parts.append(Part([(uploading.line_changes(staged["line"]),)], LINES))
    wanted = digest_of(compiled.packed)
    planned = (orders.Order("program.activate", {"digest": wanted}), orders.Order("start"))
    facts = facts_of(pump, compiled)
    return Draft("run", "Run it now?", tuple(parts), planned, lambda now: begin(now, compiled, person), wanted, facts)


def begin(pump: PumpFacts, compiled: Compiled, person: Person) -> Order:
    """Activate and start a reviewed run. Raises Failed, Refused, Unknown."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.api.review import Order
    from thecal.api.uploading import activate
    from thecal.pump import replaced

    before = pump.program.name if pump.program is not None else None
    replaced.remember(pump, digest_of(compiled.packed))
    digest = activate(pump, compiled)
    started = start(pump, person)
    status = pump.client.status()
    facts = {
        **facts_of(pump, compiled),
        "replaced": before,
        "begin_steps": int(str(started.get("position_steps", status["delivered_steps"]))),
        "calibration": status["calibration"],
        "stop_command": pump.stop_command(),
    }
    return Order("run", "", digest, started, f"running: {facts['words']}", facts)


def facts_of(pump: PumpFacts, compiled: Compiled) -> dict[str, Any]:
    """Return the run for machines: its rate, volume, time and steps. `whole_steps` is None for a run without an end."""
    from thecal.text.protocol import total

    program, protocol = compiled.program, compiled.program.protocol
    assert protocol is not None
    found = total(program, protocol)
    return {
        "words": program.name.removeprefix("run "),
        "rate_nl": protocol.stages[0][1],
        "rate_seconds_s": program.rate_seconds_s,
        "volume_nl": None if found.volume_nl is None else int(found.volume_nl),
        "duration_s": found.lasts_s,
        "whole_steps": whole_steps(pump, compiled),
    }


def check_idle(pump: PumpFacts) -> None:
    """Raise Failed while anything runs, InAlarm in an alarm: nothing is replaced then."""
    state = pump.status["state"]
    if state == "alarm":
        raise InAlarm("the pump is in alarm", "see it, then acknowledge it: thecal alarms, thecal ack")
    if state != "stopped":
        name = pump.status.get("program_name")
        running = f" ({name})" if name and state in ("running", "limited") else ""
        raise Failed(f"the pump is {state}{running}; nothing was changed", f"stop it first: {pump.stop_command()}")


def fluid_of(pump: PumpFacts, asked: Fluid, person: Person) -> Contents:
    """Return the typed fluid, otherwise that of the active program, which is in the line; otherwise ask."""
    from thecal.checks.dose import read
    from thecal.prescription import decompiled
    from thecal.prescription.dialled import Contents

    current = pump.program
    typed = read(asked.concentration, ("mass/volume",), "500 ug/mL") if asked.concentration is not None else None
    if current is not None and asked.drug in (None, current.fluid):
        if typed is not None and current.drugs:
            cause = f"--concentration: the active program has {1 + len(current.drugs)} drugs, and it names one concentration"
            raise BadInput(cause, "leave it out, or upload a prescription with the new concentrations: thecal program")
        return Contents(current.fluid, typed or decompiled.concentration_of(current), decompiled.others_of(current))
    return Contents(asked.drug if asked.drug is not None else person.fluid(), typed)


def prescribed(pump: PumpFacts, dialled: Dialled, fluid: Contents, asked: Fluid, person: Person) -> Prescription:
    """Return the run as a prescription with the limits of its library; ask for soft limits. Raises BadInput."""
    from thecal.api.uploading import ask_for_overrides
    from thecal.prescription import dialled as dial
    from thecal.prescription import library as libraries
    from thecal.prescription.file import contradictions

    rx = dial.prescription(dialled, fluid, pump.program)
    if asked.library is not None:
        rx = libraries.applied(rx.model_copy(update={"library": None}), asked.library, NAME)
    if asked.overrides and rx.library is None:
        raise BadInput("--override: no drug library limits this fluid", "leave it out, or give --library FILE")
    rx = libraries.with_overrides(rx, list(asked.overrides))
    for where, problem in contradictions(rx):
        raise BadInput(f"{NAME}: {where}: {problem.cause}", problem.do)
    return ask_for_overrides(rx, NAME, person)


def compiled_for(pump: PumpFacts, rx: Prescription) -> Compiled:
    """Compile the run and check it against the pump's limits. A message speaks of what was typed."""
    from thecal.checks import program as program_checks
    from thecal.checks import rigs
    from thecal.prescription.compiler import compile_prescription

    try:
        compiled = compile_prescription(rx, NAME)
        program_checks.check(rx, compiled, rigs.of_pump(pump), NAME)
    except BadInput as error:
        cause = error.cause.removeprefix(f"{NAME}: ").removeprefix("protocol.stage[1].")
        raise BadInput(cause, error.do) from error
    return compiled


def review_rows(pump: PumpFacts, compiled: Compiled) -> Rows:
    """Return rate, volume and time, the third of them computed, the program that the run replaces, and the calibration."""
    from thecal.quantities.amounts import ug_per_ml
    from thecal.text import calibration as calibration_text
    from thecal.text import protocol as protocol_text
    from thecal.text.program import concentration

    program = compiled.program
    protocol: Any = program.protocol
    rows: Rows = [("run", f"{program.name.removeprefix('run ')}"), ("fluid", program.fluid)]
    rows += [("concentration", concentration(program))] if program.concentration[0] else []
    rows += [(f"drug {at}", f"{name} {ug_per_ml(mass_ng, nl)}") for at, (name, mass_ng, nl) in enumerate(program.drugs, 2)]
    rows += list(protocol_text.one_stage(program, protocol).items())
    return [*rows, ("replaces", replaced_text(pump)), ("calibration", calibration_text.line(pump.status["calibration"]))]


def replaced_text(pump: PumpFacts) -> str:
    """Return the name of the program that the run replaces, and what brings it back; of a run the program before it."""
    from thecal.pump import replaced

    if pump.program is None:
        return "nothing: no program is active"
    back = replaced.comes_back(pump)
    if not back:
        return pump.program.name
    return f"{pump.program.name}; `{RESTORE}` brings {'it' if back == pump.program.name else back} back"


def start(pump: PumpFacts, person: Person) -> Reply:
    """Set the clock if that needs no question, then start. Raises Refused; the run is then the active program."""
    from thecal.api.clock_move import set_if_plain
    from thecal.text import line as line_text

    set_if_plain(pump, person)
    try:
        return pump.client.start()
    except Refused as refused:
        after = pump.client.status()
        found = line_text.explained(refused, after)
        do = f"{found.do}; the run is the active program now, `{RESTORE}` brings the other one back"
        made = Refused(found.code, found.fault, f"{found.cause}; nothing was started", do)
        raise made from refused


def whole_steps(pump: PumpFacts, compiled: Compiled) -> int | None:
    """Return the steps of the whole run, rounded down as the pump does; None without an end."""
    from thecal.text.protocol import total

    protocol: Any = compiled.program.protocol
    volume_nl, pair = total(compiled.program, protocol).volume_nl, pump.pair()
    return None if volume_nl is None else int(volume_nl * pair["steps"] / pair["volume_nl"])


def check_a_step(pump: PumpFacts, compiled: Compiled) -> None:
    """Raise BadInput for a run that ends before its first step: it would deliver nothing."""
    from thecal.quantities.typed import decimal

    if whole_steps(pump, compiled) != 0:
        return
    pair = pump.pair()
    step = f"{decimal(Fraction(-(-pair['volume_nl'] * 1000 // pair['steps']), 1000))} nL"
    words = compiled.program.name.removeprefix("run ")
    raise BadInput(f"{words}: that is less than one step of the pump, so nothing would be delivered", f'the smallest run holds "{step}"')


def watched(order: Order) -> Watched:
    """Return how to follow a run to its end."""
    from thecal.api.following import DONE, Look, Watched

    whole = order.facts["whole_steps"] or 0

    def look(client: Any) -> Look:
        status = client.status()
        made = status["delivered_steps"] - order.facts["begin_steps"]
        if status["state"] in ("running", "limited", "resuming") and status.get("program_digest") == order.digest:
            return Look(made, whole, "", status)
        ended = DONE if made >= whole - 1 and status["state"] == "stopped" else status["state"]
        return Look(made, whole, ended, status)

    return Watched("run", look, lambda last: f"{amount(order, last.made)} of {amount(order, whole)} delivered")


def amount(order: Order, steps: int) -> str:
    """Return the volume of steps by the calibration of the run's begin."""
    from thecal.quantities.amounts import ml

    pair = order.facts["calibration"]
    return ml(Fraction(steps * pair["volume_nl"], pair["steps"]))


def prepare_restore(pump: PumpFacts, person: Person, stage: bool = True) -> Draft:
    """Return the review of the program that the last run replaced; starting it is another order. Raises Failed while anything runs, or if
    none is kept."""
    from thecal.api import uploading
    from thecal.prescription.compiler import Compiled
    from thecal.pump import replaced

    check_idle(pump)
    packed = replaced.packed_of(pump)
    return uploading.prepare(pump, Compiled(replaced.program_of(packed), packed, {}), person, uploading.How(stage=stage, clock=False))
