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
    from thecal.api.prescribed import Source, checked
    from thecal.cli.consent import Consent, Terminal, decide, opened
    from thecal.files import config

    consent = Consent(yes, dry_run, as_json)
    bench = bench or (config.default("bench") if dry_run else None)
    found = checked(Source(file, library, override or [], bench), Terminal(consent))
    if dry_run:
        talk(f"{file} is a valid prescription{f' for {bench}' if bench else ''}; nothing was sent")
        show_alone(found.compiled, as_json, steps)
        return
    with opened(port, consent) as pump:
        order = decide(pump.prepare_program(found, steps=steps), consent)
    if order is None:
        return
    if as_json:
        emit_json({"digest": order.digest, **order.facts})
    else:
        data(order.text)


def show_alone(compiled: Compiled, as_json: bool, steps: bool = False) -> None:
    from thecal.text.program import facts, typed_text

    if as_json:
        emit_json({"program": compiled.program.describe()})
        return
    said = facts(compiled.program, steps)
    data(headed([("", "program", "as typed"), *[(label, text, typed_text(label, compiled.typed)) for label, text in said.items()]]))
