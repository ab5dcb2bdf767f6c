"""Convert a typed bolus to exact values for the active program."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pumpcore.motion.dose import Calibration
from pumpcore.program.packing import MAX_RATE_NL
from pumpcore.program.plan import Program
from pumpcore.units import NL_PER_ML, S_PER_HOUR
from thecal.errors import BadInput
from thecal.quantities import exact
from thecal.quantities.amounts import ml, ml_per_h, span
from thecal.quantities.typed import LONGEST_NUMBER, Quantity, decimal, parse, shown, words_of

SHOWN_DIGITS = 6


class Bolus:
    """A bolus of `volume_nl` at `rate_nl` per the active program's seconds; `volume` and `rate` as typed. `review` returns both forms,
    and the dose in whole steps of `pair`."""

    def __init__(self, program: Program, volume_text: str, rate_text: str, pair: Calibration | None = None) -> None:
        self.volume, self.rate = volume_of(volume_text), rate_of(rate_text)
        self.volume_nl = volume_nl(program, self.volume)
        self.rate_nl, seconds_s = rate_nl(program, self.rate), program.rate_seconds_s
        if not self.volume_nl or not self.rate_nl:
            raise BadInput("a bolus needs a volume and a rate above zero", 'write it like: thecal bolus "0.5 mL" --rate "6 mL/h"')
        for quantity, value in ((self.volume, self.volume_nl), (self.rate, self.rate_nl)):
            if value > MAX_RATE_NL:
                raise BadInput(f"{shown(quantity.text)} is more than the pump can count", "write a smaller volume")
        self.review = [
            ("volume", volume_text, ml(self.volume_nl), delivered(self.volume_nl, pair, self.volume, program)),
            ("rate", rate_text, ml_per_h(self.rate_nl, seconds_s), ""),
            ("takes", "", span(self.duration_s(seconds_s)), ""),
        ]

    def duration_s(self, rate_seconds_s: int) -> int:
        """Return whole seconds, rounded up as in the pump."""
        return -(-self.volume_nl * rate_seconds_s // self.rate_nl)

    def as_dict(self) -> dict[str, Any]:
        """Return `volume_nl`, and `rate_nl` per the program's seconds."""
        return {"volume_nl": self.volume_nl, "rate_nl": self.rate_nl}


def volume_of(text: str) -> Quantity:
    """Parse a volume or a mass. Raises BadInput for any other text."""
    return read(text, ("volume", "mass"), "0.5 mL")


def rate_of(text: str) -> Quantity:
    """Parse a volume or a mass per time. Raises BadInput for any other text."""
    return read(text, ("volume/time", "mass/time"), "6 mL/h")


def read(text: str, kinds: tuple[str, ...], example: str) -> Quantity:
    """Parse a quantity of one of `kinds`. Raises BadInput that shows the `example`."""
    quantity = parse(text)
    if quantity.kind() not in kinds:
        raise BadInput(f"{shown(text)} is a {words_of(quantity.kind())}, not a {words_of(*kinds)}", f'write it like "{example}"')
    return quantity


def volume(program: Program, quantity: Quantity) -> Fraction:
    """nL, or nL per second; a mass goes through the concentration of the active program. Exact."""
    return exact.volume(quantity, exact.ng_per_nl(program), "the pump's program has no concentration", "give a volume, like 0.5 mL")


def volume_nl(program: Program, quantity: Quantity) -> int:
    """Whole nl. Raises BadInput with the nearest."""
    return exact.whole_nl(volume(program, quantity), quantity.text)


def rate_nl(program: Program, quantity: Quantity) -> int:
    """Whole nl per the program's seconds. Raises BadInput with the nearest."""
    seconds_s = program.rate_seconds_s
    return exact.whole_nl(volume(program, quantity) * seconds_s, quantity.text, "mL/h", Fraction(S_PER_HOUR, seconds_s * NL_PER_ML))


def option_nl(option: str, text: str, example: str) -> int:
    """The whole nl of an option that takes a volume. Raises BadInput that names the option."""
    try:
        return exact.whole_nl(read(text, ("volume",), example).to("nL"), text)
    except BadInput as error:
        raise BadInput(f"{option}: {error.cause}", error.do) from None


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
