"""`thecal read`: print all data of the pump: bench, program, calibration, reservoir, line, clock, lockouts, digests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thecal.cli.options import AsJson, Port, Steps
from thecal.errors import Refused
from thecal.terminal.console import columns, data, emit_json, talk

if TYPE_CHECKING:
    from thecal.api.pump import Pump


def read(port: Port = None, steps: Steps = False, as_json: AsJson = False) -> None:
    """Print the program, settings and state that the pump holds. Changes nothing."""
    from thecal.api.holding import sections
    from thecal.cli.consent import opened

    with opened(port) as opened_pump:
        pump = opened_pump.facts()
        hello, status, reading, program = pump.hello, pump.status, pump.reading, pump.program
        weighed = weighed_by(opened_pump)
        alarms = opened_pump.alarms()
    if as_json:
        told = {"hello": hello, "status": status, "clock": reading.as_dict(), "calibration": weighed, "alarms": alarms}
        emit_json({**told, "program": program.describe() if program else None})
        return
    for title, rows in sections(pump, steps):
        data(f"{title}\n{columns([(f'  {label}', text) for label, text in rows])}\n")
    if reading.warning():
        talk(reading.warning())


def weighed_by(pump: Pump) -> dict[str, Any] | None:
    """Return the weighed calibration; None for a firmware without one."""
    try:
        return pump.calibration()
    except Refused:
        return None
