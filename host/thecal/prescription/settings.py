"""The settings of a prescription (demand, bolus, line, reservoir, library) as whole numbers; what is not whole is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from pumpcore.program import MAX_RATE_NL
from pumpcore.settings import OVERRIDES, Settings
from pumpcore.units import NL_PER_ML
from thecal.errors import BadInput
from thecal.prescription.file import Prescription
from thecal.quantities import exact
from thecal.quantities.typed import Quantity, shown

Number = Callable[[str, Quantity], int]
# field of the settings: table and key of the prescription
VOLUMES = {
    "demand_nl": ("demand", "dose"),
    "bolus_max_nl": ("bolus", "max_dose"),
    "bolus_day_nl": ("bolus", "max_per_day"),
    "tubing_nl": ("line", "tubing"),
    "catheter_nl": ("line", "catheter"),
    "capacity_nl": ("reservoir", "capacity"),
    "low_nl": ("reservoir", "low"),
    "empty_nl": ("reservoir", "empty"),
    "tolerance_nl": ("reservoir", "tolerance"),
    "hard_bolus_nl": ("library", "hard_bolus"),
    "soft_bolus_nl": ("library", "soft_bolus"),
    "hard_day_nl": ("library", "hard_day"),
    "soft_day_nl": ("library", "soft_day"),
}
RATES = {"hard_rate_nl": ("library", "hard_rate"), "soft_rate_nl": ("library", "soft_rate")}
PLAIN = {
    "demand_on": ("demand", "enabled"),
    "demand_per_day": ("demand", "per_day"),
    "demand_s": ("demand", "duration"),
    "lockout_s": ("demand", "lockout"),
    "line_day": ("line", "measured"),
    "tolerance_permille": ("reservoir", "tolerance_percent"),
    "library_version": ("library", "version"),
}
MAY_BE_ZERO = ("tubing_nl", "catheter_nl")
# the widths of the packed block; what is out of a setting's own range is told by pumpcore.settings
MOST = {"demand_per_day": (1 << 16) - 1, "demand_s": (1 << 32) - 1, "lockout_s": (1 << 32) - 1, "library_version": (1 << 32) - 1}


def compile_settings(prescription: Prescription, rate_nl: Number, name: str) -> Settings | None:
    """The settings, None when there are none. `rate_nl` scales a rate to nl per the program's seconds. Raises BadInput."""
    settings = Settings()
    for field, _, key, quantity in present(prescription, VOLUMES):
        volume_nl = whole_nl(prescription, key, quantity, name)
        if not volume_nl and field not in MAY_BE_ZERO:  # it would read as "not set"
            raise BadInput(f"{name}: {key}: {shown(quantity.text)} is nothing", "write what it is, or leave the line out")
        setattr(settings, field, volume_nl)
    for field, _, key, quantity in present(prescription, RATES):
        setattr(settings, field, rate_nl(key, quantity))
    for field, _, key, value in present(prescription, PLAIN):
        if int(value) > MOST.get(field, int(value)) or int(value) < 0:
            raise BadInput(f"{name}: {key} = {value} is out of range", f"write a number from 0 to {MOST.get(field)}")
        setattr(settings, field, int(value))
    if prescription.library is not None:
        fill_library(settings, prescription, name)
    return settings if settings or prescription.basal.minimum is not None else None


def present(prescription: Prescription, fields: dict[str, tuple[str, str]]) -> Iterator[tuple[str, str, str, Any]]:
    """(field, table, key for messages, value) of what the prescription says."""
    for field, (table, key) in fields.items():
        row = getattr(prescription, table)
        value = getattr(row, key) if row is not None else None
        if value is not None:
            yield field, table, f"{table}.{key}", value


def library_rates(prescription: Prescription) -> list[tuple[str, Quantity]]:
    """(key, rate) of the limits that must be whole nl over the program's seconds, as every rate."""
    return [(key, quantity) for _, _, key, quantity in present(prescription, RATES)]


def whole_nl(prescription: Prescription, key: str, quantity: Quantity, name: str) -> int:
    """A dose in whole nl, or BadInput with the neighbours that are."""
    try:
        value_nl = exact.whole_nl(prescription.volume(quantity), quantity.text)
    except BadInput as error:
        raise BadInput(f"{name}: {key}: {error.cause}", error.do) from error
    if value_nl > MAX_RATE_NL:
        raise BadInput(f"{name}: {key}: {shown(quantity.text)} is more than the program format holds", "write less")
    return value_nl


def fill_library(settings: Settings, prescription: Prescription, name: str) -> None:
    library = prescription.library
    assert library is not None
    settings.library = library.name
    settings.overrides = sum(1 << OVERRIDES.index(word) for word in set(library.overrides))
    for kind in ("hard", "soft"):
        pair = getattr(library, f"{kind}_concentration")
        for end, quantity in zip(("low", "high"), pair or ()):
            key = f"library.{kind}_concentration"
            setattr(settings, f"{kind}_{end}_ng", whole_ng_per_ml(key, quantity, name))


def whole_ng_per_ml(key: str, quantity: Quantity, name: str) -> int:
    value = Fraction(quantity.to("ng/nL")) * NL_PER_ML
    if value.denominator != 1 or not 0 < value <= MAX_RATE_NL:
        raise BadInput(f"{name}: {key}: {shown(quantity.text)} is not a whole number of ng/mL above zero", "write one that is")
    return int(value)


def typed_settings(prescription: Prescription) -> dict[str, str]:
    """What was typed, by the label of the review."""
    typed = {key: quantity.text for _, _, key, quantity in present(prescription, VOLUMES | RATES)}
    for kind in ("hard", "soft"):
        pair = getattr(prescription.library, f"{kind}_concentration", None)
        if pair:
            typed[f"library.{kind}_concentration"] = " to ".join(quantity.text for quantity in pair)
    return typed
