"""Bring a program to the pump: ask about soft limits, stage, review, activate, compare. Shared by `program` and `run`."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, NamedTuple

from thecal.errors import Failed, Refused

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.api.person import Person
    from thecal.api.review import Draft, Order
    from thecal.prescription.compiler import Compiled
    from thecal.prescription.file import Prescription
    from thecal.pump.facts import PumpFacts

CHECKING = "the pump checks the program"
OLD_FIRMWARE = "this pump's firmware does not know this kind of program; it is of another version"
OLD_FIRMWARE_DO = "flash it with this version's firmware: thecal flash; a simulated pump: thecal sim --fresh, which forgets its data"


def ask_for_overrides(prescription: Prescription, name: str, person: Person) -> Prescription:
    """Return the prescription with the soft limits that the person agreed to pass. Raises Failed if the person does not agree."""
    from pumpcore.limits.limits import passed
    from pumpcore.program.settings import OVERRIDES
    from thecal.prescription.compiler import compile_prescription
    from thecal.prescription.library import with_overrides

    if prescription.library is None or not person.asks:
        return prescription
    program = compile_prescription(prescription, name).program
    words = []
    for one in passed(program):
        word = OVERRIDES[one.what]
        if word not in prescription.library.overrides:
            allowed, wanted = (soft_text(program, word, value) for value in (one.limit, one.asked))
            about = f"soft limit of {prescription.library.name} for {word}: {allowed}, asked {wanted}"
            person.agree("Confirm this soft limit?", about)
            words.append(word)
    return with_overrides(prescription, words)


def soft_text(program: Program, word: str, value: int) -> str:
    """Return a limit of a drug library with its unit."""
    from thecal.quantities.amounts import ml, ml_per_h, ug_per_ml

    if word == "concentration":
        return ug_per_ml(value)
    return ml_per_h(value, program.rate_seconds_s) if word == "rate" else ml(value)


def stage(pump: PumpFacts, compiled: Compiled, person: Person) -> dict[str, Any]:
    """Have the pump read and check the program; return its answer. Raises Refused, Failed."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.pump.refusals import with_rates

    try:
        staged = pump.client.program_stage(compiled.packed, lambda done, total: person.progress(CHECKING, done, total))
    except Refused as refused:
        if refused.fault == "program_format":  # the host has read the same bytes with its own decoder
            raise Refused(refused.code, refused.fault, OLD_FIRMWARE, OLD_FIRMWARE_DO) from refused
        raise with_rates(refused, compiled.program.rate_seconds_s) from refused
    finally:
        person.progress(CHECKING, 1, 1)
    wanted = digest_of(compiled.packed)
    if staged.get("digest") != wanted:
        raise Failed(f"the pump staged another program ({str(staged.get('digest'))[:12]}, sent {wanted[:12]})", "upload it again")
    return staged


def activate(pump: PumpFacts, compiled: Compiled) -> str:
    """Activate the staged program and compare what the pump then holds. Returns its digest."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.pump.refusals import with_rates

    client, wanted = pump.client, digest_of(compiled.packed)
    try:
        client.program_activate(wanted)
    except Refused as refused:
        raise with_rates(refused, compiled.program.rate_seconds_s) from refused
    active = client.program_read()
    if active.get("digest") != wanted or base64.b64decode(active.get("program") or "") != compiled.packed:
        raise Failed("the active program differs from the program that was sent", "upload it again before you start")
    return wanted


def line_changes(line: dict[str, Any]) -> str:
    """Describe another concentration in the line that the new program would find."""
    from thecal.text import line as line_text

    needs = line_text.need(line)
    return f"line         {line_text.text(line)}" + (f"\n             before a start: {needs}" if needs else "")


class How(NamedTuple):
    """`steps`: show the pump's own numbers too. `stage`: have the pump check the program, otherwise nothing is sent. `clock`: show the
    pump's clock first."""

    steps: bool = False
    stage: bool = True
    clock: bool = True


def prepare(pump: PumpFacts, compiled: Compiled, person: Person, how: How | None = None) -> Draft:
    """Return the review of a program beside the active one; of an active one that nothing would change. Raises Refused, Failed."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.api.review import HEADED, LINES, Draft, Part, clock_part
    from thecal.pump import orders
    from thecal.pump.active import read_back
    from thecal.text import calibration as calibration_text
    from thecal.text.program import marked, rows

    how = how or How()
    wanted = digest_of(compiled.packed)
    facts = {"program": compiled.program.describe(), "unchanged": pump.status.get("program_digest") == wanted}
    parts = [clock_part(pump.reading)] if how.clock else []
    if facts["unchanged"] and how.stage:
        return Draft("program", "", tuple(parts), (), lambda now: uploaded(compiled, True), wanted, facts)
    staged = stage(pump, compiled, person) if how.stage else {}
    read = read_back(staged) if how.stage else compiled.program
    if read is None:
        raise Failed("the pump did not read the staged program back", "flash the pump with this version's firmware")
    parts.append(Part(marked(rows(pump.program, read, compiled.typed, how.steps)), HEADED))
    if how.stage:
        parts.append(Part([(f"calibration  {calibration_text.line(pump.status['calibration'])}",)], LINES))
    if staged.get("line"):
        parts.append(Part([(line_changes(staged["line"]),)], LINES))

    def send(now: PumpFacts) -> Order:
        activate(now, compiled)
        return uploaded(compiled, False)

    order = orders.Order("program.activate", {"digest": wanted})
    return Draft("program", "Activate the new program?", tuple(parts), (order,), send, wanted, facts)


def uploaded(compiled: Compiled, unchanged: bool) -> Order:
    """Return the order of a program that is active now."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.api.review import Order

    digest = digest_of(compiled.packed)
    words = f"{'unchanged, active' if unchanged else 'active'} in the pump: {compiled.program.name} ({digest[:12]})"
    facts = {"program": compiled.program.describe(), "unchanged": unchanged}
    return Order("program", "", digest, {"digest": digest, **facts}, words, facts)
