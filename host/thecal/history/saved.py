"""Read saved journals. Every record is checked, so that an edited file can't pass as a pump's data."""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from pathlib import Path
from typing import Any

from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import Calibration
from pumpcore.program.packing import unpack
from pumpcore.units import S_PER_DAY, U64_MAX
from pumpcore.wire import record_types, records
from thecal.errors import BadInput
from thecal.history.evidence import FORMAT, RINGS, Evidence
from thecal.history.rows import GAP, Row, row, whole_boots

NEEDED = ("ring", "sequence", "boot", "uptime_ms", "utc_s", "event")
UNITS = ("_steps", "_s", "_ms", "_nl")
COUNTS = (
    *("sequence", "boot", "boot_number", "first_sequence", "last_sequence", "entry", "fault", "count", "remainder", "modulus"),
    *("numerator", "denominator", "library_version", "blocks"),
)
HIGHEST_UTC_S, HIGHEST_UPTIME_MS = (1 << 32) - 1, ((1 << 32) - 1) * 1000  # a boot record has 32 bits for the total running time
# record fields with words or hex digits; a number in any other field may lack a word
TEXTS = {
    **dict.fromkeys(("bolus_ordered", "bolus_started", "bolus_ended", "dose", "extended_paused", "extended_resumed"), ("token",)),
    **dict.fromkeys(("temporary_ordered", "bridge_started"), ("token",)),
    **dict.fromkeys(("program_activated", "started", "program_changed"), ("digest",)),
}
AGAIN = "save the journal again with --jsonl or --save"
CALIBRATED_PAIR: dict[str, Any] = {"volume_nl": 1, "steps": 1, "state": ""}
OF_STATUS: dict[str, Any] = {
    **dict.fromkeys(("uptime_ms", "utc_s", "offset_s", "boot", "delivered_steps", "uncertain_steps"), int),
    "alarms": list,
    "calibration": dict | None,
    "state": str,
}
SAVE_IT = "thecal journal --jsonl FILE, or thecal report --save FILE"
# how a file begins that is not a journal's records; what it is, and the right option
KINDS = (
    ("ring,sequence,boot", "the CSV of `thecal journal --csv`", f"a journal is read back from JSON lines or raw records: {SAVE_IT}"),
    ("utc_s,local,", "the CSV of `thecal report --csv`", f"a journal is read back from JSON lines or raw records: {SAVE_IT}"),
    ("[\n", "the list of `thecal journal --json`", f"a journal is read back from JSON lines: {SAVE_IT}"),
    ("<!", "a page of `thecal report`", f"a report is made from the data itself: {SAVE_IT}"),
    ("# thecal gravimetry", "a record of `thecal characterise`", "analyse it with: thecal characterise --from FILE"),
)
FILE_MAX_BYTES = 64 * 1024 * 1024
RAW_MAX_BYTES = 4 * 1024 * 1024  # a pump's flash has 2 MiB


def load(files: list[Path]) -> Evidence:
    """Read one or more saved files: JSON lines (`thecal report --save`, `thecal journal --jsonl`) or raw records (`--raw`, a backup).
    Raises BadInput with file and line if one can't be read, or if there is no record."""
    found = Evidence(source=", ".join(file.name for file in files))
    rows: dict[tuple[str, int], Row] = {}
    for file in files:
        for one in rows_of(file, found):
            key = (one["ring"], one["sequence"])
            if rows.setdefault(key, one) != one:
                raise BadInput(
                    f"{file}: record {one['sequence']} of {one['ring']} differs from an earlier file", "give the files of one pump"
                )
    if not rows:
        named = ", ".join(map(str, files))
        raise BadInput(f"{named}: it contains no journal records", "save a journal with: thecal report --save FILE")
    newest = max((one["boot_number"] for one in rows.values() if "boot_number" in one), default=0)
    whole_boots(rows.values(), max(newest, int((found.status or {}).get("boot", 0))))
    found.events, found.faults = ([one for (name, _), one in sorted(rows.items()) if name == ring] for ring in RINGS)
    return found


