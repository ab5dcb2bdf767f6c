"""Format times and amounts of a history: local time of the pump, volumes by its calibration, otherwise steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from pumpcore.units import MS_PER_S, NL_PER_ML, S_PER_HOUR
from thecal.history.axis import Boot
from thecal.history.curve import Curve
from thecal.history.timeline import Timeline
from thecal.quantities.amounts import ml_per_h, span


class Words:
    """Texts about one time line. `unit` and `rate_unit` are mL and mL/h, or steps if the calibration is unknown."""

    def __init__(self, line: Timeline) -> None:
        self.line = line
        self.unit = "mL" if line.calibration else "steps"
        self.rate_unit = f"{self.unit}/h"

    def time(self, at_ms: int | None) -> str:
        """ "2026-01-05 13:17:23", or the boot and its uptime where the pump did not know the time."""
        if at_ms is None:
            return "-"
        boot = self._boot_at(at_ms)
        if not boot.known:
            return f"boot {boot.number}, up {span(max(0, at_ms - boot.begin_ms) // MS_PER_S)}"
        return self.local(at_ms).strftime("%Y-%m-%d %H:%M:%S")

    def clock(self, at_ms: int | None) -> str:
        """Return only the time of day of `time`, if known."""
        text = self.time(at_ms)
        return text if at_ms is None or not self._boot_at(at_ms).known else text[-8:]

    def offset(self, at_ms: int) -> str:
        """ "UTC+01:00", or that it is not known."""
        known = self.line.offsets.known() and self._boot_at(at_ms).known
        return offset_text(self.line.offset_s(at_ms)) if known else "(time of day unknown)"

    def _boot_at(self, at_ms: int) -> Boot:
        boots = list(self.line.axis.boots.values())
        return ([one for one in boots if one.begin_ms <= at_ms] or boots)[-1]

    def local(self, at_ms: int) -> datetime:
        """Return naive local time of the pump, with the offset in force."""
        return datetime.fromtimestamp(at_ms / MS_PER_S, UTC).replace(tzinfo=None) + timedelta(seconds=self.line.offset_s(at_ms))

    def utc(self, utc_s: int) -> str:
        """Format UTC seconds; 0 is "unknown"."""
        return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if utc_s else "unknown"

    def between(self, curve: Curve, from_ms: int, to_ms: int) -> Fraction:
        """Return the volume of a curve between two moments, in `unit`."""
        volume = self.line.volume_between(curve, from_ms, to_ms) if self.line.calibration else None
        return curve.between(from_ms, to_ms) if volume is None else volume / NL_PER_ML

    def amount(self, steps: int | Fraction, at_ms: int) -> Fraction:
        """Convert steps at a moment to `unit`."""
        volume = self.line.volume_nl(steps, at_ms) if self.line.calibration else None
        return Fraction(steps) if volume is None else volume / NL_PER_ML

    def volume(self, steps: int | Fraction, at_ms: int) -> str:
        """ "1.2345"; "-" where steps are all that is known."""
        return f"{float(self.amount(steps, at_ms)):.4f}" if self.line.calibration else "-"

    def rate(self, rate_nl: int, digest: str) -> str:
        """Format a basal rate; of an earlier program it is not known: the journal does not hold its seconds."""
        known = self.line.prescribed
        if known is None or known.digest != digest:
            return "0 mL/h" if not rate_nl else "of an earlier program"
        return ml_per_h(rate_nl, known.program.rate_seconds_s)

    def lasted(self, from_ms: int, to_ms: int) -> str:
        """Format the time between two moments in ms; 0 if the second is earlier."""
        return span(max(0, to_ms - from_ms) // MS_PER_S)


def offset_text(offset_s: int) -> str:
    """ "UTC+01:00"."""
    sign, rest_s = "-" if offset_s < 0 else "+", abs(offset_s)
    return f"UTC{sign}{rest_s // S_PER_HOUR:02d}:{rest_s % S_PER_HOUR // 60:02d}"
