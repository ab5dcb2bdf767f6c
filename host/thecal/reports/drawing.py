"""Shared by all pictures: their colours by day and by night, titles, and a picture as PNG or as SVG inside a page.

No picture needs its colours: lines differ in width or dashes, shades in their hatching, and every one has its word in the legend.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from thecal.files import extras
from thecal.terminal.console import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, PLAN, DONE, TRUE = "#1b1b1b", "#a9b4bf", "#1f5f8b", "#b3372b"
OFF, BOLUS, BAND, STOPPED = "#f3d9d2", "#dfeaf0", "#e8a33d", "#ededed"
GRID, HATCH, SECOND = "#e5e5e5", "#8f8f8f", "#b35c1e"
# hatching of a shade, so that it is told apart without its colour
HATCHES = {OFF: "////", STOPPED: "....", BOLUS: "", BAND: "xxxx"}
# name of the CSS variable, colour by day and by night
COLOURS = {
    "ink": (INK, "#e8e8e8"),
    "plan": (PLAN, "#66727d"),
    "done": (DONE, "#6cb4e8"),
    "true": (TRUE, "#ff8f7d"),
    "off": (OFF, "#4d2a24"),
    "bolus": (BOLUS, "#1d3b4c"),
    "band": (BAND, "#d99a3a"),
    "stopped": (STOPPED, "#2f2f2f"),
    "grid": (GRID, "#3a3a3a"),
    "hatch": (HATCH, "#8a8a8a"),
    "second": (SECOND, "#f0a266"),
    "page": ("#ffffff", "#161616"),
    "quiet": ("#555555", "#b0b0b0"),
    "rule": ("#dddddd", "#444444"),
    "good": ("#1c6b37", "#7fd49b"),
}
DPI = 130
NARROW_INCH = 4.1  # of a picture for a page of 400 px
FONTS = "'DejaVu Sans', Verdana, sans-serif"
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "thecal",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.5,
    "hatch.color": HATCH,
}


def entitle(figure: Figure, text: str, **how: Any) -> None:
    """Put a title above. A name from a pump or a file is plain text: its dollar signs are no formulas, and unprintable letters become
    "?"."""
    figure.suptitle(printable(text), x=0.01, ha="left", parse_math=False, **how)


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the colours above. A letter that the font lacks is drawn as a box, without a warning on the terminal. Raises Failed if the
    library that draws is not installed."""
    extras.require_drawing()
    import matplotlib as mpl

    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def png_of(figure: Figure, **how: Any) -> bytes:
    """Return the picture as bytes."""
    out = BytesIO()
    with styled():
        figure.savefig(out, format="png", **how)
    return out.getvalue()


def in_page(draw: Callable[[bool], Figure], name: str, words: str) -> str:
    """Return a picture for a page: one for wide and one for narrow windows, as SVG that takes the page's colours. `name`: letters that no
    other picture of the page has; `words`: the picture for who does not see it. Where nothing can draw, return a line that says so."""
    if not extras.can_draw():
        return left_out(words)
    with styled():
        wide, narrow = (svg_of(draw(is_narrow), f"{name}-{is_narrow:d}", words) for is_narrow in (False, True))
    return f'<div class="picture"><div class="wide-picture">{wide}</div><div class="narrow-picture">{narrow}</div></div>'


def left_out(words: str) -> str:
    """Return the line of a page in the place of a picture that could not be drawn."""
    from html import escape

    text = f"Picture left out ({words[:1].lower()}{words[1:]}): {extras.DRAWING} is not installed where this page was made. "
    return f'<p class="note">{escape(text)}To install it: <code>{escape(extras.install_command())}</code></p>'


def svg_of(figure: Figure, prefix: str, words: str) -> str:
    """Return the picture as SVG text without head; its ids begin with `prefix`, its colours are the page's variables."""
    from html import escape

    out = BytesIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue().decode()
    text = text[text.index("<svg") :]
    for part in (r"<metadata>.*?</metadata>", r"<style.*?</style>", r' xmlns(:xlink)?="[^"]*"'):  # a page needs none of these
        text = re.sub(part, "", text, flags=re.DOTALL)
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(href="|url\()#', rf"\1#{prefix}-", text)
    for variable, (colour, _) in COLOURS.items():
        text = text.replace(colour, f"var(--{variable})")
    text = text.replace("'DejaVu Sans'", FONTS, text.count("'DejaVu Sans'")) if FONTS not in text else text
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1), count=1)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(printable(words))}" ', 1)


def colours_css() -> str:
    """Return the page's variables: by day, by night if the reader's system prefers that, and by day on paper."""
    light, dark = (";".join(f"--{name}:{pair[index]}" for name, pair in COLOURS.items()) for index in (0, 1))
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        ".picture svg{width:100%;height:auto;display:block}.picture svg *{stroke-linejoin:round;stroke-linecap:butt}"
        ".narrow-picture{display:none}"
        "@media screen and (max-width:46rem){.wide-picture{display:none}.narrow-picture{display:block}}"
    )