def rows_of(file: Path, found: Evidence) -> list[Row]:
    """Read the records of one file; its other data goes into `found`."""
    try:
        if file.exists() and not file.is_file():
            raise BadInput(f"{file}: is not a plain file", "name a file that thecal saved")
        with file.open("rb") as opened:
            content = opened.read(FILE_MAX_BYTES + 1)
        if len(content) > FILE_MAX_BYTES:
            raise BadInput(f"{file}: larger than any journal", "name a file that thecal saved")
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", "name a file that `thecal report --save` or `thecal journal --jsonl` wrote") from None
    refuse_other_kinds(file, content)
    if content.lstrip(b"\xef\xbb\xbf \r\n")[:1] == b"{":
        return lines_of(file, content, found)
    if len(content) > RAW_MAX_BYTES:
        raise BadInput(f"{file}: larger than any journal", "name a file that thecal saved")
    return raw_rows(file, content, found)


def refuse_other_kinds(file: Path, content: bytes) -> None:
    """Raise BadInput for a file that thecal wrote for another purpose, or that another option takes; it names the right one."""
    begin = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:400].decode("utf-8", "replace")
    for mark, what, do in KINDS:
        if begin.startswith(mark):
            raise BadInput(f"{file}: is {what}", do)
    if begin.startswith('{\n  "'):  # a line of ours is one object; a document of --json has many lines
        raise BadInput(f"{file}: is the result of `thecal report --json`", f"a report needs the data itself: {SAVE_IT}")
    if re.match(r"(#.*\n|\s)*(title|drug) *=", begin):
        raise BadInput(f"{file}: is a prescription", f"see what it will do with: thecal forecast {file.name}")


def lines_of(file: Path, content: bytes, found: Evidence) -> list[Row]:
    """Read a file of JSON lines; other data than records goes into `found`. Raises BadInput with the line."""
    try:
        texts = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadInput(f"{file}: not UTF-8 text", "name a file that thecal saved") from None
    rows: list[Row] = []
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        one = json_object(f"{file}: line {number}", text)
        if FORMAT in one:
            take_about(f"{file}: line {number}", one, found)
        elif one.get("event") != GAP:  # the sequence numbers show gaps again
            rows.append(checked_row(f"{file}: line {number}", one))
    return rows


def json_object(where: str, text: str) -> dict[str, Any]:
    """Parse a JSON object. Raises BadInput that names `where`."""
    try:
        one = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not JSON: {error}", AGAIN) from None
    if not isinstance(one, dict):
        raise BadInput(f"{where}: not an object", AGAIN)
    return one


def take_about(where: str, one: dict[str, Any], found: Evidence) -> None:
    """Read the pump's answers from the time of saving."""
    try:
        packed = base64.b64decode(str(one.get("program") or ""), validate=True)
        if packed:
            unpack(packed)
    except (binascii.Error, Refusal):
        raise BadInput(f"{where}: program: not a packed program", "save the file again") from None
    for name in ("hello", "status"):
        if not isinstance(one.get(name), dict | None):
            raise BadInput(f"{where}: {name}: not an object", "save the file again")
    check_said(where, one.get("hello") or {}, one.get("status") or {})
    found.packed, found.hello, found.status = packed, one.get("hello"), one.get("status")
    found.origin = str(one.get("source") or "")
    found.source = f"{found.source} (saved from {found.origin})"
    found.read_utc_s = one["read_utc_s"] if isinstance(one.get("read_utc_s"), int) else 0


