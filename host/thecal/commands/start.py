"""`thecal start`: set the pump's clock while it is stopped, then start its program."""

import time

from thecal.commands.options import AsJson, DryRun, Port
from thecal.console import data, emit_json, talk


def start(port: Port = None, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Set the pump's clock and start the active program."""
    from thecal.calibration_text import line
    from thecal.connecting import open_pump

    with open_pump(port) as client:
        before = client.status()
        if dry_run:
            talk(f"would set the clock and start {before.get('program_name') or 'nothing: no program is active'}")
            talk(f"calibration: {line(before['calibration'])}")
            return
        if before["state"] == "stopped":
            client.clock_set(int(time.time()), time.localtime().tm_gmtoff)
        reply = client.start()
        after = client.status()
    if as_json:
        emit_json({"start": reply, "status": after})
    else:
        data(f"{after['state']}: {after.get('program_name')}")
    talk(f"calibration: {line(after['calibration'])}")
