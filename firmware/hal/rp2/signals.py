"""Buzzer and LED. Their pins are optional: without one there is nothing to hear or to see."""

from machine import PWM, Pin

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
