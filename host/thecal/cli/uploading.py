"""Bring a program to the pump: ask about soft limits, stage, review, activate, compare. Shared by `program` and `run`."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from thecal.errors import Failed, Refused
from thecal.terminal.console import Progress, confirm, headed, talk

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.prescription.compiler import Compiled
    from thecal.prescription.file import Prescription
    from thecal.pump.facts import PumpFacts

OLD_FIRMWARE = "this pump's firmware does not know this kind of program; it is of another version"
OLD_FIRMWARE_DO = "flash it with this version's firmware: thecal flash; a simulated pump: thecal sim --fresh, which forgets its data"


def ask_for_overrides(prescription: Prescription, name: str) -> Prescription:
    """Show each exceeded soft limit, and ask; `--yes` does not answer this question."""
    from pumpcore.limits.limits import passed
    from pumpcore.program.settings import OVERRIDES
    from thecal.prescription.compiler import compile_prescription
    from thecal.prescription.library import with_overrides

    if prescription.library is None:
        return prescription
    program = compile_prescription(prescription, name).program
    words = []
    for one in passed(program):
        word = OVERRIDES[one.what]
        if word not in prescription.library.overrides:
            allowed, wanted = (soft_text(program, word, value) for value in (one.limit, one.asked))
            talk(f"soft limit of {prescription.library.name} for {word}: {allowed}, asked {wanted}")
            confirm("Confirm this soft limit?", False)
            words.append(word)
    return with_overrides(prescription, words)


def soft_text(program: Program, word: str, value: int) -> str:
    from thecal.quantities.amounts import ml, ml_per_h, ug_per_ml

    if word == "concentration":
        return ug_per_ml(value)
    return ml_per_h(value, program.rate_seconds_s) if word == "rate" else ml(value)


def upload(pump: PumpFacts, compiled: Compiled, yes: bool, steps: bool = False) -> str:
    """Stage, review, confirm, activate, compare. Returns the digest of the active program."""
    from thecal.pump.active import read_back
    from thecal.text import calibration as calibration_text

    staged = stage(pump, compiled)
    show(pump.program, read_back(staged), compiled.typed, steps)
    talk(f"calibration  {calibration_text.line(pump.status['calibration'])}")
    if staged.get("line"):
        talk(line_changes(staged["line"]))
    confirm("Activate the new program?", yes)
    return activate(pump, compiled)


def stage(pump: PumpFacts, compiled: Compiled) -> dict[str, Any]:
    """Have the pump read and check the program; return its answer. Raises Refused, Failed."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.pump.refusals import with_rates

    progress = Progress("the pump checks the program")
    try:
        staged = pump.client.program_stage(compiled.packed, progress.update)
    except Refused as refused:
        if refused.fault == "program_format":  # the host has read the same bytes with its own decoder
            raise Refused(refused.code, refused.fault, OLD_FIRMWARE, OLD_FIRMWARE_DO) from refused
        raise with_rates(refused, compiled.program.rate_seconds_s) from refused
    finally:
        progress.close()
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


def show(current: Program | None, new: Program | None, typed: dict[str, str], steps: bool = False) -> None:
    from thecal.text.program import marked, rows

    if new is None:
        raise Failed("the pump did not read the staged program back", "flash the pump with this version's firmware")
    talk(headed(marked(rows(current, new, typed, steps))))
