"""The identities of a complete history, each with its figures, so that a reader can see the result of each check."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from pumpcore.units import MS_PER_S
from thecal.history.parts import RUNNING, Stretch
from thecal.history.timeline import Timeline
from thecal.quantities.amounts import span

MOST_TOLD = 20
QUIET_MS = 11 * 60_000  # a pump writes an event every 5 minutes, running or not


class Check(NamedTuple):
    """The result of an identity, with its figures."""

    holds: bool
    text: str


def checks(line: Timeline) -> list[Check]:
    """Return every identity, with the worst case if there are many."""
    return [sequence_check(line), position_check(line), balance_check(line), *program_checks(line), *uncertain_checks(line)]


def sequence_check(line: Timeline) -> Check:
    """Check that no record is missing, from the oldest in the journal to the newest in the pump."""
    inner = [gap for gap in line.books.gaps if not gap.from_start]
    lost = [*filter(None, [silence(line)]), *line.evidence.left_out]
    if not inner and not lost:
        return Check(True, f"{len(line.evidence.events)} events and {len(line.evidence.faults)} alarm records without a gap between them")
    told = ", ".join(f"{gap.ring} {gap.first} to {gap.last}" for gap in inner)
    return Check(False, "; ".join([f"records are missing: {told}" for _ in inner[:1]] + lost[:MOST_TOLD]))


def silence(line: Timeline) -> str:
    """Return that the journal ends long before its pump was asked; "" if it does not, or without a status."""
    status, last = line.evidence.status, line.evidence.events[-1]
    if status is None:
        return ""
    if status["boot"] != last["boot"]:
        return f"the journal ends in boot {last['boot']}, the pump was read in boot {status['boot']}"
    quiet_ms = status["uptime_ms"] - last["uptime_ms"]
    return f"the last record is {span(quiet_ms // MS_PER_S)} older than the pump's status" if quiet_ms > QUIET_MS else ""


def position_check(line: Timeline) -> Check:
    """Check that the position at every start and boot equals the previous one."""
    broken = line.books.breaks
    if broken:
        return Check(False, "; ".join(broken))
    return Check(True, f"the position is continuous from record to record in {len(line.books.runs)} runs and {len(line.books.boots)} boots")


def balance_check(line: Timeline) -> Check:
    """Check ordered = delivered + uncertain + missed + halted: exact over all ended entries, except for steps in the queue at an entry's
    record."""
    closed = [one for one in line.books.stretches.closed if one.ended != RUNNING]
    words = f"ordered = delivered + uncertain + missed + halted in {len(closed)} finished entries"
    worst = max((abs(difference(one)) for one in closed), default=0)
    total = sum(difference(one) for one in closed)
    holds = all(abs(difference(one)) <= in_the_queue(line, one) for one in closed)
    return Check(holds, words + (f"; {worst} in the queue at the start of an entry, {total} in total" if worst else ""))


def in_the_queue(line: Timeline, one: Stretch) -> Fraction:
    """Return the allowed difference between an entry's begin and its record: half a second, and the step in progress."""
    if line.prescribed is None:
        return 2 + Fraction(one.ordered_steps, 1000)
    staged = line.prescribed.program.protocol
    return 2 + line.prescribed.steps_per_s(one.rate_nl if staged is None else staged.highest_nl()) / 2


def difference(one: Stretch) -> int:
    """Return the steps of an entry that its sum leaves over."""
    return one.ordered_steps - one.delivered_steps - one.uncertain_steps - one.missed() - one.halted_steps


def program_checks(line: Timeline) -> list[Check]:
    """Compare ordered steps with the prescription; a stretch with a power cut is known to the second, all others to the step."""
    if line.prescribed is None:
        return []
    offs = [(one, off) for one in line.books.stretches.closed if (off := one.off_by_steps()) is not None]
    if not offs:
        return []
    inside = [abs(off) < tolerance(line, one) for one, off in offs]
    worst = max((off for _, off in offs), key=abs)
    return [Check(all(inside), f"ordered is at most {float(worst):+.3f} steps from the prescription in {len(offs)} whole entries")]


def tolerance(line: Timeline, one: Stretch) -> Fraction:
    """Return the allowed steps between an entry and the prescription: one, or a second more after a power cut."""
    if not one.cut or line.prescribed is None:
        return Fraction(1)
    return 1 + line.prescribed.steps_per_s(max(one.rate_nl, 1))


def uncertain_checks(line: Timeline) -> list[Check]:
    """Compare with the pump's own count of uncertain steps, if the whole journal is there."""
    status = line.evidence.status
    if status is None or any(gap.ring == "events" for gap in line.books.gaps):
        return []
    mine, told = sum(one.uncertain_steps for one in line.books.losses), status["uncertain_steps"]
    return [Check(mine == told, f"uncertain steps of all power cuts: {mine} in the journal, {told} in the pump's own count")]
