"""A program as a prescription (TOML) again: every number exact in some unit, so that it compiles to the same doses."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from pumpcore.program.plan import CONSTANT, MINIMUM, Program
from pumpcore.program.protocol import AFTER, AT, ENDINGS, Protocol
from pumpcore.program.schedule import DAY_NAMES
from thecal.prescription.tables import COUNT, DAY, ON_OFF, PERMILLE, SECONDS, SETTINGS, VOLUME, Setting
from thecal.quantities.typed import decimal

VOLUMES = {"mL": 10**6, "uL": 10**3, "nL": 1}  # in nL
MASSES = {"mg": 10**6, "ug": 10**3, "ng": 1}  # in ng
TIMES = {"h": 3600, "day": 86_400, "min": 60}
DIGITS = (3, 6, 12)  # the shortest exact text is the one that was typed, most often
MINUTES_PER_DAY = 1440
INEXACT = "  # rounded: it has no end as a decimal"
SHOWN = ("demand", "bolus", "line", "reservoir")


def written(program: Program) -> str:
    """Return the prescription of a program. The limits of a drug library are named by its name and version only."""
    parts = [head(program), basal(program) if program.protocol is None else protocol(program, program.protocol)]
    parts.append(limits(program))
    parts += [table for table in (settings(program, name) for name in SHOWN) if table]
    parts.append(library(program))
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def head(program: Program) -> list[str]:
    """Return title, drugs and what follows a loss of clock or power."""
    drug = [f"drug = {text(program.fluid)}"]
    if program.concentration[0]:
        drug.append(f"concentration = {concentration(*program.concentration)}")
    lines = [f"title = {text(program.name)}", *(drug if not program.drugs else [])]
    lines += [f"on_clock_loss = {text(program.on_clock_loss)}", f"after_power_loss = {text(program.after_power_loss)}"]
    if program.drugs:
        for name, mass_ng, volume_nl in program.content():
            lines += ["", "[[drug]]", f"name = {text(name)}", f"concentration = {concentration(mass_ng, volume_nl)}"]
    return lines


def basal(program: Program) -> list[str]:
    """Return the basal: one rate, a minimum, or the entries of the week."""
    rates = {entry: rate(program, entry[1]) for entry in program.entries}
    if program.mode in (CONSTANT, MINIMUM):
        return ["[basal]", f"{'rate' if program.mode == CONSTANT else 'minimum'} = {rates[program.entries[0]]}"]
    lines: list[str] = []
    days: dict[tuple[int, int], list[int]] = {}
    for minute, rate_nl in program.entries:
        days.setdefault((minute % MINUTES_PER_DAY, rate_nl), []).append(minute // MINUTES_PER_DAY)
    for (minute, rate_nl), numbers in sorted(days.items()):
        names = "daily" if len(numbers) == len(DAY_NAMES) else [DAY_NAMES[number] for number in numbers]
        lines += ["", "[[basal.entry]]", f"days = {text(names)}", f'at = "{minute // 60:02d}:{minute % 60:02d}"']
        lines.append(f"rate = {rate(program, rate_nl)}")
    return lines[1:]


def protocol(program: Program, one: Protocol) -> list[str]:
    """Return start, stages and loops of a protocol, in their order."""
    start = {AFTER: f"in {one.start_value} s", AT: f"at {one.start_value // 60:02d}:{one.start_value % 60:02d}"}.get(one.start, "now")
    lines = ["[protocol]", f"start = {text(start)}", f"then = {text(ENDINGS[one.then])}"]
    loops = {first: (count, times) for first, count, times in one.loops}
    stages, at = list(one.stages), 0
    while at < len(stages):
        count, times = loops.get(at, (1, 1))
        if at in loops:
            lines += ["", "[[protocol.loop]]", f"times = {times}" if times else "forever = true"]
        for stage in stages[at : at + count]:
            lines += ["", "[[protocol.loop.stage]]" if at in loops else "[[protocol.stage]]", *stage_lines(program, *stage)]
        at += count
    return lines


def stage_lines(program: Program, lasts_s: int, begin_nl: int, end_nl: int) -> list[str]:
    """Return a stage as a pause, a ramp, a rate for a time, or a volume for a time if the rate has no end as a decimal."""
    lasts = text(span(lasts_s))
    if not begin_nl and not end_nl:
        return [f"pause = {lasts}"]
    if begin_nl != end_nl:
        return [f"ramp = [{rate(program, begin_nl, '')}, {rate(program, end_nl, '')}]", f"for = {lasts}"]
    found = rate(program, begin_nl)
    if INEXACT in found:
        return [f"volume = {volume(Fraction(begin_nl * lasts_s, program.rate_seconds_s))}", f"for = {lasts}"]
    return [f"rate = {found}", f"for = {lasts}"]


def limits(program: Program) -> list[str]:
    """Return the program's own ceilings."""
    given = {
        "max_rate": rate(program, program.max_rate_nl) if program.max_rate_nl else "",
        "max_per_hour": volume(program.hour_nl) if program.hour_nl else "",
        "max_per_day": volume(program.day_nl) if program.day_nl else "",
    }
    lines = [f"{name} = {value}" for name, value in given.items() if value]
    return ["[limits]", *lines] if lines else []


