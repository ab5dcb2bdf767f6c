"""`thecal flash`: put this version's firmware on a board, and have the pump report it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from thecal.cli.options import AsJson, DryRun, Port, Yes
from thecal.terminal.console import data, emit_json, talk


def flash(
    port: Port = None,
    usb_serial: Annotated[str | None, typer.Option("--id", metavar="SERIAL", help="The board's USB serial number.")] = None,
    bench: Annotated[str | None, typer.Option(metavar="BENCH", help="Bench file of the rig (default: a pump keeps its bench).")] = None,
    boot_drive: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Boot drive of a board without MicroPython.")] = None,
    backup: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder for the backup of journal and store.")] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Back up a board, copy the changed firmware files, read them back. Never formats; asks before it stops a running pump."""
    from thecal.deploy import bench_slot, first_time, uf2
    from thecal.deploy.flash import Order
    from thecal.files.bench import bench_file, read_bench

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


def write(port_url: str | None, usb_serial: str | None, order: Any) -> dict[str, Any]:
    """Build, then flash the board; a firmware that does not compile never stops a pump."""
    from thecal.deploy import finding
    from thecal.deploy.build import build
    from thecal.deploy.flash import Flash
    from thecal.deploy.runner import require_mpremote, run_mpremote
    from thecal.files.resources import firmware_folder

    require_mpremote()
    board = finding.choose(port_url, usb_serial)
    return Flash(order, build(firmware_folder()), board, run_mpremote).run()


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
