"""Refuse a run whose mass was changed by anything but the pump; the error gives the moment, the raw line and the remedy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from thecal.errors import Failed
from thecal.weighing.balance import BalanceError, plain
from thecal.weighing.balance.detect import DIALECTS
from thecal.weighing.balance.errors import shown
from thecal.weighing.balance.reading import UG_PER_UNIT
from thecal.weighing.characterise.run import END, RUN, STILL, Facts, Run, Sample

DROP_LIMIT_UG, DROP_DIGITS = 2_000, 20
JUMP_FLOWS = 5
FROZEN_DIGITS, FROZEN_LEAST_MS = 25, 2_000.0
LONGEST_GAP_MS = 60_000
CLOCKS_APART = 0.01
LEAST_SAMPLES = 10


def digit_ug(run: Run) -> int:
    """Return the value of the last place of the balance's number, from its raw lines."""
    module = DIALECTS[run.facts.protocol]
    for sample in run.samples:
        weight = module.read(sample.raw)
        if weight.unit or module is plain:
            return max(1, UG_PER_UNIT[weight.unit or "g"] // 10**weight.decimals)
    return 1


def drop_limit_ug(resolution_ug: int) -> int:
    """Return the fall of mass that proves taring or moving; evaporation and noise are smaller."""
    return max(DROP_LIMIT_UG, DROP_DIGITS * resolution_ug)


def check(run: Run, times_ms: Any, masses_ug: Any) -> None:
    """Check the running phase, `times_ms` and `masses_ug`. Raises BalanceError or Failed for an untrustworthy run."""
    samples = run.phase(RUN)
    if len(samples) < LEAST_SAMPLES:
        raise Failed(f"the record has {len(samples)} samples while the pump ran", f"record at least {LEAST_SAMPLES}, for some minutes")
    resolution_ug = digit_ug(run)
    limit_ug = drop_limit_ug(resolution_ug)
    _check_rest(run, limit_ug)
    expected_ug_per_ms = float(run.facts.rate_nl_per_ms * run.facts.density) / 1000
    _check_jumps(samples, times_ms, masses_ug, limit_ug, expected_ug_per_ms)
    _check_frozen(samples, times_ms, masses_ug, frozen_limit_ms(run.facts, resolution_ug))
    gap = int(np.argmax(np.diff(times_ms)))
    if times_ms[gap + 1] - times_ms[gap] > LONGEST_GAP_MS:
        cause = f"nothing was recorded for {(times_ms[gap + 1] - times_ms[gap]) / 1000:.0f} s after {moment(samples[gap])}"
        raise Failed(cause, "keep the computer awake and the cable connected, then record again")
    _check_clocks(samples)


def moment(sample: Sample) -> str:
    return f"{sample.time_ms / 60_000:.2f} min"


def _check_rest(run: Run, limit_ug: int) -> None:
    """Check the balance before the start and after the stop: without flow it must become stable."""
    for name, when in ((STILL, "before the pump started"), (END, "after the pump had stopped")):
        samples = run.phase(name)
        if samples and not any(sample.stable for sample in samples):
            do = "keep draughts and vibration away, then record again"
            raise BalanceError("unstable", f"the balance was not stable {when} ({shown(samples[-1].raw)})", do, samples[-1].raw)
    still = run.phase(STILL)
    for before, after in itertools.pairwise(still):
        if abs(after.mass_ug - before.mass_ug) > limit_ug:
            raise _moved(after, after.mass_ug - before.mass_ug)


def _check_jumps(samples: list[Sample], times_ms: Any, masses_ug: Any, limit_ug: int, expected_ug_per_ms: float) -> None:
    """Check jumps beyond the noise `limit_ug` and the expected flow."""
    steps_ug, spans_ms = np.diff(masses_ug), np.diff(times_ms)
    too_low, too_high = steps_ug < -limit_ug, steps_ug > limit_ug + JUMP_FLOWS * expected_ug_per_ms * spans_ms
    bad = np.flatnonzero(too_low | too_high)
    if len(bad):
        raise _moved(samples[int(bad[0]) + 1], int(steps_ug[bad[0]]))


def _moved(sample: Sample, by_ug: int) -> BalanceError:
    when = f"at {moment(sample)} ({shown(sample.raw)})"
    if by_ug < 0:
        do = "do not touch the balance or its vessel, then record again"
        return BalanceError("tared", f"the mass fell by {-by_ug} ug {when}: tared, zeroed, or the vessel was moved", do, sample.raw)
    do = "keep the outlet below the surface, do not touch the balance, then record again"
    return BalanceError("jump", f"the mass jumped by {by_ug} ug {when}: a knock or a falling drop", do, sample.raw)


def frozen_limit_ms(facts: Facts, resolution_ug: int) -> float:
    """Check for a frozen mass: it may stay equal to the last digit only so long while the pump runs."""
    return max(FROZEN_DIGITS * resolution_ug * 1000 / float(facts.rate_nl_per_ms * facts.density), FROZEN_LEAST_MS)


def stood_still(sample: Sample, span_ms: float) -> BalanceError:
    cause = f"the mass did not change for {span_ms / 1000:.0f} s from {moment(sample)} on ({shown(sample.raw)})"
    do = "check whether the balance has frozen, or the tube is blocked, empty or not clamped; then record again"
    return BalanceError("frozen", cause, do, sample.raw)


def _check_frozen(samples: list[Sample], times_ms: Any, masses_ug: Any, longest_ms: float) -> None:
    changes = np.flatnonzero(np.diff(masses_ug)) + 1
    begins = np.concatenate(([0], changes))
    spans_ms = times_ms[np.concatenate((changes, [len(masses_ug)])) - 1] - times_ms[begins]
    worst = int(np.argmax(spans_ms))
    if spans_ms[worst] > longest_ms:
        raise stood_still(samples[int(begins[worst])], float(spans_ms[worst]))


def _check_clocks(samples: list[Sample]) -> None:
    """Check the clocks: a simulated pump at another speed than expected, or a computer that slept."""
    asked = [sample for sample in samples if sample.pump_uptime_ms is not None and sample.steps_at_ms is not None]
    if len(asked) < 2:
        return
    ours_ms = (asked[-1].steps_at_ms or 0) - (asked[0].steps_at_ms or 0)
    theirs_ms = (asked[-1].pump_uptime_ms or 0) - (asked[0].pump_uptime_ms or 0)
    if abs(theirs_ms - ours_ms) > max(CLOCKS_APART * ours_ms, 2_000):
        cause = f"the pump's clock advanced {theirs_ms / 1000:.1f} s while this computer's advanced {ours_ms / 1000:.1f} s"
        raise Failed(cause, "keep the computer awake; a simulated pump must run on this machine, at any speed")


def expected_steps_per_s(facts: Facts) -> float:
    return float(facts.rate_nl_per_ms / facts.step_nl) * 1000
