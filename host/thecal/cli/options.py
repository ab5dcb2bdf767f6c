"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

from thecal.cli import complete

Port = Annotated[
    str | None,
    typer.Option(
        "--port",
        "-p",
        metavar="PORT",
        help="Port, socket://HOST:PORT, or a pump's name (default: THECAL_PORT, the config file, otherwise the only pump).",
        autocompletion=complete.ports,
    ),
]
Pump = Annotated[str | None, typer.Argument(metavar="PUMP", help="Name or port of the pump.", autocompletion=complete.ports)]
Zone = Annotated[
    str | None,
    typer.Option(
        "--zone",
        metavar="ZONE",
        help="Time zone of the pump, e.g. Europe/Berlin (default: the pump's, otherwise the config file's or this computer's).",
        autocompletion=complete.zones,
    ),
]
MoveClock = Annotated[
    bool | None,
    typer.Option(
        "--set-clock/--keep-clock", help="Move or keep a clock or zone that is already set (default: ask; --yes does not answer)."
    ),
]
SetClock = Annotated[bool, typer.Option("--set-clock", help="Move a clock or zone that is already set; do not ask.")]
Library = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="FILE",
        help="Drug library (default: THECAL_LIBRARY, the config file, otherwise the shipped library of that name).",
    ),
]
Steps = Annotated[bool, typer.Option("--steps", help="Also show the pump's own numbers: steps, leases, guard, nanolitres.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; the name of a quantity ends with its unit.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; the review is still printed.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the review; send and change nothing.")]
Wait = Annotated[bool, typer.Option("--wait", help="Follow it to its end; Ctrl-C ends the watching only.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]
Override = Annotated[
    list[str] | None, typer.Option(metavar="WHAT", help="Confirm a soft limit of the library: concentration, rate, bolus or day.")
]
FromJournal = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Read a saved journal instead of a pump; repeat for both rings.")
]
LastDays = Annotated[int | None, typer.Option(min=1, max=100_000, metavar="N", help="Only the last N days.")]
FromTime = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Begin at this local time of the pump.")]
ToTime = Annotated[str | None, typer.Option("--to", metavar="TIME", help="End at this local time of the pump.")]
Png = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the plot as PNG.")]
