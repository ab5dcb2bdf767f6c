"""A label to print and to stick on the rig, A7: what it is not for, supply and fuse, and lines to fill in by hand."""

from __future__ import annotations

from thecal.hardware import words
from thecal.hardware.draw.ink import FAINT, HEAD, LICENCE, SMALL, Letters, Look, Page
from thecal.hardware.draw.metrics import wrap
from thecal.hardware.draw.scheme import short
from thecal.hardware.rig import Rig

FILE = "label.svg"
A7_MM = (105, 74)
# Five units a millimetre: its smallest letters are 2.6 mm, 7 points, on paper.
WIDTH, HEIGHT = 525, 370
_MARGIN = 14
_LINE = SMALL + 3
_AT_THE_RIG = (
    "Cover on before power. It starts by itself when its program says so. The stop button is no emergency stop: pull the 12 V plug. "
    "A stop leaves pressure in the line. The motor may reach 70 C. Not unattended until it ran 24 h watched, on water, over a tray. "
    "Volumes are UNCALIBRATED until weighed, with every tube anew."
)
_FIELDS = ("Built by, on:", "Tube, fitted on:", "Weighed on, uL a turn:")


def draw(rig: Rig) -> str:
    """Return the label as SVG."""
    page = Page(A7_MM, WIDTH, HEIGHT, f"{rig.name}: label. {words.BENCH_ONLY}")
    page.box((7, 7), (WIDTH - 14, HEIGHT - 14), Look("none", "#a31621", 3, 8), kind="frame")
    page.text((_MARGIN, 32), f"thecal {rig.name}", Letters(HEAD, bold=True))
    y = 54
    for text, colour, bold in ((words.BENCH_ONLY, "#a31621", True), (words.INTENDED_USE, "#1b1b1b", False)):
        for line in wrap(text, SMALL, WIDTH - 2 * _MARGIN, bold):
            page.text((_MARGIN, y), line, Letters(bold=bold, colour=colour))
            y += _LINE
        y += 4
    y += 4
    for line in wrap(_electrics(rig), SMALL, WIDTH - 2 * _MARGIN):
        page.text((_MARGIN, y), line)
        y += _LINE
    y = HEIGHT - 76
    for field in _FIELDS:
        page.text((_MARGIN, y), field)
        page.line([(_MARGIN + 170, y + 3), (WIDTH - _MARGIN, y + 3)], FAINT, 1, "field")
        y += 21
    page.text((WIDTH - _MARGIN, HEIGHT - 12), LICENCE, Letters(SMALL - 2, anchor="end", colour=FAINT))
    return page.svg()


def _electrics(rig: Rig) -> str:
    """Return supply, fuse and the words that matter at the rig itself."""
    found = [short(part.library).split(", ")[0] for kind in ("supply", "fuse") for part in rig.parts.values() if part.library.kind == kind]
    fused = ", ".join(found)
    return f"{fused[:1].upper()}{fused[1:]}, never a larger one. {_AT_THE_RIG}"
