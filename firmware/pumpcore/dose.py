"""Volume to steps: one accumulator per source, rounded down, the remainder carried, exact over any number of slices.

The plan of a source at rate `rate_nl` per `rate_seconds_s` is the rational line
    steps(t) = rate_nl * calibration.steps * t / (rate_seconds_s * calibration.volume_nl)
and the accumulator holds its fraction as an integer modulo rate_seconds_s * volume_nl. A step is due when the plan
passes a whole number, so what was delivered lags the plan by less than one step at every moment.
"""

from pumpcore.calibration import Calibration
from pumpcore.units import HZ4_PER_HZ, US_PER_S


class Accumulator:
    """Turns (rate, whole seconds) into whole steps. `remainder` is below the modulus, in units of 1/modulus step; below 0 while steps
    are owed: they count as made already, and none is due before the plan has passed them."""

    def __init__(self, rate_seconds_s: int, calibration: Calibration) -> None:
        self._steps_per_volume = calibration.steps
        self.modulus = rate_seconds_s * calibration.volume_nl
        self.remainder = 0

    def flow(self, rate_nl: int) -> int:
        """The plan's slope in 1/modulus steps per second."""
        return rate_nl * self._steps_per_volume

    def rate_hz4(self, rate_nl: int) -> int:
        """The plan's slope in ten-thousandths of a hertz: steps in 10,000 s, rounded down."""
        return self.flow(rate_nl) * HZ4_PER_HZ // self.modulus

    def rate_nl(self, rate_hz4: int) -> int:
        """The highest rate whose `rate_hz4` is at most this."""
        return ((rate_hz4 + 1) * self.modulus - 1) // (self._steps_per_volume * HZ4_PER_HZ)

    def advance(self, rate_nl: int, duration_s: int) -> int:
        """Steps that fall due within the next `duration_s` seconds at `rate_nl`; carries the remainder."""
        total = self.remainder + rate_nl * self._steps_per_volume * duration_s
        steps = max(0, total // self.modulus)
        self.remainder = total - steps * self.modulus
        return steps

    def peek(self, rate_nl: int, duration_s: int) -> int:
        """What `advance` would return, without advancing."""
        return max(0, (self.remainder + rate_nl * self._steps_per_volume * duration_s) // self.modulus)

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
        return _nearest(self.remainder * US_PER_S, self.flow(rate_nl))

    def until_next_step_us(self, rate_nl: int) -> int:
        """Time until the plan passes the next whole step at `rate_nl` > 0, to the nearest."""
        return _nearest((self.modulus - self.remainder) * US_PER_S, self.flow(rate_nl))


def _nearest(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
