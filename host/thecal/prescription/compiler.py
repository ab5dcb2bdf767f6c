"""Compile a prescription into a program: exact fractions to integers over one common number of seconds. Refuses what is not an integer."""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

from pumpcore.faults.fault_texts import sentence, told
from pumpcore.faults.faults import Refusal
from pumpcore.program.packing import MAX_ENTRIES, MAX_RATE_NL, pack, unpack
from pumpcore.program.plan import BY_STAGES, CONSTANT, MINIMUM, SCHEDULE, Program
from pumpcore.program.protocol import ENDINGS, Protocol
from pumpcore.units import S_PER_HOUR
from thecal.errors import BadInput
from thecal.prescription import mixture, staged
from thecal.prescription.file import Prescription
from thecal.prescription.settings import compile_settings, library_rates, typed_settings, whole_nl
from thecal.prescription.staged import Planned
from thecal.prescription.tables import BY_FIELD
from thecal.quantities.typed import Quantity, decimal, shown, spelled
from thecal.quantities.week import week_time

SECONDS_MAX_S = (1 << 32) - 1
MOST_DECIMALS = 12


class Rate(NamedTuple):
    """A rate with the key that messages name, as typed, and in exact nL per second."""

    key: str
    typed: Quantity
    nl_per_s: Fraction


class Compiled:
    """A program, its packed bytes, and the typed text of every number."""

    def __init__(self, program: Program, packed: bytes, typed: dict[str, str]) -> None:
        self.program = program
        self.packed = packed
        self.typed = typed


def compile_prescription(prescription: Prescription, name: str) -> Compiled:
    """Compile a prescription; `name`: the file's name for messages. Raises BadInput; never rounds."""
    rows = prescription.rows()
    if len(rows) > MAX_ENTRIES:
        raise BadInput(f"{name}: basal.entry: {len(rows)} changes of rate a week", f"write at most {MAX_ENTRIES}")
    limit = prescription.limits.max_rate
    typed = [(row_key(prescription, minute), quantity) for minute, quantity in rows]
    typed += ([("limits.max_rate", limit)] if limit is not None else []) + library_rates(prescription)
    rates = [Rate(key, quantity, volume_of(prescription, quantity, key, name)) for key, quantity in typed]
    stages = planned_stages(prescription, name)
    seconds_s = common_seconds(prescription, rates, stages, name)
    program = Program(prescription.title, prescription.drug, seconds_s, [])
    program.entries = [(minute, scaled(rate, seconds_s, name)) for (minute, _), rate in zip(rows, rates)]
    fill_header(program, prescription, name)
    if prescription.protocol is not None:
        program.protocol = protocol_of(prescription, stages, seconds_s, name)
    if limit is not None:
        program.max_rate_nl = positive("limits.max_rate", limit, scaled(rates[len(rows)], seconds_s, name), name)
    scale = {key: scaled(rate, seconds_s, name) for rate in rates[len(rows) :] for key in [rate.key]}
    program.settings = compile_settings(prescription, lambda key, quantity: positive(key, quantity, scale[key], name), name)
    mixture.fill(program, prescription, name)
    texts = typed_texts(prescription, rows) | {f"stage {number}": one.typed() for number, one in enumerate(stages, 1)}
    return Compiled(program, packed_and_checked(program, name), texts | mixture.typed(program, prescription))


def fill_header(program: Program, prescription: Prescription, name: str) -> None:
    """Set every field of the program except the rates."""
    program.mode = mode_of(prescription)
    program.on_clock_loss = prescription.on_clock_loss
    program.after_power_loss = prescription.after_power_loss
    program.hour_nl = limit_nl(prescription, "max_per_hour", name)
    program.day_nl = limit_nl(prescription, "max_per_day", name)
    if prescription.concentration is not None:
        program.concentration = mixture.pair_of(prescription.concentration, f"{name}: {prescription.concentration_key()}")


def mode_of(prescription: Prescription) -> int:
    """Return the program's mode."""
    basal = prescription.basal
    if basal is None:
        return BY_STAGES
    return MINIMUM if basal.minimum is not None else CONSTANT if basal.rate is not None else SCHEDULE


def planned_stages(prescription: Prescription, name: str) -> list[Planned]:
    """Return the stages of the protocol in exact numbers; none without a protocol. Raises BadInput."""
    if prescription.protocol is None:
        return []
    return staged.planned(prescription, lambda quantity, key: volume_of(prescription, quantity, key, name), name)


def protocol_of(prescription: Prescription, stages: list[Planned], seconds_s: int, name: str) -> Protocol:
    """Return the pump's protocol. Raises BadInput above the limit of the program format."""
    rx: Any = prescription.protocol
    made = []
    for one in stages:
        top = Rate(one.key, Quantity(one.typed(), Fraction(0), ""), max(one.begin, one.end))
        scaled(top, seconds_s, name)
        made.append((one.lasts_s, int(one.begin * seconds_s), int(one.end * seconds_s)))
    protocol = Protocol(made, staged.loops(prescription))
    protocol.then, protocol.start, protocol.start_value = ENDINGS.index(rx.then), rx.start.kind, rx.start.value
    return protocol


def row_key(prescription: Prescription, minute: int) -> str:
    """Return the key of a rate as messages name it: "basal.rate", "basal.entry at mon 06:00"."""
    for key in ("rate", "minimum"):
        if getattr(prescription.basal, key, None) is not None:
            return f"basal.{key}"
    return f"basal.entry at {week_time(minute)}"


def volume_of(prescription: Prescription, quantity: Quantity, key: str, name: str) -> Fraction:
    """Return exact nL, or nL per second. Raises BadInput with file and key if the concentration is missing."""
    try:
        return prescription.volume(quantity)
    except BadInput as error:
        raise BadInput(f"{name}: {key}: {error.cause}", error.do) from error


