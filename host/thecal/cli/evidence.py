"""Read a journal from saved files or from the pump."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from thecal.errors import BadInput

if TYPE_CHECKING:
    from thecal.history.evidence import Evidence


def evidence(files: list[Path] | None, port: str | None) -> Evidence:
    """Return the data of saved files, otherwise of the pump."""
    from thecal.history.saved import load

    if files:
        if port is not None:
            raise BadInput("--from-journal and --port can't be combined", "give one of them")
        return load(files)
    from thecal.cli.consent import opened

    with opened(port) as pump:
        return pump.evidence()
