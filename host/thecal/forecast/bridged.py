"""A planned or running bridge: convert the pump's front for the forecast, and compute when it passes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from pumpcore.fluid import front
from pumpcore.fluid.front import Crossing, of_line, ratio
from pumpcore.motion.dose import Calibration
from pumpcore.program.forecast import Forecast
from pumpcore.program.plan import Program
from pumpcore.program.schedule import Zone
from thecal.errors import Failed
from thecal.pump.active import Drug, content_of, pair_of
from thecal.quantities.amounts import span, ug_per_day

DAYS = 31


@dataclass(frozen=True)
class Front:
    """The solution in the line with concentrations `old` (ng per nl of each drug of the program). `left_nl`: the
    old volume left by the measured line; `by_pump`: the pump reported all of it. `crossing`: the bridge from `position_steps` on; None:
    without a bridge."""

    old: tuple[Fraction, ...]
    left_nl: int
    crossing: Crossing | None = None
    position_steps: int = 0
    by_pump: bool = False

    def times_s(self, rows: list[Any], end_s: int) -> tuple[int | None, int | None]:
        """Return (the second from which the tip is uncertain, the second by which the front has passed); None: not within the period."""
        crossing = self.crossing
        if crossing is None:
            return None, None
        ends = [*[row[0] for row in rows[1:]], end_s]
        positions = [row[3][1] for row in rows]
        passed = next((at_s for at_s, position in zip(ends, positions, strict=True) if position >= crossing.new_from), None)
        sure = [at_s for at_s, position in zip(ends, positions, strict=True) if position <= crossing.old_until]
        near_s = sure[-1] if sure else 0
        return (None if near_s == end_s else near_s), passed


def ratio_of(line: dict[str, Any], program: Program) -> Fraction:
    """Return the factor of the basal during the old concentration. Raises Failed for a program without concentration."""
    return Fraction(*parts_of(line, program))


def parts_of(line: dict[str, Any], program: Program) -> tuple[int, int]:
    """Return the factor of the basal during the old concentration. Raises Failed for a program without concentration."""
    old, new = content_of(line, "old"), program.content()
    if not new[0][1] or not new[0][2]:
        raise Failed("the pump reports a bridge, but the program has no concentration", "add concentration to the prescription")
    numerator, denominator = ratio(old, new)
    return numerator, denominator


def old_of(line: dict[str, Any], program: Program) -> tuple[Drug, ...]:
    """Return the old content of a line with its drugs in the order of the program's; only its first if they are others."""
    old = content_of(line, "old")
    return tuple(Drug(*drug) for drug in front.matched(old, program.content()) or old[:1])


def others(program: Program, line: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (drug, its dose while the tip delivers the old content) of each drug whose dose follows the first."""
    new = program.content()
    old, factor = old_of(line, program), ratio_of(line, program)
    ends, seconds_s, found = dict.fromkeys((program.lowest_rate_nl(), program.highest_rate_nl())), program.rate_seconds_s, []
    for (name, mass_ng, volume_nl), (_, new_ng, new_nl) in list(zip(old, new, strict=False))[1:]:
        held, follows = factor * Fraction(mass_ng, volume_nl), Fraction(new_ng, new_nl)
        meanwhile, after = (" to ".join(ug_per_day(end, seconds_s, one) for end in ends) for one in (held, follows))
        found.append((name, f"{meanwhile} ug/day, then {after} ug/day"))
    return found


def of_pump(line: dict[str, Any], program: Program, position_steps: int) -> Front | None:
    """Return the front that the pump reports (`line` of status or of program.stage); None if no bridge is needed."""
    if line.get("needs") != "bridge":
        return None
    old = old_of(line, program)
    if len(old) < len(program.content()):
        raise Failed("the pump reports a bridge over other drugs than those of its program", "look at thecal status")
    crossing = Crossing(parts_of(line, program), line["old_until_steps"], line["new_from_steps"])
    held = tuple(Fraction(ng, nl) for _, ng, nl in old)
    return Front(held, max(0, line["line_nl"] - line["most_nl"]), crossing, position_steps, True)


def typed(old: Fraction, program: Program, pair: Calibration) -> Front:
    """Return a line that the user described as filled with one concentration."""
    new, was = program.content(), ((program.fluid, old.numerator, old.denominator),)
    line_nl = program.line_nl()
    if front.change(was, new) != front.BRIDGE:
        return Front((old,), line_nl)
    line = front.Line(was, new).begin(front.BEHIND, 0, 0, pair)
    return Front((old,), line_nl, of_line(line, program, 0))


def times(program: Program, line: dict[str, Any], status: dict[str, Any]) -> list[tuple[str, ...]]:
    """Describe when the tip becomes uncertain and when the front has passed, if the bridge begins now."""
    counts = pair_of(status)
    pair = Calibration(counts["volume_nl"], counts["steps"])
    zone = Zone(status["offset_s"], status.get("transition_utc_s", 0), status.get("transition_offset_s", 0))
    found = of_pump(line, program, status["delivered_steps"])
    forecast = Forecast(program, pair, status["utc_s"], zone, DAYS)
    if found is None or not (status["utc_s"] or not program.needs_clock()):
        return []
    forecast.crossing = found.crossing
    rows: Any = forecast.rows(0, 0, found.position_steps)
    ends = [(name, at_s) for name, at_s in zip(("uncertain from", "over by"), found.times_s(list(rows), forecast.end_s), strict=True)]
    return [(name, f"not within {DAYS} days" if at_s is None else f"{span(at_s)} after the start") for name, at_s in ends]
