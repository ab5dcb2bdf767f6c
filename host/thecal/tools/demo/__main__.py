"""`python -m thecal.tools.demo`: run the example day, print the books, write `demo/`. Leaves with 1 when an identity is broken."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from pumpcore.motion.dose import Calibration
from thecal.errors import ThecalError
from thecal.files.resources import DATA, firmware_folder, hardware_folder
from thecal.prescription.compiler import Compiled, compile_prescription
from thecal.prescription.file import load
from thecal.pump.client import Client
from thecal.terminal import console
from thecal.text.program import rows
from thecal.tools.demo import books, outputs
from thecal.tools.demo.day import Day

EXAMPLE = DATA / "example-day.toml"
FOLDER = Path("demo")
BENCH = "sim-clock.toml"
SEED = 1
BOOT_MS = 3_000


def main() -> int:
    """Returns the exit code."""
    from thecal.terminal.complaint import report

    try:
        return run(FOLDER)
    except ThecalError as error:
        report(error, False)
        return error.exit_code


def run(folder: Path) -> int:
    """Run the whole demo; return 0 if every identity holds."""
    from thecal.sim.runner import SimulatedPump

    begin_s = time.monotonic()
    compiled = compile_prescription(load(EXAMPLE), EXAMPLE.name)
    with SimulatedPump(hardware_folder() / BENCH, seed=SEED, virtual=True) as sim:
        sim.advance_by(BOOT_MS)
        with Client(sim.port_url or sim.socket_url) as client:
            hello = client.hello()
            introduce(hello, client.port_url, compiled)
            day = Day(sim, client, compiled)
            boot_guest_s = sim.guest_time_s()
            day.run()
            guest_s = sim.guest_time_s() - boot_guest_s
            pair = client.status()["calibration"]
    calibration = Calibration(pair["volume_nl"], pair["steps"], pair["state"])
    lines = books.lines(day)
    checks = identity_checks(hello) + books.checks(day, lines, calibration)
    tables: dict[str, Any] = {
        "calibration": calibration,
        "entries": outputs.entry_table(lines, calibration, day.program.rate_seconds_s),
        "cut": outputs.cut_table(lines),
        "checks": checks,
    }
    show(day, tables)
    paths = outputs.write_all(folder, day, tables)
    console.data(f"\n24 h of virtual time took {guest_s:.2f} s of guest time; the whole demo {time.monotonic() - begin_s:.1f} s")
    console.data(f"wrote {', '.join(path.as_posix() for path in paths)}")
    return 0 if all(holds for holds, _ in checks) else 1


def introduce(hello: dict[str, Any], port_url: str, compiled: Compiled) -> None:
    """Who answers, and what it is about to be programmed with."""
    console.data("thecal demo: a bench instrument, never to be connected to a person or an animal\n")
    implementation = hello["implementation"]
    console.data(
        f"a simulated pump answers on {port_url}: firmware {hello['firmware']} in {implementation['name']}, bench {hello['bench']}\n"
    )
    console.data(console.columns(rows(None, compiled.program, compiled.typed)))


def identity_checks(hello: dict[str, Any]) -> list[books.Check]:
    """Check that the firmware of this checkout runs in MicroPython."""
    from pumpcore.flash import manifest
    from thecal.deploy.files import firmware_files

    release = manifest.release(manifest.parse(manifest.build(firmware_files(firmware_folder())))[0])
    interpreter, running = hello["implementation"]["name"], hello["release"]
    return [
        books.Check(interpreter == "micropython", f"the firmware runs in {interpreter}"),
        books.Check(running == release, f"release of the running firmware {running[:16]} = of the sources {release[:16]}"),
    ]


def show(day: Day, tables: dict[str, Any]) -> None:
    """Show the books on the screen."""
    console.data("\ndelivered by the motor, in 20 minute bars:\n")
    console.data(outputs.terminal(day, tables["calibration"], sys.stdout.encoding or "ascii"))
    console.data("\nsteps per entry (* with the power cut: guard shows what is confirmed)\n")
    console.data(console.columns(tables["entries"]))
    console.data("\nthe entry with the power cut, missed and uncertain apart\n")
    console.data(console.columns(tables["cut"]))
    console.data("\nwhat must hold\n")
    console.data(outputs.check_text(tables["checks"]))


if __name__ == "__main__":
    sys.exit(main())
