"""Draw a comparison: forecast, delivered, and their difference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from thecal.forecast.compare import Comparison
from thecal.forecast.unit import Unit, of_program
from thecal.forecast.words import utc_offset
from thecal.reports.drawing import BAND, DONE, INK, OFF, PLAN, TRUE, entitle, styled
from thecal.reports.figure import plain, saved, shade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCH = (9.6, 5.6)
SHADE = OFF  # hatched


def png(found: Comparison, title: str) -> bytes:
    """Draw the comparison; return the PNG's bytes."""
    with styled():
        return saved(drawn(found, title))


def drawn(found: Comparison, title: str) -> Figure:
    """Draw forecast and delivered volume, and their difference."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(2, 1, sharex=True, height_ratios=(4, 3)))
    entitle(figure, title, fontsize=12, color=INK)
    draw_volumes(axes[0], found)
    draw_apart(axes[1], found)
    for one in axes:
        plain(one)
        for difference in found.differences:
            one.axvspan(x_of(found, difference.from_ms), x_of(found, difference.to_ms), **shade(SHADE), zorder=0)
    axes[0].legend(frameon=False, fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    locator = AutoDateLocator(minticks=4, maxticks=10)
    axes[1].xaxis.set_major_locator(locator)
    axes[1].xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes[1].set_xlabel(f"time ({utc_offset(found.line.offset_s(found.to_ms))})")
    return figure


def draw_volumes(axes: Axes, found: Comparison) -> None:
    """Draw forecast and delivered volume over time."""
    x = [x_of(found, one.at_ms) for one in found.minutes]
    axes.plot(x, [amount_of(found, one.forecast_steps) for one in found.minutes], color=PLAN, linewidth=3.2, label="forecast (basal)")
    low, high = ([amount_of(found, getattr(one, name)) for one in found.minutes] for name in ("low_steps", "high_steps"))
    axes.fill_between(x, low, high, **shade(BAND), label="uncertain")
    axes.plot(x, high, color=DONE, linewidth=1.1, label="delivered (guard's count)")
    axes.fill_between([], [], [], **shade(SHADE), label="they differ")
    axes.set_ylabel(f"{unit_of(found).top} since the start")
    axes.set_ylim(bottom=0)


def draw_apart(axes: Axes, found: Comparison) -> None:
    """Draw delivered minus forecast over time."""
    x = [x_of(found, one.at_ms) for one in found.minutes]
    axes.plot(x, [amount_of(found, one.high_steps - one.forecast_steps) for one in found.minutes], color=TRUE, linewidth=1.1)
    axes.axhline(0, color=PLAN, linewidth=1)
    axes.set_ylabel(f"delivered - forecast, {unit_of(found).top}")


def amount_of(found: Comparison, steps: Fraction) -> float:
    """Convert steps to the unit of the picture; 0 without a calibration."""
    return float(unit_of(found).amount(found.line.volume_nl(steps, found.to_ms) or Fraction(0)))


def unit_of(found: Comparison) -> Unit:
    """Return ug for a program with a concentration, otherwise mL."""
    known = found.line.prescribed
    return Unit() if known is None else of_program(known.program)


def x_of(found: Comparison, at_ms: int) -> Any:
    """Return a time with one offset throughout, so that a repeated hour does not fold the curve back. Matplotlib accepts a datetime as a
    number."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).replace(tzinfo=None) + timedelta(seconds=found.line.offset_s(found.to_ms))
