"""Convert the settings of a prescription (demand, bolus, line, reservoir, library) to integers. Refuses other values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from pumpcore.program.packing import MAX_RATE_NL
from pumpcore.program.settings import OVERRIDES, Settings
from pumpcore.units import NL_PER_ML
from thecal.errors import BadInput
from thecal.prescription.file import Prescription
from thecal.prescription.tables import COUNT, RANGE, RATE, SECONDS, SETTINGS, VERSION, VOLUME, Setting
from thecal.quantities import exact
from thecal.quantities.typed import Quantity, shown

Number = Callable[[str, Quantity], int]
# those that keep the text that was typed
WITH_UNIT = (VOLUME, RATE, RANGE)
# the widths of the packed block; what is out of a setting's own range is refused by pumpcore.program.settings
MOST = {COUNT: (1 << 16) - 1, SECONDS: (1 << 32) - 1, VERSION: (1 << 32) - 1}


def compile_settings(prescription: Prescription, rate_nl: Number, name: str) -> Settings | None:
    """Return the settings, None if there are none. `rate_nl` scales a rate to nl per the program's seconds. Raises BadInput."""
    settings = Settings()
    for one, value in present(prescription):
        for field, number in zip(one.held.fields, numbers(prescription, one, value, rate_nl, name), strict=True):
            setattr(settings, field, number)
    library = prescription.library
    if library is not None:
        settings.library = library.name
        settings.overrides = sum(1 << OVERRIDES.index(word) for word in set(library.overrides))
    minimum = prescription.basal is not None and prescription.basal.minimum is not None
    return settings if settings or minimum else None


def present(prescription: Prescription) -> Iterator[tuple[Setting, Any]]:
    """Yield (field, table, key for messages, value) of every setting in the prescription."""
    for one in SETTINGS:
        value = getattr(getattr(prescription, one.table), one.name, None)
        if value is not None:
            yield one, value


def numbers(prescription: Prescription, one: Setting, value: Any, rate_nl: Number, name: str) -> list[int]:
    """Return the numbers of one setting, one for each of its fields. Raises BadInput."""
    if one.held.kind == VOLUME:
        volume_nl = whole_nl(prescription, one.key, value, name)
        if not volume_nl and not one.held.zero:
            raise BadInput(f"{name}: {one.key}: {shown(value.text)} is zero", "write a value above zero, or remove the line")
        return [volume_nl]
    if one.held.kind == RATE:
        return [rate_nl(one.key, value)]
    if one.held.kind == RANGE:
        return [whole_ng_per_ml(one.key, quantity, name) for quantity in value]
    most = MOST.get(one.held.kind, int(value))
    if not 0 <= int(value) <= most:
        raise BadInput(f"{name}: {one.key} = {value} is out of range", f"write a number from 0 to {most}")
    return [int(value)]


def library_rates(prescription: Prescription) -> list[tuple[str, Quantity]]:
    """Return (key, rate) of the limits that must be whole nl over the program's seconds."""
    return [(one.key, value) for one, value in present(prescription) if one.held.kind == RATE]


def whole_nl(prescription: Prescription, key: str, quantity: Quantity, name: str) -> int:
    """Return a dose in whole nl. Raises BadInput with the nearest whole values."""
    try:
        value_nl = exact.whole_nl(prescription.volume(quantity), quantity.text)
    except BadInput as error:
        raise BadInput(f"{name}: {key}: {error.cause}", error.do) from error
    if value_nl > MAX_RATE_NL:
        raise BadInput(f"{name}: {key}: {shown(quantity.text)} is more than the program format holds", "write a smaller volume")
    return value_nl


def whole_ng_per_ml(key: str, quantity: Quantity, name: str) -> int:
    """Return a concentration in whole ng/mL, 1 .. MAX_RATE_NL. Raises BadInput for any other."""
    value = Fraction(quantity.to("ng/nL")) * NL_PER_ML
    if value.denominator != 1 or not 0 < value <= MAX_RATE_NL:
        raise BadInput(
            f"{name}: {key}: {shown(quantity.text)} is not a whole number of ng/mL above zero", "write such a number"
        )
    return int(value)


def typed_settings(prescription: Prescription) -> dict[str, str]:
    """Return the typed texts by the label of the review."""
    typed = {one.key: value if isinstance(value, list) else [value] for one, value in present(prescription) if one.held.kind in WITH_UNIT}
    return {key: " to ".join(quantity.text for quantity in quantities) for key, quantities in typed.items()}
