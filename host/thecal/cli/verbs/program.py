"""`thecal program FILE`: compile, stage, review the program as the pump read it, confirm, activate, compare digests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thecal.cli import complete
from thecal.cli.options import AsJson, DryRun, Library, Override, Port, Steps, Yes
from thecal.terminal.console import data, emit_json, headed, talk

if TYPE_CHECKING:
    from thecal.prescription.compiler import Compiled


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
    steps: Steps = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Check a prescription, compare it with the active one, and upload it. Asks before it activates."""
    from pumpcore.program.packing import digest as digest_of
    from thecal.checks import program as program_checks
    from thecal.checks import rigs
    from thecal.cli.uploading import ask_for_overrides, upload
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
        show_alone(compiled, as_json, steps)
        return
    with open_pump(port) as client:
        pump = facts.ask(client)
        program_checks.check(prescription, compiled, rigs.of_pump(pump), str(file))
        clock.tell(pump.reading)
        unchanged = pump.status.get("program_digest") == digest_of(compiled.packed)
        digest = digest_of(compiled.packed) if unchanged else upload(pump, compiled, yes, steps)
    if as_json:
        emit_json({"digest": digest, "program": compiled.program.describe(), "unchanged": unchanged})
    else:
        data(f"{'unchanged, active' if unchanged else 'active'} in the pump: {compiled.program.name} ({digest[:12]})")


def show_alone(compiled: Compiled, as_json: bool, steps: bool = False) -> None:
    from thecal.text.program import facts, typed_text

    if as_json:
        emit_json({"program": compiled.program.describe()})
        return
    said = facts(compiled.program, steps)
    data(headed([("", "program", "as typed"), *[(label, text, typed_text(label, compiled.typed)) for label, text in said.items()]]))
