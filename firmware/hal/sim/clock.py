"""Uptime by the crystal; UTC by the clock chip, or else by the crystal since it was set."""

import time

from micropython import const

from hal.sim import panel

_DAY_MS = const(86_400_000)


class Clock:
    """`has_chip`: UTC survives a power cut."""

    def __init__(self, chip: panel.Device | None, pulses: panel.Pulses) -> None:
        self.chip = chip
        self._pulses = pulses
        self.has_chip = chip is not None
        self.ticks_ms = time.ticks_ms()
        self._uptime_ms: int = self.ticks_ms  # type: ignore[assignment]  # the stubs keep ticks opaque; at boot they are small
        self._known_until_ms = 0  # the ticks must be read again by then
        self._set_to_s = 0
        self.at_ms = 0

    def uptime_ms(self) -> int:
        """Return the time since boot. Never wraps if it is called at least once in six days.

        After a wait its answer is used: time moves only in waits and while the flash is written.
        """
        now_ms = self._pulses.uptime_ms
        self._pulses.uptime_ms = -1
        if 0 <= now_ms < self._known_until_ms:
            return now_ms
        ticks_ms = time.ticks_ms()
        self._uptime_ms += time.ticks_diff(ticks_ms, self.ticks_ms)
        self.ticks_ms = ticks_ms
        self._known_until_ms = self._uptime_ms + _DAY_MS
        return self._uptime_ms

    def utc_s(self) -> int:
        """Return seconds since 1970; 0 if unknown."""
        if self.chip is not None:
            return self.chip.answer_u64()
        if self._set_to_s == 0:
            return 0
        return self._set_to_s + (self.uptime_ms() - self.at_ms) // 1000

    def fraction_ms(self) -> int | None:
        """Return the milliseconds of the present second; None with a chip, which has whole seconds only."""
        return None if self.chip is not None else (self.uptime_ms() - self.at_ms) % 1000

    def set_utc_s(self, utc_s: int) -> None:
        """Set the time."""
        if self.chip is not None:
            self.chip.order_u64(utc_s)
        self._set_to_s = utc_s
        self.at_ms = self.uptime_ms()
