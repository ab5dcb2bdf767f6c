"""Format current and new program side by side, both as read back from the pump, with the typed texts."""

from __future__ import annotations

from pumpcore.program.plan import MODES, Program
from thecal.quantities.amounts import doses_text, masses_text, ml, ml_per_h, ug_per_ml
from thecal.quantities.exact import drugs_of
from thecal.quantities.week import week_time
from thecal.text import protocol as protocol_text
from thecal.text.settings import settings_facts

CHANGED = "*"


def rows(current: Program | None, new: Program, typed: dict[str, str], steps: bool = False) -> list[tuple[str, ...]]:
    """Return (label, current, new, as typed). Entries of days with the same day plan share a row."""
    before, after = facts(current, steps) if current else {}, facts(new, steps)
    labels = [*after, *(label for label in before if label not in after)]
    texts = {label: typed_text(label, typed) for label in labels}
    return [("", "current", "new", "as typed"), *[(label, before.get(label, "-"), after.get(label, "-"), texts[label]) for label in labels]]


def marked(table: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Mark the rows of `rows` whose value changes; none for the first program of a pump."""
    head, *body = table
    if all(row[1] == "-" for row in body):
        return table
    return [(f"({CHANGED} changes)", *head[1:]), *[(f"{row[0]} {CHANGED}" if row[1] != row[2] else row[0], *row[1:]) for row in body]]


def facts(program: Program, steps: bool = False) -> dict[str, str]:
    """Return every value of a program, by label; `steps`: with the pump's own numbers."""
    seconds_s = program.rate_seconds_s
    said = {
        "title": program.name,
        "drug": program.fluid,
        "concentration": concentration(program),
        **{f"drug {at}": f"{name} {ug_per_ml(mass_ng, nl)}" for at, (name, mass_ng, nl) in enumerate(program.drugs, 2)},
        "on clock loss": program.on_clock_loss,
        "after power loss": program.after_power_loss,
        "max_rate": ml_per_h(program.max_rate_nl, seconds_s) if program.max_rate_nl else "bench's",
        "max_per_hour": ml(program.hour_nl) if program.hour_nl else "bench's",
        "max_per_day": ml(program.day_nl) if program.day_nl else "bench's",
        "basal": MODES[program.mode],
        **({"rates are per": f"{seconds_s} s"} if steps else {}),
    }
    if program.protocol is not None:
        said.update(protocol_text.facts(program, program.protocol))
    for label, rate_nl in entries(program):
        said[label] = f"{mass_rate(program, rate_nl)}{ml_per_h(rate_nl, seconds_s)}" + (f" = {rate_nl} nl" if steps else "")
    said.update(settings_facts(program, steps))
    return said


def entries(program: Program) -> list[tuple[str, int]]:
    """Return (label, rate_nl): "always", or "daily 06:00" if all days are equal, otherwise "mon 06:00"; none for a protocol."""
    if program.protocol is not None:
        return []
    if not program.needs_clock():
        return [("always", program.entries[0][1])]
    days = [[(minute % 1440, rate) for minute, rate in program.entries if minute // 1440 == day] for day in range(7)]
    if all(day == days[0] for day in days):
        return [(f"daily {week_time(minute)[4:]}", rate) for minute, rate in days[0]]
    return [(week_time(minute), rate) for minute, rate in program.entries]


def typed_text(label: str, typed: dict[str, str]) -> str:
    return typed.get(label) or typed.get(label.replace("daily", "mon"), "")


def concentration(program: Program) -> str:
    mass_ng, volume_nl = program.concentration
    return ug_per_ml(mass_ng, volume_nl) if mass_ng else "none"


def mass_rate(program: Program, rate_nl: int) -> str:
    """Return "120 ug/day = ", the rate as mass per day of each drug, if the program has a concentration."""
    drugs = drugs_of(program)
    return f"{doses_text(rate_nl, program.rate_seconds_s, drugs)} = " if drugs else ""


def dose_rows(program: Program, volume_nl: int) -> list[tuple[str, str]]:
    """Return the mass of each drug in a dose, if the program has several."""
    return [("holds", masses_text(volume_nl, drugs_of(program)))] if program.drugs else []
