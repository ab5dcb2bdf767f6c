"""Rotor tables for tests: shapes of heads as prices, random ones, and the exact plan of a path as fractions."""

import functools
import itertools
import math
import random
from collections.abc import Callable, Iterable
from fractions import Fraction

PARTS = 64  # grains in a dose step of a head without a gear


def prices_of(rate: Callable[[float], float], bins: int, turns_steps: int) -> list[int]:
    """Return the prices of a head that brings `rate(turn)` of its mean at each part of a turn; what flows back is brought again first."""
    fine = 16 * bins
    volumes = [0.0]
    for number in range(fine):
        volumes.append(volumes[-1] + rate((number + 0.5) / fine))
    total, highest, edges = volumes[-1], max(volumes) - volumes[-1], []
    for number in range(bins + 1):
        highest = max([highest, *volumes[max(0, (number - 1) * 16 + 1) : number * 16 + 1]])
        edges.append(highest)
    whole = [round((edge - edges[0]) / total * PARTS * turns_steps) for edge in edges]
    whole[-1] = PARTS * turns_steps
    return [b - a for a, b in itertools.pairwise(whole)]


def sinus(share: float = 1.0, rollers: int = 3) -> Callable[[float], float]:
    return lambda turn: 1 - share * math.cos(2 * math.pi * rollers * turn)


def dip(loss: float, width: float = 0.15, rollers: int = 3) -> Callable[[float], float]:
    """Each roller's release lets `loss` of a pitch's volume flow back."""
    spread = width / 2.355

    def rate(turn: float) -> float:
        away = (turn * rollers) % 1 - 0.5
        return 1 - loss * math.exp(-0.5 * (away / spread) ** 2) / spread / 2.507

    return rate


def random_prices(seed: int, bins: int, turns_steps: int, free: float) -> list[int]:
    """Return prices with a share `free` of dead zones, neighbouring bins up to hundreds of times as dear."""
    dice = random.Random(seed)
    raw = [0.0 if dice.random() < free else dice.random() ** 3 for _ in range(bins)]
    if not any(raw):
        raw[0] = 1.0
    edges, cumulated = [0], 0.0
    for part in raw:
        cumulated += part
        edges.append(max(edges[-1], min(PARTS * turns_steps, round(cumulated / sum(raw) * PARTS * turns_steps))))
    edges[-1] = PARTS * turns_steps
    return [b - a for a, b in itertools.pairwise(edges)]


def exact_paid(prices: list[int], turns: int, turns_steps: int, position: int) -> Fraction:
    """Return what the motor has brought at a position from the rotor's zero, in grains, exactly."""
    whole, phase = divmod(position * turns, turns_steps)
    place = Fraction(phase * len(prices), turns_steps)
    number = int(place)
    return whole * PARTS * turns_steps + _edges(tuple(prices))[number] + prices[number] * (place - number)


@functools.lru_cache
def _edges(prices: tuple[int, ...]) -> list[int]:
    return [0, *itertools.accumulate(prices)]


def oracle_times(table: tuple[list[int], int, int], first: int, laid: list[tuple[int, int]]) -> list[tuple[Fraction, Fraction]]:
    """Return when each of the motor's next steps is due, in us by fractions alone, and the time of a grain.

    `table`: prices, turns, turns_steps. `first`: the motor's position from the rotor's zero. The plan is a line in dose within each item.
    """
    step, at_us = first, 0
    plan, due = exact_paid(*table, step) // 1, []
    cost = exact_paid(*table, step + 1) // 1
    for steps, duration_us in laid:
        grains = steps * PARTS * table[1]
        while cost <= plan + grains:
            step += 1
            grain_us = Fraction(duration_us, grains) if grains else Fraction(0)
            due.append((at_us + (cost - plan) * grain_us, grain_us))
            cost = exact_paid(*table, step + 1) // 1
        plan += grains
        at_us += duration_us
    return due


def times_us(items: Iterable[tuple[int, int]]) -> list[Fraction]:
    """Return when the generator makes each step of `items`."""
    times, at_us = [], 0
    for steps, duration_us in items:
        times += [at_us + Fraction(number * duration_us, steps) for number in range(1, steps + 1)]
        at_us += duration_us
    return times
