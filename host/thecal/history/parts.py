"""The parts of the time line. Times `*_ms` are on the axis; steps are integers, never floats."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

RUNNING, POWER, UNTOLD = "running", "power", "untold"


class Span(NamedTuple):
    """From one moment of the axis to another."""

    from_ms: int
    to_ms: int


@dataclass
class Run:
    """From a start to its end. `by`: host or resume, or priming or calibration for a bolus without a program; untold if its begin is no
    longer in the journal. `ended`: running, power, untold, or the cause of the stop: host, button, fault, clock, maintenance, done.
    `origin_ms`: the begin of its pump seconds."""

    by: str
    digest: str
    from_ms: int
    begin_steps: int
    begin_utc_s: int
    to_ms: int = 0
    end_steps: int = 0
    ended: str = RUNNING
    origin_ms: int | None = None


@dataclass
class Stretch:
    """One entry of the schedule while it ran, through a power cut that was resumed in the same entry.

    ordered = delivered + uncertain + missed + halted, except for queued steps at its ends; halted: due, but not made when the pump was
    stopped. `seconds_s`: its duration in the pump's seconds, None if unknown or if an end is not an entry's begin. `programmed_steps`:
    the exact steps of the prescription; `bolus_steps`: of boluses that began and ended in it, part of ordered and delivered. `overlaid`:
    a temporary rate or a bridge ran in it instead of the prescription.
    """

    entry: int
    rate_nl: int
    digest: str
    from_ms: int
    from_utc_s: int
    boot: int
    to_ms: int = 0
    ordered_steps: int = 0
    delivered_steps: int = 0
    uncertain_steps: int = 0
    halted_steps: int = 0
    bolus_steps: int = 0
    missed_steps: dict[str, int] = field(default_factory=dict)
    seconds_s: int | None = None
    programmed_steps: Fraction | None = None
    paused: bool = False
    cut: bool = False
    bolus_crosses: bool = False
    overlaid: bool = False
    ended: str = RUNNING

    def missed(self) -> int:
        """Return the missed steps of every cause."""
        return sum(self.missed_steps.values())

    def off_by_steps(self) -> Fraction | None:
        """Return basal ordered minus programmed; None if one of them is not known exactly."""
        if self.programmed_steps is None or self.bolus_crosses:
            return None
        return self.ordered_steps - self.bolus_steps - self.programmed_steps


@dataclass
class BolusLine:
    """One bolus; `purpose`: manual, demand, extended, or priming or calibration without a program. Its rate is per `rate_seconds_s`, or per
    the program's seconds if that is 0 (manual). An extended one pauses in its `waits_ms`, while another runs.

    `ended` is empty while it waits or runs, otherwise done, cancelled, cut, stopped, fault or limit; "never begun" if the power failed
    before its first lease. `delivered_steps` of a cut one are its leased steps, the maximum.
    """

    token: str
    volume_nl: int
    rate_nl: int
    ordered_steps: int
    ordered_ms: int
    digest: str = ""
    purpose: str = "manual"
    rate_seconds_s: int = 0
    started_ms: int | None = None
    ended_ms: int | None = None
    ended: str = ""
    delivered_steps: int = 0
    waits_ms: list[tuple[int, int | None]] = field(default_factory=list)

    @property
    def from_ms(self) -> int:
        """Return the begin; 0 if it has not begun."""
        return self.started_ms or 0

    @property
    def to_ms(self) -> int:
        """Return the end; 0 if it has not ended."""
        return self.ended_ms or 0

    def runs_ms(self, from_ms: int, to_ms: int) -> int:
        """Return how long it flows between two moments."""
        if self.started_ms is None:
            return 0
        ended_ms = to_ms if self.ended_ms is None else min(to_ms, self.ended_ms)
        begin_ms = max(from_ms, self.started_ms)
        waits = [(max(begin_ms, begun), min(ended_ms, ended_ms if gone is None else gone)) for begun, gone in self.waits_ms]
        return max(0, ended_ms - begin_ms) - sum(max(0, end - begin) for begin, end in waits)


@dataclass
class PowerLoss:
    """A power-up that found an open lease. The motor stopped before `cut_ms`, at most one lease earlier; its true position is between
    confirmed and leased. `low_steps`: the highest position that any record proves."""

    boot_ms: int
    cut_ms: int
    cause: str
    confirmed_steps: int
    low_steps: int
    leased_steps: int
    uncertain_steps: int
    resumed_ms: int | None = None


@dataclass
class Pause:
    """A pause at a ceiling: `fault` is its number; `to_ms` is None while it lasts."""

    fault: int
    from_ms: int
    to_ms: int | None = None
    missed_steps: int = 0


@dataclass
class Missed:
    """Planned steps that were not made; the pump never catches them up. UTC 0 = unknown."""

    at_ms: int
    cause: str
    steps: int
    from_utc_s: int
    to_utc_s: int


@dataclass
class ClockSet:
    """The clock was set from `old_utc_s` (0 = unknown) to `new_utc_s`; `was_offset_s` is None if the offset before is unknown."""

    at_ms: int
    old_utc_s: int
    new_utc_s: int
    offset_s: int
    was_offset_s: int | None


@dataclass
class CalibrationSet:
    """A change of the calibration; `weighed_utc_s` is 0 for the bench's nominal one."""

    at_ms: int
    calibration_id: str
    old_volume_nl: int
    old_steps: int
    volume_nl: int
    steps: int
    weighed_utc_s: int
    scatter_ppm: int
    runs: int


@dataclass
class Gap:
    """Missing sequence numbers of a ring; `from_start`: they were the oldest ones."""

    ring: str
    first: int
    last: int
    from_start: bool


@dataclass(frozen=True)
class Flow:
    """A constant rate between two times: `rate_nl` per the program's seconds, as a weight between times."""

    from_ms: int
    to_ms: int
    rate_nl: int | Fraction


@dataclass(frozen=True)
class Made:
    """The pump's position at one moment: `high_steps` with all uncertain steps, `low_steps` without."""

    at_ms: int
    high_steps: int
    low_steps: int
