"""The journal's table in the words of a user: volumes, rates and times instead of the pump's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from thecal.quantities.amounts import clock_text, long_span, ml_per_h, offset_text
from thecal.quantities.measured import volume
from thecal.text import law

Row = dict[str, Any]
STAMP = ("ring", "sequence", "boot", "uptime_ms", "utc_s", "utc", "first_sequence", "last_sequence")  # the table puts them in order
# How the pump does it, and what another column already says.
HIDDEN = ("remainder", "modulus", "leased_steps", "release", "journal_identity", "boot_number", "unique_id",
          "powered_on_s", "position_steps", "motor_steps", "zero_steps")  # fmt: skip
BY_STEPS = ("calibration_set",)  # a calibration is a volume and its steps


class Pair(NamedTuple):
    """A calibration: so many nl in so many steps."""

    volume_nl: int
    steps: int


def in_words(rows: Iterable[Row], status: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows in words. `status` names the calibration and the active program: a rate of another program has no known unit."""
    rows = list(rows)
    first = next((row for row in rows if row["event"] == "calibration_set"), None)
    pair = Pair(first["old_volume_nl"], first["old_steps"]) if first else pair_of(status.get("calibration") or {})
    digest = ""
    for row in rows:
        digest = str(row.get("digest", digest))
        seconds_s = status.get("rate_seconds_s") if digest and str(status.get("program_digest", "")).startswith(digest) else None
        yield dict(worded(row, pair, seconds_s))
        if row["event"] == "calibration_set":
            pair = Pair(row["volume_nl"], row["steps"])


def pair_of(calibration: Mapping[str, Any]) -> Pair:
    """Return the calibration of a status; zeros if it is unknown."""
    return Pair(calibration.get("volume_nl", 0), calibration.get("steps", 0))


def worded(row: Row, pair: Pair, seconds_s: int | None) -> Iterator[tuple[str, Any]]:
    """Yield the fields of one row; a field that has no words is left out."""
    if row["event"] == "law":
        row = {name: value for name, value in row.items() if name != "cause"} | {"law": law.line(row["law"], row["cause"])}
    for name, value in row.items():
        if name in STAMP:
            yield name, value
        elif name == "event":
            yield name, value.replace("_", " ")
        elif name in HIDDEN or name.endswith("rate_seconds_s"):
            continue
        elif row["event"] in BY_STEPS or not isinstance(value, int):
            yield name.replace("_", " "), value
        elif name.endswith("rate_nl"):
            yield from rate(row, name, seconds_s)
        elif name in ("numerator", "denominator") and row["event"] == "temporary_ordered":
            yield from [("basal x", f"{value}/{row['denominator']}")] if name == "numerator" and value else []
        else:
            yield from quantity(name, value, pair)


def rate(row: Row, name: str, seconds_s: int | None) -> Iterator[tuple[str, str]]:
    """Yield a rate in mL/h if its time is known; 0 stands for a temporary rate in parts of the basal."""
    per_s = row.get(name.removesuffix("nl") + "seconds_s", seconds_s)
    if per_s and (row[name] or row["event"] != "temporary_ordered"):
        yield name.removesuffix("_nl").replace("_", " "), ml_per_h(row[name], per_s)


def quantity(name: str, value: int, pair: Pair) -> Iterator[tuple[str, Any]]:
    """Yield a whole number with its unit instead of the unit in its name; steps without a calibration are left out."""
    texts: dict[str, Callable[[], str]] = {
        "_nl": lambda: volume(value),
        "_steps": lambda: volume(Fraction(value * pair.volume_nl, pair.steps)),
        "_utc_s": lambda: clock_text(value)[4:] if value else "unknown",
        "offset_s": lambda: offset_text(value),
        "_s": lambda: long_span(value),
    }
    found = next((end for end in texts if name.endswith(end)), "")
    if found != "_steps" or all(pair):
        stem = name.removesuffix("_s" if found == "offset_s" else found)
        yield stem.replace("_", " "), texts[found]() if found else value