def settings(program: Program, name: str) -> list[str]:
    """Return a table of the program's settings; [] if it does not use the table."""
    held = program.settings
    rows = [one for one in SETTINGS if one.table == name]
    if held is None or not any(getattr(held, field) for one in rows for field in one.held.fields):
        return []
    return [f"[{name}]", *(f"{one.name} = {value(one, getattr(held, one.field))}" for one in rows if wanted(one, getattr(held, one.field)))]


def wanted(one: Setting, number: int) -> bool:
    """Return True for a key that must be written: 0 means "not set" where the key may be left out."""
    return bool(number) or one.held.zero or one.held.kind == ON_OFF


def value(one: Setting, number: int) -> str:
    """Return the number of a setting as its key has it."""
    if one.held.kind == VOLUME:
        return volume(number)
    if one.held.kind == SECONDS:
        return text(span(number))
    if one.held.kind == DAY:
        return str(datetime.date(1970, 1, 1) + datetime.timedelta(number))
    if one.held.kind == PERMILLE:
        return decimal(Fraction(number, 10), 1)
    if one.held.kind == ON_OFF:
        return "true" if number else "false"
    assert one.held.kind == COUNT
    return str(number)


def library(program: Program) -> list[str]:
    """Return the drug library and the soft limits that were confirmed."""
    held = program.settings
    if held is None or not held.library:
        return []
    lines = ["[library]", f"name = {text(held.library)}", f"version = {held.library_version}"]
    return [*lines, f"overrides = {text(held.overridden())}"] if held.overridden() else lines


def rate(program: Program, rate_nl: int, comment: str = INEXACT) -> str:
    """Return a rate in the unit in which it has the fewest digits; of a program with a drug also as a mass."""
    nl_per_s = Fraction(rate_nl, program.rate_seconds_s)
    units = [(f"{name}/{time}", nl_per_s * of_s / of_nl) for time, of_s in TIMES.items() for name, of_nl in VOLUMES.items()]
    mass_ng, in_nl = program.concentration
    if mass_ng:
        ng_per_s = nl_per_s * mass_ng / in_nl
        units += [(f"{name}/{time}", ng_per_s * of_s / of_ng) for time, of_s in TIMES.items() for name, of_ng in MASSES.items()]
    return shortest(units, comment)


def volume(volume_nl: int | Fraction) -> str:
    """Return a volume in mL, uL or nL."""
    return shortest([(name, Fraction(volume_nl) / of_nl) for name, of_nl in VOLUMES.items()])


def concentration(mass_ng: int, volume_nl: int) -> str:
    """Return a concentration."""
    ng_per_nl = Fraction(mass_ng, volume_nl)
    return shortest([("ug/mL", ng_per_nl * 1000), ("mg/mL", ng_per_nl), ("ug/uL", ng_per_nl), ("ng/uL", ng_per_nl * 1000)])


def shortest(units: Iterable[tuple[str, Fraction]], comment: str = INEXACT) -> str:
    """Return the first exact decimal, in quotes; without one the first, rounded, with the comment."""
    found = list(units)
    for digits in DIGITS:
        for unit, amount in found:
            said = decimal(amount, digits)
            if not said.startswith("~") and (amount >= Fraction(1, 1000) or not amount):
                return f'"{said} {unit}"'
    unit, amount = found[-1]
    return f'"{decimal(amount, DIGITS[-1]).removeprefix("~")} {unit}"{comment}'


def span(seconds_s: int) -> str:
    """Return a time in the largest unit that is exact."""
    unit = next((name for name, of_s in (("day", 86_400), ("h", 3600), ("min", 60)) if seconds_s % of_s == 0 and seconds_s), "s")
    return f"{seconds_s // {'day': 86_400, 'h': 3600, 'min': 60, 's': 1}[unit]} {unit}"


def text(value: Any) -> str:
    """Return a text or a list of texts as TOML, which writes them as JSON does."""
    return json.dumps(value, ensure_ascii=False)
