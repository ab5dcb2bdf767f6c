"""Read the journal in order of time: position, and planned, missed, halted and uncertain steps with their causes.

The position is the pump's own: it counts uncertain steps of a power cut as delivered. Planned = ordered + missed + halted: plan and
position start together at every start, and differ by the steps that were not ordered. Steps ordered but not yet due at a stop are not
included.
"""

from __future__ import annotations

from collections.abc import Callable

from pumpcore.motion.dose import Calibration
from pumpcore.orders.bolus import CUT, DEMAND, EXTENDED
from pumpcore.wire.records import PURPOSES
from thecal.history.axis import Axis
from thecal.history.flows import Flows
from thecal.history.now import Now
from thecal.history.parts import (
    POWER,
    UNTOLD,
    BolusLine,
    CalibrationSet,
    ClockSet,
    Gap,
    Made,
    Missed,
    Pause,
    PowerLoss,
    Run,
)
from thecal.history.plan import Prescribed
from thecal.history.rows import Row
from thecal.history.staged import Place, begins_s, resumed_s
from thecal.history.stretches import StretchBook
from thecal.history.tally import Tally
from thecal.history.therapy import STOPPED, TherapyBook

# after a pause the plan continues this many seconds after the record (the firmware requests a lease so far ahead)
RETRY_AHEAD_S = 2
ALONE = PURPOSES[1:]  # why a bolus runs without a program
OVER_A_TIME = (DEMAND, EXTENDED)  # their rate is their volume in their time
# a lease is booked one step longer than the plan, for the guard
GUARD_STEPS = 1
# the pump records a pause when the queue runs low: the motor stops at most so much later
QUEUE_MS = 10_000
LEASE_MS = 70_000  # the longest lease of a basal, and how long before it is written


