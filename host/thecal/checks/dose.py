"""Convert a typed bolus to exact values for the active program."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pumpcore.dose import Calibration
from pumpcore.program import MAX_RATE_NL, Program
from thecal.errors import BadInput
from thecal.quantities.amounts import ml_per_h, span
from thecal.quantities.typed import LONGEST_NUMBER, Quantity, decimal, parse, shown, words_of

SHOWN_DIGITS = 6


class Bolus:
    """A bolus of `volume_nl` at `rate_nl` per the active program's seconds; `volume` and `rate` as typed. `review` returns both forms,
    and the dose in whole steps of `pair`."""

    def __init__(self, program: Program, volume_text: str, rate_text: str, pair: Calibration | None = None) -> None:
        self.volume, self.rate = volume_of(volume_text), rate_of(rate_text)
        self.volume_nl = whole(volume(program, self.volume), volume_text, "nL", Fraction(1))
        seconds_s = program.rate_seconds_s
        flow = volume(program, self.rate)
        self.rate_nl = whole(flow * seconds_s, rate_text, "mL/h", Fraction(3600, seconds_s * 1_000_000))
        if not self.volume_nl or not self.rate_nl:
            raise BadInput("a bolus needs a volume and a rate above zero", 'write it like: thecal bolus "0.5 mL" --rate "6 mL/h"')
        for quantity, value in ((self.volume, self.volume_nl), (self.rate, self.rate_nl)):
            if value > MAX_RATE_NL:
                raise BadInput(f"{shown(quantity.text)} is more than the pump can count", "write a smaller volume")
        self.review = [
            ("volume", volume_text, f"{self.volume_nl} nl", delivered(self.volume_nl, pair, self.volume, program)),
            ("rate", rate_text, f"{self.rate_nl} nl / {seconds_s} s", ml_per_h(self.rate_nl, seconds_s)),
            ("takes", "", f"{self.duration_s(seconds_s)} s", span(self.duration_s(seconds_s))),
        ]

    def duration_s(self, rate_seconds_s: int) -> int:
        """Return whole seconds, rounded up as in the pump."""
        return -(-self.volume_nl * rate_seconds_s // self.rate_nl)

    def as_dict(self) -> dict[str, Any]:
        return {"volume_nl": self.volume_nl, "rate_nl": self.rate_nl}


def volume_of(text: str) -> Quantity:
    return read(text, ("volume", "mass"), "0.5 mL")


def rate_of(text: str) -> Quantity:
    return read(text, ("volume/time", "mass/time"), "6 mL/h")


def read(text: str, kinds: tuple[str, ...], example: str) -> Quantity:
    quantity = parse(text)
    if quantity.kind() not in kinds:
        raise BadInput(f"{shown(text)} is a {words_of(quantity.kind())}, not a {words_of(*kinds)}", f'write it like "{example}"')
    return quantity


def volume(program: Program, quantity: Quantity) -> Fraction:
    """Return exact nL, or nL per second; a mass uses the concentration of the active program. Raises BadInput."""
    if quantity.kind().startswith("volume"):
        return quantity.to("nL/s" if quantity.kind() == "volume/time" else "nL")
    mass_ng, volume_nl = program.concentration
    if not mass_ng:
        raise BadInput(f"{shown(quantity.text)} is a mass and the pump's program has no concentration", "give a volume, like 0.5 mL")
    return quantity.to("ng/s" if quantity.kind() == "mass/time" else "ng") * volume_nl / mass_ng


def whole(value: Fraction, text: str, unit: str, unit_per_nl: Fraction) -> int:
    """Return an integer for the pump. Raises BadInput with the nearest integers; `unit_per_nl` converts them to `unit`."""
    if value.denominator == 1:
        return int(value)
    below, above = (decimal((value // 1 + more) * unit_per_nl, 12) for more in (0, 1))
    raise BadInput(f"{shown(text)} is not a whole number of nl for the active program", f"nearest: {below} {unit} and {above} {unit}")


def delivered(volume_nl: int, pair: Calibration | None, typed: Quantity, program: Program) -> str:
    """Return the dose in whole steps, in the typed unit; without a pair the volume itself."""
    steps = pair.steps_for_nl(volume_nl) if pair is not None else 0
    return in_unit(Fraction(steps * pair.volume_nl, pair.steps) if pair is not None else Fraction(volume_nl), typed, program)


def in_unit(volume_nl: Fraction, typed: Quantity, program: Program) -> str:
    """Format a volume in the typed unit (a mass uses the program's concentration): six significant digits, or marked "~"."""
    value = volume_nl / unit_nl(typed, program)
    digits = SHOWN_DIGITS
    while 0 < value * 10 ** (digits - SHOWN_DIGITS + 1) < 1:
        digits += 1
    return f"{decimal(value, digits)} {typed.unit}"


def nearest_text(volume_nl: int, typed: Quantity, program: Program) -> str:
    """Format a volume that the user can type: in the typed unit if exact, otherwise in uL."""
    exact = decimal(Fraction(volume_nl) / unit_nl(typed, program), LONGEST_NUMBER)
    return f"{decimal(Fraction(volume_nl, 1000))} uL" if exact.startswith("~") else f"{exact} {typed.unit}"


def unit_nl(typed: Quantity, program: Program) -> Fraction:
    """Return nL per one of the typed unit."""
    return volume(program, Quantity(typed.text, Fraction(1), typed.unit))
