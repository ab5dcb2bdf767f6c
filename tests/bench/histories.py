"""The journal of a pump after so many days: four entries, twelve boluses, a temporary rate, a stop and a power cut a day."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from pumpcore.motion.dose import Calibration
from pumpcore.program.packing import digest, pack
from pumpcore.wire import record_types, records
from support.programs import MONDAY_UTC_S, every_day
from thecal.history.evidence import Evidence
from thecal.history.plan import Prescribed
from thecal.history.rows import row

DAY_S, HOUR_S, TOTAL_S = 86_400, 3_600, 300
PAIR = Calibration(1_000_003, 99_991)
ENTRIES = ((0, 40_000), (360, 60_000), (720, 120_000), (1200, 45_000))
BOLUS_NL, BOLUS_RATE_NL, BOLUS_STEPS, BOLUS_S = 20_000, 2_000_000, 1_999, 36
STOP_S, STAND_S = 11 * HOUR_S + 1_800, 60
CUT_S, OFF_S = 15 * HOUR_S + 1_234, 600
HALF_S = 17 * HOUR_S + 100
LEASE_STEPS = 40
Event = tuple[int, str]


class Pump:
    """Write the records like the firmware; `raw` holds them as in the flash."""

    def __init__(self, days: int) -> None:
        self.days = days
        self.raw = bytearray()
        self.program = every_day(*ENTRIES)
        self.known = Prescribed(self.program, digest(pack(self.program)), PAIR)
        self._sequence = self._boot = self._position = self._uncertain = self._bolus = self._boot_s = self._booked_s = 0
        self._half = self._stands = False
        self._due = Fraction(0)
        for at_s, what in sorted(self._events()):
            self._pass(at_s)
            getattr(self, "_" + what)(at_s)

    def _events(self) -> Iterator[Event]:
        yield 0, "boots"
        yield 0, "goes"
        for day in range(self.days):
            begin_s = day * DAY_S
            for at_s in range(TOTAL_S, DAY_S, TOTAL_S):
                if not CUT_S <= at_s < CUT_S + OFF_S:
                    yield begin_s + at_s, "total"
            for minute, _ in ENTRIES:
                yield begin_s + minute * 60 + 1, "entry"
            for number in range(12):
                at_s = begin_s + number * 2 * HOUR_S + 301 + 7 * number
                yield at_s, "orders"
                yield at_s + 4, "bolus_begins"
                yield at_s + 4 + BOLUS_S, "dose_is_over"
            yield begin_s + STOP_S, "stops"
            yield begin_s + STOP_S + STAND_S, "goes"
            yield begin_s + CUT_S + OFF_S, "boots"
            yield begin_s + CUT_S + OFF_S, "resumes"
            yield begin_s + HALF_S, "half_begins"
            yield begin_s + HALF_S + HOUR_S, "half_ends"

    def _add(self, name: str, at_s: int, *values: object) -> None:
        self._sequence += 1
        stamp = (self._boot, self._sequence, (at_s - self._boot_s) * 1000, MONDAY_UTC_S + at_s)
        self.raw += records.encode_record(name, stamp, values)

    def _pass(self, at_s: int) -> None:
        """Deliver the basal from the last event on; nothing while the pump is stopped or off."""
        off = self._booked_s % DAY_S < CUT_S + OFF_S <= at_s % DAY_S
        if not self._stands:
            end_s = at_s - at_s % DAY_S + CUT_S if off else at_s
            part = self.known.steps(MONDAY_UTC_S + self._booked_s, max(0, end_s - self._booked_s))
            self._due += part / 2 if self._half else part
        steps = int(self._due)
        self._due -= steps
        self._position += steps
        self._booked_s = at_s

    def _boots(self, at_s: int) -> None:
        self._boot, self._boot_s = self._boot + 1, at_s
        opened = LEASE_STEPS if self._boot > 1 else 0
        confirmed = self._position
        self._position += opened
        self._uncertain += opened
        powered_on_s = at_s - (self._boot - 1) * OFF_S
        told = (powered_on_s, confirmed, self._position, opened, self._boot, b"\1" * 16)
        self._add("boot", at_s, 0, b"\0" * 8, b"\0" * 8, *told)

    def _goes(self, at_s: int, by: int = 0) -> None:
        self._stands = False
        self._add("started", at_s, by, self._position, bytes.fromhex(self.known.digest), at_s)
        self._entry(at_s)

    def _resumes(self, at_s: int) -> None:
        missed = int(self.known.steps(MONDAY_UTC_S + at_s - OFF_S, OFF_S)) - LEASE_STEPS
        self._add("missed", at_s, 0, MONDAY_UTC_S + at_s - OFF_S, MONDAY_UTC_S + at_s, missed)
        self._goes(at_s, 1)

    def _entry(self, at_s: int) -> None:
        minute = at_s // 60 % 10_080
        index = max(index for index, (begin, _) in enumerate(self.program.entries) if begin <= minute)
        self._add("entry", at_s, index, self.program.entries[index][1], self._position, self._position)

    def _stops(self, at_s: int) -> None:
        self._stands = True
        self._add("stopped", at_s, 0, self._position, self._position, at_s)

    def _total(self, at_s: int) -> None:
        self._add("total", at_s, self._position, self._position, self._position, at_s)

    def _orders(self, at_s: int) -> None:
        self._bolus += 1
        self._add("bolus_ordered", at_s, self._token(), BOLUS_NL, BOLUS_RATE_NL, BOLUS_STEPS)

    def _bolus_begins(self, at_s: int) -> None:
        self._add("bolus_started", at_s, self._token())

    def _dose_is_over(self, at_s: int) -> None:
        self._position += BOLUS_STEPS
        self._add("bolus_ended", at_s, self._token(), 0, BOLUS_STEPS)

    def _token(self) -> bytes:
        return self._bolus.to_bytes(8, "big")

    def _half_begins(self, at_s: int) -> None:
        self._half = True
        self._add("temporary_ordered", at_s, b"\1" + self._token()[1:], 0, 1, 2, HOUR_S)

    def _half_ends(self, at_s: int) -> None:
        self._half = False
        self._add("temporary_ended", at_s, 0, self._position)

    def evidence(self) -> Evidence:
        """Return what the host would have collected at the end of the last day."""
        rows = [row("events", one) for one in record_types.decode(bytes(self.raw))[0]]
        last_s = self.days * DAY_S
        status = {
            "state": "running", "uptime_ms": (last_s - self._boot_s) * 1000, "utc_s": MONDAY_UTC_S + last_s, "offset_s": 0,
            "boot": self._boot, "delivered_steps": self._position, "uncertain_steps": self._uncertain, "alarms": [], "bolus": None,
            "calibration": {"volume_nl": PAIR.volume_nl, "steps": PAIR.steps, "state": "UNCALIBRATED"}, "program_name": "x",
        }  # fmt: skip
        return Evidence(events=rows, status=status, packed=pack(self.program), source="a made history")
