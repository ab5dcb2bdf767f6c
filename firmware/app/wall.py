"""Time of day on the pump: UTC from the hal's clock, the offset to local time from the store."""

import struct

from app.store import StoreError
from pumpcore import schedule

_OFFSET = "<i"


class WallClock:
    """`known` says whether the time of day may be used; `offset_s` is local time minus UTC, `damaged` when that was lost."""

    def __init__(self, clock: object, store: object) -> None:
        self._clock = clock
        self._store = store
        self.damaged = False
        self.offset_s = self._load_offset()

    def _load_offset(self) -> int:
        try:
            stored = self._store.load("offset")
        except StoreError:
            self.damaged = True
            return 0
        return struct.unpack(_OFFSET, stored)[0] if stored else 0

    def known(self) -> bool:
        return self._clock.utc_s() > 0 and not self.damaged

    def utc_s(self) -> int:
        return self._clock.utc_s()

    def second_of_week(self) -> int:
        """Local second of the week; only to be called when known."""
        return schedule.second_of_week(self._clock.utc_s(), self.offset_s)

    def set(self, utc_s: int, offset_s: int) -> None:
        """Sets clock, clock chip and offset. OSError or StoreError when the offset can't be kept."""
        if offset_s != self.offset_s or self.damaged:
            self._store.save("offset", struct.pack(_OFFSET, offset_s))
            self.offset_s = offset_s
            self.damaged = False
        self._clock.set_utc_s(utc_s)
