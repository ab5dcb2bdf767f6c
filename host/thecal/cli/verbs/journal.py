"""`thecal journal`: read the pump's journal back, as a table, CSV or JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.cli.options import AsJson, Force, Port
from thecal.errors import BadInput
from thecal.terminal.console import Progress, data, emit_json, headed, talk
from thecal.terminal.output_files import check_free, write

if TYPE_CHECKING:
    from thecal.pump.client import Client

RINGS = ("events", "faults")


def journal(
    port: Port = None,
    ring: Annotated[str, typer.Option(metavar="RING", help="events or faults.")] = "events",
    from_sequence: Annotated[int, typer.Option("--from", min=0, max=(1 << 32) - 1, metavar="NUMBER", help="First sequence number.")] = 0,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write CSV; - is stdout.")] = None,
    jsonl: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JSON lines; - is stdout.")] = None,
    raw: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the records as the pump keeps them; - is stdout.")] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Read the pump's journal back: table, CSV or JSON lines."""
    from thecal.history import rows as journal_rows
    from thecal.pump.opening import open_pump
    from thecal.text.calibration import line

    if ring not in RINGS:
        raise BadInput(f'"{ring[:40]}" is not a ring of the journal', "write --ring events or --ring faults")
    check_free([file for file in (csv, jsonl, raw) if file is not None], force)
    with open_pump(port) as client:
        content = bytearray()
        rows = download(client, ring, from_sequence, content)
        calibration = line(client.status()["calibration"])
    if raw is not None:
        write(bytes(content), raw)
    if csv is not None:
        write(journal_rows.as_csv(journal_rows.with_gaps(rows, from_sequence), calibration), csv)
    if jsonl is not None:
        write(journal_rows.as_json_lines(journal_rows.with_gaps(rows, from_sequence)), jsonl)
    if as_json:
        emit_json(journal_rows.with_gaps(rows, from_sequence))
    elif csv is None and jsonl is None and raw is None:
        data(headed(journal_rows.table(journal_rows.with_gaps(rows, from_sequence))))
    talk(f"calibration: {calibration}")


def download(client: Client, ring: str, from_sequence: int = 0, raw: bytearray | None = None) -> list[dict[str, Any]]:
    """All records from a sequence number on; what is missing between them is told on stderr. `raw` gets their bytes (PROTOCOL.md)."""
    from thecal.history.rows import row

    progress, rows, expected = Progress("journal"), [], from_sequence or None
    for reply, decoded in client.journal(ring, from_sequence):
        for record in decoded:
            if expected is not None and record.sequence != expected:
                talk(lost_text(ring, expected, record.sequence - 1))
            expected = record.sequence + 1
            rows.append(row(ring, record))
        if raw is not None:
            raw += reply["raw"]
        progress.update(reply["next_sequence"] - reply["first_sequence"], reply["last_sequence"] - reply["first_sequence"] + 1)
    if expected is not None and expected <= reply["last_sequence"]:
        talk(lost_text(ring, expected, reply["last_sequence"]))
    progress.close()
    return rows


def lost_text(ring: str, first: int, last: int) -> str:
    which = f"record {first} is" if first == last else f"records {first} to {last} are"
    return f"{ring}: {which} damaged or no longer in the pump"
