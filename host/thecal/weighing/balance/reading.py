"""A weight from a balance: exact decimals as text, whole micrograms as integers; no floats."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from thecal.weighing.balance import errors

# micrograms in one of these; the spellings that balances print
UG_PER_UNIT = {"g": 1_000_000, "mg": 1_000, "kg": 1_000_000_000, "ug": 1, "\u00b5g": 1, "\u03bcg": 1, "mcg": 1}


@dataclass(frozen=True)
class Reading:
    """`mass_ug`: exact; `stable`: the balance's own report; `raw`: the received line; `at_s`: its time.monotonic."""

    mass_ug: int
    stable: bool
    raw: str
    at_s: float


@dataclass(frozen=True)
class Weight:
    """The content of one line: `number` as printed, `unit` "" if it has none, `stable` None if it does not report it. `fixed_width`: a
    lost byte would show."""

    number: str
    unit: str
    stable: bool | None
    fixed_width: bool = True

    @property
    def decimals(self) -> int:
        return len(self.number.partition(".")[2])

    def mass_ug(self, unit: str, raw: str) -> int:
        """Convert the number in `unit` to whole micrograms."""
        if unit not in UG_PER_UNIT:
            raise errors.unusable_unit(raw, unit)
        exact_ug = Decimal(self.number) * UG_PER_UNIT[unit]
        if exact_ug != exact_ug.to_integral_value():
            raise errors.too_fine(raw)
        return int(exact_ug)
