"""Parse the quantities of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thecal.errors import BadInput

if TYPE_CHECKING:
    from thecal.prescription.dialled import Dialled


def dialled(rate: str | None, volume: str | None, lasts: str | None) -> Dialled:
    """Parse any two of rate, volume and time, or a rate alone. Raises BadInput."""
    from thecal.api.typed import seconds
    from thecal.checks.dose import rate_of, volume_of
    from thecal.prescription.dialled import Dialled

    if rate is not None and volume is None:
        check_rate(rate, lasts)
    made = Dialled(
        rate_of(rate) if rate is not None else None,
        volume_of(volume) if volume is not None else None,
        seconds("--for", lasts) if lasts is not None else None,
    )
    made.check()
    return made


def check_rate(text: str, lasts: str | None) -> None:
    """Raise BadInput for a volume in the place of the rate: the command that takes it follows."""
    from thecal.quantities.typed import parse, shown, words_of

    kind = parse(text).kind()
    if kind in ("volume", "mass"):
        rest = f'--for "{lasts if lasts is not None else "2 h"}"'
        raise BadInput(f"{shown(text)} is a {words_of(kind)}, not a rate", f"write: thecal run --volume {shown(text)} {rest}")
