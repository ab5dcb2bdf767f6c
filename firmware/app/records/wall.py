"""The wall time: UTC from the hal's clock; the offset to local time and its next change from the store."""

import struct

from app.records.store import StoreError
from pumpcore.program.schedule import Week, Zone
from pumpcore.units import const

if 0:  # for the type checker alone
    from app.types import Clock, Store

_ZONE = const("<iIiI")
_ZONE_BYTES = const(16)
_LENGTHS_BYTES = const((0, 4, 16))  # older firmware stored the offset alone
_CLOCK_LOOK_MS = const(1_000)
_RETRY_MS = const(300_000)
_END_UTC_S = const((1 << 32) - 86_400)  # 2106-02-06: what a record or a lease adds still fits


class WallClock:
    """`known`: the wall time may be used. `zone` is local time minus UTC; `damaged`: it was lost; `zone_known`: a host set it.

    `set_utc_s`: when a host last set the clock, 0 if never; the drift counts from there.
    """

    def __init__(self, clock: "Clock", store: "Store") -> None:
        self.clock = clock
        self.store = store
        self.look_ms = 0
        self.told = False
        self.damaged = False
        self.set_utc_s = 0
        self.zone_known = False
        self.zone = self._load_zone()

    def _load_zone(self) -> Zone:
        try:
            stored = self.store.load("offset") or b""
        except StoreError:
            stored = None
        if stored is None or len(stored) not in _LENGTHS_BYTES:
            self.damaged = True
            return Zone(0)
        self.zone_known = len(stored) > 0
        offset_s, transition_utc_s, transition_offset_s, self.set_utc_s = struct.unpack(_ZONE, stored + bytes(_ZONE_BYTES - len(stored)))
        return Zone(offset_s, transition_utc_s, transition_offset_s)

    def known(self) -> bool:
        """Return True if the wall time may be used."""
        return self.utc_s() > 0 and not self.damaged

    def utc_s(self) -> int:
        """Return seconds since 1970; 0 if unknown, also on the last day that 32 bits can hold."""
        utc_s = self.clock.utc_s()
        return utc_s if utc_s < _END_UTC_S else 0

    def week(self, duration_s: int) -> Week:
        """Return the local time from `duration_s` seconds ago on. The time must be known."""
        return Week(self.utc_s() - duration_s, self.zone)

    def describe(self) -> dict:
        """Return the wall time as the protocol reports it.

        `offset_s` is in force now; a transition of 0 means none ahead; `utc_fraction_ms` is None if the clock chip has whole seconds only.
        """
        utc_s, zone = self.utc_s(), self.zone
        passed = zone.passed(utc_s)
        return {
            "utc_s": utc_s,
            "utc_fraction_ms": self.clock.fraction_ms() if utc_s else None,
            "offset_s": zone.offset_at_s(utc_s),
            "transition_utc_s": 0 if passed else zone.transition_utc_s,
            "transition_offset_s": 0 if passed else zone.transition_offset_s,
            "clock_set_utc_s": self.set_utc_s if utc_s else 0,
            "zone_known": self.zone_known,
        }

    def set(self, utc_s: int, zone: Zone) -> None:
        """Set clock, clock chip and zone. Raises OSError or StoreError if the zone cannot be stored; then nothing is set."""
        if self.damaged or self.clock.has_chip or not self.zone_known or zone.values() != self.zone.values():
            self._keep(zone, utc_s)
        self.zone_known = True
        self.zone, self.set_utc_s = zone, utc_s
        self.damaged = self.told = False
        self.look_ms = 0
        self.clock.set_utc_s(utc_s)

    def _keep(self, zone: Zone, set_utc_s: int) -> None:
        self.store.save("offset", struct.pack(_ZONE, *zone.values(), set_utc_s))

    def due(self, uptime_ms: int) -> bool:
        """Return True if the transition has passed: first journal it (`told` is False), then settle it. Ask again at `look_ms`."""
        self.look_ms = uptime_ms + (_CLOCK_LOOK_MS if self.zone.transition_utc_s else _RETRY_MS)
        return self.zone.passed(self.utc_s())

    def settle(self) -> None:
        """Make the offset after the transition the offset. Raises OSError or StoreError; it is tried again later."""
        zone = Zone(self.zone.transition_offset_s)
        self.look_ms += _RETRY_MS
        self._keep(zone, self.set_utc_s)
        self.zone, self.told = zone, False
