"""The books of the day compared: what was ordered, what the guard counted, what the motor really did."""

from __future__ import annotations

from fractions import Fraction

from pumpcore.motion.dose import Calibration
from thecal.history.checks import Check
from thecal.history.rows import Row
from thecal.tools.demo.day import CUT_AT_MS, Day
from thecal.tools.demo.plan import Stretch


class Line:
    """One entry's steps. `bolus_steps` are part of `ordered_steps`."""

    def __init__(self, stretch: Stretch, ordered_steps: int, guard_steps: int, plant_steps: int) -> None:
        self.stretch = stretch
        self.ordered_steps = ordered_steps
        self.guard_steps = guard_steps
        self.plant_steps = plant_steps
        self.bolus_steps = 0
        self.cut: Cut | None = None

    def off_by(self, calibration: Calibration) -> Fraction:
        """Basal ordered minus programmed, in steps."""
        programmed = self.stretch.programmed_nl * calibration.steps / calibration.volume_nl
        return self.ordered_steps - self.bolus_steps - programmed


class Cut:
    """The entry in which the power failed: what is sure, what is not, and what was left out."""

    def __init__(self, confirmed_steps: int, uncertain_steps: int, missed_steps: int) -> None:
        self.confirmed_steps = confirmed_steps
        self.uncertain_steps = uncertain_steps
        self.missed_steps = missed_steps


def lines(day: Day) -> list[Line]:
    """Return every entry of the day in order."""
    return [cut_line(day, stretch) if was_cut(stretch) else plain_line(day, stretch) for stretch in day.stretches]


def was_cut(stretch: Stretch) -> bool:
    return stretch.from_s * 1000 <= CUT_AT_MS < stretch.to_s * 1000


def plain_line(day: Day, stretch: Stretch) -> Line:
    begin, end = day.moments[stretch.from_s], day.moments[stretch.to_s]
    ordered_steps = ordered_until(day, stretch.to_s) - ordered_until(day, stretch.from_s)
    line = Line(stretch, ordered_steps, end.guard_steps - begin.guard_steps, end.plant_steps - begin.plant_steps)
    line.bolus_steps = bolus_steps(day, stretch)
    return line


def bolus_steps(day: Day, stretch: Stretch) -> int:
    """Return the steps of the boluses that began in the stretch, from the journal's end records."""
    begun = [one["token"] for one in day.journal if one["event"] == "bolus_started" and within(day, one, stretch)]
    return sum(one["delivered_steps"] for one in day.journal if one["event"] == "bolus_ended" and one["token"] in begun)


def within(day: Day, record: Row, stretch: Stretch) -> bool:
    return stretch.from_s <= day.second_of(record) < stretch.to_s


def ordered_until(day: Day, second_s: int) -> int:
    """Return the ordered position at an entry's begin, from the pump's journal."""
    found = [one for one in day.journal if one["event"] == "entry" and abs(day.second_of(one) - second_s) <= 1]
    return int(found[0]["ordered_steps"])


def cut_line(day: Day, stretch: Stretch) -> Line:
    """Confirmed before and after the cut, the open lease, and what the plan held while the power was off."""
    boot = [one for one in day.journal if one["event"] == "boot"][-1]
    resumed = [one for one in day.journal if one["event"] == "started"][-1]
    missed = [one for one in day.journal if one["event"] == "missed"][-1]
    begin_steps, end_steps = ordered_until(day, stretch.from_s), ordered_until(day, stretch.to_s)
    before = boot["confirmed_steps"] - begin_steps
    after = end_steps - resumed["position_steps"]
    line = Line(stretch, stretch.plan_steps, 0, day.moments[stretch.to_s].plant_steps - day.moments[stretch.from_s].plant_steps)
    line.cut = Cut(before + after, boot["leased_steps"] - boot["confirmed_steps"], missed["missed_steps"])
    line.guard_steps = line.cut.confirmed_steps
    return line


def checks(day: Day, found: list[Line], calibration: Calibration) -> list[Check]:
    """Return every identity, with its figures."""
    result: list[Check] = []
    for line in found:
        where = line.stretch.label()
        off = line.off_by(calibration)
        result.append(Check(abs(off) < 1, f"{where}: ordered is {float(off):+.3f} steps from the programmed volume, less than one"))
        result += cut_checks(where, line, line.cut) if line.cut else plain_checks(where, line)
    bolus = day.bolus
    complete = bolus["state"] == "done" and bolus["delivered_steps"] == bolus["ordered_steps"]
    result.append(Check(complete, bolus_words(bolus)))
    wanted = calibration.steps_for_nl(bolus["volume_nl"])
    result.append(Check(bolus["ordered_steps"] == wanted, f"bolus: {bolus['volume_nl']} nl are {wanted} whole steps"))
    return result


def bolus_words(bolus: Row) -> str:
    return f"bolus: {bolus['state']}, delivered {bolus['delivered_steps']} = ordered {bolus['ordered_steps']}"


def plain_checks(where: str, line: Line) -> list[Check]:
    same = line.ordered_steps == line.guard_steps == line.plant_steps
    return [Check(same, f"{where}: ordered {line.ordered_steps} = guard {line.guard_steps} = plant {line.plant_steps}")]


def cut_checks(where: str, line: Line, cut: Cut) -> list[Check]:
    parts = cut.confirmed_steps + cut.uncertain_steps + cut.missed_steps
    most = cut.confirmed_steps + cut.uncertain_steps
    words = f"confirmed {cut.confirmed_steps} + uncertain {cut.uncertain_steps} + missed {cut.missed_steps}"
    bounds = f"confirmed {cut.confirmed_steps} <= plant {line.plant_steps} <= confirmed + uncertain {most}"
    return [
        Check(line.ordered_steps == parts, f"{where}: ordered {line.ordered_steps} = {words}"),
        Check(cut.confirmed_steps <= line.plant_steps <= most, f"{where}: {bounds}"),
    ]
