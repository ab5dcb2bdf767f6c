"""The analysis as one printable picture: start-up graph, trumpet curve, spectrum of the flow. Matplotlib is imported only here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thecal.reports.drawing import DONE, DPI, GRID, INK, NARROW_INCH, PLAN, SECOND, TRUE, entitle, in_page, png_of, styled
from thecal.weighing.characterise.analysis import STARTUP_MIN, Analysis, Period

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCH = (9.0, 8.6)
BELOW_INCH = 0.5  # the legend's top, under the words of the axis
ZOOM_ROOM, LEAST_RANGE = 0.1, 0.01
LINES = ("-", "--")


def png(analysis: Analysis) -> bytes:
    """Return the picture as a PNG."""
    with styled():
        return png_of(draw(analysis, titled=True), dpi=DPI)


def for_page(analysis: Analysis) -> str:
    """Return the picture as SVG, for a page."""
    return in_page(lambda narrow: draw(analysis, narrow), "weighed", "Start-up graph, trumpet curve and spectrum of the flow")


def draw(analysis: Analysis, narrow: bool = False, titled: bool = False) -> Figure:
    """Draw the three graphs below each other."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.transforms import ScaledTranslation

    figure = Figure(figsize=(NARROW_INCH, SIZE_INCH[1]) if narrow else SIZE_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplot_mosaic([["startup", "startup"], ["trumpet", "trumpet"], ["spectrum", "spectrum"]], height_ratios=(5, 6, 4))
    facts = analysis.facts
    title = f"{facts.rate.text()} by gravimetry, {facts.begun_utc}, {facts.pump}"
    if titled:  # a page has it as its heading
        entitle(figure, title, fontsize=11, color=INK)
    draw_startup(panels["startup"], analysis)
    draw_trumpet(panels["trumpet"], analysis)
    draw_spectrum(panels["spectrum"], analysis)
    for axes in panels.values():
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[0]:  # below the graph: above it would need room in which the curve is small
            below = axes.transAxes + ScaledTranslation(0, -BELOW_INCH, figure.dpi_scale_trans)
            words = {"fontsize": 7 if narrow else 8, "ncols": 1 if narrow else 3, "borderaxespad": 0}
            axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below, **words)
        axes.grid(color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
    if titled and not analysis.calibrated:
        figure.text(0.99, 0.99, "UNCALIBRATED", color=TRUE, fontsize=13, weight="bold", ha="right", va="top")
    return figure


def zoomed(axes: Axes, values: Any, *around: float) -> None:
    """Let the axis end a tenth beyond these values, so that a curve fills its graph."""
    low, high = min(float(values.min()), *around), max(float(values.max()), *around)
    room = ZOOM_ROOM * max(high - low, abs(high) * LEAST_RANGE, 1e-9)
    axes.set_ylim(low - room, high + room)


def draw_startup(axes: Axes, analysis: Analysis) -> None:
    """Draw the flow of every sample interval over the first two hours, and the set rate."""
    minutes, flow = analysis.flow.at_min, analysis.flow.ml_per_h
    shown = minutes <= STARTUP_MIN
    rate = float(analysis.facts.rate_nl_per_ms) * 3.6
    axes.axhline(rate, color=PLAN, linewidth=2.5, label="set")
    axes.step(minutes[shown], flow[shown], where="pre", color=DONE, linewidth=0.9, label=f"weighed, every {analysis.sample_s:g} s")
    zoomed(axes, flow[shown], rate)
    if axes.get_ylim()[0] > 0:
        axes.annotate("the axis does not begin at 0", (1, 0.02), xycoords="axes fraction", fontsize=7, color=INK, ha="right", va="bottom")
    axes.set_xlim(0, max(1.0, min(STARTUP_MIN, float(minutes[-1]))))
    axes.set_xlabel("minutes since the start")
    axes.set_ylabel("flow, mL/h")
    axes.set_title("Start-up graph", fontsize=10, loc="left")


def draw_trumpet(axes: Axes, analysis: Analysis) -> None:
    """Draw the largest and smallest error by window; the mean errors as lines; one step and one digit around the first mean."""
    for period, colour, line in zip(analysis.periods, (DONE, SECOND), LINES, strict=False):
        draw_period(axes, period, colour, line)
    minutes = [one.window_min for one in analysis.limits]
    if not minutes:
        axes.text(0.5, 0.5, "the run is shorter than the shortest window, 2 min", transform=axes.transAxes, ha="center", fontsize=9)
    centre = float(analysis.periods[0].mean_percent)
    for field, style, name in (("step_percent", "-", "one step"), ("digit_percent", ":", "one digit of the balance")):
        around = [float(getattr(one, field)) for one in analysis.limits]
        for sign in (1, -1):
            label = f"{name}, about the mean" if sign > 0 else None
            axes.plot(minutes, [centre + sign * one for one in around], style, color=PLAN, linewidth=1.2, label=label)
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.set_xlim(0, 33)
    axes.set_xticks([2, 5, 11, 19, 31])
    axes.set_xlabel("observation window, minutes")
    axes.set_ylabel("error of the flow, %")
    axes.set_title("Trumpet curve (IEC 60601-2-24)", fontsize=10, loc="left")
    windows = [window for one in analysis.periods for window in one.windows]
    errors = [float(value) for window in windows for value in (window.highest_percent, window.lowest_percent)]
    if errors:  # one step and one digit may lie far outside; the table below the picture has them
        import numpy as np

        zoomed(axes, np.array(errors), 0.0, *(float(one.mean_percent) for one in analysis.periods))


def draw_period(axes: Axes, period: Period, colour: str, line: str) -> None:
    minutes = [window.minutes for window in period.windows]
    for name, values in (
        ("Ep max and min", [window.highest_percent for window in period.windows]),
        (None, [window.lowest_percent for window in period.windows]),
    ):
        label = f"{name}, {period.name}" if name else None
        axes.plot(minutes, [float(value) for value in values], line, marker="o", markersize=3.5, color=colour, linewidth=1.4, label=label)
    mean = float(period.mean_percent)
    axes.axhline(mean, color=colour, linestyle=line, linewidth=0.8, label=f"mean error {mean:+.2f} %")


def draw_spectrum(axes: Axes, analysis: Analysis) -> None:
    """Draw the swing of the flow by frequency, with the rollers' frequency."""
    found = analysis.pulsation
    axes.set_title("Pulsation", fontsize=10, loc="left")
    axes.set_xlabel("frequency, Hz")
    axes.set_ylabel("swing, % of the flow")
    if found is None or not len(found.spectrum_hz):
        axes.text(0.5, 0.5, "too few samples for a spectrum", transform=axes.transAxes, ha="center", fontsize=9)
        return
    hz, swing = thinned(found.spectrum_hz, found.spectrum_percent)
    axes.loglog(hz, swing, color=DONE, linewidth=0.8)
    axes.axvline(found.roller_hz, color=SECOND, linestyle="--", linewidth=1.1, label=f"rollers, {found.roller_hz:.4g} Hz")
    if found.found_hz is not None:
        label = f"strongest line, {found.found_hz:.4g} Hz: {found.found_percent:.3g} %"
        axes.plot([found.found_hz], [found.found_percent], "o", color=TRUE, markersize=5, fillstyle="none", label=label)
    axes.set_ylim(float(swing[swing > 0].min()) / 2 if (swing > 0).any() else None, 3 * max(float(swing.max()), 0.1))


def thinned(hz: Any, swing: Any, most: int = 4000) -> tuple[Any, Any]:
    """Keep the highest of neighbouring bins, so that no line is lost and a picture stays small."""
    import numpy as np

    if len(hz) <= most:
        return hz, swing
    edges = np.unique(np.geomspace(1, len(hz), most).astype(int)) - 1
    return hz[edges], np.maximum.reduceat(swing, edges)
