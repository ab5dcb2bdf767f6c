"""Synthetic runs: masses known to the microgram, printed like a balance."""

import math

from thecal.weighing.characterise.run import END, RUN, STILL, Facts, Run, Sample

RATE_NL_PER_H = 5_000_000


def facts(**other):
    made = {
        "rate_nl": RATE_NL_PER_H,
        "rate_seconds_s": 3600,
        "calibration_volume_nl": 1_000_003,
        "calibration_steps": 99_991,
        "calibration_state": "CALIBRATED",
        "density_mg_per_ml": "1000",
        "evaporation_ug_per_h": "0",
        "balance": "made",
        "protocol": "mt-sics",
        "pump": "made",
        "begun_utc": "2026-01-05T00:00:00Z",
    }
    return Facts(**{**made, **other})


def raw(mass_ug, stable=False):
    """Return one line of MT-SICS with as many decimals as the mass needs."""
    sign, mass_ug = ("-" if mass_ug < 0 else ""), abs(mass_ug)
    number = f"{sign}{mass_ug // 1_000_000}.{mass_ug % 1_000_000:06d}"
    return f"S {'S' if stable else 'D'} {number:>10} g"


def sample(time_ms, mass_ug, phase=RUN, stable=False, **asked):
    return Sample(time_ms, phase, mass_ug, stable, raw(mass_ug, stable), **asked)


def swinging_ug(time_ms, swing=0.1, period_s=47.0, extra_percent=1.0):
    """Return the masses of 5 mL/h of a liquid of 1 g/mL, 1 % more, swinging; whole micrograms."""
    mean_ug_per_s = RATE_NL_PER_H / 3600 * (1 + extra_percent / 100)
    angle = 2 * math.pi * time_ms / 1000 / period_s
    return round(mean_ug_per_s * (time_ms / 1000 - swing * period_s / (2 * math.pi) * math.sin(angle)))


def run_of(masses, interval_ms=500, rests=True, **other):
    """Return a run with these masses. With `rests`, twenty stable lines come before and one after."""
    ran = [sample(index * interval_ms, mass_ug) for index, mass_ug in enumerate(masses)]
    if not rests:
        return Run(facts(**other), ran)
    before = [sample((index - 20) * interval_ms, masses[0], STILL, True) for index in range(20)]
    after = [sample(len(ran) * interval_ms + 5000, masses[-1], END, True)]
    return Run(facts(**other), before + ran + after)


def swinging_run(hours, interval_ms=500, **other):
    return run_of([swinging_ug(time_ms) for time_ms in range(0, int(hours * 3_600_000) + 1, interval_ms)], interval_ms, **other)
