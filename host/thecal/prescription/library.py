"""The drug library: a TOML file with limits for each fluid. A prescription that names it takes the limits of its drug.

The program contains the limits. So the pump itself refuses a value beyond a hard limit, or beyond a soft limit that nobody confirmed.
Each complaint is one BadInput: file, key, value, remedy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictInt, StrictStr, ValidationError

from pumpcore.program.settings import OVERRIDES
from thecal.errors import BadInput
from thecal.files import config, toml_file
from thecal.files.resources import DATA
from thecal.prescription.fields import Table
from thecal.prescription.file import Other, Prescription, first_complaint
from thecal.prescription.tables import RANGE, RATE, SETTINGS, VOLUME, Fluid, Library
from thecal.quantities.typed import Quantity, shown

SHIPPED = DATA
FILE = toml_file.Kind("a drug library", "copy data/bench-fluids.toml of thecal to begin one")
LIMITS = tuple(one.name for one in SETTINGS if one.table == "library" and one.held.kind in (RATE, VOLUME))
RANGES = tuple(one.name for one in SETTINGS if one.table == "library" and one.held.kind == RANGE)
PAIRS = tuple((f"soft_{what}", f"hard_{what}") for what in OVERRIDES if f"hard_{what}" in LIMITS)


class DrugLibrary(Table):
    """Fluids by name. A change of a limit needs a higher version."""

    name: Annotated[StrictStr, Field(min_length=1)]
    version: Annotated[StrictInt, Field(ge=1)]
    fluid: Annotated[list[Fluid], Field(min_length=1)]

    def of(self, drug: str, name: str, key: str = "drug") -> Fluid:
        """Return the fluid called `drug`; `name`: the prescription's file, `key`: where it stands. Raises BadInput."""
        for fluid in self.fluid:
            if fluid.name == drug:
                return fluid
        known = [fluid.name for fluid in self.fluid]
        do = toml_file.suggestion(drug, known) or f"add it to the library, or write one of {', '.join(known)}"
        raise BadInput(f'{name}: {key}: {shown(drug)} is not in the drug library "{self.name}"', do)


def load(path: Path) -> DrugLibrary:
    """Read and check a library file. Raises BadInput."""
    try:
        library = DrugLibrary.model_validate(toml_file.read(path, FILE))
    except ValidationError as error:
        raise complaint(error, str(path)) from error
    for number, fluid in enumerate(library.fluid, 1):
        check_fluid(fluid, f"{path}: fluid[{number}]")
    names = [fluid.name for fluid in library.fluid]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"{path}: fluid {shown(twice)} appears twice", "keep one of them")
    return library


def complaint(error: ValidationError, name: str) -> BadInput:
    """As for a prescription, with the library's words."""
    found = first_complaint(error, name)
    first = next((one for one in error.errors() if one["type"] == "extra_forbidden"), None)
    if first is None:
        return BadInput(found.cause, found.do.replace("`thecal new`", "data/bench-fluids.toml"))
    known = list((Fluid if len(first["loc"]) > 1 else DrugLibrary).model_fields)
    do = toml_file.suggestion(str(first["loc"][-1]), known) or f"remove it, or write one of {', '.join(known)}"
    return BadInput(found.cause.replace("of a prescription", "of a drug library"), do)


def check_fluid(fluid: Fluid, where: str) -> None:
    """Check that a soft limit is within its hard limit, and that both are the same kind of quantity. Raises BadInput."""
    for soft_key, hard_key in PAIRS:
        soft, hard = getattr(fluid, soft_key), getattr(fluid, hard_key)
        if soft is not None and hard is not None:
            _in_order(f"{where}.{soft_key}", soft, hard)
    for key in RANGES:
        pair = getattr(fluid, key)
        if pair is not None:
            _in_order(f"{where}.{key}", pair[0], pair[1])
    if fluid.hard_concentration and fluid.soft_concentration:
        _in_order(f"{where}.soft_concentration", fluid.hard_concentration[0], fluid.soft_concentration[0])
        _in_order(f"{where}.soft_concentration", fluid.soft_concentration[1], fluid.hard_concentration[1])


