"""Twelve ordinary jobs, each written a second time as a sentence of arithmetic: nl by a second of the job, with `fractions`.

Importing nothing of ours. A second counts from the job's begin: the pump's first second; by the clock, Monday 00:00.
"""

from fractions import Fraction

HOUR_S, DAY_S, WEEK_S = 3600, 86_400, 604_800
ML_NL = 1_000_000


def per_h(ml: str) -> Fraction:
    """Return mL per hour as nl per second."""
    return Fraction(ml) * ML_NL / HOUR_S


def a_microlitre_a_minute(second: int) -> Fraction:
    return Fraction(1000, 60) * min(second, 3 * DAY_S)


def two_drugs(second: int) -> Fraction:
    """120 ug of the first a day, at 500 ug/mL."""
    return Fraction(120, 500) * ML_NL / DAY_S * second


def circadian(second: int) -> Fraction:
    """From Monday 00:00 on: 0.2 mL/h, from 06:00 to 18:00 0.8 mL/h."""
    days, rest = divmod(second, DAY_S)
    bright = 12 * HOUR_S * days + min(max(rest - 6 * HOUR_S, 0), 12 * HOUR_S)
    return per_h("0.2") * second + per_h("0.6") * bright


def chemostat(second: int) -> Fraction:
    return per_h("3") * second


def weekdays(second: int) -> Fraction:
    """From Monday 00:00 on: 0.5 mL/h from 09:00 to 17:00, not at the weekend."""
    weeks, rest = divmod(second, WEEK_S)
    days, of_day = divmod(rest, DAY_S)
    shift = 8 * HOUR_S
    worked = shift * (5 * weeks + min(days, 5)) + (min(max(of_day - 9 * HOUR_S, 0), shift) if days < 5 else 0)
    return per_h("0.5") * worked


def small_basal(second: int) -> Fraction:
    return per_h("0.05") * second


def on_and_off(second: int) -> Fraction:
    """168 times: 10 min at 1.2 mL/h, 50 min nothing."""
    hours, rest = divmod(min(second, 168 * HOUR_S), HOUR_S)
    return per_h("1.2") * (600 * hours + min(rest, 600))


def five_in_two_hours(second: int) -> Fraction:
    return Fraction(5 * ML_NL, 2 * HOUR_S) * min(second, 2 * HOUR_S)


def up_and_down(second: int) -> Fraction:
    """From 0 to 2 mL/h in 6 h, 2 mL/h for 2 h, back to 0 in 6 h: the area below a trapezium."""
    ramp, flat, top = 6 * HOUR_S, 2 * HOUR_S, per_h("2")
    second = min(second, 2 * ramp + flat)
    up = min(second, ramp)
    held = min(max(second - ramp, 0), flat)
    left = 2 * ramp + flat - second if second > ramp + flat else ramp
    return top * up * up / (2 * ramp) + top * held + top * (ramp * ramp - left * left) / (2 * ramp)


def pulses(second: int) -> Fraction:
    """50 uL in 2 min, every 20 min."""
    cycles, rest = divmod(second, 1200)
    return Fraction(50_000) * cycles + Fraction(50_000, 120) * min(rest, 120)


def from_six(second: int) -> Fraction:
    """From 00:00 on: nothing until 06:00, 1 mL in the first hour, then 0.4 mL/h for 8 h."""
    second -= 6 * HOUR_S
    first = min(max(second, 0), HOUR_S)
    then = min(max(second - HOUR_S, 0), 8 * HOUR_S)
    return Fraction(ML_NL, HOUR_S) * first + per_h("0.4") * then


FILES = {"on-and-off": on_and_off, "ramp-up-and-down": up_and_down, "pulses": pulses, "start-at-six": from_six}