def check_said(where: str, hello: dict[str, Any], status: dict[str, Any]) -> None:
    """Check the saved hello and status that a report needs."""
    if status:
        missing = [name for name, kind in OF_STATUS.items() if not isinstance(status.get(name), kind)]
        if missing:
            raise BadInput(f"{where}: status: {missing[0]} is missing or has the wrong type", "save the file again")
        pair: dict[str, Any] = status["calibration"] or CALIBRATED_PAIR
        try:
            Calibration(pair["volume_nl"], pair["steps"], str(pair["state"]))
        except (KeyError, TypeError, ValueError):
            raise BadInput(f"{where}: status: calibration: not a pair", "save the file again") from None
        check_numbers(f"{where}: status", {name: status[name] for name, kind in OF_STATUS.items() if kind is int})
    if not isinstance(hello.get("implementation", {}), dict) or not isinstance(hello.get("protocol", []), list):
        raise BadInput(f"{where}: hello: not the answer of a pump", "save the file again")


def checked_row(where: str, one: dict[str, Any]) -> Row:
    """Check a record with the fields of its type."""
    missing = [name for name in NEEDED if name not in one]
    event = one.get("event")
    number = records.FORMATS[event][0] if isinstance(event, str) and event in records.FORMATS else None
    missing += [name for name in needed(str(event)) if name not in one] if number else []
    if missing:
        raise BadInput(f"{where}: not a journal record: {missing[0]} is missing", AGAIN)
    check_numbers(where, {name: value for name, value in one.items() if name in COUNTS or name.endswith(UNITS)})
    if one["ring"] not in RINGS or not isinstance(event, str):
        raise BadInput(f"{where}: ring or event is unknown", AGAIN)
    if odd := [name for name, value in one.items() if not isinstance(value, str | int)]:
        raise BadInput(f"{where}: {odd[0]}: neither a text nor a whole number", AGAIN)
    if odd := [name for name in TEXTS.get(event, ()) if not isinstance(one[name], str)]:
        raise BadInput(f"{where}: {odd[0]}: not a text", AGAIN)
    return one


@functools.cache  # asked for every row, and a look at the table parses all of it
def needed(event: str) -> list[str]:
    """Return the fields that every version of this type has: older firmware wrote some with fewer."""
    layouts = [names for name, _, names in dict(record_types.TYPES.items()).values() if name == event]
    return [name for name in layouts[0] if all(name in names for names in layouts)]


def highest_of(name: str) -> int:
    """Return the highest value of a field, by its name."""
    if name.endswith("utc_s"):
        return HIGHEST_UTC_S
    return HIGHEST_UPTIME_MS if name == "uptime_ms" else U64_MAX


def check_numbers(where: str, numbers: dict[str, Any]) -> None:
    """Check that the values are integers within the range of their fields."""
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadInput(f"{where}: {name}: {str(value)[:40]!r} is not a whole number", AGAIN)
        low, high = (-S_PER_DAY, S_PER_DAY) if name == "offset_s" else (0, highest_of(name))
        if not low <= value <= high:
            raise BadInput(f"{where}: {name}: {str(value)[:40]} is out of range", AGAIN)


def raw_rows(file: Path, content: bytes, found: Evidence) -> list[Row]:
    """Read raw records of the pump; alarms belong to the faults ring, and so does a `journal_gap` among alarms only. `found` receives
    the number of damaged bytes between whole records."""
    decoded, damaged_bytes = whole_records(content)
    if not decoded:
        raise BadInput(f"{file}: it contains no journal records", "name a file that `thecal report --save` or `thecal journal` wrote")
    if damaged_bytes:
        found.left_out.append(f"{file}: {damaged_bytes} damaged bytes are ignored")
    of_faults = {"alarm", "journal_gap"} if all(record.name in ("alarm", "journal_gap") for record in decoded) else {"alarm"}
    return [row("faults" if record.name in of_faults else "events", record) for record in decoded]


def whole_records(content: bytes) -> tuple[list[record_types.Record], int]:
    """Return every whole record, and the number of bytes outside of records. After damage, the next offset with a right CRC begins a
    record."""
    found: list[record_types.Record] = []
    at = damaged_bytes = 0
    while at < len(content):
        length_bytes = records.whole_bytes(content, at)
        if length_bytes:
            found.append(record_types.decode_at(content, at))
        else:
            damaged_bytes += 1
        at += length_bytes or 1
    return found, damaged_bytes
