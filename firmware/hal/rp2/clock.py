"""Time: uptime by the crystal that also paces the steps; UTC by the clock chip or, without one, by the crystal since it was set."""

import time

if 0:  # for the type checker alone
    from hal.rp2.ds3231 import Ds3231


class Clock:
    """`has_chip`: UTC survives a power cut."""

    def __init__(self) -> None:
        self._chip: "Ds3231 | None" = None
        self.has_chip = False
        self._ticks_ms = time.ticks_ms()
        self._uptime_ms: int = self._ticks_ms  # type: ignore[assignment]  # the stubs keep ticks opaque; at boot they are small
        self._set_to_s = 0
        self._set_at_ms = 0

    def attach(self, chip: "Ds3231") -> None:
        """From now on `chip` (utc_s, set_utc_s) keeps the time of day."""
        self._chip = chip
        self.has_chip = True

    def uptime_ms(self) -> int:
        """Since boot; never wraps, as long as it is called once in six days."""
        ticks_ms = time.ticks_ms()
        self._uptime_ms += time.ticks_diff(ticks_ms, self._ticks_ms)
        self._ticks_ms = ticks_ms
        return self._uptime_ms

    def utc_s(self) -> int:
        """Seconds since 1970; 0 is unknown, also when the chip does not answer any more."""
        if self._chip is not None:
            try:
                return self._chip.utc_s()
            except OSError:
                return 0
        if self._set_to_s == 0:
            return 0
        return self._set_to_s + (self.uptime_ms() - self._set_at_ms) // 1000

    def fraction_ms(self) -> int | None:
        """Milliseconds of the present second; None when the chip keeps the time, which tells whole seconds."""
        return None if self._chip is not None else (self.uptime_ms() - self._set_at_ms) % 1000

    def set_utc_s(self, utc_s: int) -> None:
        """OSError when the chip does not take it."""
        if self._chip is not None:
            self._chip.set_utc_s(utc_s)
        self._set_to_s = utc_s
        self._set_at_ms = self.uptime_ms()
