"""Hand-made journals: records in the order of their pretended writing, and the status of a pump with them."""

from pumpcore.wire import record_types, records
from thecal.history.evidence import Evidence
from thecal.history.rows import row
from thecal.history.timeline import Timeline

UTC_S = 1_767_571_200

DIGEST = b"\x01" * 32

CALIBRATION = {"volume_nl": 1_000_003, "steps": 99_991, "state": "UNCALIBRATED"}

STATUS = {
    "state": "running", "uptime_ms": 7_300_000, "utc_s": UTC_S + 7300, "offset_s": 3600, "boot": 1, "delivered_steps": 71_900,
    "uncertain_steps": 0, "alarms": [612], "bolus": None, "calibration": CALIBRATION, "program_name": "x",
}  # fmt: skip


class Journal:
    """Records in the order of their pretended writing."""

    def __init__(self, utc_s=UTC_S):
        self.rows, self.raw, self.boot, self.utc_s, self.sequence = [], b"", 1, utc_s, 0

    def add(self, name, at_s, *values, ring="events"):
        self.sequence += 1
        number = records.FORMATS[name][0] if name != "boot" else 1  # as older firmware wrote it
        stamp = (self.boot, self.sequence, round(at_s * 1000), self.utc_s + int(at_s) if self.utc_s else 0)
        raw = records.encode_as(number, record_types.TYPES[number][1], stamp, values)
        self.raw += raw
        self.rows.append(row(ring, record_types.decode(raw)[0][0]))
        return self

    def begin(self):
        self.add("boot", 0, 0, b"\0" * 8, b"\0" * 8, 0, 0, 0, 0)
        return self.add("started", 10, 0, 0, DIGEST, 10).add("entry", 10, 0, 3_600_000, 0, 0)

    def line(self, **more):
        return Timeline(Evidence(events=self.rows, source="a test", **more))


def full_journal():
    """Return a record of every type that a history reads."""
    journal = Journal().begin().add("bolus_ordered", 100, b"\1" * 8, 1000, 1000, 99).add("bolus_started", 101, b"\1" * 8)
    journal.add("bolus_ended", 150, b"\1" * 8, 0, 99).add("clock_set", 200, UTC_S, UTC_S + 1, 3600).add("paused", 250, 610, 3000)
    journal.add("unpaused", 280, 3000, 50).add("total", 300, 3100, 3080, 3200, 300)
    journal.boot = 2
    journal.add("boot", 500, 0, b"\0" * 8, b"\0" * 8, 300, 3080, 3200, 120).add("missed", 501, 0, UTC_S, UTC_S + 100, 200)
    journal.add("started", 501, 1, 3200, DIGEST, 500).add("entry", 502, 1, 3_600_000, 3200, 3200).add("program_activated", 503, DIGEST)
    journal.add("remainder_dropped", 504, 0, 1, 2).add("maintenance", 505, 0)
    journal.add("dose", 506, b"\2" * 8, 4, 1000, 600, 506).add("bolus_ordered", 506, b"\2" * 8, 1000, 1000, 99)
    journal.add("bolus_started", 507, b"\2" * 8).add("extended_paused", 507, b"\2" * 8, 3).add("extended_resumed", 508, b"\2" * 8, 3)
    journal.add("temporary_ordered", 508, b"\3" * 8, 0, 1, 2, 60).add("temporary_ended", 509, 1, 3210)
    journal.add("refilled", 509, b"\4" * 8, 5000, 1, 4000, 1000, 0, 1).add("refill_acknowledged", 509, "spilt \u00bd".encode())
    journal.add("override", 509, 0, 600_000, 500_000, 2).add("demand_refused", 509, 409, 2, 300)
    journal.add("bridge_started", 509, b"\5" * 8, 3200, 339_000, 3, 5, 3500, 3900).add("front_near", 509, 3500)
    journal.add("front_passed", 509, 0, 3900).add("program_changed", 509, DIGEST, 3900)
    return journal.add("alarm", 510, 612, 0, 1, ring="faults").add("alarm", 520, 612, 1, 1, ring="faults")
