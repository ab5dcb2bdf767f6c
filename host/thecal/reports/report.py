"""The report: one page, one picture, one table of minutes, one JSON document, from the same time line."""

from __future__ import annotations

import csv
import io
from fractions import Fraction
from typing import Any

from pumpcore.motion.dose import CALIBRATED, UNCALIBRATED
from pumpcore.program.plan import Program
from pumpcore.units import MS_PER_S, NL_PER_ML, S_PER_DAY, S_PER_MINUTE
from thecal.errors import Failed
from thecal.files.version import __version__
from thecal.history.checks import Check, checks
from thecal.history.timeline import Timeline
from thecal.quantities import measured
from thecal.quantities.amounts import clock_text
from thecal.reports.drawing import colours_css
from thecal.reports.figure import HistoryPicture, schedule_for_page
from thecal.reports.outcome import outcome
from thecal.reports.page import markup, page
from thecal.reports.sections import Section, Sections
from thecal.reports.words import Words
from thecal.terminal.sheets import cell
from thecal.text import calibration as calibration_text
from thecal.text.program import entries, facts
from thecal.text.protocol import facts as protocol_facts
from thecal.text.settings import NONE

UNKNOWN = "unknown: made from a journal, without the pump"
LONGEST_DAYS = 1000  # of a table of minutes: 1.4 million rows
Pairs = list[tuple[str, str]]


