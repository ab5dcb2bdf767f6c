"""`thecal program FILE`: compile, stage, review the program as the pump read it, confirm, activate, compare digests."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.cli import complete
from thecal.cli.options import AsJson, DryRun, Library, Override, Port, Yes
from thecal.errors import Failed, Refused
from thecal.terminal.console import Progress, confirm, data, emit_json, headed, talk

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.prescription.compiler import Compiled
    from thecal.prescription.file import Prescription
    from thecal.pump.facts import PumpFacts


def program(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Prescription file; `thecal new` writes an example.")],
    bench: Annotated[
        str | None,
        typer.Option(
            metavar="BENCH", help="Also check against this bench; with --dry-run without a pump.", autocompletion=complete.benches
        ),
    ] = None,
    library: Library = None,
    override: Override = None,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Check a prescription, compare it with the active one, and upload it. Asks before it activates."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.checks import program as program_checks
    from thecal.checks import rigs
    from thecal.files import config
    from thecal.prescription.compiler import compile_prescription
    from thecal.prescription.reading import read_prescription
    from thecal.pump import clock, facts
    from thecal.pump.opening import open_pump

    prescription = read_prescription(file, library, override or [])
    if not (yes or dry_run):
        prescription = ask_for_overrides(prescription, str(file))
    compiled = compile_prescription(prescription, str(file))
    bench = bench or (config.default("bench") if dry_run else None)
    program_checks.check(prescription, compiled, rigs.rig_of(bench), str(file))
    if dry_run:
        talk(f"{file} is a valid prescription{f' for {bench}' if bench else ''}; nothing was sent")
        show_alone(compiled, as_json)
        return
    with open_pump(port) as client:
        pump = facts.ask(client)
        program_checks.check(prescription, compiled, rigs.of_pump(pump), str(file))
        clock.tell(pump.reading)
        unchanged = pump.status.get("program_digest") == digest_of(compiled.packed)
        digest = digest_of(compiled.packed) if unchanged else upload(pump, compiled, yes)
    if as_json:
        emit_json({"digest": digest, "program": compiled.program.describe(), "unchanged": unchanged})
    else:
        data(f"{'unchanged, active' if unchanged else 'active'} in the pump: {compiled.program.name} ({digest[:12]})")


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


def upload(pump: PumpFacts, compiled: Compiled, yes: bool) -> str:
    """Stage, review, confirm, activate, compare. Returns the digest of the active program."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.pump.active import read_back
    from thecal.pump.refusals import with_rates
    from thecal.text import calibration as calibration_text

    client, current = pump.client, pump.program
    progress = Progress("the pump checks the program")
    try:
        staged = client.program_stage(compiled.packed, progress.update)
    except Refused as refused:
        raise with_rates(refused, compiled.program.rate_seconds_s) from refused
    finally:
        progress.close()
    wanted = digest_of(compiled.packed)
    if staged.get("digest") != wanted:
        raise Failed(f"the pump staged another program ({str(staged.get('digest'))[:12]}, sent {wanted[:12]})", "upload it again")
    show(current, read_back(staged), compiled.typed)
    talk(f"calibration  {calibration_text.line(pump.status['calibration'])}")
    if staged.get("line"):
        talk(line_changes(staged["line"]))
    confirm("Activate the new program?", yes)
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


def show(current: Program | None, new: Program | None, typed: dict[str, str]) -> None:
    from thecal.text.program import marked, rows

    if new is None:
        raise Failed("the pump did not read the staged program back", "flash the pump with this version's firmware")
    talk(headed(marked(rows(current, new, typed))))


def show_alone(compiled: Compiled, as_json: bool) -> None:
    from thecal.text.program import facts, typed_text

    if as_json:
        emit_json({"program": compiled.program.describe()})
        return
    said = facts(compiled.program)
    data(headed([("", "program", "as typed"), *[(label, text, typed_text(label, compiled.typed)) for label, text in said.items()]]))
