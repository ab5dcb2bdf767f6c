"""Check an order with the pump's own formulas and texts, before the host sends it. The result does not depend on the pump's state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from types import SimpleNamespace

from pumpcore.faults.fault_texts import told
from pumpcore.faults.faults import Refusal
from pumpcore.limits import order_limits
from pumpcore.limits.limits import Ceilings
from pumpcore.orders import bolus as boluses
from pumpcore.orders.bolus import Temporary
from pumpcore.program.plan import Program
from pumpcore.units import ceil_div
from thecal.checks.dose import Bolus, in_unit, nearest_text
from thecal.checks.rigs import Rig
from thecal.checks.settings import nearest
from thecal.errors import BadInput
from thecal.pump import layers
from thecal.pump.refusals import without_nearest
from thecal.quantities.exact import ng_per_nl_of
from thecal.quantities.typed import Quantity, shown

NO_TOKEN = ""


@contextmanager
def in_words(program: Program, rig: Rig, typed: Quantity | str, temporary: bool = False) -> Iterator[None]:
    """Return a Refusal as BadInput about the typed text, with the nearest possible value (a rate if `temporary`)."""
    try:
        yield
    except Refusal as refusal:
        binds = layers.words(refusal.fault.name, refusal.detail, program, rig.bench)
        quantity, text = (None, typed) if isinstance(typed, str) else (typed, typed.text)
        do = "; ".join(filter(None, (told(refusal.fault.name)[1], nearest(program, refusal, temporary, quantity), binds)))
        cause = without_nearest(refusal, program.rate_seconds_s, quantity, ng_per_nl_of(program, refusal.detail.get("drug")))
        raise BadInput(f"{shown(text)}: {cause}", do) from refusal


def check_steps(program: Program, rig: Rig, volume_nl: int, typed: Quantity) -> None:
    """Raise BadInput with the nearest possible volumes if whole steps would change a dose by more than 1 %."""
    try:
        order_limits.check_rounding(volume_nl, rig.calibration)
    except Refusal as refusal:
        raise rounded(refusal, program, rig, typed) from refusal


def rounded(refusal: Refusal, program: Program, rig: Rig, typed: Quantity) -> BadInput:
    """Return a `dose_rounded` refusal as BadInput about the typed text."""
    asked_nl, *nearest_nl = (int(str(refusal.detail[name])) for name in ("asked_nl", "nearest_nl", "nearest_more_nl"))
    pair = rig.calibration
    made = in_unit(Fraction(pair.steps_for_nl(asked_nl) * pair.volume_nl, pair.steps), typed, program)
    words = [f'"{nearest_text(volume_nl, typed, program)}"' for volume_nl in nearest_nl if volume_nl]
    which = "nearest" if len(words) > 1 else "smallest"
    cause = f"{shown(typed.text)}: the pump would deliver {made}, more than 1 % less"
    return BadInput(cause, f"the {which} that can be ordered: {' and '.join(words)}")


def check_bolus(program: Program, rig: Rig, asked: Bolus) -> None:
    """Check a bolus against the program; `program.check_bolus` checks the ceilings. Raises BadInput."""
    with in_words(program, rig, asked.rate.described(f"{asked.volume.text} at {asked.rate.text}")):
        made = boluses.Bolus(NO_TOKEN, asked.volume_nl, asked.rate_nl, program.rate_seconds_s, rig.calibration)
        order_limits.check_bolus_time(made)
        order_limits.check_dose(program.settings, made.volume_nl)


def check_extended(program: Program, rig: Rig, volume_nl: int, duration_s: int, typed: Quantity | str) -> None:
    """Check an extended bolus together with the lowest basal. Raises BadInput."""
    with in_words(program, rig, typed):
        order_limits.check_extended_time(duration_s)
        made = boluses.Bolus(NO_TOKEN, volume_nl, volume_nl, duration_s, rig.calibration)
        order_limits.check_dose(program.settings, volume_nl)
        beside_nl = program.lowest_rate_nl()
        order_limits.check_bolus_rate(made, beside_nl, Ceilings(rig, rig.calibration, program), program.rate_seconds_s)


def check_priming(program: Program, rig: Rig, rate_nl: int, typed: Quantity | str) -> None:
    """Check a priming at `rate_nl` per the program's seconds: only the bench's ceilings apply, not the program's."""
    seconds_s = program.rate_seconds_s
    with in_words(program, rig, typed):
        made = boluses.Bolus(NO_TOKEN, program.line_nl(), rate_nl, seconds_s, rig.calibration)
        made.purpose = boluses.PRIMING
        order_limits.check_bolus_time(made)
        order_limits.check_bolus_rate(made, 0, Ceilings(rig, rig.calibration, Program("", "", seconds_s, [])), seconds_s)


def check_temporary(program: Program, rig: Rig, made: Temporary, typed: Quantity | str) -> None:
    """Check a temporary rate: its form, and its rate at the lowest basal. Raises BadInput about the typed text."""
    with in_words(program, rig, typed, temporary=True):
        order_limits.check_temporary_form(made, program.rate_seconds_s * rig.calibration.volume_nl)
        least_nl = ceil_div(made.of(program.lowest_rate_nl()), made.parts())
        ceilings = Ceilings(rig, rig.calibration, program)
        order_limits.check_temporary_rate(least_nl, 0, ceilings, program.settings)
        setup = SimpleNamespace(program=program, ceilings=ceilings, calibration=rig.calibration)
        order_limits.check_temporary_windows(made, least_nl, setup, 0)
