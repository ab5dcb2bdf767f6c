"""The source of a run's mass: typed in advance, typed when asked, or read from a balance. Exact micrograms."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from thecal.errors import BadInput, Failed
from thecal.quantities.typed import decimal, parse_number, shown
from thecal.terminal.console import talk
from thecal.weighing.clocks import passing

if TYPE_CHECKING:
    from thecal.weighing.balance import Balance, Reading

UNITS_UG = {"g": 1_000_000, "mg": 1_000}
MASS_DO = 'write a number with a point and its unit: "1.0023 g" or "1002.3 mg"'
SPLIT = re.compile(r"([^\sa-zA-Zµμ]*)\s*(.*)", re.DOTALL)
STABLE_WITHIN_S = 60.0


def mass_ug(text: str) -> Fraction:
    """Read a typed mass. Raises BadInput for a comma, a missing unit, a negative value, or no number."""
    match = SPLIT.fullmatch(text.strip())
    number, unit = (match.group(1), match.group(2).strip()) if match else ("", "")
    amount = parse_number(text, number)
    if not unit:
        raise BadInput(f"{shown(text)} has no unit", MASS_DO)
    if unit not in UNITS_UG:
        raise BadInput(f"{shown(text)} has a unit that is not allowed: {shown(unit)}", MASS_DO)
    return amount * UNITS_UG[unit]


def grams(weight_ug: Fraction | int) -> str:
    """Format a mass as a balance does: in g, to 0.1 mg."""
    return decimal(Fraction(weight_ug) / 1_000_000, 4) + " g"


class Plausible:
    """The expected mass of a run, and its tolerance."""

    def __init__(self, expected_ug: Fraction, percent: int) -> None:
        self.expected_ug = expected_ug
        self.percent = percent

    def net(self, gross_ug: Fraction, tare_ug: Fraction, text: str) -> Fraction:
        """Return the delivered mass. Raises BadInput if it is not above zero, or far from the expected mass."""
        net = gross_ug - tare_ug
        if tare_ug and net <= 0:
            raise BadInput(f"{shown(text)} is not more than the tare of {grams(tare_ug)}", "weigh the vessel before and after the run")
        if net <= 0:
            raise BadInput(f"{shown(text)} is zero", "weigh the delivered fluid; a run without fluid gives no calibration")
        if abs(net - self.expected_ug) * 100 > self.expected_ug * self.percent:
            factor = max(net, self.expected_ug) / min(net, self.expected_ug)
            thousand = " (a factor of 1000: g for mg?)" if 500 <= factor <= 2000 else ""
            raise BadInput(
                f"{shown(text)} is {'more' if net > self.expected_ug else 'less'} than possible{thousand}",
                f"the bench's nominal calibration gives {grams(self.expected_ug)}, the weight may differ by {self.percent} %",
            )
        return net


class Masses(Protocol):
    """`before` is called before a run; `after` is called after it and returns the delivered mass in ug."""

    def before(self, run: int) -> None: ...

    def after(self, run: int) -> Fraction: ...


class Listed:
    """Masses typed with the command, checked before the pump runs."""

    def __init__(self, plausible: Plausible, texts: Sequence[str], tares: Sequence[str]) -> None:
        if len(tares) not in (0, 1, len(texts)):
            raise BadInput(f"{len(texts)} times --mass and {len(tares)} times --tare", "give one --tare for all, or one for each --mass")
        weights = [mass_ug(text) for text in tares] or [Fraction(0)]
        if len(weights) == 1:
            weights *= len(texts)
        pairs = zip(texts, weights, strict=True)
        self.masses = [plausible.net(mass_ug(text), tare, text) for text, tare in pairs]

    def before(self, run: int) -> None:
        """Do nothing: the masses are known."""

    def after(self, run: int) -> Fraction:
        return self.masses[run]


class Asked:
    """Masses that the user types when asked. After a slip it asks again, because the run must not be lost."""

    def __init__(self, plausible: Plausible) -> None:
        self.plausible = plausible
        self.tare = Fraction(0)

    def before(self, run: int) -> None:
        while True:
            text = ask(f"run {run + 1}: weight of the vessel before (Enter when the balance shows zero): ")
            try:
                self.tare = mass_ug(text) if text else Fraction(0)
            except BadInput as error:
                talk(f"{error.cause}; {error.do}")
            else:
                return

    def after(self, run: int) -> Fraction:
        while True:
            text = ask(f"run {run + 1}: weight after: ")
            try:
                return self.plausible.net(mass_ug(text), self.tare, text)
            except BadInput as error:
                talk(f"{error.cause}; {error.do}")


class OnBalance:
    """Masses from a balance on a serial port: stable before, stable after."""

    def __init__(self, plausible: Plausible, balance: Balance, port_url: str) -> None:
        self.plausible = plausible
        self.balance = balance
        self.port_url = port_url
        self.tare_ug = 0

    def before(self, run: int) -> None:
        self.tare_ug = self._at_rest().mass_ug

    def _at_rest(self) -> Reading:
        with passing(self.port_url):
            return self.balance.read_stable(STABLE_WITHIN_S)

    def after(self, run: int) -> Fraction:
        reading = self._at_rest()
        talk(f"run {run + 1}: {grams(reading.mass_ug - self.tare_ug)} ({reading.raw.strip()})")
        return self.plausible.net(Fraction(reading.mass_ug - self.tare_ug), Fraction(0), grams(reading.mass_ug - self.tare_ug))


def ask(question: str) -> str:
    """Read a line from the user, asked on stderr. Raises Failed without a user."""
    sys.stderr.write(question)
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        talk("")
        raise Failed("no answer on stdin, nothing was stored", "type it, or give --mass for each run, or --balance PORT")
    return answer.strip()
