"""Read a prescription file together with its drug library and the confirmed soft limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from thecal.errors import BadInput

if TYPE_CHECKING:
    from thecal.prescription.file import Prescription


def read_prescription(file: Path, library: Path | None, overrides: list[str] | None = None) -> Prescription:
    """Read the file, add the limits of its library and the confirmed soft limits. Raises BadInput."""
    from thecal.prescription.file import load

    check_words(overrides or [])
    return with_library(load(file), str(file), library, overrides or [])


def check_words(words: list[str]) -> None:
    """Raise BadInput for a word that names no soft limit."""
    from pumpcore.program.settings import OVERRIDES
    from thecal.quantities.typed import shown

    for word in words:
        if word not in OVERRIDES:
            raise BadInput(f"--override: {shown(word)} is not a soft limit", f"write one of {', '.join(OVERRIDES)}")


def with_library(read: Prescription, name: str, library: Path | None, words: list[str]) -> Prescription:
    """Return a prescription with the limits of its library and the confirmed soft limits. Raises BadInput."""
    from thecal.prescription import library as libraries

    prescription = libraries.applied(read, library, name)
    if words and prescription.library is None:
        raise BadInput(f"{name}: --override: the prescription names no drug library", "add [library], or give --library FILE")
    return libraries.with_overrides(prescription, words)
