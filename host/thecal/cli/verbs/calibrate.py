"""`thecal calibrate`: run so many turns, weigh, several times; fit, review, store, read back. Or verify, list, forget."""

from typing import Annotated

import typer

from thecal.cli.options import AsJson, DryRun, Port, Yes
from thecal.errors import BadInput

Text = typer.Option


def calibrate(
    port: Port = None,
    tube: Annotated[str, Text(metavar="NAME", help="Which tube, e.g. T1.")] = "",
    lot: Annotated[str, Text(metavar="NAME", help="Its lot.")] = "",
    turns: Annotated[int, Text(metavar="NUMBER", help="Turns of the pump head in a run.")] = 20,
    rate: Annotated[str, Text(metavar="RATE", help="How fast; best as in use.")] = "2 mL/h",
    runs: Annotated[int | None, Text(metavar="NUMBER", help="How many runs; 3, or as many as --mass.")] = None,
    prime: Annotated[str, Text(metavar="VOLUME", help="Fill the line first.")] = "",
    mass: Annotated[list[str] | None, Text(metavar="MASS", help='Weight after a run, e.g. "1.0023 g"; once for each run.')] = None,
    tare: Annotated[list[str] | None, Text(metavar="MASS", help="Weight of the vessel before; once, or for each run.")] = None,
    balance: Annotated[str | None, Text(metavar="PORT", help="Read the weights from a balance on a serial port.")] = None,
    temperature: Annotated[str, Text(metavar="TEMPERATURE", help="Of the water.")] = "20 C",
    density: Annotated[str, Text(metavar="DENSITY", help='Of another fluid, e.g. "1.005 g/mL".')] = "",
    buoyancy: Annotated[bool, Text("--buoyancy", help="Weighed in air: add what it carries, 0.1 %.")] = False,
    for_volume: Annotated[str, Text(metavar="VOLUME", help="How much it holds for; 0 = any.")] = "500 mL",
    for_days: Annotated[int, Text(metavar="DAYS", help="How long it holds for; 0 = any time.")] = 90,
    no_run: Annotated[bool, Text("--no-run", help="The runs were made before: fit and store their --mass, move nothing.")] = False,
    accept_scatter: Annotated[bool, Text("--accept-scatter", help="Store in spite of runs that differ too much.")] = False,
    verify: Annotated[bool, Text("--verify", help="Run and weigh, say how far off the stored one is, change nothing.")] = False,
    history: Annotated[bool, Text("--history", help="List the calibrations in the pump.")] = False,
    forget: Annotated[bool, Text("--forget", help="Let the bench's nominal pair count again.")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Calibrate by weight, verify, or list what was weighed before."""
    from thecal.pump.opening import open_pump
    from thecal.pump.steering import interruptible
    from thecal.weighing.calibrate import jobs
    from thecal.weighing.calibrate.plan import Typed

    if sum((verify, history, forget)) > 1:
        raise BadInput("--verify, --history and --forget are three different things", "give one of them")
    how = jobs.How(yes, dry_run, as_json, accept_scatter, no_run, balance, mass or [], tare or [])
    with interruptible(), open_pump(port) as client:
        if history:
            jobs.list_all(client, how)
        elif forget:
            jobs.forget(client, how)
        else:
            count = runs if runs is not None else len(how.masses) or 3
            typed = Typed(tube, lot, turns, rate, prime, count, density, temperature, buoyancy, for_volume, for_days)
            jobs.weigh(client, typed, how, verify)
