"""`thecal journal`: read the pump's journal as a table, CSV or JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thecal.cli.options import AsJson, Force, Port, Steps
from thecal.errors import BadInput
from thecal.terminal.console import data, emit_json, headed, talk
from thecal.terminal.output_files import check_free, write


def journal(
    port: Port = None,
    ring: Annotated[str, typer.Option(metavar="RING", help="Ring to read: events or faults.")] = "events",
    from_sequence: Annotated[int, typer.Option("--from", min=0, max=(1 << 32) - 1, metavar="NUMBER", help="First sequence number.")] = 0,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write CSV; - is stdout.")] = None,
    jsonl: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JSON lines; - is stdout.")] = None,
    raw: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the raw records of the pump; - is stdout.")] = None,
    force: Force = False,
    steps: Steps = False,
    as_json: AsJson = False,
) -> None:
    """Read the pump's journal: table, CSV or JSON lines."""
    from thecal.api.tables import RINGS
    from thecal.cli.consent import opened
    from thecal.history import rows as journal_rows
    from thecal.text.calibration import line
    from thecal.text.journal import in_words

    if ring not in RINGS:
        raise BadInput(f'"{ring[:40]}" is not a ring of the journal', "write --ring events or --ring faults")
    check_free([file for file in (csv, jsonl, raw) if file is not None], force)
    with opened(port) as pump:
        rows, content, status = pump.records(ring, from_sequence)
    calibration = line(status["calibration"])
    if raw is not None:
        write(content, raw)
    if csv is not None:
        write(journal_rows.as_csv(journal_rows.with_gaps(rows, from_sequence), calibration), csv)
    if jsonl is not None:
        write(journal_rows.as_json_lines(journal_rows.with_gaps(rows, from_sequence)), jsonl)
    if as_json:
        emit_json(journal_rows.with_gaps(rows, from_sequence))
    elif csv is None and jsonl is None and raw is None:
        found = journal_rows.with_gaps(rows, from_sequence)
        data(headed(journal_rows.table(found if steps else in_words(found, status))))
    talk(f"calibration: {calibration}")
