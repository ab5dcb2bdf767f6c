"""25 rates over 400 days, lease by lease through the first day and every month and year end, against the reference.

The code under test is the pump's: `Span` and `Leases` of app over `Accumulator`, `Train` and the schedule of pumpcore. The reference reads
the calendar with `datetime` and counts in fractions.
"""

from datetime import UTC, datetime
from fractions import Fraction
from math import floor

import pytest

from app.delivery.basal import Basal
from app.delivery.leases import GUARD_MARGIN_STEPS, Leases
from app.delivery.span import Span
from pumpcore.flash import ledger
from pumpcore.limits.limits import Windows
from pumpcore.motion.dose import Accumulator, Calibration
from pumpcore.program import packing, schedule
from support.models.weekly import WeeklyPlan, month_ends
from support.some import some_of

DAYS, S_PER_DAY = 400, 86_400
AROUND_S = 900
START_UTC_S = int(datetime(2027, 12, 25, 10, 17, 43, tzinfo=UTC).timestamp())  # over a leap day and two year ends
OFFSET_S = 5 * 3600 + 1800
VOLUME_NL, STEPS = 1_000_003, 99_991
LOWEST_NL, HIGHEST_NL = 1_000, 14_400_000_000  # nl per day: 1 uL/day and 10 mL/min
RATES_NL = [round(LOWEST_NL * (HIGHEST_NL / LOWEST_NL) ** (k / 24)) for k in range(25)]


class NoLimit:
    hour_steps = day_steps = 1 << 62


class Files:
    """Keep the last record, as flash would."""

    def write(self, record: ledger.LedgerRecord) -> None:
        self.record = record


def rows_of(rate_nl: int) -> dict:
    """Return three rates a day, at other times on Sunday; the week begins within Sunday's last one."""
    times = {(6, 0): rate_nl, (14, 30): rate_nl * 2 // 3 + 1, (22, 15): rate_nl // 7}
    rows = {(day, hour, minute): nl for day in range(6) for (hour, minute), nl in times.items()}
    return rows | {(6, 9, 1): rate_nl, (6, 23, 59): rate_nl // 2}


class Pumped:
    """The pump's arithmetic and the reference, moved forward together."""

    def __init__(self, rate_nl: int) -> None:
        rows = rows_of(rate_nl)
        entries = [(schedule.minute_of_week(*moment), nl) for moment, nl in sorted(rows.items())]
        made = packing.Program("x", "water", S_PER_DAY, entries)
        made.mode = packing.SCHEDULE
        calibration = Calibration(VOLUME_NL, STEPS)
        week = schedule.Week(START_UTC_S, schedule.Zone(OFFSET_S))
        self.span = Span(0, Basal(made, Accumulator(S_PER_DAY, calibration), week), 0)
        self.leases = Leases(Files(), Windows(), 1)
        self.plan = WeeklyPlan({at: Fraction(nl, S_PER_DAY) for at, nl in rows.items()}, Fraction(STEPS, VOLUME_NL), OFFSET_S)
        self.due = self.slope = Fraction(0)
        self.change_s = 0
        self.leases_made = 0

    def lease(self) -> None:
        """Check one lease, slice by slice: booked, ordered and timed like the fractions."""
        span, record = self.span, ledger.LedgerRecord()
        if span.planned_s >= self.change_s:
            utc_s = START_UTC_S + span.planned_s
            self.slope, self.change_s = self.plan.slope(utc_s), span.planned_s + self.plan.next_change_s(utc_s)
        span.set_entry(span.basal.entry_at(span.planned_s))
        assert self.leases.extend(span, NoLimit, span.planned_s, record) == ""
        length_s = span.lease_end_s - span.planned_s
        assert 0 < length_s <= min(60, self.change_s - span.planned_s)
        assert span.leased_steps == floor(self.due + self.slope * length_s) == record.leased_steps - GUARD_MARGIN_STEPS
        while span.planned_s < span.lease_end_s:
            self._slice()
        self._last_step_is_on_time()
        self.leases_made += 1

    def _slice(self) -> None:
        span = self.span
        before_s, before_us, before_steps = span.planned_s, span.train.end_us, span.ordered_steps
        items = span.plan_slice()
        self.due += self.slope * (span.planned_s - before_s)
        assert span.ordered_steps == floor(self.due)
        assert sum([steps for steps, _ in items]) == span.ordered_steps - before_steps
        assert sum([duration_us for _, duration_us in items]) == span.train.end_us - before_us

    def _last_step_is_on_time(self) -> None:
        end_us = self.span.train.end_us
        slice_end_us = (self.span.planned_s - self.span._train_s) * 1_000_000  # the train counts from a second of its own
        if end_us == slice_end_us or not self.slope:
            return
        exact_us = slice_end_us - (self.due - floor(self.due)) / self.slope * 1_000_000
        assert abs(end_us - exact_us) <= Fraction(1, 2)

    def leap_to(self, second_s: int) -> None:
        """Move to `second_s` in one step."""
        span = self.span
        from_s = span.planned_s
        span.ordered_steps += span.basal.skip(from_s, second_s - from_s)
        span.leased_steps = span.ordered_steps
        span.planned_s = span.lease_end_s = self.change_s = second_s
        span.catch_up(second_s * 1000)
        self.due += self.plan.steps(START_UTC_S + from_s, START_UTC_S + second_s)
        assert span.ordered_steps == floor(self.due)

    def leases_until(self, second_s: int) -> None:
        while self.span.planned_s < second_s:
            self.lease()


@pytest.mark.rule("R4")
@pytest.mark.parametrize("rate_nl", some_of(RATES_NL, 6))
def test_400_days_are_exact(rate_nl: int) -> None:
    pumped = Pumped(rate_nl)
    pumped.leases_until(S_PER_DAY)
    for utc_s in month_ends(START_UTC_S, DAYS):
        end_s = utc_s - OFFSET_S - START_UTC_S  # local midnight
        pumped.leap_to(end_s - AROUND_S)
        pumped.leases_until(end_s + AROUND_S)
    pumped.leap_to(DAYS * S_PER_DAY)
    assert pumped.leases_made > 1_440 + 13 * 30
    whole = pumped.plan.steps(START_UTC_S, START_UTC_S + DAYS * S_PER_DAY)
    assert pumped.span.ordered_steps == floor(whole) and pumped.due == whole


def test_the_rates_and_the_calendar_are_those_of_the_promise() -> None:
    assert len(set(RATES_NL)) == 25 and (RATES_NL[0], RATES_NL[-1]) == (LOWEST_NL, HIGHEST_NL)
    ends = month_ends(START_UTC_S, DAYS)
    assert len(ends) == 13
    dates = [datetime.fromtimestamp(utc_s, UTC) for utc_s in ends]
    assert sum([date.month == 1 for date in dates]) == 2 and dates[2].month == 3  # the first of March after the leap day
