"""The data for a report, read once: both rings of the journal, status, hello, program; and the file format that stores them."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pumpcore.motion.dose import Calibration
from pumpcore.program.packing import digest, unpack
from pumpcore.program.plan import Program
from thecal.history.download import Note, download
from thecal.history.rows import Row
from thecal.pump.replies import bad_answer
from thecal.terminal.console import talk

if TYPE_CHECKING:
    from thecal.pump.client import Client

RINGS = ("events", "faults")
FORMAT = "thecal_evidence"


@dataclass
class Evidence:
    """The data of a report. `events` and `faults`: rows of `rows.row`, by sequence number. Without the pump, `status` and `hello` are
    None and `packed` is empty. `read_utc_s`: this computer's time of reading, 0 if unknown; `origin`: the pump of a saved file.
    `left_out`: descriptions of damaged or impossible records."""

    events: list[Row] = field(default_factory=list)
    faults: list[Row] = field(default_factory=list)
    status: dict[str, Any] | None = None
    hello: dict[str, Any] | None = None
    packed: bytes = b""
    source: str = ""
    origin: str = ""
    read_utc_s: int = 0
    left_out: list[str] = field(default_factory=list)

    def program(self) -> Program | None:
        """Return the program; None if none is known. Raises Refusal for a packed program that can't be read."""
        return unpack(self.packed) if self.packed else None

    def program_digest(self) -> str:
        """Return the SHA-256 of the program in hex; "" if none is known."""
        return digest(self.packed) if self.packed else ""

    def calibration(self) -> Calibration | None:
        """Return the calibration of the status; None without a status or a bench."""
        pair = (self.status or {}).get("calibration")
        return Calibration(pair["volume_nl"], pair["steps"], pair["state"]) if pair else None


def collect(client: Client, note: Note = talk) -> Evidence:
    """Read everything from the pump; the status last, then the records written meanwhile. `note` receives a line about missing records."""
    found = Evidence(source=f"the pump on {client.port_url}", hello=client.hello())
    found.packed = base64.b64decode(client.program_read().get("program") or "")
    found.faults = download(client, "faults", note=note)
    found.events = download(client, "events", note=note)
    found.status = client.status()
    if found.events and found.status["boot"] < found.events[-1]["boot"]:
        raise bad_answer("status", f"boot is {found.status['boot']}, its journal is of boot {found.events[-1]['boot']}")
    for ring, rows in (("events", found.events), ("faults", found.faults)):
        last = int(rows[-1]["sequence"]) if rows else 0
        if found.status[f"{ring}_sequence"] > last:
            rows += download(client, ring, last + 1, note=note)
    found.read_utc_s = int(time.time())
    return found


def as_lines(found: Evidence) -> str:
    """Format as JSON lines: the pump's answers, then every record. `saved.load` reads them again."""
    about = {
        FORMAT: 1,
        "source": found.origin or found.source,
        "read_utc_s": found.read_utc_s,
        "hello": found.hello,
        "status": found.status,
        "program": base64.b64encode(found.packed).decode(),
    }
    return "".join(json.dumps(one) + "\n" for one in (about, *found.faults, *found.events))
