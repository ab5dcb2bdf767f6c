"""Read a prescription file together with its drug library and the confirmed soft limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from thecal.errors import BadInput

if TYPE_CHECKING:
    from thecal.prescription.file import Prescription


def read_prescription(file: Path, library: Path | None, overrides: list[str] | None = None) -> Prescription:
    """Read the file, add the limits of its library and the confirmed soft limits. Raises BadInput."""
    from pumpcore.program.settings import OVERRIDES
    from thecal.prescription import library as libraries
    from thecal.prescription.file import load
    from thecal.quantities.typed import shown

    words = overrides or []
    for word in words:
        if word not in OVERRIDES:
            raise BadInput(f"--override: {shown(word)} is not a soft limit", f"write one of {', '.join(OVERRIDES)}")
    prescription = libraries.applied(load(file), library, str(file))
    if words and prescription.library is None:
        raise BadInput(f"{file}: --override: the prescription names no drug library", "add [library], or give --library FILE")
    return libraries.with_overrides(prescription, words)
