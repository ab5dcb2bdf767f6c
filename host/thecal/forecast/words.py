"""Format a forecast as text, rows and JSON."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from pumpcore.limits.limits import Ceilings
from pumpcore.program.protocol import HOLD
from pumpcore.units import NL_PER_ML, S_PER_MINUTE
from thecal.forecast import ceilings as binds
from thecal.forecast.flowing import waits_s
from thecal.forecast.model import Day, Outlook
from thecal.forecast.unit import Unit
from thecal.quantities.amounts import ml, span
from thecal.quantities.typed import decimal
from thecal.text.protocol import is_endless, last_nl

NG_PER_UG = 1000
DIGITS = 4
Rows = list[tuple[str, ...]]


def days_text(days: int) -> str:
    """Return "1 day" or "30 days"."""
    return f"{days} day" + ("s" if days != 1 else "")


class Columns(NamedTuple):
    """The parts of the table that a program needs."""

    drug_count: int
    boluses: bool
    reservoir: bool


def moment(outlook: Outlook, second_s: int | None) -> str:
    """Format a second of the forecast as local time and time from now."""
    return "not within this period" if second_s is None else f"{outlook.when.local(second_s):%a %Y-%m-%d %H:%M} (in {span(second_s)})"


def offset_words(outlook: Outlook) -> str:
    """ "UTC+02:00, from Oct 25 UTC+01:00"."""
    zone, when = outlook.when.zone, outlook.when
    at_s = zone.transition_utc_s - when.utc_s
    text = utc_offset(zone.offset_at_s(when.utc_s))
    return f"{text}, from {when.local(at_s):%b %d} {utc_offset(zone.transition_offset_s)}" if 0 < at_s < outlook.end_s else text


def utc_offset(offset_s: int) -> str:
    """Format an offset: "UTC+02:00"."""
    minutes = abs(offset_s) // S_PER_MINUTE
    return f"UTC{'-' if offset_s < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def facts(outlook: Outlook) -> Rows:
    """Return (label, text) of the whole forecast."""
    program, settings, marks = outlook.program, outlook.settings, outlook.marks
    whole = in_volume(outlook, outlook.basal.at(outlook.end_s))
    rates = " to ".join(outlook.unit.rate_text(rate) for rate in dict.fromkeys(outlook.planned))
    rows: Rows = [
        ("program", f"{program.name}, {', '.join(name for name, _, _ in program.content())}"),
        ("from", f"{outlook.when.local(0):%a %Y-%m-%d %H:%M:%S}, {days_text(outlook.when.days)}, local time {offset_words(outlook)}"),
        ("basal", f"{rates}, {begin_text(outlook)}, {basal_mass(outlook)}{whole} in total"),
        ("boluses allowed", allowed_text(outlook)),
    ]
    rows[3:3] = protocol_facts(outlook)
    rows += front_facts(outlook)
    if outlook.left_nl is not None:
        rows += [
            ("in the reservoir", f"{ml(outlook.left_nl)}, low at {ml(settings.low_nl)}, empty at {ml(settings.empty_nl)}"),
            ("refill due", f"{moment(outlook, marks['low_all'])} (reservoir low, with every allowed bolus)"),
            ("low, basal only", moment(outlook, marks["low_basal"])),
            ("empty", f"{moment(outlook, marks['empty_all'])}; basal only: {moment(outlook, marks['empty_basal'])}"),
        ]
    return rows


def begin_text(outlook: Outlook) -> str:
    """Return "4 entries begin", of a protocol "4 stages begin"; its wait, its end and a held rate are no stages."""
    protocol = outlook.program.protocol
    if protocol is None:
        return "1 entry begins" if len(outlook.rows) == 1 else f"{len(outlook.rows)} entries begin"
    wait_s = waits_s(outlook.program, outlook.when.utc_s, outlook.when.zone)
    count = sum(wait_s <= row[0] < wait_s + protocol.end_s() for row in outlook.rows)
    return "1 stage begins" if count == 1 else f"{count} stages begin"


def protocol_facts(outlook: Outlook) -> Rows:
    """Return when the first stage of a protocol begins, and when the last one ends."""
    protocol = outlook.program.protocol
    if protocol is None:
        return []
    wait_s = waits_s(outlook.program, outlook.when.utc_s, outlook.when.zone)
    rows: Rows = [("begins", moment(outlook, wait_s))] if wait_s else []
    if is_endless(protocol):
        rate = outlook.unit.rate_text(Fraction(last_nl(protocol), outlook.program.rate_seconds_s))
        held = f"holds {rate} " if protocol.then == HOLD else ""
        return [*rows, ("ends", f"{held}until it is stopped".strip())]
    end_s = wait_s + protocol.end_s()
    return [*rows, ("ends", moment(outlook, end_s if end_s <= outlook.end_s else None))]


def front_facts(outlook: Outlook) -> Rows:
    """Describe another concentration in the line, and its bridge."""
    front = outlook.front
    if front is None:
        return []
    contents = [f"{decimal(old * 1000)} ug/mL" for old in front.old]
    if len(contents) > 1:
        contents = [f"{name} {text}" for (name, _), text in zip(outlook.drugs, contents, strict=True)]
    held = f"{ml(front.left_nl)} of {' and '.join(contents)}"
    rows: Rows = [
        ("front", f"the line's {held} has left the tip {moment(outlook, outlook.front_s)}; prime the line to flush it out before the start")
    ]
    if front.crossing is not None:
        ratio = Fraction(front.crossing.numerator, front.crossing.denominator)
        near, passed = (moment(outlook, at_s) for at_s in (outlook.near_s, outlook.passed_s))
        rows.append(("bridge", f"basal x {ratio} until {near}, the lower of both until {passed}, then the basal"))
    return rows


def amount(outlook: Outlook, volume_nl: Fraction) -> str:
    """ "6150 ug = 12.3 mL"."""
    return masses(outlook, [outlook.mass_ng(volume_nl, drug) for drug in range(len(outlook.drugs))]) + in_volume(outlook, volume_nl)


def in_volume(outlook: Outlook, volume_nl: Fraction) -> str:
    """ "12.3 mL": in the typed unit if that is a volume."""
    return ml(volume_nl) if outlook.unit.ng_per_nl is not None or outlook.unit.top == "mL" else outlook.unit.amount_text(volume_nl)


def basal_mass(outlook: Outlook) -> str:
    """Return "12 ug = ", the drug in the whole basal; "" without a concentration."""
    return masses(outlook, [outlook.dosed_ng(0, outlook.end_s, drug) for drug in range(len(outlook.drugs))])


def masses(outlook: Outlook, doses_ng: list[Fraction | None]) -> str:
    """Return "12 ug = ", or "dye 12 ug, marker 6 ug = " of several drugs; "" for a program in volumes."""
    texts = [f"{decimal((dose_ng or Fraction(0)) / NG_PER_UG, 2)} ug" for dose_ng in doses_ng]
    if len(texts) > 1:
        texts = [f"{name} {text}" for (name, _), text in zip(outlook.drugs, texts, strict=True)]
    return f"{', '.join(texts)} = " if texts else ""


def allowed_text(outlook: Outlook) -> str:
    """Describe the boluses that the program allows, and their volume in 24 h."""
    allowed = outlook.allowed
    parts = [f"{allowed.per_day} demand a day of {ml(allowed.demand_nl)}"] if allowed.demand_nl else []
    if allowed.other_nl:
        parts.append(f"others up to {ml(allowed.other_nl)} a day")
    if not parts:
        return "none on demand; manual boluses have no limit in the program and are not included"
    return f"{', '.join(parts)}: {amount(outlook, Fraction(allowed.day_nl()))} in 24 h"


def binding_text(outlook: Outlook, ceilings: Ceilings) -> list[str]:
    """Describe what the pump will pause or refuse."""
    found = []
    for name, at_s, asked_nl, limit_nl in binds.binding(outlook, ceilings):
        when = f"{outlook.when.local(at_s):%a %Y-%m-%d %H:%M}"
        if name == "rate":
            seconds_s = outlook.program.rate_seconds_s
            asked_text, limit_text = outlook.unit.rate_text(asked_nl / seconds_s), outlook.unit.rate_text(Fraction(limit_nl, seconds_s))
            found.append(f"the rate of {asked_text} at {when} is above the ceiling, {limit_text}")
        else:
            asked_text, limit_text = (outlook.unit.amount_text(Fraction(volume_nl)) for volume_nl in (asked_nl, limit_nl))
            found.append(f"the {name} from {when} would deliver {asked_text}, its ceiling is {limit_text}: the pump will pause then")
    return found


def day_rows(outlook: Outlook) -> Rows:
    """Return the table, one row per local day."""
    boluses, reservoir = outlook.allowed.day_nl() > 0, outlook.left_nl is not None
    count, unit = len(outlook.drugs), volume_unit(outlook)
    doses = ["basal ug", "ug in total"] if count == 1 else [f"{name}{word} ug" for name, _ in outlook.drugs for word in ("", " in total")]
    head = ["day", *doses, f"basal {unit}", f"{unit} in total", *["boluses", f"bolus {unit}"] * boluses]
    head += ["mL left, basal only"] * reservoir + ["mL left, every bolus"] * (reservoir and boluses)
    return [tuple(head), *[tuple(day_cells(outlook, day, Columns(count, boluses, reservoir))) for day in outlook.table()]]


def day_cells(outlook: Outlook, day: Day, columns: Columns) -> list[str]:
    """Return the cells of one day, for the table with these columns."""
    hours = (day.to_s - day.from_s) / 3600
    in_all = outlook.basal.at(day.to_s)
    name = f"{day.day:%a %Y-%m-%d}" + ("" if hours == 24 else f", {hours:.3g} h")
    cells, unit = [name], Unit(f"{volume_unit(outlook)}/h")
    for drug in range(columns.drug_count):
        doses = [outlook.dosed_ng(from_s, day.to_s, drug) or Fraction(0) for from_s in (day.from_s, 0)]
        cells += [number(dose_ng / NG_PER_UG, 2) for dose_ng in doses]
    cells += [unit.number(volume_nl) for volume_nl in (day.basal_nl, in_all)]
    if columns.boluses:
        cells += [str(day.boluses), unit.number(day.bolus_nl)]
    if columns.reservoir:
        cells.append(number((day.left_basal_nl or Fraction(0)) / NL_PER_ML))
        if columns.boluses:
            cells.append(number((day.left_all_nl or Fraction(0)) / NL_PER_ML))
    return cells


def volume_unit(outlook: Outlook) -> str:
    """Return the unit of volumes: as typed, or mL beside a typed mass."""
    return outlook.unit.top if outlook.unit.ng_per_nl is None else "mL"


def number(value: Fraction, digits: int = DIGITS) -> str:
    """Format a number for a table: at most `digits` decimals, no mark for rounding."""
    return decimal(value, digits).removeprefix("~")


def document(outlook: Outlook) -> dict[str, Any]:
    """Return everything for machines; volumes in whole nl, rounded down."""
    when = outlook.when
    told: dict[str, Any] = {
        "name": outlook.program.name,
        "utc_s": when.utc_s,
        "offset_s": when.zone.offset_at_s(when.utc_s),
        "transition_utc_s": when.zone.transition_utc_s,
        "transition_offset_s": when.zone.transition_offset_s,
        "days": when.days,
        "rate_seconds_s": outlook.program.rate_seconds_s,
        "rows": [{"second_s": at_s, "rate_nl": rate_nl, "steps": steps} for at_s, rate_nl, steps in outlook.rows],
        "boluses_per_day": outlook.allowed.per_day,
        "boluses_day_nl": outlook.allowed.day_nl(),
        "left_nl": outlook.left_nl,
        "front_utc_s": None if outlook.front_s is None else when.utc_s + outlook.front_s,
        "front_near_utc_s": None if outlook.near_s is None else when.utc_s + outlook.near_s,
        "front_passed_utc_s": None if outlook.passed_s is None else when.utc_s + outlook.passed_s,
        **{f"{name}_utc_s": None if at_s is None else when.utc_s + at_s for name, at_s in outlook.marks.items()},
        "table": [day_document(outlook, day) for day in outlook.table()],
    }
    told["refill_due_utc_s"] = told["low_all_utc_s"]
    return told


def day_document(outlook: Outlook, day: Day) -> dict[str, Any]:
    """Return one day for machines; volumes in whole nl, masses in whole ng, rounded down."""
    mass_ng = outlook.dosed_ng(day.from_s, day.to_s)
    left = {"left_basal_nl": day.left_basal_nl, "left_all_nl": day.left_all_nl}
    return {
        "day": day.day.isoformat(),
        "from_utc_s": outlook.when.utc_s + day.from_s,
        "duration_s": day.to_s - day.from_s,
        "basal_nl": int(day.basal_nl),
        "basal_ng": None if mass_ng is None else int(mass_ng),
        "basal_in_all_nl": int(outlook.basal.at(day.to_s)),
        "basal_in_all_ng": None if mass_ng is None else int(outlook.dosed_ng(0, day.to_s) or 0),
        "drugs": [
            {
                "name": outlook.drugs[drug][0],
                "basal_ng": int(outlook.dosed_ng(day.from_s, day.to_s, drug) or 0),
                "basal_in_all_ng": int(outlook.dosed_ng(0, day.to_s, drug) or 0),
            }
            for drug in range(len(outlook.drugs))
        ],
        "boluses": day.boluses,
        "bolus_nl": int(day.bolus_nl),
        **{name: None if value is None else int(value) for name, value in left.items()},
    }
