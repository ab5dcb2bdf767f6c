"""Draw a forecast: rates, total volume, and the reservoir with its marks. Imports matplotlib only to draw."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pumpcore.units import NL_PER_ML, S_PER_MINUTE
from thecal.forecast.course import Course
from thecal.forecast.model import Outlook
from thecal.forecast.unit import Unit, of_program
from thecal.forecast.words import days_text, utc_offset
from thecal.quantities.typed import decimal
from thecal.reports.drawing import BAND, DONE, INK, PLAN, TRUE, entitle, styled
from thecal.reports.figure import plain, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCH = (9.6, 7.4)
NEAR_PART = 0.1  # of the height: the labels of two curves that end nearer would overlap
RAMP_POINTS = 24  # with so many, the parabola of a ramp looks smooth


def png(outlook: Outlook) -> bytes:
    """Draw the forecast; return the PNG's bytes."""
    with styled():
        return saved(drawn(outlook))


def drawn(outlook: Outlook) -> Figure:
    """Draw rates, total volume, and the reservoir."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    reservoir = outlook.left_nl is not None
    figure = Figure(figsize=SIZE_INCH if reservoir else (SIZE_INCH[0], 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(3 if reservoir else 2, 1, sharex=True, height_ratios=(4, 4, 3) if reservoir else (4, 4)))
    when = outlook.when
    title = f"{outlook.program.name}: {days_text(when.days)} from {when.local(0):%Y-%m-%d %H:%M}"
    entitle(figure, title, fontsize=12, color=INK)
    draw_rates(axes[0], outlook)
    draw_volumes(axes[1], outlook)
    if reservoir:
        draw_reservoir(axes[2], outlook)
    for one in axes:
        plain(one)
        mark_changes(one, outlook)
    axes[0].legend(frameon=False, fontsize=8, ncols=5, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
    time_axis(axes[-1], outlook)
    return figure


def draw_rates(axes: Axes, outlook: Outlook) -> None:
    """Draw the basal as steps; below it, a tick at each earliest possible demand bolus."""
    basal = outlook.basal
    corners = [(at_s, rate) for flow in basal.flows()
            for at_s, rate in ((flow.from_s, flow.per_s), (flow.to_s, flow.per_s + flow.slope * (flow.to_s - flow.from_s)))]  # fmt: skip
    times, rates = [x_of(outlook, at_s) for at_s, _ in corners], [float(outlook.unit.rate(rate)) for _, rate in corners]
    settings = outlook.settings
    if outlook.allowed.demand_nl:
        starts = [x_of(outlook, at_s) for at_s in outlook.allowed.starts]
        bolus = decimal(outlook.unit.rate(Fraction(settings.demand_nl, settings.demand_s)), 2).removeprefix("~")
        word = f"a demand bolus at the earliest: {bolus} {outlook.unit.words} more for {settings.demand_s // S_PER_MINUTE} min"
        axes.plot(starts, [0.03] * len(starts), "|", color=TRUE, markersize=6, transform=axes.get_xaxis_transform(), label=word)
    axes.plot(times, rates, color=DONE, linewidth=1.2, label="basal", solid_joinstyle="miter")
    if outlook.front_s is not None:
        axes.axvline(x_of(outlook, outlook.front_s), color=BAND, linewidth=1.6, label="front passes the tip")
    if outlook.near_s is not None:
        ends_s = outlook.end_s if outlook.passed_s is None else outlook.passed_s
        ends = [x_of(outlook, at_s) for at_s in (outlook.near_s, ends_s)]
        axes.axvspan(ends[0], ends[1], color=BAND, alpha=0.25, linewidth=0, label="tip uncertain: the lower rate")
    axes.set_ylabel(outlook.unit.words)
    axes.set_ylim(bottom=0)


def draw_volumes(axes: Axes, outlook: Outlook) -> None:
    """Draw the total volume; on the right the mass, if the fluid has a concentration."""
    for course, colour, width in ((outlook.everything, PLAN, 2.6), (outlook.basal, DONE, 1.2)):
        axes.plot(*curve(outlook, course, 0, 1), color=colour, linewidth=width)
    axes.set_ylabel(f"{outlook.unit.top} in total")
    axes.set_ylim(bottom=0)
    other = of_program(outlook.program) if outlook.unit.ng_per_nl is None else Unit()
    if outlook.program.concentration[0] and outlook.front is None:  # otherwise the mass is not proportional to the volume
        factor = float(other.amount(Fraction(NL_PER_ML)) / outlook.unit.amount(Fraction(NL_PER_ML)))
        there: Any = lambda value: value * factor  # noqa: E731  (matplotlib hands over arrays)
        back: Any = lambda value: value / factor  # noqa: E731
        right = axes.secondary_yaxis("right", functions=(there, back))
        right.set_ylabel(f"{other.top} in total")
        right.spines["right"].set_visible(False)
    end = outlook.end_s
    if outlook.allowed.day_nl():
        basal_ml, all_ml = (float(outlook.unit.amount(course.at(end))) for course in (outlook.basal, outlook.everything))
        near = abs(all_ml - basal_ml) < NEAR_PART * max(all_ml, basal_ml)  # one above the curves, the other below them
        for place_ml, word, below in ((all_ml, "every bolus", False), (basal_ml, "basal only", near)):
            offset, side = ((-4, -3), "top") if below else ((-4, 3), "bottom")
            place = (x_of(outlook, end), place_ml)
            axes.annotate(word, place, xytext=offset, textcoords="offset points", fontsize=8, color=INK, ha="right", va=side)


def draw_reservoir(axes: Axes, outlook: Outlook) -> None:
    """Draw the volume left in the reservoir, in mL: basal only, and with every allowed bolus."""
    settings = outlook.settings
    for course, colour, width, word in ((outlook.everything, PLAN, 2.6, "every bolus"), (outlook.basal, DONE, 1.2, "basal only")):
        times, _ = curve(outlook, course, 0, 1)
        left = [float((outlook.left(course, at_s) or 0) / NL_PER_ML) for at_s in points(outlook, course)]
        axes.plot(times, left, color=colour, linewidth=width, label=word)
    for mark_nl, word in ((settings.low_nl, "low"), (settings.empty_nl, "empty")):
        if mark_nl:
            axes.axhline(mark_nl / NL_PER_ML, color=TRUE, linewidth=0.8, linestyle=(0, (4, 3)))
            place = (x_of(outlook, 0), mark_nl / NL_PER_ML)
            axes.annotate(word, place, xytext=(3, 2), textcoords="offset points", fontsize=8, color=TRUE)
    if outlook.low_s is not None:
        axes.axvline(x_of(outlook, outlook.low_s), color=TRUE, linewidth=1.0)
        place = (x_of(outlook, outlook.low_s), 0.9)
        late = outlook.low_s > outlook.end_s * 3 // 4
        axes.annotate(
            f"refill due {outlook.when.local(outlook.low_s):%b %d %H:%M}", place, xycoords=("data", "axes fraction"),
            xytext=(-4 if late else 4, 0), textcoords="offset points", fontsize=8, color=TRUE, ha="right" if late else "left",
        )  # fmt: skip
    axes.set_ylabel("mL left")
    axes.set_ylim(bottom=0)


def points(outlook: Outlook, course: Course) -> list[int]:
    """Return the seconds at which a curve is drawn: its bends, points between those of a ramp, and where it meets a mark."""
    marks = [mark_s for mark_s in outlook.marks.values() if mark_s is not None]
    bent = [range(flow.from_s, flow.to_s, max(1, (flow.to_s - flow.from_s) // RAMP_POINTS)) for flow in course.flows() if flow.slope]
    return sorted({at_s for at_s, _ in course.bends} | set(marks) | {at_s for seconds in bent for at_s in seconds})


def curve(outlook: Outlook, course: Course, base_nl: int, sign: int) -> tuple[list[Any], list[float]]:
    """Return times and amounts of `base_nl` plus (`sign` 1) or minus (-1) the volume of a course."""
    seconds = points(outlook, course)
    return [x_of(outlook, at_s) for at_s in seconds], [float(outlook.unit.amount(base_nl + sign * course.at(at_s))) for at_s in seconds]


def mark_changes(axes: Axes, outlook: Outlook) -> None:
    """Draw a thin line at the change of local time."""
    at_s = outlook.when.zone.transition_utc_s - outlook.when.utc_s
    if 0 < at_s < outlook.end_s:
        axes.axvline(x_of(outlook, at_s), color=INK, linewidth=0.7, linestyle=(0, (1, 3)))


def x_of(outlook: Outlook, second_s: int) -> Any:
    """Return a time with the start's offset throughout, so that a repeated hour does not fold a curve back. Matplotlib accepts a
    datetime."""
    return outlook.when.local(0) + timedelta(seconds=second_s)


def time_axis(axes: Axes, outlook: Outlook) -> None:
    """Label the time axis with local time."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    axes.set_xlim(x_of(outlook, 0), x_of(outlook, outlook.end_s))
    locator = AutoDateLocator(minticks=4, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    changes = 0 < outlook.when.zone.transition_utc_s - outlook.when.utc_s < outlook.end_s
    offset = utc_offset(outlook.when.zone.offset_at_s(outlook.when.utc_s))
    axes.set_xlabel(f"time ({offset} throughout; the dotted line is the change of local time)" if changes else f"local time ({offset})")
