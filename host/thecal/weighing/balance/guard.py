"""Check that readings of a balance are consistent, and judge stability from several readings."""

from __future__ import annotations

from collections import deque

from thecal.weighing.balance import errors
from thecal.weighing.balance.reading import UG_PER_UNIT, Reading, Weight

EQUAL_LINES = 3
EQUAL_FOR_S = 1.0


class Guard:
    """Sees every line of one open balance. `bare_grams`: a number that never has a unit is grams.
    `hides_unit`: the protocol leaves the unit out while the mass moves. `unit_proves`: so a line with a unit is stable. With False
    that holds only once a line without a unit came: many balances print 14 characters, and most of them always with the unit.
    `digit_ug`: the last place of the last number.
    """

    def __init__(self, bare_grams: bool, hides_unit: bool, unit_proves: bool = True) -> None:
        self._bare_grams = bare_grams
        self._hides_unit = hides_unit
        self._unit_proves = unit_proves
        self.digit_ug = 1
        self._unit: str | None = None
        self._decimals: int | None = None
        self._drop_limit_ug: int | None = None
        self._last_ug: int | None = None
        self._equal: deque[Reading] = deque()

    def watch_for_tare(self, drop_limit_ug: int) -> None:
        self._drop_limit_ug, self._last_ug = drop_limit_ug, None

    def begin_weighing(self) -> None:
        """Forget equal lines from before: they do not prove the present mass."""
        self._equal.clear()

    def reading(self, weight: Weight, line: str, at_s: float) -> Reading:
        """Return the line as a reading. Raises BalanceError if it contradicts earlier ones."""
        if self._hides_unit and not weight.unit:
            self._unit_proves = True
        unit = self._unit_of(weight, line)
        mass_ug = weight.mass_ug(unit, line)
        self.digit_ug = max(1, UG_PER_UNIT[unit] // 10**weight.decimals)
        self._check_shape(weight, line)
        self._check_drop(mass_ug, line)
        told = weight.stable
        if self._hides_unit and weight.unit and not self._unit_proves:
            told = None
        reading = Reading(mass_ug, bool(told), line, at_s)
        if told is None and self._repeats(reading):
            return Reading(mass_ug, True, line, at_s)
        if told is False:
            self._equal.clear()  # lines before a moving one do not count
        return reading

    def _unit_of(self, weight: Weight, line: str) -> str:
        if self._hides_unit and not weight.unit:
            if self._unit is None:
                raise errors.unit_not_seen(line)
            return self._unit
        if self._unit is not None and weight.unit != self._unit:
            if not weight.unit and weight.decimals < (self._decimals or 0):
                raise errors.half_line(line, "digits and the unit are missing")
            raise errors.unit_change(line, self._unit, weight.unit)
        if not weight.unit and not self._bare_grams:
            raise errors.no_unit(line)
        self._unit = weight.unit
        return weight.unit or "g"

    def _check_shape(self, weight: Weight, line: str) -> None:
        if weight.fixed_width:
            return
        if self._decimals is not None and weight.decimals != self._decimals:
            raise errors.decimals_change(line, self._decimals, weight.decimals)
        self._decimals = weight.decimals

    def _check_drop(self, mass_ug: int, line: str) -> None:
        if self._drop_limit_ug is None:
            return
        if self._last_ug is not None and self._last_ug - mass_ug > self._drop_limit_ug:
            raise errors.tared(line, self._last_ug - mass_ug)
        self._last_ug = mass_ug

    def _repeats(self, reading: Reading) -> bool:
        """Return True from the third equal line on, if a second has passed since the first."""
        if self._equal and self._equal[0].mass_ug != reading.mass_ug:
            self._equal.clear()
        self._equal.append(reading)
        if len(self._equal) > EQUAL_LINES:
            del self._equal[1]
        return len(self._equal) == EQUAL_LINES and reading.at_s - self._equal[0].at_s >= EQUAL_FOR_S
