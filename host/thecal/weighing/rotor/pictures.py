"""A learned rotor as one picture: what each angle brings, with its doubt, and what plain dosing would make of it. Matplotlib only here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from thecal.reports.drawing import DONE, DPI, GRID, INK, PLAN, TRUE, entitle, png_of, styled
from thecal.weighing.rotor.shape import Shape, Turn
from thecal.weighing.rotor.worth import WINDOW_NL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE_INCH = (9.0, 7.2)
POINTS = 720
SIGMAS = 2


def png(shape: Shape, turn: Turn, title: str) -> bytes:
    """Return the picture as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=SIZE_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        entitle(figure, title, fontsize=11, color=INK)
        panels = figure.subplot_mosaic([["ahead"], ["windows"]], height_ratios=(5, 4))
        _draw_ahead(panels["ahead"], shape)
        _draw_windows(panels["windows"], shape, turn)
        for axes in panels.values():
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color=GRID, linewidth=0.6)
            axes.set_axisbelow(True)
            axes.set_xlim(0, 360)
            axes.set_xticks(range(0, 361, 45))
            axes.set_xlabel("angle of the rotor, degrees")
            axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2, ncols=3)
        return png_of(figure, dpi=DPI)


def _draw_ahead(axes: Axes, shape: Shape) -> None:
    """Draw how far the delivered volume is ahead of an even turn."""
    degrees = np.linspace(0, 360, POINTS + 1)
    ahead_ul = shape.deviation_nl(np.radians(degrees)) / 1000
    doubt_ul = SIGMAS * shape.uncertainty_nl(np.radians(degrees)) / 1000
    axes.axhline(0, color=PLAN, linewidth=2.0, label="an even turn")
    axes.fill_between(degrees, ahead_ul - doubt_ul, ahead_ul + doubt_ul, color=DONE, alpha=0.25, linewidth=0, label="doubt, two sigma")
    axes.plot(degrees, ahead_ul, color=DONE, linewidth=1.4, label="weighed")
    axes.set_ylabel("delivered ahead of an even turn, uL")


def _draw_windows(axes: Axes, shape: Shape, turn: Turn) -> None:
    """Draw the error of two minutes at 100 uL/h that begin at each angle: by angle, and by volume with the doubt of the table."""
    degrees = np.linspace(0, 360, POINTS + 1)
    ahead = np.radians(degrees + 360 * WINDOW_NL / turn.turn_nl)
    plain = 100 * (shape.deviation_nl(ahead) - shape.deviation_nl(np.radians(degrees))) / WINDOW_NL
    doubt = 100 * SIGMAS * np.sqrt(2) * shape.rms_nl() / WINDOW_NL
    axes.plot(degrees, plain, color=TRUE, linewidth=1.4, linestyle="--", label="by angle")
    axes.fill_between(degrees, -doubt, doubt, color=DONE, alpha=0.35, linewidth=0, label="by volume, two sigma")
    axes.set_ylabel("error of 2 min at 100 uL/h, %")
