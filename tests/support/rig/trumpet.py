"""The error of a delivered volume, as a trumpet curve counts it: over every window of some minutes, and over single boluses."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MINUTES = (2, 5, 11, 31)
_S_PER_MINUTE, _S_PER_H = 60, 3600


class WindowError(NamedTuple):
    """Errors of all windows of one length, in percent of the volume that is due: the largest size, and that of 99 % of the windows."""

    worst_percent: float
    most_percent: float


def window_errors(
    volumes_nl: Sequence[float], every_s: float, rate_nl_per_h: float, minutes: Sequence[float] = MINUTES, skip_s: float = 0.0
) -> dict[float, WindowError]:
    """Return, by window in minutes, the errors of a volume that was read every `every_s`, from `skip_s` on. Windows that the series
    does not hold are left out. Raises ValueError if a window is not a whole number of readings."""
    readings_nl = np.asarray(volumes_nl, dtype=float)[round(skip_s / every_s) :]
    found: dict[float, WindowError] = {}
    for window in minutes:
        gaps = round(window * _S_PER_MINUTE / every_s)
        if abs(gaps * every_s - window * _S_PER_MINUTE) > 1e-6:
            raise ValueError(f"{window} minutes are not a whole number of {every_s} s")
        if gaps >= len(readings_nl):
            continue
        due_nl = rate_nl_per_h * window * _S_PER_MINUTE / _S_PER_H
        errors_percent = np.abs(100 * ((readings_nl[gaps:] - readings_nl[:-gaps]) / due_nl - 1))
        found[window] = WindowError(float(errors_percent.max()), float(np.quantile(errors_percent, 0.99)))
    return found


def bolus_errors(before_nl: Sequence[float], after_nl: Sequence[float], ordered_nl: float) -> list[float]:
    """Return the error of each bolus in percent of its volume, signed: from the volumes delivered before it and after its end. Let the
    line run out first."""
    return [100 * ((after - before) / ordered_nl - 1) for before, after in zip(before_nl, after_nl, strict=True)]


def sum_errors_nl(before_nl: Sequence[float], after_nl: Sequence[float], ordered_nl: float) -> list[float]:
    """Return, after each bolus, the error of the sum of all so far in nl."""
    totals_nl = np.cumsum(np.subtract(after_nl, before_nl)) - ordered_nl * np.arange(1, len(before_nl) + 1)
    return [float(total) for total in totals_nl]