def _in_order(where: str, low: Quantity, high: Quantity) -> None:
    if low.kind() != high.kind():
        raise BadInput(
            f"{where}: {shown(low.text)} and {shown(high.text)} are different kinds", "write both as volumes, or both as masses"
        )
    if low.to(high.unit) > high.amount:
        cause = f"{where}: {shown(low.text)} is above {shown(high.text)}"
        raise BadInput(cause, "a soft limit lies within its hard one; write the lower end of a range first")


def find(name: str | None, option: Path | None) -> DrugLibrary | None:
    """Return the library of the option, otherwise of THECAL_LIBRARY or the config file, otherwise the shipped one called `name`; None if
    there is none."""
    default = config.default("library")
    if option is not None or default:
        return load(option or Path(str(default)).expanduser())
    shipped = [load(path) for path in sorted(SHIPPED.glob("*-fluids.toml"))] if name else []
    return next((library for library in shipped if library.name == name), None)


def applied(prescription: Prescription, option: Path | None, name: str) -> Prescription:
    """Return the prescription with the library's limits for its drug; unchanged if neither it nor an option names a library."""
    table = prescription.library
    if table is None and option is None:
        return prescription
    library = find(table.name if table else None, option)
    if library is None:
        return as_typed(prescription, name)
    if table is not None and (table.name, table.version) != (library.name, library.version):
        raise BadInput(
            f'{name}: library: the prescription was made for "{table.name}" version {table.version}, the library is '
            f'"{library.name}" version {library.version}',
            "review the prescription against this library, then write its name and version",
        )
    limits = limits_of(library.of(prescription.drug, name, "drug[1].name" if prescription.others else "drug"), prescription, name)
    others = [
        Other(other.name, other.concentration, library.of(other.name, name, f"drug[{at}].name"))
        for at, other in enumerate(prescription.others, 2)
    ]
    overrides = table.overrides if table else []
    filled = Library(name=library.name, version=library.version, overrides=overrides, **limits)
    return prescription.model_copy(update={"library": filled}).with_others(tuple(others))


def as_typed(prescription: Prescription, name: str) -> Prescription:
    """Check a prescription whose library file is missing: its own limits must suffice."""
    table = prescription.library
    if table is not None and (prescription.others or not any(getattr(table, key) for key in LIMITS + RANGES)):
        raise BadInput(f'{name}: library: no drug library "{table.name}" found', "name its file: --library FILE, or THECAL_LIBRARY")
    return prescription


def limits_of(fluid: Fluid, prescription: Prescription, name: str) -> dict[str, Any]:
    """Return the fluid's limits; the prescription's own limits must be equal to them. Raises BadInput."""
    table, found = prescription.library, {}
    for key in LIMITS + RANGES:
        ours, theirs = getattr(fluid, key), getattr(table, key, None)
        if theirs is not None and texts(theirs) != texts(ours):
            said = "no such limit" if ours is None else " to ".join(quantity.text for quantity in as_list(ours))
            typed = " to ".join(quantity.text for quantity in as_list(theirs))
            cause = f"{name}: library.{key}: {shown(typed)} differs from the library's limit, {said}"
            raise BadInput(cause, "remove the line; thecal takes the limit from the library")
        if ours is not None and not (key in RANGES and prescription.concentration is None):
            found[key] = ours
    return found


def as_list(value: Any) -> list[Quantity]:
    """Return a list of the one quantity, or of both ends of a range."""
    return value if isinstance(value, list) else [value]


def texts(value: Any) -> list[tuple[Any, str]]:
    """Return amount and unit of limits, to compare them independent of spelling."""
    return [(quantity.amount, quantity.unit) for quantity in as_list(value)] if value is not None else []


def with_overrides(prescription: Prescription, words: list[str]) -> Prescription:
    """Return the prescription with these soft limits confirmed as well."""
    table = prescription.library
    if table is None or not words:
        return prescription
    both = [*table.overrides, *(word for word in words if word not in table.overrides)]
    return prescription.model_copy(update={"library": table.model_copy(update={"overrides": both})})
