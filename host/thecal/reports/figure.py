"""Draw a history (rate, volume and difference from the plan over time) and a prescription's schedule. Only this module imports
matplotlib. The pictures need no colour: planned is a wide pale line, delivered a thin dark one."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from pumpcore.program.plan import Program
from pumpcore.units import MINUTES_PER_DAY, MINUTES_PER_WEEK, MS_PER_S, NL_PER_ML, S_PER_HOUR, S_PER_MINUTE
from thecal.history.curve import Curve
from thecal.history.timeline import Timeline
from thecal.quantities.exact import ng_per_nl
from thecal.reports.drawing import (
    BAND,
    BOLUS,
    DONE,
    DPI,
    GRID,
    HATCH,
    HATCHES,
    INK,
    NARROW_INCH,
    OFF,
    PLAN,
    STOPPED,
    TRUE,
    entitle,
    in_page,
    png_of,
    styled,
)
from thecal.reports.words import Words, offset_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCH, SCHEDULE_INCH = (9.6, 7.4), (9.6, 2.6)
BINS = 480
SHORTEST_BIN_MS = 30_000
NARROWEST_BIN_MS = 5_000
# of a year, a month, a day, an hour, a minute, a second; and where one begins
FORMATS = ["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"]
ZERO_FORMATS = ["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"]
Point = tuple[float, float]


class Shade(NamedTuple):
    """A coloured part of the time axis."""

    from_ms: int
    to_ms: int
    colour: str


class HistoryPicture:
    """A picture of the time from `from_ms` to `to_ms`. `truth`: true steps of a simulated motor, as (at_ms, steps since `from_ms`)."""

    def __init__(self, line: Timeline, from_ms: int, to_ms: int, title: str) -> None:
        self.line = line
        self.words = Words(line)
        self.from_ms, self.to_ms = from_ms, max(to_ms, from_ms + 1)
        self.title = title
        self.truth: list[tuple[int, int]] = []
        self._png = b""
        self.bin_ms = max(SHORTEST_BIN_MS, (self.to_ms - self.from_ms) // BINS)

    def png(self) -> bytes:
        """Return the picture; drawn once."""
        if not self._png:
            with styled():
                self._png = saved(self._draw(titled=True))
        return self._png

    def for_page(self) -> str:
        """Return the picture as SVG, for a page."""
        return in_page(self._draw, "history", "Rate, total volume, and difference from the plan, over time")

    def _draw(self, narrow: bool = False, titled: bool = False) -> Figure:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(NARROW_INCH, SIZE_INCH[1]) if narrow else SIZE_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(3, 1, sharex=True, height_ratios=(5, 4, 2))
        if titled:  # a page has it as its heading
            entitle(figure, self.title, fontsize=12, color=INK)
        self._draw_rates(axes[0])
        self._draw_volumes(axes[1])
        self._draw_behind(axes[2])
        for one in axes:
            self._shade(one)
            plain(one)
        self._mark(axes[0], 2 if narrow else 6)
        self._time_axis(axes[2], narrow)
        return figure

    # -- curves

    def bins(self) -> list[int]:
        """Return the edges of the bins for mean rates: evenly spaced, and where the plan bends."""
        even = range(self.from_ms - self.from_ms % self.bin_ms + self.bin_ms, self.to_ms, self.bin_ms)
        bends = [at_ms for at_ms, _ in self.line.planned.points if self.from_ms < at_ms < self.to_ms]
        edges = [self.from_ms]
        for at_ms in sorted({*even, *bends}):
            if at_ms - edges[-1] >= NARROWEST_BIN_MS and self.to_ms - at_ms >= NARROWEST_BIN_MS:
                edges.append(at_ms)
        return [*edges, self.to_ms]

    def rates(self, curve: Curve) -> list[tuple[int, float]]:
        """Draw mean rates as steps, in `unit`/h."""
        points: list[tuple[int, float]] = []
        for begin_ms, end_ms in pairwise(self.bins()):
            per_h = float(self.words.between(curve, begin_ms, end_ms) * S_PER_HOUR * MS_PER_S / (end_ms - begin_ms))
            points += [(begin_ms, per_h), (end_ms, per_h)]
        return points

    def times(self) -> list[int]:
        """Return the times at which the curves are drawn: the bins, and power failures; they are straight between the records."""
        losses = [at_ms for one in self.line.books.losses for at_ms in (one.cut_ms, one.boot_ms)]
        return sorted({*self.bins(), *(at_ms for at_ms in losses if self.from_ms <= at_ms <= self.to_ms)})

    def volumes(self, curve: Curve) -> list[tuple[int, float]]:
        """Draw the total since the start, in `unit`."""
        return [(at_ms, float(self.words.between(curve, self.from_ms, at_ms))) for at_ms in self.times()]

    def _draw_rates(self, axes: Axes) -> None:
        axes.plot(*self._split(self.rates(self.line.planned)), color=PLAN, linewidth=3.2, label="planned", solid_joinstyle="miter")
        axes.plot(*self._split(self.rates(self.line.high)), color=DONE, linewidth=1.1, label="delivered (guard's count)")
        axes.set_ylabel(self.words.rate_unit)
        axes.set_ylim(bottom=0)

    def _draw_volumes(self, axes: Axes) -> None:
        low, high = self.volumes(self.line.low), self.volumes(self.line.high)
        axes.plot(*self._split(self.volumes(self.line.planned)), color=PLAN, linewidth=3.2)
        axes.fill_between(*self._split(low), [value for _, value in high], **shade(BAND))
        axes.plot(*self._split(high), color=DONE, linewidth=1.1)
        if self.truth:
            drawn = [(at_ms, float(self.words.amount(steps, at_ms))) for at_ms, steps in self.truth]
            axes.plot(*self._split(drawn), color=TRUE, linewidth=1.0, linestyle=(0, (2, 3)), label="true motor steps")
            axes.legend(frameon=False, fontsize=8, loc="upper left")
        axes.set_ylabel(f"{self.words.unit} in total")
        axes.set_ylim(bottom=0)

    def _draw_behind(self, axes: Axes) -> None:
        """Draw delivered minus planned, with the band of uncertain steps."""
        planned = [value for _, value in self.volumes(self.line.planned)]
        low, high = (
            [value - plan for (_, value), plan in zip(self.volumes(curve), planned, strict=True)]
            for curve in (self.line.low, self.line.high)
        )
        x = [self._x(at_ms) for at_ms in self.times()]
        axes.fill_between(x, low, high, **shade(BAND))
        axes.plot(x, high, color=DONE, linewidth=1.1)
        axes.axhline(0, color=PLAN, linewidth=1)
        axes.set_ylabel(f"delivered\nminus plan, {self.words.unit}", fontsize=8)
        span = max([abs(value) for value in (*low, *high)] or [0.0])
        if span < float(self.words.amount(5, self.to_ms)):
            axes.set_ylim(-float(self.words.amount(10, self.to_ms)), float(self.words.amount(10, self.to_ms)))

    # -- marks

    def _shade(self, axes: Axes) -> None:
        for from_ms, to_ms, colour in self.shades():
            begin_ms, end_ms = max(from_ms, self.from_ms), min(to_ms, self.to_ms)
            if end_ms > begin_ms:
                axes.axvspan(self._x(begin_ms), self._x(end_ms), **shade(colour), zorder=0)

    def shades(self) -> list[Shade]:
        """Return the shades of power off, stops, pauses and boluses."""
        books, line = self.line.books, self.line
        found = []
        for before, behind in zip_longest(books.runs, books.runs[1:]):
            end_ms = line.to_ms if behind is None else behind.from_ms
            found.append(Shade(before.to_ms, end_ms, OFF if before.ended == "power" else STOPPED))
        found += [Shade(one.from_ms, line.to_ms if one.to_ms is None else one.to_ms, STOPPED) for one in books.pauses]
        boluses = [one for one in books.now.boluses.values() if one.started_ms is not None]
        return found + [Shade(one.started_ms or 0, one.ended_ms or line.to_ms, BOLUS) for one in boluses]

    def _mark(self, axes: Axes, columns: int) -> None:
        """Draw alarms as marks at the top edge, and the legend of colours."""
        from matplotlib.patches import Patch

        inside = [one.raised_ms for one in self.line.alarms if self.from_ms <= one.raised_ms <= self.to_ms]
        across = axes.get_xaxis_transform()
        if inside:
            x = [self._x(at_ms) for at_ms in inside]
            axes.plot(x, [0.985] * len(x), "v", color=TRUE, markersize=6, transform=across, label="alarm or warning", clip_on=False)
        used = {colour for from_ms, to_ms, colour in self.shades() if to_ms > self.from_ms and from_ms < self.to_ms and to_ms > from_ms}
        names = {OFF: "power off", STOPPED: "stopped or paused", BOLUS: "bolus"}
        patches = [Patch(**shade(colour), label=label) for colour, label in names.items() if colour in used]
        if any(self.from_ms <= one.cut_ms <= self.to_ms and one.uncertain_steps for one in self.line.books.losses):
            patches.append(Patch(**shade(BAND), label="uncertain"))
        handles, _ = axes.get_legend_handles_labels()
        axes.legend(
            handles=[*handles, *patches], frameon=False, fontsize=8, ncols=columns, loc="lower left", bbox_to_anchor=(0, 1),
            borderaxespad=0, handlelength=1.4, handletextpad=0.5, columnspacing=1.0,
        )  # fmt: skip

    # -- the axis

    def _x(self, at_ms: int) -> Any:
        if not self.line.time_is_known():
            return (at_ms - self.from_ms) / MS_PER_S / S_PER_HOUR
        return naive(at_ms + self.line.offset_s(self.line.to_ms) * MS_PER_S)

    def _split(self, points: list[tuple[int, float]]) -> tuple[list[Any], list[float]]:
        return [self._x(at_ms) for at_ms, _ in points], [value for _, value in points]

    def _time_axis(self, axes: Axes, narrow: bool) -> None:
        axes.set_xlim(self._x(self.from_ms), self._x(self.to_ms))
        if not self.line.time_is_known():
            axes.set_xlabel("hours; the time of day is unknown")
            return
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=2, maxticks=5) if narrow else AutoDateLocator(minticks=4, maxticks=10)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, formats=FORMATS, zero_formats=ZERO_FORMATS))
        offset = offset_text(self.line.offset_s(self.line.to_ms))
        if narrow:  # the date stands on the right
            axes.set_xlabel(f"pump's time ({offset})", loc="left", fontsize=8)
        else:
            axes.set_xlabel(f"local time of the pump ({offset})")


def naive(at_ms: int) -> datetime:
    """Convert ms since 1970 to a datetime without a zone, as matplotlib draws it."""
    from datetime import UTC

    return datetime.fromtimestamp(at_ms / MS_PER_S, UTC).replace(tzinfo=None)


def plain(axes: Axes) -> None:
    """Remove frame lines, and draw a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def shade(colour: str) -> dict[str, Any]:
    """Return how a shade is filled: its colour, and its hatching."""
    return {"facecolor": colour, "edgecolor": HATCH, "hatch": HATCHES.get(colour) or None, "linewidth": 0}


