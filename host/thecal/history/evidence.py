"""All that a pump tells about itself, read once: both rings of the journal, status, hello, the program; and the file that keeps it."""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pumpcore.calibration import Calibration
from pumpcore.faults import Refusal
from pumpcore.program import Program, digest, unpack
from pumpcore.wire import records
from thecal.errors import BadInput
from thecal.journal_text import Row, row

if TYPE_CHECKING:
    from thecal.client import Client

RINGS = ("events", "faults")
FORMAT = "thecal_evidence"
NEEDED = ("ring", "sequence", "boot", "uptime_ms", "utc_s", "event")
FILE_MAX_BYTES = 64 * 1024 * 1024


@dataclass
class Evidence:
    """`events` and `faults` are rows of `journal_text.row`, by sequence number. `status` and `hello` are None, `packed` is empty
    when the pump itself was not asked. `read_utc_s` is this computer's time of reading, 0 when not known; `origin` says which
    pump a saved file came from."""

    events: list[Row] = field(default_factory=list)
    faults: list[Row] = field(default_factory=list)
    status: dict[str, Any] | None = None
    hello: dict[str, Any] | None = None
    packed: bytes = b""
    source: str = ""
    origin: str = ""
    read_utc_s: int = 0

    def program(self) -> Program | None:
        return unpack(self.packed) if self.packed else None

    def program_digest(self) -> str:
        return digest(self.packed) if self.packed else ""

    def calibration(self) -> Calibration | None:
        pair = (self.status or {}).get("calibration")
        return Calibration(pair["volume_nl"], pair["steps"], pair["state"]) if pair else None


def collect(client: Client) -> Evidence:
    """Reads everything from the pump; the status last, and once more what was journaled meanwhile."""
    from thecal.commands.journal import download

    found = Evidence(source=f"the pump on {client.port_url}", hello=client.hello())
    found.packed = base64.b64decode(client.program_read().get("program") or "")
    found.faults = download(client, "faults")
    found.events = download(client, "events")
    found.status = client.status()
    last = int(found.events[-1]["sequence"]) if found.events else 0
    if found.status["events_sequence"] > last:
        found.events += download(client, "events", last + 1)
    found.read_utc_s = int(time.time())
    return found


def as_lines(found: Evidence) -> str:
    """JSON lines: what the pump said of itself, then every record. `load` reads it again."""
    about = {
        FORMAT: 1,
        "source": found.origin or found.source,
        "read_utc_s": found.read_utc_s,
        "hello": found.hello,
        "status": found.status,
        "program": base64.b64encode(found.packed).decode(),
    }
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in (about, *found.faults, *found.events))


def load(files: list[Path]) -> Evidence:
    """What one or more saved files hold: JSON lines (`thecal report --save`, `thecal journal --jsonl`) or raw records (`--raw`, a
    backup). BadInput with file and line when one can't be read, or when there is no record in them."""
    found = Evidence(source=", ".join(file.name for file in files))
    rows: dict[tuple[str, int], Row] = {}
    for file in files:
        for one in rows_of(file, found):
            key = (one["ring"], one["sequence"])
            if rows.setdefault(key, one) != one:
                raise BadInput(
                    f"{file}: record {one['sequence']} of {one['ring']} is another one than before", "give the files of one pump"
                )
    if not rows:
        named = ", ".join(map(str, files))
        raise BadInput(f"{named}: no journal records in it", "save a journal with: thecal report --save FILE")
    found.events, found.faults = ([one for (name, _), one in sorted(rows.items()) if name == ring] for ring in RINGS)
    return found


def rows_of(file: Path, found: Evidence) -> list[Row]:
    """The records of one file; what else it says goes into `found`."""
    try:
        if file.stat().st_size > FILE_MAX_BYTES:
            raise BadInput(f"{file}: larger than any journal", "name a file that thecal saved")
        content = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", "name a file that `thecal report --save` or `thecal journal --jsonl` wrote") from None
    if content.lstrip(b"\xef\xbb\xbf \r\n")[:1] == b"{":
        return lines_of(file, content, found)
    return raw_rows(file, content)


def lines_of(file: Path, content: bytes, found: Evidence) -> list[Row]:
    try:
        texts = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadInput(f"{file}: not a text in UTF-8", "name a file that thecal saved") from None
    rows: list[Row] = []
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        one = json_object(f"{file}: line {number}", text)
        if FORMAT in one:
            take_about(f"{file}: line {number}", one, found)
        else:
            rows.append(checked_row(f"{file}: line {number}", one))
    return rows


def json_object(where: str, text: str) -> dict[str, Any]:
    try:
        one = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{where}: not JSON: {error}", "save the journal again with --jsonl or --save") from None
    if not isinstance(one, dict):
        raise BadInput(f"{where}: not an object", "save the journal again with --jsonl or --save")
    return one


def take_about(where: str, one: dict[str, Any], found: Evidence) -> None:
    """What the pump said of itself when the file was saved."""
    try:
        packed = base64.b64decode(str(one.get("program") or ""), validate=True)
        if packed:
            unpack(packed)
    except (binascii.Error, Refusal):
        raise BadInput(f"{where}: program: not a packed program", "save the file again") from None
    for name in ("hello", "status"):
        if not isinstance(one.get(name), dict | None):
            raise BadInput(f"{where}: {name}: not an object", "save the file again")
    found.packed, found.hello, found.status = packed, one.get("hello"), one.get("status")
    found.origin = str(one.get("source") or "")
    found.source = f"{found.source} (saved from {found.origin})"
    found.read_utc_s = one["read_utc_s"] if isinstance(one.get("read_utc_s"), int) else 0


def checked_row(where: str, one: dict[str, Any]) -> Row:
    """A record with the fields of its type, each of its kind."""
    missing = [name for name in NEEDED if name not in one]
    event = one.get("event")
    number = records.NUMBERS.get(event) if isinstance(event, str) else None
    missing += [name for name in records.TYPES[number][2] if name not in one] if number else []
    if missing:
        raise BadInput(f"{where}: no record of a journal: {missing[0]} is missing", "save the journal again with --jsonl or --save")
    for name, value in one.items():
        if name.endswith(("_steps", "_s", "_ms", "_nl", "sequence", "boot")) and (not isinstance(value, int) or isinstance(value, bool)):
            raise BadInput(f"{where}: {name}: {str(value)[:40]!r} is not a whole number", "save the journal again with --jsonl or --save")
    if one["ring"] not in RINGS or not isinstance(event, str):
        raise BadInput(f"{where}: ring or event is unknown", "save the journal again with --jsonl or --save")
    return one


def raw_rows(file: Path, content: bytes) -> list[Row]:
    """Raw records as the pump keeps them; alarms are the ones of the faults ring."""
    decoded, rest = records.decode(content)
    if rest or not decoded:
        cause = f"damaged behind record {decoded[-1].sequence}" if decoded else "no journal records in it"
        raise BadInput(f"{file}: {cause}", "name a file that `thecal report --save` or `thecal journal` wrote")
    return [row("faults" if record.name == "alarm" else "events", record) for record in decoded]
