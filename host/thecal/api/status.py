"""What a pump says of its state."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thecal.pump.facts import PumpFacts

NL_PER_ML, S_PER_HOUR = 1_000_000, 3600


@dataclass(frozen=True)
class Status:
    """A pump's state at one moment.

    - `state`: "stopped", "running", "limited" (paused at a ceiling), "priming", "calibrating", "resuming" or "alarm".
    - `program`, `digest`: name and SHA-256 (hex) of the active program, "" without one.
    - `rate_ml_per_h`: what flows now, boluses included, in mL/h.
    - `delivered_ml`: everything that this pump ever delivered, in mL; None for a pump without a calibration. `delivered_steps`: the same in
      motor steps.
    - `next_change_s`: seconds until the next rate of the schedule, None if there is none.
    - `utc_s`: the pump's clock in UTC seconds, 0 if it is not set. `uptime_ms`: milliseconds since its power-up.
    - `alarms`: numbers of the active faults.
    - `calibration`: `volume_nl` for `steps`, and its state; None without a bench.
    - `data`: everything, as `thecal status --json` prints it. `text`: the rows of `thecal status`.
    - `warning`: what is wrong with the pump's clock and the remedy, "" if nothing.
    """

    state: str
    program: str
    digest: str
    rate_ml_per_h: float
    delivered_ml: float | None
    delivered_steps: int
    next_change_s: int | None
    utc_s: int
    uptime_ms: int
    alarms: tuple[int, ...]
    calibration: dict[str, Any] | None
    data: dict[str, Any]
    text: str
    warning: str = ""


def status_of(known: PumpFacts, steps: bool = False) -> Status:
    """Return the state of a pump from its answers; `steps`: the text has the pump's own numbers too."""
    from thecal.pump import delivering
    from thecal.quantities import measured
    from thecal.terminal.console import columns
    from thecal.text.status import Beside, rows, volumes

    told, pair = known.status, known.status["calibration"]
    flow = sum((part.nl_per_s for part in delivering.parts_of(told)), Fraction(0))
    beside = Beside(known.known_program(), known.hello.get("ceilings"), known.reading)
    return Status(
        state=told["state"],
        program=str(told.get("program_name") or ""),
        digest=str(told.get("program_digest") or ""),
        rate_ml_per_h=float(flow * S_PER_HOUR / NL_PER_ML),
        delivered_ml=float(measured.total(told["delivered_steps"], pair).volume_nl / NL_PER_ML) if pair else None,
        delivered_steps=told["delivered_steps"],
        next_change_s=told.get("next_change_s") or None,
        utc_s=told["utc_s"],
        uptime_ms=told["uptime_ms"],
        alarms=tuple(one["fault"] if isinstance(one, dict) else one for one in told.get("alarms") or ()),
        calibration=pair,
        data={**told, "clock": known.reading.as_dict(), "delivered": volumes(told)},
        text=columns(rows(told, beside, steps)),
        warning=known.reading.warning(),
    )
