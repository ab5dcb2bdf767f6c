"""The day as a picture: rate above, volume below, with bolus and power cut marked. Matplotlib is imported only here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, PLAN, DONE, OFF = "#1b1b1b", "#9aa5b1", "#1f6f8b", "#f3d9d2"
SIZE_INCH = (9.0, 5.6)
DPI = 130
S_PER_HOUR = 3600.0


class DayPicture:
    """Points in seconds of the day: `plan` steps of (from_s, to_s, mL/h), `delivered` and `planned` as (second, mL)."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.plan: list[tuple[int, int, float]] = []
        self.delivered: list[tuple[int, float]] = []
        self.planned: list[tuple[int, float]] = []
        self.off_s: tuple[float, float] | None = None
        self.bolus_s: tuple[float, float] | None = None

    def rates(self) -> list[tuple[float, float, float]]:
        """(from, to, mL/h) between two neighbouring samples of what was delivered."""
        pairs = zip(self.delivered, self.delivered[1:], strict=False)
        return [(a_s, b_s, (b - a) * S_PER_HOUR / (b_s - a_s)) for (a_s, a), (b_s, b) in pairs if b_s > a_s]

    def save(self, path: Path) -> None:
        """Write the PNG."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=SIZE_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        rate_axes, volume_axes = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        figure.suptitle(self.title, fontsize=12, color=INK, x=0.01, ha="left")
        self._draw_rates(rate_axes)
        self._draw_volumes(volume_axes)
        for axes in (rate_axes, volume_axes):
            self._shade(axes)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_ylim(bottom=0)
            axes.grid(axis="y", color="#e5e5e5", linewidth=0.6)
        figure.savefig(path, dpi=DPI)

    def _draw_rates(self, axes: Axes) -> None:
        plan = [(second_s / S_PER_HOUR, rate) for from_s, to_s, rate in self.plan for second_s in (from_s, to_s)]
        axes.plot(*zip(*plan, strict=True), color=PLAN, linewidth=2.5, label="programmed basal")
        made = [(second_s / S_PER_HOUR, rate) for from_s, to_s, rate in self.rates() for second_s in (from_s, to_s)]
        axes.plot(*zip(*made, strict=True), color=DONE, linewidth=1.2, label="delivered (true motor steps)")
        axes.set_ylabel("mL/h")
        axes.legend(frameon=False, fontsize=8, loc="upper left")

    def _draw_volumes(self, axes: Axes) -> None:
        for points, colour, width in ((self.planned, PLAN, 2.5), (self.delivered, DONE, 1.2)):
            axes.plot([second_s / S_PER_HOUR for second_s, _ in points], [ml for _, ml in points], color=colour, linewidth=width)
        axes.set_ylabel("mL since midnight")
        axes.set_xlabel("hour of the day")
        axes.set_xlim(0, 24)
        axes.set_xticks(range(0, 25, 3))

    def _shade(self, axes: Axes) -> None:
        if self.off_s:
            axes.axvspan(self.off_s[0] / S_PER_HOUR, self.off_s[1] / S_PER_HOUR, color=OFF, linewidth=0)
            axes.annotate("power off", (self.off_s[1] / S_PER_HOUR, 0.88), xycoords=("data", "axes fraction"), fontsize=8)
        if self.bolus_s:
            axes.axvspan(self.bolus_s[0] / S_PER_HOUR, self.bolus_s[1] / S_PER_HOUR, color="#dfeaf0", linewidth=0)
            axes.annotate("bolus", (self.bolus_s[1] / S_PER_HOUR, 0.66), xycoords=("data", "axes fraction"), fontsize=8)
