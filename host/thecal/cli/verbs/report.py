"""`thecal report`: write one offline page of orders, deliveries, missed doses and alarms; from the pump or a saved file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from thecal.cli.evidence import evidence
from thecal.cli.options import AsJson, Force, FromJournal, FromTime, LastDays, Port, ToTime
from thecal.terminal.console import Progress, emit_json, talk

PAGE = Path("report.html")


def report(
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Page to write (default: report.html).")] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write one CSV row per minute; - is stdout.")] = None,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the plot as PNG.")] = None,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Also save the data that was read, for --from-journal.")] = None,
    from_journal: FromJournal = None,
    days: LastDays = None,
    from_time: FromTime = None,
    to_time: ToTime = None,
    force: Force = False,
    port: Port = None,
    as_json: AsJson = False,
) -> None:
    """Write one offline page: prescription, planned and delivered volumes, boluses, missed doses, alarms, versions."""
    from thecal.files import extras
    from thecal.history.timeline import Timeline
    from thecal.reports.period import Period
    from thecal.terminal.output_files import check_free, write

    period = Period(from_time, to_time, days)
    file = out if out is not None or as_json else PAGE
    check_free([one for one in (file, csv, png, save) if one is not None], force)
    if png is not None:
        extras.require_drawing()
    found = evidence(from_journal, port)
    line = Timeline(found)
    window = period.of(line)
    from thecal.history.evidence import as_lines
    from thecal.reports.report import Report, document

    made = Report(line, *window)
    jobs: list[tuple[Path | None, Callable[[], str | bytes]]] = [
        (file, made.html),
        (csv, made.csv),
        (png, made.picture.png),
        (save, lambda: as_lines(found)),
    ]
    if made.banner():
        talk(made.banner())
    progress = Progress("report")
    for number, (name, job) in enumerate(jobs):
        progress.update(number, len(jobs))
        if name is not None:
            content = job()
            progress.close()
            write(content, name)
    if file is not None and not extras.can_draw():
        talk(f"{file} has no pictures: {extras.DRAWING} is not installed; install it: `{extras.install_command()}`")
    if as_json:
        emit_json(document(made))