def common_seconds(prescription: Prescription, rates: list[Rate], stages: list[Planned], name: str) -> int:
    """Return the shortest number of seconds over which every rate and every stage is a whole number of nl.

    If it fits, the result is a multiple of an hour and of the concentration, so that later boluses in nl/h or ng/h are exact too.
    """
    least_s = 1
    for key, quantity, rate in rates:
        if lcm(least_s, rate.denominator) > SECONDS_MAX_S:
            raise BadInput(
                f"{name}: {key}: {not_exact(prescription, quantity, rate, least_s)}",
                "write one of these, or a rate with fewer digits",
            )
        least_s = lcm(least_s, rate.denominator)
    least_s = staged.least_seconds(stages, least_s, lambda one, so_far_s: inexact_stage(prescription, one, so_far_s, name), name)
    values = [rate for _, _, rate in rates] + list(staged.rates(stages))
    mass = prescription.concentration.to("ng/nL").numerator if prescription.concentration else 1
    for wanted_s in (lcm(least_s, S_PER_HOUR * mass), lcm(least_s, S_PER_HOUR)):
        if wanted_s <= SECONDS_MAX_S and all(rate * wanted_s <= MAX_RATE_NL for rate in values):
            return wanted_s
    return least_s


def inexact_stage(prescription: Prescription, one: Planned, seconds_s: int, name: str) -> BadInput:
    """Return the error of a stage whose typed rate is not exact together with the others."""
    quantity: Any = one.stage.rate
    words = not_exact(prescription, quantity, one.begin, seconds_s)
    return BadInput(f"{name}: {one.key}.rate: {words}", "write one of these, or a rate with fewer digits")


def not_exact(prescription: Prescription, quantity: Quantity, rate_nl_per_s: Fraction, seconds_s: int) -> str:
    """Return a message that a rate can't be exact, with the nearest possible rates below and above in the typed unit."""
    per_unit = prescription.volume(Quantity(quantity.text, Fraction(1), quantity.unit))
    unit = quantity.unit
    pair = nearest_decimals(quantity.amount, per_unit, seconds_s)
    if not pair:
        unit, per_unit = "uL/h", Fraction(5, 18)
        pair = nearest_decimals(rate_nl_per_s / per_unit, per_unit, seconds_s)
    nearest = " and ".join(f"{decimal(amount, MOST_DECIMALS)} {spelled(unit)}" for amount in pair)
    return f"the pump cannot represent {shown(quantity.text)} exactly together with the other rates; nearest: {nearest}"


def nearest_decimals(amount: Fraction, per_unit: Fraction, seconds_s: int) -> tuple[Fraction, ...]:
    """Return the neighbours of `amount` with the most decimals that still give whole nl; () if none do. `per_unit`: nL/s of one unit."""
    for digits in range(MOST_DECIMALS, -1, -1):
        below = Fraction(amount * 10**digits // 1, 10**digits)
        pair = (below, below + Fraction(1, 10**digits))
        if all(lcm(seconds_s, (value * per_unit).denominator) <= SECONDS_MAX_S for value in pair):
            return pair
    return ()


def scaled(rate: Rate, seconds_s: int, name: str) -> int:
    """Return nl per `seconds_s`. Raises BadInput above the limit of the program format."""
    key, quantity, value = rate
    rate_nl = value * seconds_s
    if rate_nl > MAX_RATE_NL:
        raise BadInput(
            f"{name}: {key}: {shown(quantity.text)} is more than the program format holds",
            "write a lower rate, or one with fewer digits",
        )
    return int(rate_nl)


def limit_nl(prescription: Prescription, key: str, name: str) -> int:
    """Return a ceiling in whole nl; 0 if the prescription sets none."""
    quantity: Quantity | None = getattr(prescription.limits, key)
    if quantity is None:
        return 0
    where = f"limits.{key}"
    return positive(where, quantity, whole_nl(prescription, where, quantity, name), name)


def positive(key: str, quantity: Quantity, value: int, name: str) -> int:
    """Refuse a limit of zero: the program format would read it as "no limit"."""
    if value == 0:
        raise BadInput(f"{name}: {key}: {shown(quantity.text)} is zero and would allow nothing", "write the limit, or remove the line")
    return value


def packed_and_checked(program: Program, name: str) -> bytes:
    """Return the packed bytes after reading them once with the pump's own decoder."""
    try:
        packed: bytes = pack(program)
        unpack(packed)
    except Refusal as refusal:
        raise BadInput(f"{name}: {setting_key(refusal)}{sentence(refusal)}", told(refusal.fault.name)[1]) from refusal
    return packed


def setting_key(refusal: Refusal) -> str:
    """Return the prescription's key of the refused setting, with a colon; "" if the refusal names none."""
    setting = BY_FIELD.get(str(refusal.detail.get("setting")))
    return f"{setting.key}: " if setting is not None else ""


def typed_texts(prescription: Prescription, rows: list[tuple[int, Quantity]]) -> dict[str, str]:
    """Return the typed texts by the row's name in the review ("mon 06:00", "max_rate" ...)."""
    constant = prescription.basal is not None and prescription.basal.entry is None
    typed = {"always" if constant else week_time(minute): quantity.text for minute, quantity in rows}
    for key in ("max_rate", "max_per_hour", "max_per_day"):
        quantity = getattr(prescription.limits, key)
        if quantity is not None:
            typed[key] = quantity.text
    if prescription.concentration is not None:
        typed["concentration"] = prescription.concentration.text
    return typed | typed_settings(prescription)
