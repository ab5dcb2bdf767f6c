"""A DS3231 clock chip on an I2C block of the emulated board. Its battery keeps it running while the board has no power.

Registers as in its data sheet (19-5170): BCD time in 0x00-0x06, control 0x0E, status 0x0F with the oscillator-stopped flag.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

ADDRESS = 0x68
_STATUS, _STOPPED_FLAG = 0x0F, 0x80
_REGISTERS = 0x13
_TIME_REGISTERS = 7
_YEAR_ONE = datetime(2000, 1, 1, tzinfo=UTC)


class ClockChip:
    """`now_ns` gives true time. A new chip has its oscillator-stopped flag set: its time means nothing."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._registers = bytearray(_REGISTERS)
        self._registers[_STATUS] = _STOPPED_FLAG
        self._set_to = _YEAR_ONE
        self._set_at_ns = now_ns()
        self._pointer = 0
        self._first = True
        self._latched = bytes(_TIME_REGISTERS)

    def connect(self, block: Any) -> None:
        """Connect the chip to an I2C block of a board that has power."""

        def start(repeated: bool) -> None:
            block.complete_start()

        def address(number: int, mode: Any) -> None:
            self._first = True
            self._latched = self._time_registers()
            block.complete_connect(number == ADDRESS)

        def write(value: int) -> None:
            self._write(value)
            block.complete_write(True)

        block.on_start, block.on_connect, block.on_write_byte = start, address, write
        block.on_read_byte = lambda acknowledged: block.complete_read(self._read())

    def stop_oscillator(self) -> None:
        """Set the flag, as after an empty battery."""
        self._registers[_STATUS] |= _STOPPED_FLAG

    def now(self) -> datetime:
        """The time of the chip."""
        return self._set_to + timedelta(microseconds=(self._now_ns() - self._set_at_ns) // 1000)

    def _time_registers(self) -> bytes:
        now = self.now()
        values = (now.second, now.minute, now.hour, now.isoweekday(), now.day, now.month, now.year - 2000)
        return bytes(_bcd(value) for value in values)

    def _read(self) -> int:
        at, self._pointer = self._pointer, (self._pointer + 1) % _REGISTERS
        return self._latched[at] if at < _TIME_REGISTERS else self._registers[at]

    def _write(self, value: int) -> None:
        if self._first:
            self._first = False
            self._pointer = value % _REGISTERS
            return
        at, self._pointer = self._pointer, (self._pointer + 1) % _REGISTERS
        if at < _TIME_REGISTERS:
            self._set(at, value)
        else:
            self._registers[at] = value

    def _set(self, at: int, value: int) -> None:
        fields = bytearray(self._time_registers())
        fields[at] = value
        second, minute, hour, _, day, month, year = (_number(field) for field in fields)
        # a burst passes through dates that do not exist (31 February): keep the day and count on from the first
        first = datetime(2000 + year, max(1, month), 1, hour, minute, second, tzinfo=UTC)
        self._set_to = first + timedelta(days=max(1, day) - 1)
        self._set_at_ns = self._now_ns()


def _bcd(value: int) -> int:
    return value // 10 << 4 | value % 10


def _number(field: int) -> int:
    return (field >> 4) * 10 + (field & 15)
