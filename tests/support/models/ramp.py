"""Constant acceleration, written a second time in decimals from the textbook: the rate at any time, and the time of each step."""

from decimal import Decimal, localcontext

US_PER_S = 1_000_000
DIGITS = 60


class Ideal:
    """A slice of `steps` in `duration_us` from `begin_hz` to `end_hz`, both changes at `hz_per_s`, one rate in between.

    `cruise_hz` is None if no rate fits.
    """

    def __init__(self, steps: int, duration_us: int, begin_hz: Decimal, end_hz: Decimal, hz_per_s: int) -> None:
        with localcontext(prec=DIGITS):
            self.steps, self.duration_s, self.hz_per_s = Decimal(steps), Decimal(duration_us) / US_PER_S, Decimal(hz_per_s)
            self.begin_hz, self.end_hz = begin_hz, end_hz
            self.cruise_hz = next((hz for hz in self._candidates() if hz is not None and self._fits(hz)), None)
            if self.cruise_hz is not None:
                self.up_s, self.up_steps = self._ramp(begin_hz)
                self.down_s, self.down_steps = self._ramp(end_hz)

    def _candidates(self) -> list:
        """Return the cruise rates above both ends, between them, and below both: roots of (steps made) = steps."""
        u, w, a, d, n = self.begin_hz, self.end_hz, self.hz_per_s, self.duration_s, self.steps
        above, below = u + w + a * d, a * d - u - w
        squares = (u * u + w * w) / 2
        roots = [above * above - 4 * (squares + a * n), below * below - 4 * (squares - a * n)]
        straight_s = d - abs(w - u) / a
        return [
            (above - roots[0].sqrt()) / 2 if roots[0] >= 0 else None,
            (n - abs(w * w - u * u) / (2 * a)) / straight_s if straight_s > 0 else None,
            (-below + roots[1].sqrt()) / 2 if roots[1] >= 0 else None,
        ]

    def _fits(self, hz: Decimal) -> bool:
        """Return True if this rate makes exactly the steps, with both ramps inside the slice."""
        if hz <= 0:
            return False
        (up_s, up_steps), (down_s, down_steps) = [
            (abs(hz - edge) / self.hz_per_s, abs(hz * hz - edge * edge) / (2 * self.hz_per_s)) for edge in (self.begin_hz, self.end_hz)
        ]
        level_s = self.duration_s - up_s - down_s
        return level_s >= -Decimal("1e-30") and abs(up_steps + down_steps + hz * level_s - self.steps) < Decimal("1e-30")

    def _ramp(self, edge_hz: Decimal) -> tuple:
        return abs(self.cruise_hz - edge_hz) / self.hz_per_s, abs(self.cruise_hz**2 - edge_hz**2) / (2 * self.hz_per_s)

    def _from_edge_s(self, edge_hz: Decimal, step: Decimal) -> Decimal:
        """Return the time from a slice's edge to a step of its ramp: (sqrt(v0^2 + 2 a k) - v0) / a; a < 0 if it slows inwards."""
        a = self.hz_per_s if self.cruise_hz >= edge_hz else -self.hz_per_s
        return ((edge_hz * edge_hz + 2 * a * step).sqrt() - edge_hz) / a

    def time_us(self, number: int) -> Decimal:
        """Return when step `number`, 1 to `steps`, is due, from the slice's beginning."""
        with localcontext(prec=DIGITS):
            step = Decimal(number)
            if step <= self.up_steps:
                return US_PER_S * self._from_edge_s(self.begin_hz, step)
            if step >= self.steps - self.down_steps:
                return US_PER_S * (self.duration_s - self._from_edge_s(self.end_hz, self.steps - step))
            return US_PER_S * (self.up_s + (step - self.up_steps) / self.cruise_hz)


def largest_error_us(items: list, ideal: Ideal, every: bool = False) -> Decimal:
    """Return the largest distance of a step from its ideal time: of `every` step, else of each group's end and inside."""
    worst, before, at_us = Decimal(0), 0, 0
    for steps, duration_us in items:
        inside = range(1, steps + 1) if every or steps <= 8 else sorted({steps * part // 16 for part in range(1, 17)})
        for number in inside:
            made_us = at_us + Decimal(number * duration_us) / steps
            worst = max(worst, abs(made_us - ideal.time_us(before + number)))
        before, at_us = before + steps, at_us + duration_us
    return worst
