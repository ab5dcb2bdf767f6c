"""Volume to steps: one accumulator per source, rounded down, the remainder carried, exact over any number of slices.

The plan of a source at rate `rate_nl` per `rate_seconds_s` is the rational line
    steps(t) = rate_nl * calibration.steps * t / (rate_seconds_s * calibration.volume_nl)
and the accumulator holds its fraction as an integer modulo rate_seconds_s * volume_nl. A step is due when the plan
passes a whole number, so what was delivered lags the plan by less than one step at every moment.
"""

from pumpcore.calibration import Calibration
from pumpcore.units import HZ4_PER_HZ, US_PER_S

_SMALL = 1 << 30


class Accumulator:
    """Turns (rate, whole seconds) into whole steps. `remainder` is below the modulus, in units of 1/modulus step; below 0 while steps
    are owed: they count as made already, and none is due before the plan has passed them."""

    def __init__(self, rate_seconds_s: int, calibration: Calibration) -> None:
        self._steps_per_volume = calibration.steps
        self.modulus = rate_seconds_s * calibration.volume_nl
        self.remainder = 0
        self._rate_nl = self._flow = self._half = 0
        self._duration_s = self._whole = self._part = 0
        self._divided_by = 0

    def flow(self, rate_nl: int) -> int:
        """The plan's slope in 1/modulus steps per second."""
        if rate_nl != self._rate_nl:
            self._rate_nl, self._flow = rate_nl, rate_nl * self._steps_per_volume
            self._half = self._flow >> 1
            self._duration_s = 0
        return self._flow

    def rate_hz4(self, rate_nl: int) -> int:
        """The plan's slope in ten-thousandths of a hertz: steps in 10,000 s, rounded down."""
        return self.flow(rate_nl) * HZ4_PER_HZ // self.modulus

    def rate_nl(self, rate_hz4: int) -> int:
        """The highest rate whose `rate_hz4` is at most this."""
        return ((rate_hz4 + 1) * self.modulus - 1) // (self._steps_per_volume * HZ4_PER_HZ)

    def advance(self, rate_nl: int, duration_s: int) -> int:
        """Steps that fall due within the next `duration_s` seconds at `rate_nl`; carries the remainder. What slices of one length and
        rate have in common is divided once: each division of large numbers is garbage."""
        modulus = self.modulus
        if duration_s != self._duration_s or rate_nl != self._rate_nl or modulus is not self._divided_by:
            flow = self.flow(rate_nl)
            self._duration_s, self._divided_by = duration_s, modulus
            self._whole, self._part = divmod(flow * duration_s, modulus)
            if self._whole < _SMALL:  # the machine's own integer instead of a large one with a small value
                self._whole = int.from_bytes(self._whole.to_bytes(4, "little"), "little")
        steps, remainder = self._whole, self.remainder + self._part
        if remainder >= modulus:
            steps, remainder = steps + 1, remainder - modulus
        elif remainder < 0:
            owed, remainder = divmod(remainder, modulus)
            steps += owed
            if steps < 0:
                steps, remainder = 0, remainder + steps * modulus
        self.remainder = remainder
        return steps

    def peek(self, rate_nl: int, duration_s: int) -> int:
        """What `advance` would return, without advancing."""
        return max(0, (self.remainder + self.flow(rate_nl) * duration_s) // self.modulus)

    def refine(self, parts: int) -> None:
        """Rates are in 1 / `parts` nl from here on; the remainder means the same part of a step."""
        self.modulus *= parts
        self.remainder *= parts

    def coarsen(self, parts: int) -> int:
        """Ends `refine`; returns what of the remainder falls below the coarser modulus (less than 1 / modulus of a step)."""
        self.remainder, lost = divmod(self.remainder, parts)
        self.modulus //= parts
        return lost

    def since_last_step_us(self, rate_nl: int) -> int:
        """Time since the plan last passed a whole step at `rate_nl`, to the nearest; call after `advance` returned > 0."""
        if rate_nl != self._rate_nl:
            self.flow(rate_nl)
        return (self.remainder * US_PER_S + self._half) // self._flow

    def until_next_step_us(self, rate_nl: int) -> int:
        """Time until the plan passes the next whole step at `rate_nl` > 0, to the nearest."""
        flow = self.flow(rate_nl)
        return ((self.modulus - self.remainder) * US_PER_S + self._half) // flow