class Books:
    """The lists of all events; complete after `read` and `finish`. `tally` and `flows` have the anchors of the curves and the rates
    between them, `stretches` and `therapy` the books of their own records."""

    def __init__(self, axis: Axis, prescribed: Prescribed | None, first_offset_s: int) -> None:
        self.axis = axis
        self.now = Now(prescribed, first_offset_s)
        self.flows = Flows(self.now)
        self.tally = Tally(self.now, self.flows)
        self.stretches = StretchBook(self.now, self.flows, self.tally)
        self.therapy = TherapyBook(self.now, self.flows, self.tally)
        self.runs: list[Run] = []
        self.losses: list[PowerLoss] = []
        self.pauses: list[Pause] = []
        self.misses: list[Missed] = []
        self.gaps: list[Gap] = []
        self.calibrations: list[CalibrationSet] = []
        self.boots: list[tuple[int, Row]] = []
        self.halts: list[tuple[int, int]] = []
        self.breaks: list[str] = []
        self._last_activation = 0
        self._off: PowerLoss | None = None
        self._lost: PowerLoss | None = None  # the last one
        self._counted_leased = -1
        self._said_stopped = False

    # -- reading

    def read(self, events: list[Row]) -> None:
        """Read `events` by sequence number. Records that waited in memory carry the time at which they were made, and count at that
        time."""
        self._find_gaps("events", events)
        self._last_activation = max((one["sequence"] for one in events if one["event"] == "program_activated"), default=0)
        first = next((one for one in events if one["event"] == "calibration_set"), None)
        if first is not None:
            self._count_with(first["old_volume_nl"], first["old_steps"])
        order = {boot: index for index, boot in enumerate(self.axis.boots)}
        broken = {gap.last + 1 for gap in self.gaps if not gap.from_start}
        for one in sorted(events, key=lambda row: (order[row["boot"]], row["uptime_ms"], row["sequence"])):
            if one["sequence"] in broken:
                self._gap()
            handler = self._handler(one["event"])
            if handler is not None:
                handler(one, self.axis.of(one))

    def _handler(self, event: str) -> Callable[[Row, int], None] | None:
        """Return the function for the records of this name, here or in a book of its own; None if no sum depends on them."""
        found: Callable[[Row, int], None] | None = getattr(self, "_on_" + event, None) or getattr(self.therapy, "on_" + event, None)
        return found

    def _find_gaps(self, ring: str, rows: list[Row]) -> None:
        expected = 1
        for one in rows:
            if one["sequence"] > expected:
                self.gaps.append(Gap(ring, expected, one["sequence"] - 1, expected == 1))
            expected = one["sequence"] + 1

    def find_fault_gaps(self, faults: list[Row]) -> None:
        """Find the missing records of the faults ring."""
        self._find_gaps("faults", faults)

    def find_end_gap(self, ring: str, rows: list[Row], newest: int) -> None:
        """Find the records after the last one, up to the `newest` that the pump has written."""
        last = rows[-1]["sequence"] if rows else 0
        if newest > last:
            self.gaps.append(Gap(ring, last + 1, newest, last == 0))

    def _gap(self) -> None:
        """Handle missing records: running things continue, and nothing is known about the time between."""
        self._said_stopped = False
        if self.now.stretch is not None:
            self.now.stretch.bolus_crosses = True

    def finish(self, at_ms: int, delivered_steps: int | None) -> None:
        """Return the end of the known time: the status if there is one, otherwise the last record."""
        if delivered_steps is not None:
            self.tally.see(at_ms, delivered_steps)
        if self._off is not None:
            self.flows.plan_ends(self._off.cut_ms)
            self.stretches.close(self._off.cut_ms, POWER)
            self.tally.plan_ends(self._off.cut_ms)
        if self.now.run is not None:
            self.now.run.to_ms, self.now.run.end_steps = at_ms, self.tally.position or 0
            self.tally.planned.append((at_ms, self.tally.planned_now(at_ms)))
            self.flows.end(at_ms)
            self.stretches.close(at_ms, self.now.run.ended)

    # -- records: boots

    def _on_boot(self, row: Row, at_ms: int) -> None:
        self.boots.append((at_ms, row))
        opened, leased = row["uncertain_steps"], row["leased_steps"]
        if self.now.run is not None:
            self._power_failed(row, at_ms)
        elif opened and leased != self._counted_leased:
            self._take_loss(row, at_ms, at_ms)
        elif self.tally.position is not None and leased != self.tally.position:
            self.breaks.append(f"boot {row['boot']}: the position is {leased} steps; the record before it gives {self.tally.position}")
            self.tally.position = leased
        else:
            self.tally.see(at_ms, leased)
        self._counted_leased = leased if opened else self._counted_leased

    def _power_failed(self, row: Row, at_ms: int) -> None:
        run = self.now.run
        assert run is not None
        cut_ms = self._cut_ms(row["leased_steps"], at_ms)
        self.flows.made_ends(cut_ms)
        if cut_ms < at_ms:
            self.tally.plan_at(cut_ms, row["leased_steps"] - GUARD_STEPS)
        if self.now.stretch is not None:
            self.now.stretch.cut = True
        self.therapy.overlays_end(CUT, cut_ms)
        self._off = self._lost = self._take_loss(row, at_ms, cut_ms)
        self.tally.see(at_ms, row["leased_steps"])
        run.to_ms, run.end_steps, run.ended = cut_ms, row["leased_steps"], POWER
        self.now.run = None
        self._end_pause(cut_ms)
        for one in self.now.boluses.values():
            if one.started_ms is None and not one.ended:
                one.ended, one.ended_ms = "never begun", cut_ms

    def _cut_ms(self, leased_steps: int, boot_ms: int) -> int:
        """Return when the plan reached the end of the broken lease if the rate is known; otherwise the time of the boot."""
        run = self.now.run
        if run is None or self.flows.made_from is None or not self.now.plan_is_known():
            return boot_ms
        if self.now.place() is not None:  # a pause makes no step that could tell
            boot_ms = min(boot_ms, self.axis.ran_until_ms(run.from_ms) + LEASE_MS)
        return self.tally.reached_ms(leased_steps, boot_ms)

    def _take_loss(self, row: Row, at_ms: int, cut_ms: int) -> PowerLoss:
        leased, opened = row["leased_steps"], row["uncertain_steps"]
        low_steps = max(row["confirmed_steps"], min(self.tally.position or 0, leased))
        loss = PowerLoss(at_ms, cut_ms, row["cause"], row["confirmed_steps"], low_steps, leased, opened)
        self.losses.append(loss)
        self.tally.uncertain += opened
        if self.now.stretch is not None:
            self.now.stretch.uncertain_steps += opened
        self.tally.position = leased
        self.tally.made.append(Made(cut_ms, leased, leased - self.tally.uncertain))
        return loss

    # -- records: runs

    def _on_started(self, row: Row, at_ms: int) -> None:
        position = row["position_steps"]
        if self.tally.position is not None and position != self.tally.position:
            self.breaks.append(f"record {row['sequence']}: started at {position} steps; the record before it gives {self.tally.position}")
            self.tally.position = None
        if self.now.run is not None:  # its end is among the missing records
            self.flows.end(at_ms)
            self.stretches.close(at_ms, UNTOLD)
            self.now.run.to_ms, self.now.run.end_steps, self.now.run.ended = at_ms, position, UNTOLD
        if self._off is not None and row["by"] == "resume":
            self._off.resumed_ms = at_ms
        elif self._off is not None:
            self.flows.plan_ends(self._off.cut_ms)
            self.stretches.close(self._off.cut_ms, POWER)
        self._off = None
        self.tally.see(at_ms, position)
        self.tally.plan_at(at_ms, position)
        self.now.run = Run(row["by"], row["digest"], at_ms, position, row["utc_s"])
        self.runs.append(self.now.run)

    def _imply_run(self, row: Row, at_ms: int) -> None:
        """Handle a record of a running pump whose start is not in the journal."""
        if self.now.run is not None:
            return
        digest = self.now.prescribed.digest if self.now.prescribed and self._last_activation < row["sequence"] else ""
        self.now.run = Run(UNTOLD, digest, at_ms, self.tally.position or 0, 0)
        self.runs.append(self.now.run)

    def _on_stopped(self, row: Row, at_ms: int) -> None:
        self.tally.see(at_ms, row["delivered_steps"])
        not_made = max(0, row["ordered_steps"] - row["delivered_steps"])
        # the plan had reached this part of the queue; the rest was not due yet
        halted = min(not_made, self.tally.planned_now(at_ms) - self.tally.booked())
        self.tally.halted += halted
        self.halts.append((at_ms, halted))
        if self.now.stretch is not None:
            self.now.stretch.halted_steps += halted
        self.tally.plan_at(at_ms, row["delivered_steps"])
        self.flows.end(at_ms)
        self.therapy.overlays_end(STOPPED, at_ms)
        self._end_pause(at_ms)
        self.stretches.close(at_ms, row["by"])
        if self.now.run is not None:
            self.now.run.to_ms, self.now.run.end_steps, self.now.run.ended = at_ms, row["delivered_steps"], row["by"]
        self.now.run, self._said_stopped = None, True

    # -- records: entries and totals

    def _on_entry(self, row: Row, at_ms: int) -> None:
        self._imply_run(row, at_ms)
        run = self.now.run
        assert run is not None
        self.tally.see(at_ms, row["delivered_steps"])
        first, run.origin_ms = run.origin_ms is None, at_ms if run.origin_ms is None else run.origin_ms
        if run.by in ALONE:  # the entry of a bolus without a program belongs to no schedule
            self.tally.plan_at(at_ms, row["ordered_steps"])
            return
        resumed = first and run.by == "resume"
        place = self._place(row, at_ms, resumed)
        if place is not None and not resumed:
            self.now.tells(place)
        self.flows.made_ends(at_ms)
        if resumed and self.now.place() is not None and self._lost is not None:
            self.flows.plan_ends(self._lost.cut_ms)  # a protocol stands still without power
        going_on = first and run.by == "resume" and self.now.stretch is not None and self.now.stretch.entry == row["entry"]
        if not going_on:
            self.flows.plan_ends(at_ms)
            self.stretches.open(row, at_ms, run.begin_utc_s if first and run.begin_utc_s else row["utc_s"])
        if place is not None:
            self.now.begins(place)
            if resumed and self.now.stretch is not None:
                self.now.stretch.cut = True  # the guard's one step over, counted at the cut, is missing in it
        self.tally.plan_at(at_ms, row["ordered_steps"])
        self.flows.made_from = (at_ms, row["rate_nl"])
        if self.flows.plan_from is None:
            self.flows.plan_from = (at_ms, row["rate_nl"])

    def _place(self, row: Row, at_ms: int, resumed: bool) -> Place | None:
        """Return the place in the protocol where this stage begins, or goes on after a power cut; None if unknown."""
        known, stage, places = self.now.prescribed, row["entry"], self.now.places
        if known is None or known.program.protocol is None or not self.now.plan_is_known():
            return None
        protocol = known.program.protocol
        if not resumed:
            return Place(at_ms, begins_s(protocol, stage))
        if not places or self._lost is None:
            return None
        kept_s = places[-1].second_at(self._lost.cut_ms)
        return Place(at_ms, resumed_s(protocol, stage, kept_s, row["rate_nl"]), True, True)

    def _on_total(self, row: Row, at_ms: int) -> None:
        self.tally.see(at_ms, row["delivered_steps"])
        if row["leased_steps"] > row["delivered_steps"] and self.now.run is None and not self._said_stopped and self._off is None:
            self._imply_run(row, at_ms)

    # -- records: ceilings and missed steps

    def _on_paused(self, row: Row, at_ms: int) -> None:
        self._imply_run(row, at_ms)
        self._end_pause(at_ms)
        reach_ms = self._reach_ms(row["ordered_steps"], at_ms)
        self.tally.see(reach_ms, row["ordered_steps"])
        self.tally.plan_at(reach_ms, row["ordered_steps"])
        self.flows.made_ends(reach_ms)
        if self.now.stretch is not None:
            self.now.stretch.paused = True
        self.pauses.append(Pause(row["fault"], reach_ms))

    def _reach_ms(self, steps: int, at_ms: int) -> int:
        """Return when the queued steps are made; the record comes a little earlier."""
        known, last = self.now.prescribed, self.tally.made[-1] if self.tally.made else None
        if known is None or not self.now.plan_is_known() or last is None or self.flows.made_from is None:
            return at_ms
        per_s = known.steps_per_s(self.flows.flowing(self.flows.made_from[1]))
        if not per_s:
            return at_ms
        left_s = (steps - last.high_steps) / per_s
        return min(max(at_ms, last.at_ms + int(left_s * 1000)), at_ms + QUEUE_MS)

    def _end_pause(self, at_ms: int) -> None:
        if self.pauses and self.pauses[-1].to_ms is None:
            self.pauses[-1].to_ms = max(at_ms, self.pauses[-1].from_ms)

    def _on_unpaused(self, row: Row, at_ms: int) -> None:
        run, missed = self.now.run, row["missed_steps"]
        on_ms = at_ms
        if run is not None and run.origin_ms is not None:
            on_ms = run.origin_ms + ((at_ms - run.origin_ms) // 1000 + RETRY_AHEAD_S) * 1000
        self._end_pause(on_ms)
        self._miss(Missed(at_ms, "limit", missed, 0, 0))
        if self.pauses:
            self.pauses[-1].missed_steps += missed
        self.tally.see(on_ms, row["ordered_steps"])
        self.tally.plan_at(on_ms, row["ordered_steps"])
        if self.flows.plan_from is not None:
            self.flows.made_from = (on_ms, self.flows.plan_from[1])

    def _on_missed(self, row: Row, at_ms: int) -> None:
        self._miss(Missed(at_ms, row["cause"], row["missed_steps"], row["from_utc_s"], row["to_utc_s"]))
        if row["cause"] == "limit" and self.pauses:
            self.pauses[-1].missed_steps += row["missed_steps"]
        if self.tally.position is not None:
            self.tally.plan_at(at_ms, self.tally.position)

    def _miss(self, missed: Missed) -> None:
        self.misses.append(missed)
        self.tally.missed += missed.steps
        stretch = self.now.stretch
        if stretch is None and self.stretches.closed and missed.cause == "limit":  # recorded right after the stop that ended the pause
            stretch = self.stretches.closed[-1]
            stretch.ordered_steps += missed.steps
        if stretch is not None:
            stretch.missed_steps[missed.cause] = stretch.missed_steps.get(missed.cause, 0) + missed.steps

    # -- records: boluses and the rest

    def _on_bolus_ordered(self, row: Row, at_ms: int) -> None:
        self._imply_run(row, at_ms)
        digest = self.now.run.digest if self.now.run else ""
        line = BolusLine(row["token"], row["volume_nl"], row["rate_nl"], row["ordered_steps"], at_ms, digest)
        dose = self.therapy.dose
        if dose is not None and dose["token"] == line.token:
            line.purpose = str(dose["purpose"])
            if line.purpose in OVER_A_TIME:  # exact; its record has it rounded up
                line.rate_nl, line.rate_seconds_s = dose["volume_nl"], dose["duration_s"]
        self.now.boluses[line.token] = line

    def _on_bolus_started(self, row: Row, at_ms: int) -> None:
        if row["token"] in self.now.boluses:
            self.now.boluses[row["token"]].started_ms = at_ms

    def _on_bolus_ended(self, row: Row, at_ms: int) -> None:
        line = self.now.boluses.get(row["token"])
        if line is None:
            return
        cut = row["reason"] == CUT and self._off is not None
        line.ended, line.delivered_steps = row["reason"], row["delivered_steps"]
        line.ended_ms = self._off.cut_ms if cut and self._off is not None else at_ms

    def _on_clock_set(self, row: Row, at_ms: int) -> None:
        was = self.now.clock_sets[-1].offset_s if self.now.clock_sets else None
        self.now.clock_sets.append(ClockSet(at_ms, row["old_utc_s"], row["new_utc_s"], row["offset_s"], was))

    def _on_program_activated(self, row: Row, at_ms: int) -> None:
        self.therapy.activated.append((at_ms, row["digest"]))

    def _on_run_ordered(self, row: Row, at_ms: int) -> None:
        """Handle a bolus without a program: a run of its own, without basal."""
        self._on_started({**row, "by": row["purpose"], "digest": ""}, at_ms)
        line = BolusLine(row["token"], row["volume_nl"], row["rate_nl"], row["ordered_steps"], at_ms)
        line.purpose, line.rate_seconds_s = row["purpose"], row["rate_seconds_s"]
        self.now.boluses[line.token] = line

    def _on_calibration_set(self, row: Row, at_ms: int) -> None:
        names = ("calibration_id", "old_volume_nl", "old_steps", "volume_nl", "steps", "weighed_utc_s", "scatter_ppm", "runs")
        self.calibrations.append(CalibrationSet(at_ms, *(row[name] for name in names)))
        self._count_with(row["volume_nl"], row["steps"])

    def _count_with(self, volume_nl: int, steps: int) -> None:
        """Use this calibration for the plan from here on; it changes only while the pump is stopped."""
        if self.now.prescribed is not None and volume_nl and steps:
            known = self.now.prescribed
            self.now.prescribed = Prescribed(known.program, known.digest, Calibration(volume_nl, steps, known.calibration.state))
