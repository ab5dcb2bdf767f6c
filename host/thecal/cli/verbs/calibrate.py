"""`thecal calibrate`: run and weigh several times; fit, review, store, read back. Or verify, list, forget. With --rotor: what each angle
of the pump head delivers."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from thecal.cli.options import AsJson, DryRun, Force, Port, Yes
from thecal.errors import BadInput

Text = typer.Option


class Angles(NamedTuple):
    """The typed options that count with --rotor."""

    balance: str | None
    source: Path | None
    record: Path | None
    png: Path | None
    density: str
    temperature: str
    buoyancy: bool
    force: bool
    yes: bool
    dry_run: bool
    as_json: bool


def calibrate(
    port: Port = None,
    tube: Annotated[str, Text(metavar="NAME", help="Name of the tube, e.g. T1.")] = "",
    lot: Annotated[str, Text(metavar="NAME", help="Lot of the tube.")] = "",
    turns: Annotated[int, Text(metavar="NUMBER", help="Turns of the pump head per run.")] = 20,
    rate: Annotated[str, Text(metavar="RATE", help="Rate of the runs; use the rate of your program.")] = "2 mL/h",
    runs: Annotated[int | None, Text(metavar="NUMBER", help="Number of runs (default: one per --mass, otherwise 3).")] = None,
    prime: Annotated[str, Text(metavar="VOLUME", help="Volume that fills the line before the first run.")] = "",
    mass: Annotated[list[str] | None, Text(metavar="MASS", help='Weight after a run, e.g. "1.0023 g"; repeat for each run.')] = None,
    tare: Annotated[list[str] | None, Text(metavar="MASS", help="Weight of the vessel before a run; once, or for each run.")] = None,
    balance: Annotated[str | None, Text(metavar="PORT", help="Read the weights from a balance on a serial port.")] = None,
    temperature: Annotated[str, Text(metavar="TEMPERATURE", help="Temperature of the water.")] = "20 C",
    density: Annotated[str, Text(metavar="DENSITY", help='Density, if the fluid is not water, e.g. "1.005 g/mL".')] = "",
    buoyancy: Annotated[bool, Text("--buoyancy", help="Correct for air buoyancy (about 0.1 %).")] = False,
    for_volume: Annotated[str, Text(metavar="VOLUME", help="Volume after which the calibration expires; 0 = never.")] = "500 mL",
    for_days: Annotated[int, Text(metavar="DAYS", help="Days after which the calibration expires; 0 = never.")] = 90,
    no_run: Annotated[bool, Text("--no-run", help="Fit and store the --mass of earlier runs; do not run the pump.")] = False,
    accept_scatter: Annotated[bool, Text("--accept-scatter", help="Store even if the runs differ too much.")] = False,
    verify: Annotated[bool, Text("--verify", help="Run, weigh and report the error of the stored calibration; change nothing.")] = False,
    history: Annotated[bool, Text("--history", help="List the calibrations in the pump.")] = False,
    forget: Annotated[bool, Text("--forget", help="Return to the bench's nominal calibration.")] = False,
    rotor: Annotated[bool, Text("--rotor", help="Learn what each angle of the pump head delivers (with --balance).")] = False,
    png: Annotated[Path | None, Text(metavar="FILE", help="With --rotor: write a picture of the head as PNG.")] = None,
    record: Annotated[Path | None, Text(metavar="FILE", help="With --rotor: file for the weights (default: named by the date).")] = None,
    source: Annotated[Path | None, Text("--from", metavar="FILE", help="With --rotor: use the weights of this file; run nothing.")] = None,
    force: Force = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Calibrate by weight, verify the calibration, or list earlier calibrations. With --rotor: the same for the angles of the pump head."""
    from thecal.pump.opening import open_pump
    from thecal.pump.steering import interruptible
    from thecal.weighing.calibrate import jobs
    from thecal.weighing.calibrate.plan import Typed

    if sum((verify, history, forget)) > 1:
        raise BadInput("--verify, --history and --forget can't be combined", "give one of them")
    if rotor:
        job = "verify" if verify else "history" if history else "forget" if forget else "learn"
        if mass or tare or runs or prime or tube or lot or no_run or accept_scatter:
            raise BadInput(
                "--rotor weighs with a balance alone, with the tube of the stored calibration",
                "leave --mass, --tare, --runs, --prime, --tube, --lot, --no-run and --accept-scatter away",
            )
        liquid = (density, temperature, buoyancy)
        angles(port, job, Angles(balance, source, record, png, *liquid, force, yes, dry_run, as_json))
        return
    if png or record or source:
        raise BadInput("--png, --record and --from need --rotor", "add --rotor, or leave them away")
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


def angles(port: str | None, job: str, typed: Angles) -> None:
    """Learn the angles of the pump head, verify, show or forget them."""
    from thecal.files import extras
    from thecal.pump.opening import open_pump
    from thecal.pump.steering import interruptible
    from thecal.terminal.output_files import check_free

    extras.require_computing()  # before the import that needs it, and before half an hour of weighing
    from thecal.weighing.calibrate.water import typed_ug_per_ml, water_ug_per_ml
    from thecal.weighing.rotor import jobs

    if typed.png is not None:
        extras.require_drawing()
        check_free([typed.png], typed.force)
    how = jobs.How(
        typed.balance, typed.source, typed.record, typed.png,
        typed_ug_per_ml(typed.density) if typed.density else water_ug_per_ml(typed.temperature),
        typed.buoyancy, typed.yes, typed.dry_run, typed.as_json,
    )  # fmt: skip
    work = {"learn": jobs.learn_rotor, "verify": jobs.verify_rotor, "history": jobs.show, "forget": jobs.forget}[job]
    with interruptible(), open_pump(port) as client:
        work(client, how)
