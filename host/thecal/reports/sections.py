"""The tables of a report with their texts; the template only lays them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pumpcore.orders.bolus import CUT
from pumpcore.units import MS_PER_S, NL_PER_ML
from thecal.history.alarms import AlarmLine
from thecal.history.curve import Curve
from thecal.history.parts import POWER, RUNNING, UNTOLD, BolusLine, Stretch
from thecal.history.timeline import Timeline
from thecal.quantities import measured
from thecal.quantities.amounts import ml, ml_per_h, ug_per_day
from thecal.quantities.exact import drugs_of
from thecal.reports.therapy import HOW, TherapyRows, text_of
from thecal.reports.words import Words, offset_text
from thecal.text import calibration as calibration_text
from thecal.text import law as law_text
from thecal.text.program import entries
from thecal.text.protocol import entry_text
from thecal.text.protocol import facts as protocol_facts

MOST_ROWS = 150
ENDED = {
    RUNNING: "still runs",
    POWER: "power failed",
    UNTOLD: "not in the journal",
    "entry": "next entry",
    "host": "stopped from the host",
    "button": "stop button",
    "fault": "stopped by an alarm",
    "clock": "time unknown",
    "maintenance": "maintenance",
    "done": "done",
    "priming": "priming",
    "calibration": "calibration",
}
CAUSES = {"power": "power was off", "limit": "at a ceiling", "clock": "time unknown"}
FAULT_CHANGES = {"warning": "warning", "alarm": "ALARM", "unknown": "?"}

Cells = tuple[str, ...]


@dataclass
class Section:
    """One table: `empty` is the text for no rows; columns `numbers_from` up to `numbers_to` are right-aligned."""

    title: str
    head: Cells
    rows: Sequence[Cells] = field(default_factory=list)
    empty: str = "none"
    note: str = ""
    numbers_from: int = 99
    numbers_to: int = 99
    note_alone: bool = False  # the note says something without rows too


class Sections:
    """Tables of the time from `from_ms` to `to_ms`."""

    def __init__(self, line: Timeline, from_ms: int, to_ms: int) -> None:
        self.line = line
        self.words = Words(line)
        self.from_ms, self.to_ms = from_ms, to_ms

    def _inside(self, from_ms: int, to_ms: int | None = None) -> bool:
        """Return True if an interval (None: until now) overlaps the period."""
        return from_ms <= self.to_ms and (self.line.to_ms if to_ms is None else to_ms) >= self.from_ms

    def _amount(self, steps: int | Fraction, at_ms: int) -> str:
        """Format an amount in the unit of the page: mL, or steps where no calibration is known."""
        return self._number(self.words.amount(steps, at_ms))

    def _span(self, curve: Curve, steps: int) -> str:
        """Return the amount of the period, across changes of the calibration."""
        if not self.line.calibration:
            return str(steps)
        return self._number(self.words.between(curve, self.from_ms, self.to_ms))

    def _number(self, value: Fraction) -> str:
        """Format mL with four decimals, so that a column is aligned; steps, and nothing at all, without."""
        return measured.fixed(value, measured.ML_DIGITS) if value and self.line.calibration else measured.rounded(value, 0)

    def delivered(self) -> measured.Total | None:
        """Return the delivered volume of the period with its uncertainty; None where only steps are known."""
        if not self.line.calibration:
            return None
        nl = self.words.between(self.line.low, self.from_ms, self.to_ms) * NL_PER_ML
        told = (self.line.evidence.status or {}).get("calibration") or {}
        set_here = [one for one in self.line.books.calibrations if one.at_ms <= self.to_ms]
        scatter_ppm, runs = told.get("scatter_ppm") or 0, told.get("runs") or 0
        if not runs and set_here:
            scatter_ppm, runs = set_here[-1].scatter_ppm, set_here[-1].runs
        return measured.of_volume(nl, scatter_ppm, runs)

    def totals(self) -> Section:
        """Return what was planned and delivered in the period; uncertain, missed and halted amounts only if there are any."""
        line, sums, words, to_ms = self.line, self.line.sums(self.from_ms, self.to_ms), self.words, self.to_ms
        made, sure = self.delivered(), "counted by the pump's guard"
        if made is not None and made.off_nl:
            sure += f"; {made.text()} by the scatter of the calibration"
        rows: list[Cells] = [
            ("planned", self._span(line.planned, sums.planned_steps), "by the prescription, temporary rates, bridges and boluses"),
            ("delivered", self._span(line.low, sums.delivered_steps), sure),
        ]
        uncertain = "authorised when the power failed; the motor made between none and all of it"
        more = [("uncertain", sums.uncertain_steps, uncertain)]
        more += [(f"missed: {CAUSES.get(cause, cause)}", steps, "never caught up") for cause, steps in sums.missed_steps.items()]
        more += [("halted", sums.halted_steps, "due but not made when the pump was stopped")]
        more += [("under way", sums.due_steps(), "planned, not yet made by the motor")]
        rows += [(label, self._amount(steps, to_ms), text) for label, steps, text in more if steps]
        changed = [one for one in line.books.calibrations if self.from_ms < one.at_ms <= to_ms]
        note = "The calibration changed in this period: the volumes of uncertain, missed and halted use the newest." if changed else ""
        return Section("Totals", ("", words.unit, ""), rows, note=note, numbers_from=1, numbers_to=2)

    def entries(self) -> Section:
        """Return the entries of the schedule that ran."""
        found = [one for one in self.line.books.stretches.closed if self._inside(one.from_ms, one.to_ms)]
        shown = found[-MOST_ROWS:]
        note = "Programmed: by the prescription, for the time of the entry. Off: ordered (without boluses) minus programmed."
        if any(one.overlaid for one in found):
            note += " Both are empty for an entry with a temporary rate or a bridge."
        if len(found) > len(shown):
            note += f" The last {len(shown)} of {len(found)} are shown; --json has all."
        head = ("from", "to", "rate", "programmed", "ordered", "bolus", "delivered", "uncertain", "missed", "halted", "off")
        return Section(f"Entry by entry ({self.words.unit})", head, [self._entry(one) for one in shown], "no entry ran", note, 2)

    def _entry(self, one: Stretch) -> Cells:
        off, programmed = one.off_by_steps(), one.programmed_steps
        end = self.words.clock(one.to_ms) if one.to_ms - one.from_ms < 86_400_000 else self.words.time(one.to_ms)
        counts = (one.delivered_steps, one.uncertain_steps, one.missed(), one.halted_steps)
        return (
            self.words.time(one.from_ms),
            end + ("" if one.ended == "entry" else f" ({ENDED.get(one.ended, one.ended)})"),
            self._rate(one),
            self._amount(programmed, one.from_ms) if programmed is not None else "-",
            self._amount(one.ordered_steps, one.from_ms),
            "crosses" if one.bolus_crosses else self._amount(one.bolus_steps, one.from_ms),
            *(self._amount(steps, one.from_ms) for steps in counts),
            self._amount(off, one.from_ms) if off is not None else "-",
        )

    def _rate(self, one: Stretch) -> str:
        known = self.line.prescribed
        if known is not None and known.program.protocol is not None and known.digest == one.digest:
            return entry_text(known.program, one.entry)
        return self.words.rate(one.rate_nl, one.digest)

    def schedule(self) -> Section:
        """Return the entries of the stored program; with the mass of each drug if it has a concentration."""
        known = self.line.prescribed
        if known is None:
            return Section("Schedule", (), empty="not known")
        seconds_s, drugs = known.program.rate_seconds_s, drugs_of(known.program)
        rows: list[Cells] = []
        for label, rate_nl in entries(known.program):
            doses = [f"{ug_per_day(rate_nl, seconds_s, ng_per_nl)} ug/day" for _, ng_per_nl in drugs]
            rows.append((label, *doses, ml_per_h(rate_nl, seconds_s)))
        if known.program.protocol is not None:
            found = protocol_facts(known.program, known.program.protocol)
            return Section("Protocol", ("", "as stored"), [(label, text) for label, text in found.items()])
        masses = [name for name, _ in drugs] if len(drugs) > 1 else ["dose"] * len(drugs)
        head = ("from", *masses, "rate")
        return Section("Schedule", head, rows, numbers_from=1)

    def boluses(self) -> Section:
        """Return every bolus of the period."""
        found = [one for one in self.line.books.now.boluses.values() if self._inside(one.ordered_ms, one.ended_ms)]
        head = ("ordered at", "for", "volume", "rate", "began", "ended", "how", f"delivered, {self.words.unit}")
        return Section("Boluses", head, [self._bolus(one) for one in found], "no bolus", numbers_from=7)

    def _bolus(self, one: BolusLine) -> Cells:
        words = self.words
        how = one.ended or ("runs" if one.started_ms is not None else "waits")
        delivered = self._amount(one.delivered_steps, one.ordered_ms)
        return (
            words.time(one.ordered_ms),
            one.purpose,
            ml(one.volume_nl) if one.volume_nl else "-",
            ml_per_h(one.rate_nl, one.rate_seconds_s) if one.rate_seconds_s else words.rate(one.rate_nl, one.digest),
            words.clock(one.started_ms),
            words.clock(one.ended_ms),
            HOW[CUT] if one.ended == CUT else how,
            f"at most {delivered}" if one.ended == CUT else delivered,
        )

    def therapy(self) -> Section:
        """Return temporary rates, bridges, refills and confirmed soft limits."""
        found = [(at_ms, cells) for at_ms, to_ms, cells in TherapyRows(self.line, self.words).events() if self._inside(at_ms, to_ms)]
        rows = [(self.words.time(at_ms), *cells) for at_ms, cells in found]
        title = "Temporary rates, bridges, refills, soft limits"
        return Section(title, ("at", "what", "", "until", "outcome"), rows, "no temporary rate, bridge, refill or soft limit")

    def missed(self) -> Section:
        """Return the steps that were never made, with their causes."""
        rows = [
            (
                self.words.time(one.at_ms),
                CAUSES.get(one.cause, one.cause),
                self._meant(one.from_utc_s, one.to_utc_s),
                self._amount(one.steps, one.at_ms),
            )
            for one in self.line.books.misses
            if self._inside(one.at_ms, one.at_ms)
        ]
        head = ("reported at", "cause", "for the period", self.words.unit)
        return Section("Missed doses", head, rows, "no missed dose", "The pump never catches up what it missed.", 3)

    def _meant(self, from_utc_s: int, to_utc_s: int) -> str:
        return f"{self.words.utc(from_utc_s)} to {self.words.utc(to_utc_s)[11:]}" if from_utc_s else "-"

    def pauses(self) -> Section:
        """Return the pauses at a ceiling."""
        rows = [
            (
                self.words.time(one.from_ms),
                "lasts" if one.to_ms is None else self.words.time(one.to_ms),
                self.words.lasted(one.from_ms, self.line.to_ms if one.to_ms is None else one.to_ms),
                text_of(one.fault),
                self._amount(one.missed_steps, one.from_ms),
            )
            for one in self.line.books.pauses
            if self._inside(one.from_ms, one.to_ms)
        ]
        head = ("from", "to", "lasted", "ceiling", f"missed, {self.words.unit}")
        return Section("Pauses at ceilings", head, rows, "no pause at a ceiling", numbers_from=4)

    def power(self) -> Section:
        """Return every power-up, with the steps that a power cut left uncertain."""
        losses = {one.boot_ms: one for one in self.line.books.losses}
        rows: list[Cells] = []
        for at_ms, row in self.line.books.boots:
            if not self._inside(at_ms, at_ms):
                continue
            loss = losses.get(at_ms)
            what = "power-up" if row["cause"] == "power" else f"reset ({row['cause']})"
            if loss is None:
                rows.append((self.words.time(at_ms), str(row["boot"]), what, "the pump was not running", "-", "-"))
                continue
            before = f"before {self.words.time(loss.cut_ms)}"
            went_on = "stayed stopped" if loss.resumed_ms is None else f"resumed {self.words.clock(loss.resumed_ms)}"
            rows.append((self.words.time(at_ms), str(row["boot"]), what, before, went_on, self._amount(loss.uncertain_steps, at_ms)))
        head = ("at", "boot", "what", "motor stopped", "then", f"uncertain, {self.words.unit}")
        note = "The motor stopped at most 60 s before the time given; it made between none and all of the uncertain amount."
        return Section("Power-ups and power losses", head, rows, "no power-up", note if losses else "", 5)

    def alarms(self) -> Section:
        """Return alarms and warnings, with their acknowledgements."""
        rows = [
            (
                self.words.time(one.raised_ms),
                FAULT_CHANGES.get(one.severity, one.severity),
                str(one.fault),
                text_of(one.fault),
                str(one.count),
                self._ended(one),
            )
            for one in self.line.alarms
            if self._inside(one.raised_ms, one.acknowledged_ms)
        ]
        head = ("raised", "", "number", "what", "times", "acknowledged")
        return Section("Alarms and warnings", head, rows, "no alarm or warning")

    def _ended(self, one: AlarmLine) -> str:
        status = self.line.evidence.status
        if one.acknowledged_ms is not None or status is None:
            return self.words.time(one.acknowledged_ms) if one.acknowledged_ms is not None else "no"
        newest = [other for other in self.line.alarms if other.fault == one.fault][-1]
        if one.fault not in status["alarms"]:
            return "ended by itself"
        return "STILL ACTIVE" if newest is one else "no; raised again"

    def runs(self) -> Section:
        """Return every run from its start to its end."""
        rows = [
            (
                self.words.time(one.from_ms),
                {"host": "started from the host", "resume": "resumed by itself"}.get(one.by, ENDED.get(one.by, one.by)),
                self.words.time(one.to_ms),
                ENDED.get(one.ended, one.ended),
                self.words.lasted(one.from_ms, one.to_ms),
                one.digest[:12] or "unknown",
                self._amount(one.end_steps - one.begin_steps, one.from_ms),
            )
            for one in self.line.books.runs
            if self._inside(one.from_ms, one.to_ms)
        ]
        head = ("from", "by", "to", "ended", "lasted", "program", self.words.unit)
        return Section("Starts and stops", head, rows, "no run", "Uncertain amounts count as delivered here.", 6)

    def calibrations(self) -> Section:
        """Return the changes of the calibration."""
        rows = [
            (
                self.words.time(one.at_ms),
                f"{measured.rounded(Fraction(one.old_volume_nl, one.old_steps), 4)} nL",
                f"{measured.rounded(Fraction(one.volume_nl, one.steps), 4)} nL",
                self.words.utc(one.weighed_utc_s) if one.weighed_utc_s else "nominal pair",
                calibration_text.scatter(vars(one)) or "-",
                one.calibration_id,
            )
            for one in self.line.books.calibrations
            if self._inside(one.at_ms, one.at_ms)
        ]
        head = ("set at", "a step before", "a step from here on", "weighed", "scatter", "id")
        note = "Each volume uses the calibration of its time." if rows else ""
        return Section("Calibrations set", head, rows, "no calibration", note)

    def laws(self) -> Section:
        """Return by which law the pump dosed, and its changes: a step is a volume by volume, an angle by angle."""
        found = self.line.laws.within(self.from_ms, self.to_ms) if self.line.laws.changes else []
        rows = [(self.words.time(one.at_ms), f"by {one.law}", law_text.why(one.cause).cause if one.cause else "") for one in found]
        return Section("Dosed by volume or by angle", ("from", "law", "why by angle"), rows, "by angle: no table of the rotor")

    def clock(self) -> Section:
        """Return the changes of the clock."""
        rows: list[Cells] = []
        for one in self.line.books.now.clock_sets:
            if self._inside(one.at_ms, one.at_ms):
                by = f"{one.new_utc_s - one.old_utc_s:+d} s" if one.old_utc_s else "not set before"
                offset = offset_text(one.offset_s)
                if one.was_offset_s not in (None, one.offset_s):
                    offset += f" (was {offset_text(one.was_offset_s or 0)})"
                rows.append((self.words.utc(one.old_utc_s), self.words.utc(one.new_utc_s), by, offset))
        head, none = ("from", "to", "by", "local time"), "no setting of the clock"
        return Section("The clock was set", head, rows, none, self._clock_note(), note_alone=True)

    def _clock_note(self) -> str:
        boots = self.line.axis.boots.values()
        notes = []
        if unknown := [str(one.number) for one in boots if not one.known]:
            notes.append(
                f"The time of day was unknown in boot {', '.join(unknown)}: its durations and its order are right, its times are not."
            )
        corrected = [one for one in boots if abs(one.corrected_s) > 2]
        notes += [
            f"Boot {one.number} is shown with its clock corrected by {one.corrected_s:+d} s: the clock was set afterwards."
            for one in corrected
        ]
        notes += [
            f"Boot {one.number} is drawn {one.moved_ms / MS_PER_S:.1f} s late, so that it does not overlap."
            for one in boots
            if one.moved_ms > MS_PER_S
        ]
        return " ".join(notes)

    def journal(self) -> Section:
        """Return what the journal covers, and its missing records."""
        rows: list[Cells] = []
        for ring, found in (("events", self.line.evidence.events), ("faults", self.line.evidence.faults)):
            if found:
                first, last = found[0], found[-1]
                when = (self.words.time(self.line.axis.of(first)), self.words.time(self.line.axis.of(last)))
                rows.append((ring, *when, f"{first['sequence']} to {last['sequence']}", str(len(found)), self._gaps(ring)))
        unknown = sum(one["event"].startswith("type_") for one in self.line.evidence.events)
        note = f"This version of thecal does not know the type of {unknown} records." if unknown else ""
        return Section("Journal", ("ring", "first", "last", "sequence numbers", "records", "missing"), rows, note=note)

    def _gaps(self, ring: str) -> str:
        told = [
            f"{gap.first} to {gap.last}" + (" (the oldest, overwritten or not read)" if gap.from_start else " (GAP)")
            for gap in self.line.books.gaps
            if gap.ring == ring
        ]
        return ", ".join(told) or "none"
