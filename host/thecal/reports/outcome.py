"""The first line of a report: how the period went, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

from pumpcore.units import MS_PER_S, S_PER_DAY, S_PER_MINUTE
from thecal.history.checks import Check
from thecal.history.timeline import Timeline
from thecal.quantities import measured
from thecal.quantities.amounts import span
from thecal.reports.sections import Sections

CAUSES = {"power": "power cut", "limit": "pause at a ceiling", "clock": "time without a clock"}
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def outcome(line: Timeline, made: Sections, checks: Iterable[Check]) -> str:
    """Return "24 h as prescribed; 0.28 mL missed in one power cut"."""
    from_ms, to_ms = made.from_ms, made.to_ms
    whole_s, ran_s = (to_ms - from_ms) // MS_PER_S, running_s(line, from_ms, to_ms)
    if not ran_s:
        return f"{lasted(whole_s)}: the pump did not run"
    begun = lasted(whole_s) if whole_s - ran_s < S_PER_MINUTE else f"{lasted(ran_s)} of {lasted(whole_s)}"
    wrong = any(not holds for holds, _ in checks)
    parts = [f"{begun}: THE BOOKS DO NOT ADD UP, see Identities" if wrong else f"{begun} as prescribed"]
    return "; ".join([*parts, *exceptions(line, made)])


def running_s(line: Timeline, from_ms: int, to_ms: int) -> int:
    """Return how long the pump ran; a power cut after which it resumed counts as running, because what it missed is said apart."""
    runs = [(run.from_ms, run.to_ms, run.by, run.ended) for run in line.books.runs]
    time_ms = sum(max(0, min(end, to_ms) - max(begin, from_ms)) for begin, end, _, _ in runs)
    for (_, end, _, ended), (begin, _, by, _) in pairwise(runs):
        if ended == "power" and by == "resume":
            time_ms += max(0, min(begin, to_ms) - max(end, from_ms))
    return time_ms // MS_PER_S


def exceptions(line: Timeline, made: Sections) -> list[str]:
    """Return what did not go as prescribed, the most important first."""
    sums, to_ms, books = line.sums(made.from_ms, made.to_ms), made.to_ms, line.books
    times = {cause: sum(one.cause == cause and made.from_ms <= one.at_ms <= to_ms for one in books.misses) for cause in sums.missed_steps}
    found = []
    for cause, steps in sums.missed_steps.items():
        if steps:
            found.append(f"{amount(line, steps, to_ms)} missed in {count(times[cause] or 1, CAUSES.get(cause, cause))}")
    if sums.uncertain_steps:
        found.append(f"{amount(line, sums.uncertain_steps, to_ms)} uncertain after power cuts")
    if sums.halted_steps:
        found.append(f"{amount(line, sums.halted_steps, to_ms)} not made at stops")
    lasting = [one for one in line.alarms if one.severity == "alarm" and made.from_ms <= one.raised_ms <= to_ms]
    if lasting:
        found.append(count(len(lasting), "alarm"))
    return found


def count(number: int, what: str) -> str:
    """ "one power cut", "12 power cuts"."""
    several = what if number == 1 else {"pause at a ceiling": "pauses at a ceiling"}.get(what, what + "s")
    return f"{WORDS[number] if number < len(WORDS) else number} {several}"


def amount(line: Timeline, steps: int, at_ms: int) -> str:
    """Format steps at a moment as a volume; as steps where no calibration is known."""
    volume_nl = line.volume_nl(steps, at_ms) if line.calibration else None
    return f"{steps} steps" if volume_nl is None else measured.brief(Fraction(volume_nl))


def lasted(duration_s: int) -> str:
    """ "24 h", "20 h 10 min", "9 d 3 h": up to three days in hours."""
    if duration_s >= 3 * S_PER_DAY:
        return span(duration_s).removesuffix(" 0 h")
    hours, minutes = divmod(duration_s // S_PER_MINUTE, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "") if hours else span(duration_s)
