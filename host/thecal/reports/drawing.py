"""What every picture shares: its title as it is written, and its bytes."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

from thecal.terminal.console import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def entitle(figure: Figure, text: str, **how: Any) -> None:
    """Put a title above. A name from a pump or a file is text: its dollar signs are no formulas, what can't be seen is a "?"."""
    figure.suptitle(printable(text), x=0.01, ha="left", parse_math=False, **how)


def png_of(figure: Figure, **how: Any) -> bytes:
    """The picture. A letter that the font has not got is drawn as a box and is no warning on the terminal."""
    out = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure.savefig(out, format="png", **how)
    return out.getvalue()
