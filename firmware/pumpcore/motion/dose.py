"""Calibration and dose: from volumes to steps, with the exact remainder carried on."""

from pumpcore.units import HZ4_PER_HZ, S_PER_DAY, US_PER_S, const, floor_div

# --- calibration -------------------------------------------------------------------------------------------------------------
# How much a step moves: a pair of integers (volume_nl, steps), never a decimal number of nl per step.

UNCALIBRATED = const("UNCALIBRATED")
CALIBRATED = const("CALIBRATED")
EXPIRED = const("EXPIRED")


class Calibration:
    """`steps` steps move `volume_nl` nanolitres, both 1 .. 2**32-1. `state` is UNCALIBRATED until somebody weighed.

    Raises ValueError if a number is out of range.
    """

    def __init__(self, volume_nl: int, steps: int, state: str = UNCALIBRATED) -> None:
        if not (0 < volume_nl < 1 << 32 and 0 < steps < 1 << 32):
            raise ValueError("calibration pair out of range")
        self.volume_nl = volume_nl
        self.steps = steps
        self.state = state

    def steps_for_nl(self, volume_nl: int) -> int:
        """Return the whole steps that do not exceed `volume_nl` (rounded down)."""
        return floor_div(volume_nl * self.steps, self.volume_nl)

    def nl_for_steps(self, steps: int) -> int:
        """Return the volume of `steps` [nl], rounded down. For display and limits; never compute steps from it."""
        return floor_div(steps * self.volume_nl, self.steps)

    def describe(self) -> dict:
        """Return the calibration as the protocol reports it."""
        return {"volume_nl": self.volume_nl, "steps": self.steps, "state": self.state}


class Validity:
    """How long a weighed calibration holds: `expires_nl` from `position_steps`, `expires_days` from `utc_s`; 0 = no limit.

    `told`: the expiry has been reported. It was weighed in `runs` runs that scattered by `scatter_ppm`.
    """

    scatter_ppm = runs = 0

    def __init__(self, name: str, position_steps: int, utc_s: int, expires_nl: int, expires_days: int) -> None:
        self.id = name
        self.position_steps = position_steps
        self.utc_s = utc_s
        self.expires_nl = expires_nl
        self.expires_utc_s = utc_s + expires_days * S_PER_DAY if expires_days else 0
        self.told = False

    def expired(self, delivered_nl: int, utc_s: int) -> str:
        """Return "" while it holds, else "volume" or "date". With `utc_s` 0 (time unknown) the date is not judged."""
        if self.expires_nl and delivered_nl >= self.expires_nl:
            return "volume"
        return "date" if self.expires_utc_s and utc_s >= self.expires_utc_s else ""


# --- dose --------------------------------------------------------------------------------------------------------------------
# One accumulator per source: volume to steps, rounded down, the remainder carried, exact over any number of slices.
#
# The plan of a source at rate `rate_nl` per `rate_seconds_s` is the rational line
#
#     steps(t) = rate_nl * calibration.steps * t / (rate_seconds_s * calibration.volume_nl)
#
# and the accumulator holds its fraction as an integer modulo rate_seconds_s * volume_nl. A step is due when the plan passes a whole number,
# so the delivery lags the plan by less than one step at every moment.

_SMALL = const(1 << 30)


class Accumulator:
    """Turn (rate, whole seconds) into whole steps. `remainder` is below `modulus`, in units of 1/modulus step.

    A negative remainder means steps that already count as made: none falls due until the plan has passed them.
    """

    def __init__(self, rate_seconds_s: int, calibration: Calibration) -> None:
        self._steps_per_volume = calibration.steps
        self.modulus = rate_seconds_s * calibration.volume_nl
        self.remainder = 0
        self._rate_nl = self._flow = self._half = 0
        self.duration_s = self._whole = self.part = 0
        self._divided_by = 0

    def flow(self, rate_nl: int) -> int:
        """Return the plan's slope in 1/modulus steps per second."""
        if rate_nl != self._rate_nl:
            self._rate_nl, self._flow = rate_nl, rate_nl * self._steps_per_volume
            self._half = self._flow >> 1
            self.duration_s = 0
        return self._flow

    def rate_hz4(self, rate_nl: int) -> int:
        """Return the plan's slope in 1/10,000 Hz, rounded down."""
        return self.flow(rate_nl) * HZ4_PER_HZ // self.modulus

    def rate_nl(self, rate_hz4: int) -> int:
        """Return the highest rate [nl per the rate's seconds] whose `rate_hz4` is at most `rate_hz4`."""
        return ((rate_hz4 + 1) * self.modulus - 1) // (self._steps_per_volume * HZ4_PER_HZ)

    def advance(self, rate_nl: int, duration_s: int) -> int:
        """Return the steps that fall due in the next `duration_s` seconds at `rate_nl`; carry the remainder.

        Slices of the same length and rate share one division, because each division of large numbers leaves garbage.
        """
        modulus = self.modulus
        if duration_s != self.duration_s or rate_nl != self._rate_nl or modulus is not self._divided_by:
            flow = self.flow(rate_nl)
            self.duration_s, self._divided_by = duration_s, modulus
            self._whole, self.part = divmod(flow * duration_s, modulus)
            if self._whole < _SMALL:  # a large integer that holds a small value would be garbage at each use; this makes a small one
                self._whole = int.from_bytes(self._whole.to_bytes(4, "little"), "little")
        steps, remainder = self._whole, self.remainder + self.part
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
        """Return what `advance` would return, without advancing."""
        return max(0, (self.remainder + self.flow(rate_nl) * duration_s) // self.modulus)

    def refine(self, parts: int) -> None:
        """Take rates in 1 / `parts` nl from here on. The remainder keeps its part of a step."""
        self.modulus *= parts
        self.remainder *= parts

    def coarsen(self, parts: int) -> int:
        """End `refine`. Return the part of the remainder that the coarser modulus cannot hold (less than 1 / modulus of a step)."""
        self.remainder, lost = divmod(self.remainder, parts)
        self.modulus //= parts
        return lost

    def since_last_step_us(self, rate_nl: int) -> int:
        """Return the time since the plan last passed a whole step, rounded to 1 us. Valid after `advance` returned > 0."""
        if rate_nl != self._rate_nl:
            self.flow(rate_nl)
        return (self.remainder * US_PER_S + self._half) // self._flow

    def until_next_step_us(self, rate_nl: int) -> int:
        """Return the time until the plan passes the next whole step, rounded to 1 us. `rate_nl` must be > 0."""
        flow = self.flow(rate_nl)
        return ((self.modulus - self.remainder) * US_PER_S + self._half) // flow
