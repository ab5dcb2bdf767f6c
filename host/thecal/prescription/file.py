"""Read a prescription (TOML) into exact values, checked key by key. Nothing is rounded or guessed; the template states all defaults.

Each complaint is one BadInput: file, key, value, remedy.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, PrivateAttr, StrictStr, ValidationError

from pumpcore.program.schedule import minute_of_week
from thecal.errors import BadInput
from thecal.files import toml_file
from thecal.prescription import stages
from thecal.prescription.fields import Concentration, Days, Dose, Minute, Rate, Table
from thecal.prescription.stages import Loop, Places, Protocol, Stage
from thecal.prescription.tables import TABLES, Bolus, Demand, Fluid, Library, Line, Reservoir
from thecal.quantities.exact import volume
from thecal.quantities.typed import Quantity, quoted, shown
from thecal.quantities.week import week_time

MOST_DRUGS = 4
FILE = toml_file.Kind("a prescription", "`thecal new FILE` writes a prescription to start from")


class Entry(Table):
    """The rate from a time of day on, on some days (0 = Monday)."""

    days: Days = tuple(range(7))
    at: Minute
    rate: Rate


class Basal(Table):
    """Exactly one of: a constant rate, a minimum rate that keeps the line open, or entries by time of day. A [protocol] takes its place."""

    rate: Rate | None = None
    minimum: Rate | None = None
    entry: Annotated[list[Entry], Field(min_length=1)] | None = None


class Limits(Table):
    """The prescription's own ceilings; a ceiling that is left out is the bench's."""

    max_rate: Rate | None = None
    max_per_hour: Dose | None = None
    max_per_day: Dose | None = None


class Drug(Table):
    """One of several drugs in the reservoir."""

    name: Annotated[StrictStr, Field(min_length=1)]
    concentration: Concentration | None = None


class Drugs(Table):
    """Every `[[drug]]` of a prescription; the first one leads."""

    drug: Annotated[list[Drug], Field(min_length=1)]


class Other(NamedTuple):
    """A drug after the first, whose dose follows: its concentration, and its limits in the drug library."""

    name: str
    concentration: Quantity
    limits: Fluid | None = None


class Prescription(Table):
    """The content of a prescription file. Quantities keep their typed text. `drug` and `concentration` are those of the leading drug."""

    title: Annotated[StrictStr, Field(min_length=1)]
    drug: Annotated[StrictStr, Field(min_length=1)]
    concentration: Concentration | None = None
    on_clock_loss: Literal["stop", "lowest"] = "stop"
    after_power_loss: Literal["stop", "resume"] = "stop"
    basal: Basal | None = None
    protocol: Protocol | None = None
    limits: Limits = Limits()
    demand: Demand | None = None
    bolus: Bolus | None = None
    line: Line | None = None
    reservoir: Reservoir | None = None
    library: Library | None = None
    _others: tuple[Other, ...] = PrivateAttr(())

    @property
    def others(self) -> tuple[Other, ...]:
        """Return the drugs whose doses follow the leading one."""
        return self._others

    def with_others(self, others: tuple[Other, ...]) -> Prescription:
        """Return the prescription with these other drugs."""
        made = self.model_copy()
        made._others = others
        return made

    def concentration_key(self, at: int = 0) -> str:
        """Return the key of a drug's concentration; 0 is the leading drug."""
        return f"drug[{at + 1}].concentration" if self._others else "concentration"

    def rows(self) -> list[tuple[int, Quantity]]:
        """Return (minute of the week from Monday, 0 .. 10,079; rate) of every entry, sorted; one row at minute 0 for a constant rate;
        none for a protocol."""
        basal = self.basal or Basal()
        for rate in (basal.rate, basal.minimum):
            if rate is not None:
                return [(0, rate)]
        rows = [(minute_of_week(day, 0, entry.at), entry.rate) for entry in basal.entry or () for day in entry.days]
        return sorted(rows, key=lambda row: row[0])

    def volume(self, quantity: Quantity) -> Fraction:
        """Return the exact dose in nL, or rate in nL/s; a mass uses the concentration. Raises BadInput without one."""
        ng_per_nl = self.concentration.to("ng/nL") if self.concentration is not None else None
        return volume(quantity, ng_per_nl, "there is no concentration", 'add concentration = "... ug/mL" at the top')


