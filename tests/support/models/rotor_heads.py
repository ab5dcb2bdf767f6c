"""Heads and a balance for tests of learning by weight: numpy, no import of ours, and outside of the functions that are fitted."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

STEPS, TURN_NL, ROLLERS = 3_200, 31_600.0, 3
MG_PER_NL = 0.998e-3
_AT = np.arange(STEPS) + 0.5


class Record(NamedTuple):
    """Reading times (s), motor positions at them (steps), masses shown (mg)."""

    time_s: Any
    motor_steps: Any
    mass_mg: Any


def sinus(depth: float = 1.0) -> Any:
    """Return the flow of each step of a turn, mean 1: one sine a roller."""
    return 1 - depth * np.cos(2 * np.pi * ROLLERS * _AT / STEPS)


def dips(loss: float, width: float, depth_error: float, angle_error_degrees: float, seed: int) -> Any:
    """Return the flow of a head whose rollers let `loss` of a pitch flow back at each release, skewed, unequal in depth and angle."""
    rng, flow, pitch = np.random.default_rng(seed), np.ones(STEPS), STEPS / ROLLERS
    for roller in range(ROLLERS):
        lost = loss * (1 + depth_error * rng.standard_normal())
        centre = (roller + 0.5) * pitch + angle_error_degrees * rng.standard_normal() / 360 * STEPS
        off = (_AT - centre + STEPS / 2) % STEPS - STEPS / 2
        sigma = width * pitch / 2.355
        release = np.exp(-0.5 * (off / np.where(off < 0, 0.7 * sigma, 1.3 * sigma)) ** 2)
        flow = flow - lost * pitch * release / release.sum()
    return flow / flow.mean()


HEADS: dict[str, Callable[[], Any]] = {
    "sinus": sinus,
    "dip20": lambda: dips(0.20, 0.15, 0.05, 0.5, 3),
    "dip35": lambda: dips(0.35, 0.15, 0.10, 1.0, 3),
}


def deeper(flow: Any, part: float) -> Any:
    """Return the head with its ripple larger by `part`, the mean the same."""
    return 1 + (flow - 1) * (1 + part)


def volume_nl(flow: Any, motor_steps: Any) -> Any:
    """Return the volume at these motor positions, in nl."""
    curve = np.concatenate([[0], np.cumsum(flow)]) * TURN_NL / flow.sum()
    turns, phase = np.divmod(np.asarray(motor_steps, dtype=float), STEPS)
    return turns * TURN_NL + np.interp(phase, np.arange(STEPS + 1), curve)


def weighed(
    flow: Any,
    rate_nl_per_h: float,
    turns: float,
    seed: int,
    *,
    start: float = 0.0,
    ahead: float = 0.0,
    digit_mg: float = 0.1,
    lag_s: float = 0.7,
) -> Record:
    """Return what a balance shows of a plain run, twice a second. `ahead`: steps by which the rotor is ahead of the position.

    Noise of 0.15 mg (half of it stays to the next reading), evaporation of 2 mg/h that wanders, a first-order lag, a digit.
    """
    rng, fine_hz, every = np.random.default_rng(seed), 20, 10
    time_s = np.arange(0, turns * TURN_NL / rate_nl_per_h * 3600, 1 / fine_hz)
    position = start + time_s * rate_nl_per_h / 3600 * STEPS / TURN_NL
    true_mg = volume_nl(flow, position + ahead) * MG_PER_NL - 2.0 * time_s / 3600
    shown, kept = np.empty_like(true_mg), true_mg[0]
    follow = 1 - np.exp(-1 / fine_hz / lag_s)
    for number, value in enumerate(true_mg):
        kept += (value - kept) * follow
        shown[number] = kept
    time_s, position, shown = time_s[::every], position[::every], shown[::every]
    noise = rng.standard_normal(len(shown))
    for number in range(1, len(noise)):
        noise[number] = 0.5 * noise[number - 1] + np.sqrt(0.75) * noise[number]
    wander = np.cumsum(rng.standard_normal(len(shown))) * 0.02 / np.sqrt(120)
    return Record(time_s, position, np.round((shown + 0.15 * noise + wander) / digit_mg) * digit_mg)
