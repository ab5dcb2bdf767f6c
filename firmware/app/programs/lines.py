"""The content of the line while a program changes, and the bridge across the front in it."""

from app.delivery.span import Span
from pumpcore.faults.faults import Refusal
from pumpcore.fluid import front
from pumpcore.fluid.front import (
    BEHIND,
    BRIDGE,
    CLEAN,
    LOST,
    NAME,
    OLD,
    SAME,
    SETTLED,
    UNCERTAIN,
    UNKNOWN,
    Crossing,
    Line,
    change,
    matched,
    merged,
    of_line,
)
from pumpcore.wire.records import FRONT_WAYS, SOURCES

if 0:  # for the type checker alone
    from app.types import Content, Delivery, Marks, Payload, Program, Pump, Reporter, Setup

# --- lines -------------------------------------------------------------------------------------------------------------------
# How a change of program affects the line, and when a start is allowed. Imported when a program is activated, and while two contents are
# in the line.


def words(value: "Content") -> str:
    """Return a content as text for people."""
    return " and ".join(["%s %d ng in %d nl" % drug if drug[2] else drug[0] or "unknown" for drug in value])


def load(setup: "Setup", position_steps: int, uncertain_steps: int) -> Line | None:
    """Return the stored line if it says more than the active program. Raises ValueError or StoreError if it is damaged."""
    line, program = front.unpack(setup.store.load(NAME)), setup.program
    if line.state == CLEAN and program is not None and change(line.new, program.content()):
        # older firmware without a line activated another program: what was delivered before is unknown
        return lost(setup, position_steps, uncertain_steps)
    return line if line.state != CLEAN else None


def lost(setup: "Setup", position_steps: int, uncertain_steps: int) -> Line:
    """Return a line whose content is unknown except for what the active program delivers from here on."""
    return Line(UNKNOWN, setup.program.content()).begin(LOST, position_steps, uncertain_steps, setup.calibration)


def _held(setup: "Setup", position_steps: int, uncertain_steps: int) -> Line | None:
    """Return the content while the active program is stopped; None if nobody has reported any."""
    old, line = setup.program, setup.line
    if line is None:
        image = setup.store.load(NAME)
        if image:
            return front.unpack(image)
        return Line(UNKNOWN, old.content()) if old is not None else None
    if line.state == BEHIND and not line.most_nl(position_steps):
        return Line(UNKNOWN, line.old)
    if old is not None and old.line_nl() and line.passed(old.line_nl(), position_steps, uncertain_steps):
        return Line(UNKNOWN, line.new)
    return line


def after(pump: "Pump", program: "Program") -> Line | None:
    """Return the line once `program` is active; None if the present content is unknown to the store."""
    setup, position, uncertain, new = pump.setup, pump.position_steps(), pump.book.uncertain_steps, program.content()
    if NAME in setup.damaged:
        return Line(UNKNOWN, new).begin(LOST, position, uncertain, setup.calibration)
    held = _held(setup, position, uncertain)
    if held is None:
        return None
    if change(held.new, new) == SAME:
        line = Line(held.old, merged(held.new, new))
        return line.follow(held) if held.state != CLEAN else line
    if held.state == CLEAN:
        return Line(held.new, new).begin(BEHIND, position, uncertain, setup.calibration)
    return Line(UNKNOWN, new).begin(LOST, position, uncertain, setup.calibration)


class Change:
    """The change of the line that goes with a program.

    If it makes the pump more careful it is written before the program, otherwise after it. A power cut in between may cost a priming and
    never skips one.
    """

    def __init__(self, pump: "Pump", program: "Program") -> None:
        self.pump, self._program = pump, program
        self._line = after(pump, program)
        self._last = self._line is not None and self._line.state == CLEAN and pump.setup.line is not None

    def first(self) -> None:
        """Write it before the program is stored, if needed. JournalError, OSError, StoreError pass."""
        if self._line is not None and not self._last:
            self._keep()

    def last(self) -> None:
        """Write it after the program was stored, if needed. OSError, StoreError pass."""
        if self._last:
            self._keep()

    def _keep(self) -> None:
        pump, line = self.pump, self._line
        damaged = NAME in pump.setup.damaged
        stored = None if damaged else pump.setup.store.load(NAME)
        if stored == line.pack() or (not stored and line.state == CLEAN and line.new == self._program.content()):
            return  # the program itself says so
        if line.state != CLEAN:
            old = matched(line.old, line.new) or line.old
            pump.journal.append("line_changed", (line.state, pump.position_steps()) + old[0][1:] + line.new[0][1:])
        pump.setup.keep_line(line)
        pump.setup.mended(NAME, pump.alarms.clear_name)


