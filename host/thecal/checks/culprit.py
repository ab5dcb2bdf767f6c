"""Find the value of a prescription that exceeds a limit, and the largest value that the pump accepts instead."""

from __future__ import annotations

from copy import copy
from fractions import Fraction
from typing import Any

from pumpcore.faults.faults import Refusal
from pumpcore.limits import limits
from pumpcore.program.plan import Program
from pumpcore.program.protocol import Protocol
from pumpcore.program.settings import LIMITS, Settings
from pumpcore.units import NL_PER_ML
from thecal.checks.rigs import Rig
from thecal.prescription.compiler import Compiled, row_key
from thecal.prescription.file import Prescription
from thecal.prescription.tables import BY_FIELD, RATE, SETTINGS
from thecal.quantities.typed import Quantity, decimal, spelled

NEAREST_DIGITS = 6


class Culprit:
    """A `key` of the prescription, its typed quantity, and its `value_nl` in the program."""

    def __init__(self, key: str, quantity: Quantity, value_nl: int) -> None:
        self.key, self.quantity, self.value_nl = key, quantity, value_nl

    def replaced(self, program: Program, value_nl: int) -> Program:
        """Return the program with another value here."""
        raise NotImplementedError

    def nearest(self, program: Program, rig: Rig) -> str:
        """Return the largest smaller value that the rig accepts, in the typed unit; "" if there is none."""
        low, high = 0, self.value_nl
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if passes(self.replaced(program, middle), rig) else (low, middle)
        return possible(self.words(low)) if low else ""

    def words(self, value_nl: int) -> str:
        """Format a value in the typed unit, rounded down."""
        return part_of(Fraction(value_nl, self.value_nl), self.quantity)


class Rate(Culprit):
    """The highest rate of the schedule; an entry for several days is one line of the file."""

    def __init__(self, prescription: Prescription, program: Program) -> None:
        rows = prescription.rows()
        highest = max(range(len(rows)), key=lambda index: program.entries[index][1])
        self._same = [typed is rows[highest][1] for _, typed in rows]
        super().__init__(row_key(prescription, rows[highest][0]), rows[highest][1], program.entries[highest][1])

    def replaced(self, program: Program, value_nl: int) -> Program:
        """Return the program with `value_nl` per its seconds in every entry of this line of the file."""
        made = copy(program)
        made.entries = [(minute, value_nl if same else before) for (minute, before), same in zip(program.entries, self._same, strict=True)]
        made.peaks = {}  # the rates of the other entries
        return made


class OfStage(Culprit):
    """The stage of a protocol with the highest rate: its rate, its volume, or the higher end of its ramp."""

    def __init__(self, prescription: Prescription, program: Program) -> None:
        made: Any = program.protocol
        self._index = max(range(len(made.stages)), key=lambda index: max(made.stages[index][1:]))
        protocol: Any = prescription.protocol
        key, stage = protocol.stages()[self._index]
        if stage.ramp is not None:
            _, begin_nl, end_nl = made.stages[self._index]
            super().__init__(f"{key}.ramp", stage.ramp[int(end_nl >= begin_nl)], max(begin_nl, end_nl))
        else:
            word = "rate" if stage.rate is not None else "volume"
            super().__init__(f"{key}.{word}", getattr(stage, word), max(made.stages[self._index][1:]))

    def replaced(self, program: Program, value_nl: int) -> Program:
        """Return the program with at most `value_nl` per its seconds in this stage."""
        made, before = copy(program), program.protocol
        assert before is not None
        lasts_s, begin_nl, end_nl = before.stages[self._index]
        finer = 2 * lasts_s  # with so many times the seconds, any ramp in this time is exact
        stages = [(length_s, begin * finer, end * finer) for length_s, begin, end in before.stages]
        stages[self._index] = lasts_s, min(begin_nl, value_nl) * finer, min(end_nl, value_nl) * finer
        made.rate_seconds_s, made.max_rate_nl = program.rate_seconds_s * finer, program.max_rate_nl * finer
        made.settings = with_rates(program.settings, finer)
        made.protocol, made.peaks = Protocol(stages, before.loops), {}
        made.protocol.then, made.protocol.start, made.protocol.start_value = before.then, before.start, before.start_value
        return made


def with_rates(settings: Settings | None, times: int) -> Settings | None:
    """Return the settings with every rate so many times as high."""
    if settings is None:
        return None
    made = copy(settings)
    rates = [field for one in SETTINGS if one.held.kind == RATE for field in one.held.fields]
    for field in rates:
        setattr(made, field, getattr(settings, field) * times)
    made.drugs = tuple(
        (name, tuple(value * times if field in rates else value for field, value in zip(LIMITS, own))) for name, own in settings.drugs
    )
    return made


def of_rate(prescription: Prescription, program: Program) -> Culprit:
    """Return the highest rate of a program."""
    return (Rate if program.protocol is None else OfStage)(prescription, program)


class Setting(Culprit):
    """A volume of the settings, by its field's name."""

    def __init__(self, prescription: Prescription, program: Program, field: str) -> None:
        self._field, one = field, BY_FIELD[field]
        super().__init__(one.key, getattr(getattr(prescription, one.table), one.name), getattr(program.settings, field))

    def replaced(self, program: Program, value_nl: int) -> Program:
        """Return the program with `value_nl` in this setting."""
        made = copy(program)
        made.settings = copy(program.settings)
        setattr(made.settings, self._field, value_nl)
        return made

    def words(self, value_nl: int) -> str:
        """Format a dose exactly: in the typed unit, or in mL if the typed unit has too many digits."""
        exact = self.quantity.amount * value_nl / self.value_nl
        typed = f"{decimal(exact, NEAREST_DIGITS)} {self.quantity.unit}"
        return f"{decimal(Fraction(value_nl, NL_PER_ML))} mL" if typed.startswith("~") else typed


def of_bolus(prescription: Prescription, compiled: Compiled) -> Culprit | None:
    """Return the larger of the demand dose and the largest bolus; None if the prescription has neither."""
    bolus, found = prescription.bolus, [of_demand(prescription, compiled)]
    if bolus is not None and bolus.max_dose is not None:
        found.append(Setting(prescription, compiled.program, "bolus_max_nl"))
    return max(filter(None, found), key=lambda one: one.value_nl, default=None)


def of_demand(prescription: Prescription, compiled: Compiled) -> Culprit | None:
    """Return the demand dose; None if the prescription has none."""
    return Setting(prescription, compiled.program, "demand_nl") if prescription.demand is not None else None


def passes(program: Program, rig: Rig) -> bool:
    """Return True if the rig accepts this program."""
    try:
        limits.check_program(program, rig, rig.calibration)
    except Refusal:
        return False
    return True


def part_of(part: Fraction, quantity: Quantity) -> str:
    """Return `part` of the typed quantity, rounded down to six decimals."""
    amount = Fraction(quantity.amount * part * 10**NEAREST_DIGITS // 1, 10**NEAREST_DIGITS)
    return f"{decimal(amount, NEAREST_DIGITS)} {spelled(quantity.unit)}"


def possible(words: str) -> str:
    """Return the sentence that offers a value, written as the user can type it."""
    return f'the nearest possible is "{words}"'
