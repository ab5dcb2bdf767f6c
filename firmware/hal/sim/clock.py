"""Time: uptime by the crystal, UTC by the clock chip or, without one, by the crystal since it was set."""

import time

from micropython import const

from hal.sim import panel

_DAY_MS = const(86_400_000)


class Clock:
    """`has_chip`: UTC survives a power cut."""

    def __init__(self, chip: panel.Device | None, pulses: panel.Pulses) -> None:
        self._chip = chip
        self._pulses = pulses
        self.has_chip = chip is not None
        self._ticks_ms = time.ticks_ms()
        self._uptime_ms: int = self._ticks_ms  # type: ignore[assignment]  # the stubs keep ticks opaque; at boot they are small
        self._known_until_ms = 0  # by then the ticks must be looked at
        self._set_to_s = 0
        self._set_at_ms = 0

    def uptime_ms(self) -> int:
        """Since boot; never wraps, as long as it is called once in six days. Behind a wait its answer holds it: time moves in waits, and
        while the flash is written."""
        now_ms = self._pulses.uptime_ms
        self._pulses.uptime_ms = -1
        if 0 <= now_ms < self._known_until_ms:
            return now_ms
        ticks_ms = time.ticks_ms()
        self._uptime_ms += time.ticks_diff(ticks_ms, self._ticks_ms)
        self._ticks_ms = ticks_ms
        self._known_until_ms = self._uptime_ms + _DAY_MS
        return self._uptime_ms

    def utc_s(self) -> int:
        """Seconds since 1970; 0 is unknown."""
        if self._chip is not None:
            return self._chip.answer_u64()
        if self._set_to_s == 0:
            return 0
        return self._set_to_s + (self.uptime_ms() - self._set_at_ms) // 1000

    def fraction_ms(self) -> int | None:
        """Milliseconds of the present second; None when the chip keeps the time, which tells whole seconds."""
        return None if self._chip is not None else (self.uptime_ms() - self._set_at_ms) % 1000

    def set_utc_s(self, utc_s: int) -> None:
        if self._chip is not None:
            self._chip.order_u64(utc_s)
        self._set_to_s = utc_s
        self._set_at_ms = self.uptime_ms()
