"""Record a run: the balance at even intervals, the pump every few seconds, each line on disk before the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thecal.errors import Interrupted
from thecal.terminal.console import talk
from thecal.text.law import line
from thecal.weighing.balance import Balance, Reading
from thecal.weighing.characterise.checks import drop_limit_ug, frozen_limit_ms, stood_still
from thecal.weighing.characterise.pump import PumpSide
from thecal.weighing.characterise.run import END, RUN, STILL, Facts, Run, RunWriter, Sample
from thecal.weighing.clocks import Clock

ASK_PUMP_EVERY_MS = 10_000
STABLE_TIMEOUT_S = 60.0
SETTLE_MS = 5_000
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """`still_ms`: time before the pump starts. `rests`: the pump is stopped before and after, so the balance must be stable."""

    duration_ms: int
    interval_ms: int = 500
    still_ms: int = 0
    rests: bool = True


class Recorder:
    """Record one run; report its progress by `told(done_ms, total_ms)`."""

    def __init__(self, balance: Balance, pump: PumpSide, clock: Clock, told: Told) -> None:
        self._balance = balance
        self._pump = pump
        self._clock = clock
        self._told = told
        self._zero_ms = 0
        self._samples: list[Sample] = []
        self._changed: Sample | None = None

    def record(self, plan: Plan, facts: Facts, writer: RunWriter) -> Run:
        """Record still phase, run and end. Always restores the pump's state; the recorded samples stay in the file."""
        self._writer, self._facts, self._law = writer, facts, facts.law
        self._still(plan)
        try:
            self._pump.begin(plan.duration_ms)
            self._run(plan)
        except Interrupted as end:
            raise self._pump.interrupted(end) from None
        finally:
            self._pump.end()
        if plan.rests:
            self._rest()
        return Run(facts, self._samples)

    def _still(self, plan: Plan) -> None:
        """Wait for a stable pan, then measure its evaporation. Time zero is the end of this."""
        self._zero_ms = self._clock.now_ms() + plan.still_ms
        if plan.rests:
            first = self._balance.read_stable(STABLE_TIMEOUT_S)
            self._zero_ms = self._clock.now_ms() + plan.still_ms + plan.interval_ms
            self._keep(first, STILL, {})
        self._balance.watch_for_tare(drop_limit_ug(self._balance.digit_ug))
        if plan.rests:
            for moment_ms in range(-plan.still_ms, 0, plan.interval_ms):
                self._told(plan.still_ms + moment_ms, plan.still_ms + plan.duration_ms)
                self._take(moment_ms, STILL, ask=False)

    def _run(self, plan: Plan) -> None:
        self._zero_ms = self._clock.now_ms()
        asked_ms = -ASK_PUMP_EVERY_MS
        for moment_ms in range(0, plan.duration_ms + 1, plan.interval_ms):
            ask = moment_ms - asked_ms >= ASK_PUMP_EVERY_MS and moment_ms > 0
            asked_ms = moment_ms if ask else asked_ms
            self._told(plan.still_ms + moment_ms, plan.still_ms + plan.duration_ms)
            self._take(moment_ms, RUN, ask)
        self._pump.look()  # a stop since the last question

    def _rest(self) -> None:
        """Wait for a stable pan after the flow has ended."""
        self._clock.wait_until_ms(self._clock.now_ms() + SETTLE_MS)
        if self._clock.stands_still:  # an outlet line runs out in bench time, and the reader waits by the wall clock
            for _ in range(int(STABLE_TIMEOUT_S)):
                if self._balance.read_now().stable:
                    break
                self._clock.move(1.0)
        reading = self._balance.read_stable(STABLE_TIMEOUT_S)
        self._keep(reading, END, {})

    def _take(self, moment_ms: int, phase: str, ask: bool) -> None:
        self._clock.wait_until_ms(self._zero_ms + moment_ms)
        reading = self._balance.read_now()
        if phase == RUN and moment_ms == 0:
            self._zero_ms = self._clock.stamp_ms(reading.at_s)
        asked: dict[str, int] = {}
        time_ms = self._clock.stamp_ms(reading.at_s) - self._zero_ms
        if ask:
            status = self._pump.look()
            at_ms = self._clock.now_ms() - self._zero_ms
            self._same_law(status)
            asked = {"pump_steps": status["delivered_steps"], "steps_at_ms": at_ms, "pump_uptime_ms": status["uptime_ms"]}
        self._keep(reading, phase, asked, time_ms)

    def _same_law(self, status: dict[str, Any]) -> None:
        """Tell at once if the pump goes over from dosing by volume to dosing by angle, or back: it is another pump from there on."""
        law = status.get("law", self._law)
        if law != self._law:
            self._law = law
            talk(f"careful: the pump now doses {line(law, status.get('law_cause', ''))}")

    def _keep(self, reading: Reading, phase: str, asked: dict[str, int], time_ms: int | None = None) -> None:
        """Keep a moment once that a slow computer delivers twice."""
        if time_ms is None:
            time_ms = self._clock.stamp_ms(reading.at_s) - self._zero_ms
        if self._samples and time_ms <= self._samples[-1].time_ms:
            return
        sample = Sample(time_ms, phase, reading.mass_ug, reading.stable, reading.raw, **asked)
        self._samples.append(sample)
        self._writer.add(sample)
        if phase == RUN:
            self._must_move(sample)

    def _must_move(self, sample: Sample) -> None:
        """Check at once: a user should not learn after a day that the balance froze in the first hour."""
        if self._changed is None or sample.mass_ug != self._changed.mass_ug:
            self._changed = sample
        span_ms = sample.time_ms - self._changed.time_ms
        if span_ms > frozen_limit_ms(self._facts, self._balance.digit_ug):
            raise stood_still(self._changed, span_ms)
