"""From a record to arrays for the fit: where the motor was at each reading. A run at a constant rate is a straight line."""

from __future__ import annotations

from typing import Any

import numpy as np

from thecal.errors import Failed
from thecal.weighing.rotor.fit import Weighing
from thecal.weighing.rotor.record import Conditions, WeighedTurns

LEAST_POSITIONS = 4
END_MS = 6_000  # the last second of a run is seldom full, and the pump reports its end a moment later
LONG_MS = 60_000  # over less, the two clocks can't be compared
LEAST_GROWN, MOST_GROWN = 0.5, 1.5  # of the mass that the calibration expects
_DO = "see `thecal status` and the balance, then repeat it"


def weighing_of(run: WeighedTurns, conditions: Conditions) -> Weighing:
    """Return times on the pump's own clock (s), motor steps and masses (mg). Raises Failed if the pump was seen too seldom, or if the
    balance did not follow the pump."""
    moving = [one for one in run.positions if one.uptime_ms < run.positions[-1].uptime_ms - END_MS]
    if len(moving) < LEAST_POSITIONS or len(run.readings) < LEAST_POSITIONS:
        raise Failed("the pump or the balance answered too seldom during the run", _DO)
    at_ms, uptime_ms, motor_steps = (np.array(column, dtype=float) for column in zip(*moving, strict=True))
    read_ms, mass_ug = (np.array(column, dtype=float) for column in zip(*run.readings, strict=True))
    kept = (read_ms >= at_ms[0]) & (read_ms <= at_ms[-1])
    on_pump_ms = _on_pump_ms(read_ms[kept], at_ms, uptime_ms)
    per_ms = run.nl_per_h * conditions.steps / conditions.volume_nl / 3_600_000
    line = float(np.mean(motor_steps - per_ms * uptime_ms)) + 0.5  # a count is rounded down
    found = Weighing(on_pump_ms / 1000, line + per_ms * on_pump_ms, mass_ug[kept] / 1000)
    _check_straight(motor_steps - per_ms * uptime_ms)
    _check_grown(found, conditions)
    return found


def _on_pump_ms(read_ms: Any, at_ms: Any, uptime_ms: Any) -> Any:
    """Return readings' times by the pump's clock, which may be faster or slower than the bench's."""
    middle = float(np.mean(at_ms))
    lead = uptime_ms - at_ms
    slope = float(np.polyfit(at_ms - middle, lead, 1)[0]) if at_ms[-1] - at_ms[0] > LONG_MS else 0.0
    return read_ms + float(np.mean(lead)) + slope * (read_ms - middle)


def _check_straight(off_steps: Any) -> None:
    """A motor that was stopped meanwhile, or ran at another rate, is off its line by much more than a step."""
    if float(np.max(off_steps) - np.min(off_steps)) > 8:
        raise Failed("the motor did not run at a constant rate", _DO)


def _check_grown(found: Weighing, conditions: Conditions) -> None:
    turned = found.motor_steps[-1] - found.motor_steps[0]
    expected_mg = float(turned) * conditions.turn.step_nl * conditions.mg_per_nl
    grown = float(found.mass_mg[-1] - found.mass_mg[0]) / expected_mg
    if not LEAST_GROWN <= grown <= MOST_GROWN:
        cause = f"the balance showed {grown * expected_mg:.1f} mg where {expected_mg:.1f} mg were delivered"
        raise Failed(cause, "prime the line, put its end over the vessel on the balance, and repeat it")