def saved(figure: Figure) -> bytes:
    """Return a figure as the PNG's bytes."""
    return png_of(figure, dpi=DPI, facecolor="white", metadata={"Software": "thecal"})


def schedule_for_page(program: Program) -> str:
    """Return the rates of a schedule, or the stages of a protocol, as SVG for a page."""
    return in_page(lambda narrow: draw_schedule(program, narrow), "schedule", "The rates of the schedule")


def draw_schedule(program: Program, narrow: bool = False) -> Figure:
    """Draw the rates of a day, or of a week if its days differ; of a protocol its stages, with those of a loop once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(NARROW_INCH, SCHEDULE_INCH[1]) if narrow else SCHEDULE_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    points, minutes = schedule_points(program) if program.protocol is None else protocol_points(program)
    per_nl = ng_per_nl(program)  # mL/h times mg/mL are mg/h
    factor, unit = (1.0, "mL/h") if per_nl is None else (float(per_nl) * 24_000, "ug/day")
    rates = [rate * factor for _, rate in points]
    axes.plot([minute / 60 for minute, _ in points], rates, color=DONE, linewidth=1.6, solid_joinstyle="miter")
    axes.fill_between([minute / 60 for minute, _ in points], rates, color=BOLUS, linewidth=0)
    axes.set_ylabel(unit)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, minutes / 60)
    if program.protocol is not None:
        axes.set_xlabel("h from its first stage; stages of a loop once")
    elif minutes == MINUTES_PER_DAY:
        hours = range(0, 25, 6 if narrow else 3)
        axes.set_xticks(hours, [f"{hour:02d}:00" for hour in hours])
    else:
        axes.set_xticks(range(0, 168, 24), ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ha="left")
    plain(axes)
    return figure


def schedule_points(program: Program) -> tuple[list[Point], float]:
    """Return ([(minute, mL/h)] from 0 to the end, total minutes): one day if all days are equal."""
    per_ml = program.rate_seconds_s * NL_PER_ML
    days = [[(minute % MINUTES_PER_DAY, rate) for minute, rate in program.entries if minute // MINUTES_PER_DAY == day] for day in range(7)]
    alike = not program.needs_clock() or all(day == days[0] for day in days)
    entries, minutes = (days[0], MINUTES_PER_DAY) if alike else (program.entries, MINUTES_PER_WEEK)
    rows = [(float(minute), rate_nl * S_PER_HOUR / per_ml) for minute, rate_nl in entries]
    if rows[0][0] > 0:
        rows.insert(0, (0.0, rows[-1][1]))
    ends = [minute for minute, _ in rows[1:]] + [float(minutes)]
    return [(at, rate) for (minute, rate), end in zip(rows, ends, strict=True) for at in (minute, end)], minutes


def protocol_points(program: Program) -> tuple[list[Point], float]:
    """Return ([(minute, mL/h)], total minutes) of the stages of a protocol, one after the other."""
    per_ml, at_s = program.rate_seconds_s * NL_PER_ML, 0
    points: list[Point] = []
    for lasts_s, *ends_nl in program.protocol.stages if program.protocol is not None else ():
        for edge_s, rate_nl in zip((at_s, at_s + lasts_s), ends_nl, strict=True):
            points.append((edge_s / S_PER_MINUTE, rate_nl * S_PER_HOUR / per_ml))
        at_s += lasts_s
    return points, at_s / S_PER_MINUTE
