"""A mistake that a rule found, and the two reasons for which a rule can't decide."""

from __future__ import annotations

from dataclasses import dataclass

# Lowest and highest value, in millivolts or Ohm.
Span = tuple[float, float]


@dataclass(frozen=True)
class Finding:
    """`rule` is E1 to E14. `net` and `parts` say where, `numbers` what was computed, `text` what is wrong, `cure` what to do."""

    rule: str
    text: str
    cure: str
    net: str = ""
    parts: tuple[str, ...] = ()
    numbers: str = ""


class Undecided(Exception):
    """A rule needs a figure that nobody has read or measured. It must not pass, so this becomes a finding."""

    def __init__(self, mark: str, text: str, cure: str) -> None:
        super().__init__(text)
        self.mark, self.text, self.cure = mark, text, cure


def volts(millivolts: float) -> str:
    """Return "3.02 V"."""
    return f"{millivolts / 1000:.2f} V"


def span(bounds: Span) -> str:
    """Return "2.91 to 3.02 V" of two millivolt values."""
    low, high = bounds
    return volts(high) if round(low, -1) == round(high, -1) else f"{low / 1000:.2f} to {volts(high)}"


def ohms(value: float) -> str:
    """Return "4.7 kOhm"."""
    for size, unit in ((1_000_000, "MOhm"), (1_000, "kOhm")):
        if value >= size:
            return f"{value / size:.4g} {unit}"
    return f"{value:.4g} Ohm"


def amperes(milliamperes: float) -> str:
    """Return "0.54 A", or "0.7 mA" below 0.1 A."""
    return f"{milliamperes / 1000:.2f} A" if milliamperes >= 100 else f"{milliamperes:.2g} mA"


def listed(names: list[str]) -> str:
    """Return "A, B and C"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
