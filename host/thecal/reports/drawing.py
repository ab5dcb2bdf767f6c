"""Shared by all pictures: title and image bytes."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

from thecal.terminal.console import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def entitle(figure: Figure, text: str, **how: Any) -> None:
    """Put a title above. A name from a pump or a file is plain text: its dollar signs are no formulas, and unprintable letters become
    "?"."""
    figure.suptitle(printable(text), x=0.01, ha="left", parse_math=False, **how)


def png_of(figure: Figure, **how: Any) -> bytes:
    """Return the picture as bytes. A letter that the font lacks is drawn as a box, without a warning on the terminal."""
    out = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(out, format="png", **how)
    return out.getvalue()
