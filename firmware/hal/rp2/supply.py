"""The motor's supply, measured behind a divider."""

import time

from machine import ADC

_LOOKS = 4
_APART_US = 300
_BITS = 16


class Supply:
    """On an analogue `pin`; `full_scale_mv` is the supply at which the pin has 3.3 V, `low_mv` what it must not fall below."""

    def __init__(self, pin: int, full_scale_mv: int, low_mv: int) -> None:
        self._adc = ADC(pin)
        self._full_scale_mv = full_scale_mv
        self._low_mv = low_mv

    def mv(self) -> int | None:
        return self._adc.read_u16() * self._full_scale_mv >> _BITS

    def low(self) -> bool:
        """Whether it is too low at each of a few looks within a millisecond: one look may meet a spike of the motor."""
        for _ in range(_LOOKS):
            if self._adc.read_u16() * self._full_scale_mv >> _BITS >= self._low_mv:
                return False
            time.sleep_us(_APART_US)
        return True
