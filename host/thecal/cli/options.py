"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

Port = Annotated[
    str | None,
    typer.Option("--port", "-p", metavar="PORT", help="Serial port or socket://HOST:PORT; else THECAL_PORT, else the only pump."),
]
Zone = Annotated[
    str | None,
    typer.Option("--zone", metavar="ZONE", help="Time zone of the pump, e.g. Europe/Berlin; else the one it has, else this computer's."),
]
MoveClock = Annotated[
    bool | None, typer.Option("--set-clock/--keep-clock", help="Move a clock or zone that the pump knows; --yes does not. Or leave it.")
]
SetClock = Annotated[bool, typer.Option("--set-clock", help="Move a clock or zone that the pump knows without being asked.")]
Library = Annotated[
    Path | None, typer.Option("--library", metavar="FILE", help="The drug library; else THECAL_LIBRARY, else the shipped one by its name.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; units are in the names.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask; the review is printed all the same.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")]
Force = Annotated[bool, typer.Option("--force", help="Write over files that are there.")]
Override = Annotated[
    list[str] | None, typer.Option(metavar="WHAT", help="Pass a soft limit of the library: concentration, rate, bolus or day.")
]