def load(path: Path) -> Prescription:
    """Read and check a prescription file. Raises BadInput."""
    tables = toml_file.read(path, FILE)
    return check(tables, str(path), toml_file.text_of(path, FILE) if "protocol" in tables else "")


def load_text(text: str, name: str) -> Prescription:
    """Read and check the text of a prescription; `name` stands for the file in messages. Raises BadInput."""
    return check(toml_file.tables_of(text.replace("\r\n", "\n"), Path(name), FILE), name, text)


def check(tables: dict[str, Any], name: str, text: str = "") -> Prescription:
    """Convert the tables to a Prescription; `name`: the file's name for messages, `text`: its text, for the order of a protocol's stages
    and loops. Raises BadInput."""
    places = Places(text)
    try:
        drugs = several(tables, name)
        if drugs:
            first = {"concentration": drugs[0].concentration} if drugs[0].concentration is not None else {}
            tables = {**tables, "drug": drugs[0].name, **first}
        prescription = Prescription.model_validate(tables)
    except ValidationError as error:
        raise first_complaint(error, name, places) from error
    if prescription.basal is None and prescription.protocol is None:
        raise BadInput(f"{name}: basal is missing", "add it; `thecal new` writes a commented example")
    if prescription.protocol is not None:
        try:
            prescription = prescription.model_copy(update={"protocol": stages.placed(prescription.protocol, places)})
        except BadInput as error:
            raise BadInput(f"{name}: protocol: {error.cause}", error.do) from error
    others = (Other(drug.name, drug.concentration) for drug in drugs[1:] if drug.concentration is not None)
    prescription = prescription.with_others(tuple(others))
    for where, problem in contradictions(prescription):
        line = place_of(where, places)
        raise BadInput(f"{name}: {line}{where}: {problem.cause}", problem.do)
    return prescription


def several(tables: dict[str, Any], name: str) -> list[Drug]:
    """Return every `[[drug]]`; [] if `drug` is a single text. Raises BadInput, ValidationError."""
    written = tables.get("drug")
    if isinstance(written, dict):
        raise BadInput(f"{name}: drug: one drug is a text, several drugs are tables", 'write drug = "...", or [[drug]] for each of them')
    if not isinstance(written, list) or not all(isinstance(one, dict) for one in written):
        return []
    drugs = Drugs.model_validate({"drug": written}).drug
    if "concentration" in tables:
        raise BadInput(f"{name}: concentration: with [[drug]] each drug has its own", "write it below its [[drug]]")
    if len(drugs) > MOST_DRUGS:
        raise BadInput(f"{name}: drug: {len(drugs)} drugs, the pump holds {MOST_DRUGS}", f"write at most {MOST_DRUGS}")
    lacking = next((at for at, drug in enumerate(drugs, 1) if drug.concentration is None), None)
    if lacking is not None and len(drugs) > 1:
        do = "write it: the doses of the drugs follow from their concentrations"
        raise BadInput(f"{name}: drug[{lacking}].concentration is missing", do)
    return drugs


def place_of(key: str, places: Places) -> str:
    """Return "line 12: " of the stage or loop that a key like protocol.stage[2].rate is in; "" for any other key."""
    words = re.findall(r"[a-z_]+|\d+", key) if key.startswith("protocol.") else []
    number = places.line(tuple(int(word) - 1 if word.isdigit() else word for word in words))
    return f"line {number}: " if number else ""


