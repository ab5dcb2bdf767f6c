"""A prescription from a file, a text or a dict, checked without a pump and then against one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from thecal.errors import BadInput

if TYPE_CHECKING:
    from thecal.api.person import Person
    from thecal.prescription.compiler import Compiled
    from thecal.prescription.file import Prescription
    from thecal.pump.facts import PumpFacts

TEXT = "prescription"  # stands for the file in messages
Given = str | Path | Mapping[str, Any]


class Source(NamedTuple):
    """Where a prescription comes from: a path, its text, or its tables; the file of a library (None: the one that it names), the confirmed
    soft limits, and the bench that it must fit (None: any)."""

    given: Given
    library: Path | None = None
    overrides: tuple[str, ...] | list[str] = ()
    bench: str | None = None


class Checked(NamedTuple):
    """A prescription that is valid, and its program. `name` is that of its file."""

    rx: Prescription
    compiled: Compiled
    name: str


def checked(source: Source, person: Person) -> Checked:
    """Read, compile and check a prescription without a pump. Raises BadInput, or Failed for a soft limit that is not confirmed."""
    from thecal.api.uploading import ask_for_overrides
    from thecal.checks import program as program_checks
    from thecal.checks import rigs
    from thecal.prescription.compiler import compile_prescription

    name = str(source.given) if is_path(source.given) else TEXT
    rx = ask_for_overrides(read(source, name), name, person)
    compiled = compile_prescription(rx, name)
    program_checks.check(rx, compiled, rigs.rig_of(source.bench), name)
    return Checked(rx, compiled, name)


def check_for(pump: PumpFacts, one: Checked) -> None:
    """Raise BadInput for a program that this pump would refuse."""
    from thecal.checks import program as program_checks
    from thecal.checks import rigs

    program_checks.check(one.rx, one.compiled, rigs.of_pump(pump), one.name)


def is_path(given: Given) -> bool:
    """Return True for a path; a text with a line end or an equals sign, and a dict, is the prescription itself."""
    return isinstance(given, Path) or (isinstance(given, str) and "\n" not in given and "=" not in given)


def read(source: Source, name: str) -> Prescription:
    """Read a prescription and add the limits of its library. Raises BadInput."""
    from thecal.prescription import reading
    from thecal.prescription.file import load_text

    given = source.given
    if is_path(given):
        return reading.read_prescription(Path(str(given)), source.library, list(source.overrides))
    reading.check_words(list(source.overrides))
    text = given if isinstance(given, str) else toml_of(given)
    return reading.with_library(load_text(text, name), name, source.library, list(source.overrides))


def toml_of(tables: Any) -> str:
    """Return the tables of a prescription as TOML. Raises BadInput for a value that TOML does not have."""
    import tomlkit

    try:
        return tomlkit.dumps(tables)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{TEXT}: {error}", "give the tables of a TOML file as a dict of texts, numbers, lists and dicts") from error
