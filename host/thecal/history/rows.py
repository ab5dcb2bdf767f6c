"""Journal records as rows for tables, CSV and JSON lines. Field names contain the unit."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from pumpcore.orders.bolus import ENDS
from pumpcore.wire import record_types
from thecal.pump.boots import whole_boot
from thecal.quantities.amounts import clock_text
from thecal.terminal.console import printable
from thecal.terminal.sheets import cell

HEAD = ("ring", "sequence", "boot", "uptime_ms", "utc_s", "utc", "event")
GAP = "gap"  # a row for missing records, with their numbers
ENDED = ("bolus_ended", "temporary_ended")
TEXTS = (("refill_acknowledged", "reason"), ("named", "name"))
Row = dict[str, Any]


def row(ring: str, record: record_types.Record) -> Row:
    """Convert one record to plain values: bytes as hex, coded fields as words."""
    stamp: Row = {
        "ring": ring,
        "sequence": record.sequence,
        "boot": record.boot,
        "uptime_ms": record.uptime_ms,
        "utc_s": record.utc_s,
        "utc": clock_text(record.utc_s)[4:] if record.utc_s else "",
        "event": record.name,
    }
    return {**stamp, **{name: plain(record.name, name, value) for name, value in record.fields.items()}}


def whole_boots(rows: Iterable[Row], newest_boot: int) -> None:
    """Complete the boot number of each row: a record keeps its low 16 bits, and no journal covers 65,536 boots."""
    for one in rows:
        one["boot"] = whole_boot(one["boot"], newest_boot)


def with_gaps(rows: list[Row], from_sequence: int = 0) -> list[Row]:
    """Return the rows of a ring, with an event `gap` for missing records: between two of them, or before the first if it is not the
    oldest. A gap carries the boot of the previous record."""
    found: list[Row] = []
    for one in rows:
        expected = found[-1]["sequence"] + 1 if found else from_sequence
        if expected and one["sequence"] > expected:
            boot = found[-1]["boot"] if found else one["boot"]
            lost = {"first_sequence": expected, "last_sequence": one["sequence"] - 1}
            stamp = {"ring": one["ring"], "sequence": expected, "boot": boot, "uptime_ms": 0, "utc_s": 0, "utc": ""}
            found.append({**stamp, "event": GAP, **lost})
        found.append(one)
    return found


def plain(record_name: str, field: str, value: Any) -> Any:
    """Return a field's value as text or number: bytes as hex, coded values as words."""
    if (record_name, field) in TEXTS:
        return value.rstrip(b"\0").decode("utf-8", "replace")
    if isinstance(value, bytes):
        return value.hex()
    if field == "reason" and record_name in ENDED and value < len(ENDS):
        return ENDS[value]
    text = record_types.code_text(record_name, field, value)
    return value if text == str(value) else text


def payload_names() -> list[str]:
    """Return every payload field of every type, in the order of the table."""
    return list(dict.fromkeys(name for _, _, names in dict(record_types.TYPES.items()).values() for name in names))


def as_csv(rows: Iterable[Row], calibration: str = "") -> str:
    """Return one line per record, one column per field of any record type; empty if a record lacks the field. The last column repeats
    the calibration at reading time, because steps become volumes by it alone. Texts are protected from a spreadsheet (`sheets`)."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [*HEAD, *payload_names(), "payload", "calibration"], restval="", lineterminator="\n")
    writer.writeheader()
    for one in rows:
        writer.writerow({name: cell(plain_text(value)) for name, value in {**one, "calibration": calibration}.items()})
    return out.getvalue()


def plain_text(value: Any) -> Any:
    """Replace unprintable characters of a text; any other value stays."""
    return printable(value) if isinstance(value, str) else value


def as_json_lines(rows: Iterable[Row]) -> str:
    """Format rows as JSON lines."""
    return "".join(json.dumps(one) + "\n" for one in rows)


def table(rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """Return cells for people: number, time, event, and its fields in words."""
    cells: list[tuple[str, ...]] = [("no", "boot", "time (UTC)", "event", "")]
    for one in rows:
        if one["event"] == GAP:
            first, last = one["first_sequence"], one["last_sequence"]
            which = f"record {first} is" if first == last else f"records {first} to {last} are"
            cells.append((str(first), "", "", GAP, f"{which} damaged or missing"))
            continue
        details = ", ".join(f"{name} {short(value)}" for name, value in one.items() if name not in HEAD)
        when = one["utc"] or f"up {one['uptime_ms'] / 1000:.0f} s"
        cells.append((str(one["sequence"]), str(one["boot"]), when.removesuffix(" UTC"), one["event"], details))
    return cells


def short(value: Any) -> str:
    """Shorten digests; any other text is read to its end."""
    text = str(value)
    return text[:12] if isinstance(value, str) and len(text) > 20 and not text.strip("0123456789abcdef") else text
