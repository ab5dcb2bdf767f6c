"""The clock chip DS3231: it keeps UTC without power, and says when its oscillator has stood still."""

from machine import I2C, Pin

_ADDRESS = 0x68
_STATUS = 0x0F
_STOPPED = 0x80
_REGISTERS = 16
_CENTURY = 80  # what the century bit adds to the month, read as two decimal digits
_HZ = 400_000
_S_PER_DAY = 86_400
_DAYS_TO_2000 = 10_957


class Ds3231:
    """OSError, from the constructor as from every function, when the chip does not answer."""

    def __init__(self, sda: int, scl: int) -> None:
        self._bus = I2C(sda // 2 % 2, sda=Pin(sda), scl=Pin(scl), freq=_HZ)
        self._registers = bytearray(_REGISTERS)
        self.utc_s()

    def utc_s(self) -> int:
        """Seconds since 1970; 0 when its oscillator stopped since it was set, or what it holds is no time."""
        data = self._registers
        self._bus.readfrom_mem_into(_ADDRESS, 0, data)
        if data[_STATUS] & _STOPPED:
            return 0
        return seconds(data)

    def set_utc_s(self, utc_s: int) -> None:
        """2000 to 2099. The time counts as known only when the chip has taken all of it."""
        self._bus.writeto_mem(_ADDRESS, 0, fields(utc_s))
        self._bus.writeto_mem(_ADDRESS, _STATUS, b"\x00")


def seconds(data: bytes | bytearray) -> int:
    """UTC of the chip's first seven registers (second, minute, hour, weekday, day, month, year); 0 when they hold no time."""
    second, minute, hour, _, day, month, year = [(part >> 4) * 10 + (part & 15) for part in data[:7]]
    month %= _CENTURY
    if second > 59 or minute > 59 or hour > 23 or not 1 <= day <= 31 or not 1 <= month <= 12 or year > 99:
        return 0
    return ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second


def fields(utc_s: int) -> bytes:
    """The chip's first seven registers for UTC, 24 hour format."""
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
    """Days since 1970; the year is counted from 2000, and every fourth to 2099 is a leap year."""
    before = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)[month - 1]
    leaps = (year + 3) // 4 + (year % 4 == 0 and month > 2)
    return _DAYS_TO_2000 + year * 365 + leaps + before + day - 1