def first_complaint(error: ValidationError, name: str, places: Places | None = None) -> BadInput:
    """Return the first of pydantic's errors as one line: file, line of a stage, key, value, remedy."""
    errors = error.errors()
    # a misspelt key is also a missing one: the misspelling is the cause
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    key, value = key_text(first["loc"]), quoted(first["input"])
    number = places.line(first["loc"]) if places is not None else 0
    name += f": line {number}" if number else ""
    wrong = stages.misshapen(first, key, value)
    if wrong is not None:
        return BadInput(f"{name}: {wrong.cause}", wrong.do)
    if first["type"] == "prescription":
        return BadInput(f"{name}: {key}: {first['ctx']['cause']}", first["ctx"]["do"])
    words = {
        "missing": (f"{key} is missing", "add it; `thecal new` writes a commented example"),
        "extra_forbidden": (f"{key} is not a key of a prescription", spelling(first["loc"])),
        "literal_error": (
            f"{key} = {value} is not one of the choices",
            f"write {first.get('ctx', {}).get('expected', '')}",
        ),
        "string_type": (f"{key} = {value} is not a text", "put it in quotes"),
        "string_too_short": (f"{key} is empty", "write a name that distinguishes it from others"),
        "too_short": (f"{key} is empty", "write at least one"),
    }
    cause, do = words.get(first["type"], (f"{key} = {value} has the wrong type", "write it as in the example of `thecal new`"))
    return BadInput(f"{name}: {cause}", do)


def spelling(location: tuple[int | str, ...]) -> str:
    """Return the remedy for an unknown key: a similar known key, or all keys of its table."""
    words = [part for part in location if isinstance(part, str)]
    if words == ["protocol", "loop", "loop"]:
        return "write its stages one after the other: loops are one level deep"
    tables: dict[str, type[Table]] = {"basal": Basal, "limits": Limits, "protocol": Protocol, "drug": Drug, **TABLES}
    table = tables.get(words[0], Prescription) if len(words) > 1 else Prescription
    if len(words) > 2:
        inner: dict[str, type[Table]] = {"entry": Entry, "stage": Stage, "loop": Loop}
        table = inner.get(words[-2], table)
    known = [field.alias or key for key, field in table.model_fields.items()]
    return toml_file.suggestion(words[-1], known) or f"remove it, or write one of {', '.join(known)}"


def key_text(location: tuple[int | str, ...]) -> str:
    """Return a path like basal.entry[2].rate; entries count from 1."""
    text = ""
    for part in location:
        text += f"[{part + 1}]" if isinstance(part, int) else ("." if text else "") + shown(part)[1:-1]
    return text


def contradictions(prescription: Prescription) -> list[tuple[str, BadInput]]:
    """Check conditions between keys that are each well formed. Raises BadInput."""
    basal, protocol, found = prescription.basal, prescription.protocol, []
    if basal is not None and protocol is not None:
        found.append(("basal", BadInput("stands beside [protocol], and only one of them can run", "remove one of the two")))
    elif protocol is not None:
        found += stages.contradictions(protocol)
        if prescription.on_clock_loss != "stop":
            found.append(("on_clock_loss", BadInput("a protocol has no lowest rate to go on with", 'write on_clock_loss = "stop"')))
    elif basal is not None and sum(way is not None for way in (basal.rate, basal.minimum, basal.entry)) != 1:
        found.append(("basal", BadInput("needs either a rate, a minimum, or [[basal.entry]] rows", "write just one of them")))
    for at, one in enumerate((prescription.concentration, *(other.concentration for other in prescription.others))):
        if one is not None and one.amount == 0:
            zero = BadInput(f"{shown(one.text)} is zero", "write the concentration in the reservoir")
            found.append((prescription.concentration_key(at), zero))
    names = [prescription.drug, *(other.name for other in prescription.others)]
    keys = ["title", *([f"drug[{at}].name" for at in range(1, len(names) + 1)] if prescription.others else ["drug"])]
    for key, text in zip(keys, (prescription.title, *names), strict=True):
        if len(text.encode()) > 64:
            found.append((key, BadInput("is longer than 64 bytes", "write a shorter text")))
    same = [one.strip().casefold() for one in names]
    twice = next((one for one, plain in zip(names, same, strict=True) if same.count(plain) > 1), None)
    if twice is not None:
        found.append(("drug", BadInput(f"{shown(twice)} appears twice", "write each drug once, with its concentration in the reservoir")))
    counts = Counter(minute for minute, _ in prescription.rows())
    for minute in sorted(minute for minute, count in counts.items() if count > 1):
        found.append(("basal.entry", BadInput(f"two entries begin on {week_time(minute)}", "remove one of them")))
    return found
