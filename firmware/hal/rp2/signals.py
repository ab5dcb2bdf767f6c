"""What the bench has besides its motor: buzzer, LED, and the measured supply. All of them are optional."""

import time

from machine import ADC, PWM, Pin
from micropython import const

# --- signals -----------------------------------------------------------------------------------------------------------------
# Buzzer and LED. Their pins are optional: without one there is nothing to hear or to see.

# pattern: (tone, duty of 65535). A continuous tone needs no CPU, and a dead one does not end it.
_TONES = {"off": (2_000, 0), "low": (1_000, 3_000), "high": (2_700, 32_768)}


class Buzzer:
    """A passive buzzer on `pin`, None for none."""

    def __init__(self, pin: int | None = None) -> None:
        self._pwm = None if pin is None else PWM(Pin(pin), freq=_TONES["off"][0], duty_u16=0)

    def sound(self, pattern: str) -> None:
        """`off`, `low` or `high`; KeyError for anything else."""
        tone_hz, duty = _TONES[pattern]
        if self._pwm is not None:
            self._pwm.freq(tone_hz)
            self._pwm.duty_u16(duty)


class Led:
    """A light on `pin`, None for none."""

    def __init__(self, pin: int | None = None) -> None:
        self._pin = None if pin is None else Pin(pin, Pin.OUT, value=0)

    def set(self, on: bool) -> None:
        if self._pin is not None:
            self._pin.value(on)


# --- supply ------------------------------------------------------------------------------------------------------------------
# The motor's supply, measured behind a divider.

_LOOKS = const(4)
_APART_US = const(300)
_BITS = const(16)


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