class Report:
    """A report from `from_ms` to `to_ms`. `note`, `also` and `also_checks` add the knowledge of a caller (`make demo` knows the motor's
    true steps)."""

    def __init__(self, line: Timeline, from_ms: int, to_ms: int) -> None:
        self.line = line
        self.from_ms, self.to_ms = from_ms, to_ms
        self.words = Words(line)
        self.sections = Sections(line, from_ms, to_ms)
        status = line.evidence.status or {}
        name = str(status.get("program_name") or "")
        self.picture = HistoryPicture(line, from_ms, to_ms, f"{name or 'Pump'}: planned and delivered")
        self.note = ""
        self.also: list[Section] = []
        self.also_checks: list[Check] = []

    def html(self) -> str:
        """Return the page, complete in one text."""
        known, made = self.line.prescribed, self.sections
        first = [made.totals(), made.missed(), made.boluses(), made.therapy(), made.entries()]
        rest = [made.alarms(), made.pauses(), made.power(), made.runs(), made.calibrations(), made.laws(), made.clock(), made.journal()]
        empty = [one.empty for one in (*first, *rest) if not one.rows]
        return page(
            "report.html",
            {
                "title": self.picture.title,
                "banner": self.banner(),
                "note": self.note,
                "about": self.about(),
                "colours": markup(colours_css()),
                "outcome": outcome(self.line, made, [*checks(self.line), *self.also_checks]),
                "nothing": empty,
                "picture": markup(self.picture.for_page()),
                "first": first,
                "also": self.also,
                "rest": rest,
                "schedule": markup(schedule_for_page(known.program)) if known else "",
                "entries_stored": made.schedule(),
                "prescription": settings(known.program) if known else [],
                "calibration": self.calibration(),
                "versions": self.versions(),
                "checks": [*checks(self.line), *self.also_checks],
            },
        )

    def banner(self) -> str:
        """Return the banner of the page; empty if there is none."""
        pair = self.line.calibration
        if pair is None:
            return "Calibration unknown: amounts are steps"
        if pair.state == UNCALIBRATED:
            return f"{UNCALIBRATED}: volumes are nominal, the pump was never calibrated"
        return "" if pair.state == CALIBRATED else f"Calibration {pair.state}: volumes may be off"

    def about(self) -> Pairs:
        """Return the facts at the top of the page."""
        hello, status, words = self.line.evidence.hello or {}, self.line.evidence.status or {}, self.words
        return [
            ("pump", str(hello.get("unique_id", UNKNOWN))),
            ("bench", str(hello.get("bench", UNKNOWN))),
            ("program", f"{status['program_name'] or 'none'}" if status else UNKNOWN),
            ("from", f"{words.time(self.from_ms)} {words.offset(self.from_ms)}"),
            ("to", f"{words.time(self.to_ms)} {words.offset(self.to_ms)} ({words.lasted(self.from_ms, self.to_ms)})"),
            ("state when read", str(status.get("state", UNKNOWN))),
            ("read from", self.line.evidence.source),
            ("read at", clock_text(self.line.evidence.read_utc_s) + " by this computer" if self.line.evidence.read_utc_s else UNKNOWN),
        ]

    def calibration(self) -> Pairs:
        """Return the calibration used for volumes, and all other keys of it that the pump reports."""
        told = (self.line.evidence.status or {}).get("calibration")
        if not told:
            return [("calibration", UNKNOWN if self.line.evidence.status is None else "none")]
        each = measured.rounded(Fraction(told["volume_nl"], told["steps"]), 4)
        found = [
            ("state", calibration_text.line({**told, "id": ""})),
            ("a step is", f"{each} nL ({calibration_text.pair(told)})"),
            ("weighed at", self.words.utc(told.get("weighed_utc_s") or 0) if told.get("id") else ""),
            ("id", str(told.get("id") or "")),
        ]
        return [(label, text) for label, text in found if text]

    def versions(self) -> Pairs:
        """Return the versions of thecal and of the pump, label and text."""
        hello = self.line.evidence.hello
        found: Pairs = [("thecal", __version__)]
        if hello is None:
            return [*found, ("pump", UNKNOWN)]
        implementation = hello.get("implementation") or {}
        version = ".".join(str(part) for part in implementation.get("version", [])[:3])
        return [
            *found,
            ("firmware", str(hello.get("firmware"))),
            ("firmware release (SHA-256)", str(hello.get("release"))),
            ("runs in", f"{implementation.get('name')} {version}".strip()),
            ("protocol", ".".join(map(str, hello.get("protocol", [])))),
            ("program (SHA-256)", self.line.evidence.program_digest() or "none"),
            ("activated in this journal", self._activated()),
        ]

    def _activated(self) -> str:
        return ", ".join(f"{digest[:12]} at {self.words.time(at_ms)}" for at_ms, digest in self.line.books.therapy.activated) or "none"

    def csv(self) -> str:
        """Return one row per minute: planned and delivered since the start, with the bounds. Raises Failed for more than LONGEST_DAYS."""
        if self.to_ms - self.from_ms > LONGEST_DAYS * S_PER_DAY * MS_PER_S:
            raise Failed(f"one row per minute covers at most {LONGEST_DAYS} days", f"choose a shorter period: --days {LONGEST_DAYS}")
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = ["utc_s", "local", "planned_steps", "delivered_least_steps", "delivered_most_steps"]
        known = self.line.calibration is not None
        writer.writerow([*names, *(["planned_nl", "delivered_least_nl", "delivered_most_nl"] if known else [])])
        curves = (self.line.planned, self.line.low, self.line.high)
        for one in self.line.samples(self.from_ms, self.to_ms, S_PER_MINUTE * MS_PER_S):
            counts = (one.planned_steps, one.low_steps, one.high_steps)
            volumes = [int(self.words.between(curve, self.from_ms, one.at_ms) * NL_PER_ML) for curve in curves] if known else []
            writer.writerow([one.at_ms // MS_PER_S, cell(self.words.time(one.at_ms)), *map(int, counts), *volumes])
        return out.getvalue()


def document(report: Report) -> dict[str, Any]:
    """Return all data of the page for machines: integers, units in the names, times in milliseconds since 1970 by the pump's clock."""
    line, from_ms, to_ms = report.line, report.from_ms, report.to_ms
    sums, books, evidence = line.sums(from_ms, to_ms), line.books, line.evidence
    return {
        "from_ms": from_ms,
        "to_ms": to_ms,
        "offset_s": line.offset_s(to_ms),
        "time_known": line.time_is_known(),
        "source": evidence.source,
        "pump": evidence.hello,
        "thecal": __version__,
        "calibration": (evidence.status or {}).get("calibration"),
        "program_digest": evidence.program_digest(),
        "program": line.prescribed.program.describe() if line.prescribed else None,
        "outcome": outcome(line, report.sections, [*checks(line), *report.also_checks]),
        "totals": {**vars(sums), "due_steps": sums.due_steps()},
        "delivered": made.as_dict() if (made := report.sections.delivered()) else None,
        "entries": [{**plain_values(one), "off_by_steps": number(one.off_by_steps())} for one in books.stretches.closed],
        "boluses": [plain_values(one) for one in books.now.boluses.values()],
        "temporaries": [plain_values(one) for one in books.therapy.temporaries],
        "bridges": [plain_values(one) for one in books.therapy.bridges],
        "refills": [plain_values(one) for one in books.therapy.refills],
        "overrides": [plain_values(one) for one in books.therapy.overrides],
        "demands_refused": [plain_values(one) for one in books.therapy.refused],
        "programs_changed": [{"at_ms": at_ms, "digest": digest} for at_ms, digest in books.therapy.changed],
        "missed": [plain_values(one) for one in books.misses],
        "pauses": [plain_values(one) for one in books.pauses],
        "power_losses": [plain_values(one) for one in books.losses],
        "boots": [{"at_ms": at_ms, "boot": row["boot"], "cause": row["cause"]} for at_ms, row in books.boots],
        "alarms": [plain_values(one) for one in line.alarms],
        "runs": [plain_values(one) for one in books.runs],
        "calibrations_set": [plain_values(one) for one in books.calibrations],
        "clock_sets": [plain_values(one) for one in books.now.clock_sets],
        "gaps": [plain_values(one) for one in books.gaps],
        "checks": [{"holds": holds, "text": text} for holds, text in [*checks(line), *report.also_checks]],
    }


def settings(program: Program) -> Pairs:
    """Return everything in a program except its entries."""
    rates = {label for label, _ in entries(program)}
    if program.protocol is not None:  # in a table of its own
        rates |= set(protocol_facts(program, program.protocol))
    rows = [(label.replace(".", ": ").replace("_", " "), text) for label, text in facts(program).items() if label not in rates]
    unused = [label for label, text in rows if text == NONE]
    return [row for row in rows if row[1] != NONE] + ([("not used", ", ".join(unused))] if unused else [])


def plain_values(one: Any) -> dict[str, Any]:
    """Return the fields of a part for JSON."""
    return {name: number(value) for name, value in vars(one).items()}


def number(value: Any) -> Any:
    """Convert a fraction to a decimal number; exact integers stay integers."""
    return round(float(value), 6) if isinstance(value, Fraction) else value