def told(pump: "Pump", program: "Program") -> dict | None:
    """Return what `program` would find in the line, for people; None if it is all its own, or unknown."""
    line, position = after(pump, program), pump.position_steps()
    if line is None or line.state == CLEAN or not program.line_nl():
        return None
    return line.describe(program, position, pump.book.uncertain_steps)


def need(pump: "Pump", program: "Program") -> str:
    """Return what the line needs before `program` may run (Line.need)."""
    line = pump.setup.line
    return SAME if line is None else line.need(program, pump.position_steps(), pump.book.uncertain_steps)


def check(pump: "Pump", program: "Program") -> None:
    """Refuse if `program` may not begin without a bridge: `bridge_needed`, `bridge_impossible`. OSError and StoreError pass."""
    found = need(pump, program)
    if found == SETTLED:
        line, new = pump.setup.line, program.content()
        known = line.old if line.undone(pump.position_steps(), new) else line.new
        pump.setup.keep_line(Line(UNKNOWN, merged(known, new)))
    elif found:
        raise refusal(pump, program, "bridge_needed" if found == BRIDGE else "bridge_impossible")


def refusal(pump: "Pump", program: "Program", name: str) -> Refusal:
    """Return the refusal `name` with both contents and the position of the front."""
    line, position = pump.setup.line, pump.position_steps()
    holds = words(line.old)
    return Refusal(
        name, rule="R7", asked=words(program.content()), limit=holds, nearest=holds, line_nl=program.line_nl(),
        least_nl=line.least_nl(position, pump.book.uncertain_steps), most_nl=line.most_nl(position),
    )


def recount(pump: "Pump") -> None:
    """If another calibration is in force now, fix the front by the one before. OSError and StoreError pass."""
    line, pair = pump.setup.line, pump.setup.calibration
    if not line.counts_by(pair):
        line.move(pump.position_steps(), pump.book.uncertain_steps, pair)
        pump.setup.keep_line(line)


# --- bridge ------------------------------------------------------------------------------------------------------------------
# A bridge scales the basal by the ratio of two concentrations while the tip delivers the old one, by the lower of both ratios while that
# is uncertain, and not at all afterwards. Imported when one begins.


class Bridge(Crossing):
    """A bridge takes the place of a temporary rate (basal.py) but ends by position. `phase` holds until pump second `end_s`."""

    by_time = False
    delivery: "Delivery | None"
    report: "Reporter | None"
    marks: "Marks | None"

    def __init__(self, pump: "Pump", token: str = "") -> None:
        made = of_line(pump.setup.line, pump.setup.program, pump.book.uncertain_steps)
        super().__init__((made.numerator, made.denominator), made.old_until, made.new_from)
        self.line_nl = pump.setup.program.line_nl()
        self.token = token
        self.end_s = 0
        self.delivery = self.report = self.marks = None

    def told(self, position_steps: int) -> "Payload":
        """Return the values of its journal record."""
        values = bytes.fromhex(self.token or "0" * 16), position_steps, self.line_nl, self.numerator, self.denominator
        return values + (max(0, self.old_until), self.new_from)

    def begin(self, delivery: "Delivery", report: "Reporter", marks: "Marks") -> None:
        """Run from the first lease of the delivery's span on."""
        self.delivery, self.report, self.marks = delivery, report, marks
        delivery.span.basal.begin_temporary(self)

    def judge_lease(self, span: Span) -> None:
        """Set the phase for the lease that starts; call it at each start. Once the front has surely passed, the bridge ends."""
        at, basal, was = span.ordered_steps, span.basal, self.phase
        if at >= self.new_from:
            self.stop(span)
            self.marks.add(span, "front_passed", (FRONT_WAYS.index("delivered"), at))
            return
        self.end_s = span.planned_s
        if basal.course is not None:
            self.end_s += basal.course.judge(self, span.planned_s, at)
        else:
            self.end_s += self.judge(basal.accumulator, basal.told_nl(basal.entry_at(span.planned_s), span.planned_s), at)
        if self.phase == UNCERTAIN and (was == OLD or not span.planned_s):
            self.marks.add(span, "front_near", (at,))

    def stop(self, span: Span) -> None:
        """End the bridge: the program's own rates and modulus. The front stays where it is."""
        self.delivery.bridge = None
        modulus, lost = span.basal.accumulator.modulus, span.basal.end_temporary()
        if lost:
            self.report.post("remainder_dropped", (SOURCES.index("basal"), lost, modulus))

    def refuse(self, pump: "Pump") -> None:
        """Refuse anything beside it: `bridge_running`, with the least and the most volume until the front has passed."""
        position, pair = pump.position_steps(), pump.setup.calibration
        left = [pair.nl_for_steps(max(0, steps - position)) for steps in (self.old_until, self.new_from)]
        counts = {"asked": 2, "limit": 1, "nearest": 1}
        raise Refusal("bridge_running", rule="R7", phase=self.phase, left_least_nl=left[0], left_most_nl=left[1], **counts)
