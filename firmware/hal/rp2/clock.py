"""Uptime by the crystal that also paces the steps; UTC by the clock chip DS3231, or else by the crystal since it was set."""

import time

from machine import I2C, Pin
from micropython import const

# --- ds3231 ------------------------------------------------------------------------------------------------------------------
# The DS3231 keeps UTC without power, and reports if its oscillator stopped.

_ADDRESS = const(0x68)
_STATUS = const(0x0F)
_CLOCK_STOPPED = const(0x80)
_REGISTERS = const(16)
_CENTURY = const(80)  # the century bit, read as part of a two-digit decimal month
# 100 kHz: with 10 kOhm pull-ups and 60 pF a line rises in 0.44 us (computed). 400 kHz allows 0.3 us, 100 kHz 1 us. A read takes 1.7 ms.
_HZ = const(100_000)
_S_PER_DAY = const(86_400)
_DAYS_TO_2000 = const(10_957)


class Ds3231:
    """The clock chip. Every function and the constructor raise OSError if it does not answer."""

    def __init__(self, sda: int, scl: int) -> None:
        self._bus = I2C(sda // 2 % 2, sda=Pin(sda), scl=Pin(scl), freq=_HZ)
        self.registers = bytearray(_REGISTERS)
        self.utc_s()

    def utc_s(self) -> int:
        """Return seconds since 1970; 0 if the oscillator stopped since the time was set, or the registers hold no time."""
        data = self.registers
        self._bus.readfrom_mem_into(_ADDRESS, 0, data)
        if data[_STATUS] & _CLOCK_STOPPED:
            return 0
        return seconds(data)

    def set_utc_s(self, utc_s: int) -> None:
        """Set the time, 2000 to 2099. The stop flag is cleared only after the chip has taken the whole time."""
        self._bus.writeto_mem(_ADDRESS, 0, fields(utc_s))
        self._bus.writeto_mem(_ADDRESS, _STATUS, b"\x00")


def seconds(data: bytes | bytearray) -> int:
    """Return the UTC of the first seven registers (second, minute, hour, weekday, day, month, year); 0 if they hold no time."""
    second, minute, hour, _, day, month, year = [(part >> 4) * 10 + (part & 15) for part in data[:7]]
    month %= _CENTURY
    if second > 59 or minute > 59 or hour > 23 or not 1 <= day <= 31 or not 1 <= month <= 12 or year > 99:
        return 0
    return ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second


def fields(utc_s: int) -> bytes:
    """Return the first seven registers for this UTC, in 24 hour format."""
    days, rest_s = divmod(utc_s, _S_PER_DAY)
    year = 99
    while _days(year, 1, 1) > days:
        year -= 1
    month = 12
    while _days(year, month, 1) > days:
        month -= 1
    weekday = (days + 3) % 7 + 1  # 1970 began on a Thursday; the chip leaves the meaning to us: 1 is Monday
    parts = (rest_s % 60, rest_s // 60 % 60, rest_s // 3600, weekday, days - _days(year, month, 1) + 1, month, year)
    return bytes([part // 10 << 4 | part % 10 for part in parts])


def _days(year: int, month: int, day: int) -> int:
    """Return days since 1970. `year` counts from 2000; to 2099 every fourth is a leap year."""
    before = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)[month - 1]
    leaps = (year + 3) // 4 + (year % 4 == 0 and month > 2)
    return _DAYS_TO_2000 + year * 365 + leaps + before + day - 1


# --- clock -------------------------------------------------------------------------------------------------------------------


class Clock:
    """`has_chip`: UTC survives a power cut."""

    def __init__(self) -> None:
        self.chip: "Ds3231 | None" = None
        self.has_chip = False
        self.ticks_ms = time.ticks_ms()
        self._uptime_ms: int = self.ticks_ms  # type: ignore[assignment]  # the stubs keep ticks opaque; at boot they are small
        self._set_to_s = 0
        self.at_ms = 0

    def attach(self, chip: "Ds3231") -> None:
        """From now on `chip` keeps the wall time."""
        self.chip = chip
        self.has_chip = True

    def uptime_ms(self) -> int:
        """Return the time since boot. Never wraps if it is called at least once in six days."""
        ticks_ms = time.ticks_ms()
        self._uptime_ms += time.ticks_diff(ticks_ms, self.ticks_ms)
        self.ticks_ms = ticks_ms
        return self._uptime_ms

    def utc_s(self) -> int:
        """Return seconds since 1970; 0 if unknown, also if the chip no longer answers."""
        if self.chip is not None:
            try:
                return self.chip.utc_s()
            except OSError:
                return 0
        if self._set_to_s == 0:
            return 0
        return self._set_to_s + (self.uptime_ms() - self.at_ms) // 1000

    def fraction_ms(self) -> int | None:
        """Return the milliseconds of the present second; None with a chip, which has whole seconds only."""
        return None if self.chip is not None else (self.uptime_ms() - self.at_ms) % 1000

    def set_utc_s(self, utc_s: int) -> None:
        """Set the time. Raises OSError if the chip does not take it."""
        if self.chip is not None:
            self.chip.set_utc_s(utc_s)
        self._set_to_s = utc_s
        self.at_ms = self.uptime_ms()
