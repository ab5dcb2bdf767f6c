"""`thecal flash`: put this version's firmware on a board, and have the pump report it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from thecal.cli import complete
from thecal.cli.options import AsJson, DryRun, Port, Yes
from thecal.errors import BadInput, NoPump
from thecal.terminal.console import data, emit_json, talk


def flash(
    port: Port = None,
    usb_serial: Annotated[str | None, typer.Option("--id", metavar="SERIAL", help="The board's USB serial number.")] = None,
    bench: Annotated[
        str | None,
        typer.Option(
            metavar="BENCH", help="Bench file of the rig (default: a pump keeps its bench).", autocompletion=complete.benches
        ),
    ] = None,
    boot_drive: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Boot drive of a board without MicroPython.")] = None,
    backup: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder for the backup of journal and store.")] = None,
    forget_key: Annotated[
        bool, typer.Option("--forget-key", help="Only remove the pump's keys: hold its stop button while you plug it in.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Back up a board, copy the changed firmware files, read them back. Never formats; asks before it stops a running pump."""
    from thecal.deploy import bench_slot, first_time, uf2
    from thecal.deploy.flash import Order
    from thecal.files.bench import bench_file, read_bench

    if forget_key:
        if bench or boot_drive or backup:
            raise BadInput("--forget-key changes nothing but the keys", "leave the other options out, then flash: thecal flash")
        show_forgotten(forgotten(port, usb_serial, yes, dry_run), as_json)
        return
    wanted = read_bench(bench_file(bench, "*")) if bench else None
    if wanted is not None:
        bench_slot.require_for_board(wanted)
    order = Order(wanted, backup, yes, dry_run)
    drive = first_time.drive_of(port, usb_serial, boot_drive)
    if drive is None:
        report = write(port, usb_serial, order)
    else:
        image = uf2.find()
        talk(first_time.describe(drive, image))
        if dry_run:
            report = {"dry_run": True, "uf2": image.name, "sha256": image.sha256, "boot_drive": str(drive)}
        else:
            board = first_time.give_micropython(drive, image, yes, port)
            report = write(board.port_url, None, order)
    show(report, as_json)


def forgotten(port_url: str | None, usb_serial: str | None, yes: bool, dry_run: bool) -> dict[str, Any]:
    from thecal.deploy import finding
    from thecal.deploy.forgetting import forget
    from thecal.deploy.runner import require_mpremote, run_mpremote

    require_mpremote()
    return forget(finding.choose(port_url, usb_serial), run_mpremote, yes, dry_run)


def show_forgotten(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(report)
    else:
        data("nothing was written" if report["dry_run"] else f"the pump {report['unique_id']} has no keys any more")


def write(port_url: str | None, usb_serial: str | None, order: Any) -> dict[str, Any]:
    """Build, then flash the board; a firmware that does not compile never stops a pump."""
    from thecal.deploy import finding
    from thecal.deploy.build import build
    from thecal.deploy.flash import Flash
    from thecal.deploy.runner import require_mpremote, run_mpremote
    from thecal.files.resources import firmware_folder

    require_mpremote()
    try:
        board = finding.choose(port_url, usb_serial)
    except NoPump:
        if not order.dry_run or port_url or usb_serial:
            raise
        return without_board(order)
    return Flash(order, build(firmware_folder()), board, run_mpremote).run()


def without_board(order: Any) -> dict[str, Any]:
    """Build, and print the plan for a new board. Returns the report."""
    from thecal.deploy import plan
    from thecal.deploy.build import build
    from thecal.deploy.survey import Survey
    from thecal.files.resources import firmware_folder

    built = build(firmware_folder())
    todo = plan.make(built, Survey({}, {}, frozenset()))
    bench = str(order.bench["name"]) if order.bench else None
    talk(f"no board found: this is the plan for a new one{f' with the bench {bench}' if bench else ''}")
    talk(plan.describe(todo, built.files))
    if bench is None:
        talk("a new board needs a bench too: thecal flash --bench NAME")
    size_bytes = sum(map(len, built.files.values()))
    talk(f"{len(todo.copied)} files, {size_bytes} bytes, release {built.release[:12]}; a pump keeps its journal, program and calibration")
    return {"dry_run": True, "port": None, "release": built.release, "bench": bench, "copy": todo.copied, "bytes": size_bytes}


def show(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit_json(report)
    elif report["dry_run"]:
        data("nothing was written")
    else:
        said = f"{report['copied']} files copied" if report.get("copied") else "nothing to copy"
        data(f"pump {report['unique_id']} runs release {report['release'][:12]} on bench {report['bench']} ({said})")
    if report.get("alarms"):
        talk(f"the pump has alarms: {', '.join(report['alarms'])}; see `thecal alarms`")
