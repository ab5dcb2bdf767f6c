"""Optional parts of the bench besides the motor: buzzer, LED, and the measured supply."""

import time

from machine import ADC, PWM, Pin
from micropython import const

# --- signals -----------------------------------------------------------------------------------------------------------------
# Without a pin, buzzer and LED do nothing.

# pattern: (tone, duty of 65535). The PWM needs no CPU, so the tone continues even if the CPU hangs.
_TONES = {"off": (2_000, 0), "low": (1_000, 3_000), "high": (2_700, 32_768)}


class Buzzer:
    """A passive buzzer on `pin`; None for none."""

    def __init__(self, pin: int | None = None) -> None:
        self.channel = None if pin is None else PWM(Pin(pin), freq=_TONES["off"][0], duty_u16=0)

    def sound(self, value: str) -> None:
        """Sound `off`, `low` or `high`. Raises KeyError for anything else."""
        tone_hz, duty = _TONES[value]
        if self.channel is not None:
            self.channel.freq(tone_hz)
            self.channel.duty_u16(duty)


class Led:
    """A light on `pin`; None for none."""

    def __init__(self, pin: int | None = None) -> None:
        self.pin = None if pin is None else Pin(pin, Pin.OUT, value=0)

    def set(self, on: bool) -> None:
        """Switch the light on or off."""
        if self.pin is not None:
            self.pin.value(on)


# --- supply ------------------------------------------------------------------------------------------------------------------
# The motor's supply, measured after a divider.

_LOOKS = const(4)
_APART_US = const(300)
_FULL = const(65_535)  # the reading at 3.3 V and above: an open lower resistor gives it, so it must reach every allowed limit


class Supply:
    """The supply on an analogue `pin`. `full_scale_mv`: the supply that gives 3.3 V there; `low_mv`, `high_mv`: its limits (0: none)."""

    def __init__(self, pin: int, full_scale_mv: int, low_mv: int, high_mv: int) -> None:
        self.channel = ADC(pin)
        self.full_scale_mv = full_scale_mv
        self.low_mv = low_mv
        self.high_mv = high_mv or full_scale_mv + 1

    def mv(self) -> int:
        """Return the supply [mV], from one reading."""
        return self.channel.read_u16() * self.full_scale_mv // _FULL

    def amiss(self) -> str:
        """Return the alarm's name if four readings within about a millisecond are all outside the limits, else "".

        One reading may meet a spike of the motor.
        """
        supply_mv = 0
        for _ in range(_LOOKS):
            supply_mv = self.mv()
            if self.low_mv <= supply_mv < self.high_mv:
                return ""
            time.sleep_us(_APART_US)
        return "motor_supply" if supply_mv < self.low_mv else "motor_supply_high"
