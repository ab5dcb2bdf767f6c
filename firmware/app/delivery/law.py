"""By which law the pump doses, by volume or by angle. In memory only with a table of the rotor."""

from app.records.journal import JournalError
from pumpcore.motion import rotor
from pumpcore.motion.rotor import Path, Rotor
from pumpcore.units import ceil_div, const
from pumpcore.wire.laws import LAW_CAUSES

if 0:  # for the type checker alone
    from app.types import BenchFacts, Delivery, Setup, Span, Watch

_US_PER_S = const(1_000_000)
_HZ4_PER_HZ = const(10_000)
_PACE_HZ = const(800)  # every stepper on a small pump head starts at this rate, whatever its microsteps
_MOST_PACE = const(9)  # tenths of the pace that a plan may need: the rest makes up for dead zones
_MOST_DEGREES = const(10)


class Law:
    """By volume while a table counts, the rotor's angle is known and the motor is quick enough; else by angle, where a dose step is a step.

    `table`: what each angle brings; None without one. `zero_steps`: the motor's position at which its first bin begins. `no_table` and
    `no_phase`: why they do not count, "" if they do. `asked`: this run is by angle because its order says so. `cause`: why the present
    lease is by angle, "" by volume.
    """

    def __init__(self, bench: "BenchFacts") -> None:
        most_hz = bench.max_rate_hz
        self.pace_hz = min(bench.start_rate_hz or _PACE_HZ, most_hz)
        self.paces = ceil_div(_US_PER_S, self.pace_hz), ceil_div(_US_PER_S, most_hz)
        self.plain = rotor.plain(bench.turns, bench.turns_steps)
        self.table: Rotor | None = None
        self.zero_steps = self._lost_steps = 0
        self.no_table, self.no_phase, self.cause = "no_table", "phase_power", "no_table"
        self.asked = False
        self.watch: "Watch | None" = None
        self._judged: tuple = ()
        self._fast = False

    def begin(self, position_steps: int) -> Path:
        """Return the path of a motor that stands, by angle until the first lease."""
        path = Path(self.plain, 0, self.paces)
        path.begin(position_steps, position_steps)
        return path

    def set_table(self, table: Rotor | None, cause: str = "") -> None:
        """Use another table from the next lease on; without one, or with a `cause` why it does not count, by angle."""
        self.table = table
        self.no_table = cause or ("" if table is not None else "no_table")

    def set_phase(self, zero_steps: int) -> None:
        """Know the rotor's angle: the table's first bin begins at this motor position, and at each whole turn from it."""
        self.zero_steps, self.no_phase, self._lost_steps = zero_steps, "", 0

    def lose_phase(self, cause: str) -> None:
        """Forget the rotor's angle; the first cause stays."""
        if not self.no_phase:
            self.no_phase = cause

    def fail(self, alarm: str) -> None:
        """Forget the rotor's angle after the alarm that stopped the pump."""
        self.lose_phase("phase_supply" if alarm.startswith("motor_supply") else "phase_fault")

    def energised(self, lost_steps: int) -> None:
        """Count an enable: the rotor may have settled up to `lost_steps` motor steps away (R12)."""
        self._lost_steps += lost_steps
        if self._lost_steps * self.plain.turns * 360 > _MOST_DEGREES * self.plain.turns_steps:
            self.lose_phase("phase_enables")

    def cause_now(self, setup: "Setup") -> str:
        """Return why no lease is by volume, "" if the motor is quick enough for one."""
        expired = setup.validity is not None and setup.validity.told
        finds = self.watch is not None and self.watch.finds()
        return self.no_table or ("expired" if expired else "" if finds else self.no_phase)

    def why_angle(self, span: "Span", setup: "Setup") -> str:
        """Return why the next lease of `span` is by angle, "" if it is by volume."""
        if self.asked and span.alone:
            return "asked"
        return self.cause_now(setup) or ("rate" if self._too_fast(span) else "")

    def _too_fast(self, span: "Span") -> bool:
        """Return True if the basal with all that the program may come to, and the bolus beside it, need more than the pace gives."""
        basal = span.basal
        judged = basal.program, None if span.alone else basal.temporary, span.bolus
        if judged != self._judged:
            self._judged, rate_hz4 = judged, 0
            if not span.alone:
                highest, parts = basal.program.highest_rate_nl(), basal.temporary.parts() if basal.temporary is not None else 1
                rate_hz4 = basal.accumulator.rate_hz4(max(highest * parts, basal.of(highest)))
            if span.bolus is not None:
                rate_hz4 += span.bolus.accumulator.rate_hz4(span.bolus.rate_nl)
            self._fast = rate_hz4 * 10 > self.pace_hz * _HZ4_PER_HZ * _MOST_PACE
        return self._fast

    def turn(self, span: "Span", delivery: "Delivery") -> bool:
        """At a lease's end: choose the law of the next. A change is journaled before it, and keeps what is due.

        Return False if the journal fails: then the pump is in its safe state.
        """
        motion, report = delivery.motion, delivery.report
        cause, before = self.why_angle(span, delivery.setup), motion.path
        wanted = self.plain if cause or self.table is None else self.table
        same = before.rotor is wanted and (bool(cause) or before.zero_steps == self.zero_steps)
        if cause == self.cause and same and span.planned_s:
            return True
        try:
            report.append("law", (1 if cause else 0, LAW_CAUSES.index(cause), span.ordered_steps, before.motor_steps()))
        except JournalError:
            delivery.safe_state("journal_failed")
            return False
        self.cause = cause
        if not same:
            motion.path = Path(wanted, self.zero_steps, self.paces)
            motion.path.follow(before, motion.motor_steps())
        delivery.leases.margin_steps = wanted.dearest
        if cause in ("", "no_table"):
            report.clear("by_angle")
        elif cause != "asked":
            report.fault("by_angle")
        return True
