"""Name and fields of each type of journal record, append only, and how a record is decoded.

The pump keeps in memory only what it needs to write (records.FORMATS).
"""

import struct

from pumpcore.rows import Rows
from pumpcore.wire import records
from pumpcore.wire.laws import LAW_CAUSES, LAWS
from pumpcore.wire.records import (
    ALARM_CHANGES,
    CAUSES,
    FRONT_WAYS,
    LINE_KINDS,
    MISSED_CAUSES,
    PURPOSES,
    SOURCES,
    STARTED_BY,
    STOPPED_BY,
    WHATS,
)

# number [name, payload format, payload fields]; 1 is from older firmware and lacks the last two fields
TYPES: "Rows[int, tuple[str, str, list[str]]]" = Rows("""
1 ["boot", "<B8s8sIQQQ", ["cause", "unique_id", "release", "powered_on_s", "confirmed_steps", "leased_steps", "uncertain_steps"]]
2 ["clock_set", "<IIi", ["old_utc_s", "new_utc_s", "offset_s"]]
3 ["program_activated", "<32s", ["digest"]]
4 ["started", "<BQ32sI", ["by", "position_steps", "digest", "powered_on_s"]]
5 ["stopped", "<BQQQ", ["by", "ordered_steps", "delivered_steps", "powered_on_s"]]
6 ["entry", "<HQQQ", ["entry", "rate_nl", "ordered_steps", "delivered_steps"]]
7 ["total", "<QQQI", ["ordered_steps", "delivered_steps", "leased_steps", "powered_on_s"]]
8 ["bolus_ordered", "<8sQQI", ["token", "volume_nl", "rate_nl", "ordered_steps"]]
9 ["bolus_started", "<8s", ["token"]]
10 ["bolus_ended", "<8sBI", ["token", "reason", "delivered_steps"]]
11 ["missed", "<BIIQ", ["cause", "from_utc_s", "to_utc_s", "missed_steps"]]
12 ["alarm", "<HBI", ["fault", "change", "count"]]
13 ["maintenance", "<B", ["reason"]]
14 ["remainder_dropped", "<BQQ", ["source", "remainder", "modulus"]]
15 ["paused", "<HQ", ["fault", "ordered_steps"]]
16 ["unpaused", "<QQ", ["ordered_steps", "missed_steps"]]
17 ["run_ordered", "<8sBQIQIQI", ["token", "purpose", "volume_nl", "ordered_steps", "rate_nl", "rate_seconds_s", "position_steps", \
"powered_on_s"]]
18 ["calibration_set", "<8sIIIIIIB", ["calibration_id", "old_volume_nl", "old_steps", "volume_nl", "steps", "weighed_utc_s", \
"scatter_ppm", "runs"]]
25 ["override", "<BQQI", ["what", "asked_nl", "limit_nl", "library_version"]]
26 ["temporary_ordered", "<8sQIII", ["token", "rate_nl", "numerator", "denominator", "duration_s"]]
27 ["temporary_ended", "<BQ", ["reason", "ordered_steps"]]
28 ["dose", "<8sBQII", ["token", "purpose", "volume_nl", "duration_s", "powered_on_s"]]
29 ["demand_refused", "<HHI", ["fault", "count", "wait_s"]]
30 ["extended_paused", "<8sI", ["token", "planned_steps"]]
31 ["extended_resumed", "<8sI", ["token", "planned_steps"]]
32 ["refilled", "<8sQQQQQB", ["token", "expected_nl", "uncertain_nl", "measured_nl", "filled_nl", "delivered_nl", "blocks"]]
33 ["refill_acknowledged", "<60s", ["reason"]]
36 ["program_changed", "<32sQ", ["digest", "ordered_steps"]]
37 ["line_changed", "<BQQQQQ", ["kind", "position_steps", "old_ng", "old_nl", "new_ng", "new_nl"]]
38 ["bridge_started", "<8sQQQQQQ", ["token", "position_steps", "line_nl", "numerator", "denominator", "old_until_steps", \
"new_from_steps"]]
39 ["front_near", "<Q", ["ordered_steps"]]
40 ["front_passed", "<BQ", ["way", "ordered_steps"]]
61 ["transition_set", "<Ii", ["transition_utc_s", "transition_offset_s"]]
62 ["offset_changed", "<Iii", ["transition_utc_s", "old_offset_s", "new_offset_s"]]
66 ["supply_low", "<IQI", ["motor_supply_mv", "position_steps", "uncertain_steps"]]
67 ["supply_high", "<IQI", ["motor_supply_mv", "position_steps", "uncertain_steps"]]
70 ["boot", "<B8s8sIQQQI16s", ["cause", "unique_id", "release", "powered_on_s", "confirmed_steps", "leased_steps", "uncertain_steps", \
"boot_number", "journal_identity"]]
71 ["journal_gap", "<II", ["first_sequence", "last_sequence"]]
72 ["total", "<QQQIBI", ["ordered_steps", "delivered_steps", "leased_steps", "powered_on_s", "stage", "pass"]]
80 ["named", "<20s", ["name"]]
81 ["bench_set", "<QIQQQIQQB", ["old_rate_nl", "old_rate_seconds_s", "old_hour_nl", "old_day_nl", "rate_nl", "rate_seconds_s", "hour_nl", \
"day_nl", "by_button"]]
82 ["keys_changed", "<BB", ["change", "by"]]
83 ["keys_refused", "<III", ["unsigned", "signature", "role"]]
90 ["law", "<BBQQ", ["law", "cause", "ordered_steps", "motor_steps"]]
91 ["rotor_set", "<8sHII", ["rotor_id", "bins", "deviation_nl", "learned_utc_s"]]
92 ["rotor_phase", "<QQ", ["zero_steps", "motor_steps"]]
93 ["rotor_off", "<BiQ", ["kind", "slipped_steps", "motor_steps"]]
95 ["run_held", "<8sB", ["token", "hold_s"]]
""", int)

_CODES: "dict[str, dict[str, tuple[str, ...]]]" = {
    "cause": {"boot": CAUSES, "missed": MISSED_CAUSES, "law": LAW_CAUSES},
    "by": {"started": STARTED_BY, "stopped": STOPPED_BY, "keys_changed": ("button", "key", "maintenance")},
    "source": {"remainder_dropped": SOURCES},
    "purpose": {"run_ordered": PURPOSES, "dose": PURPOSES},
    "change": {"alarm": ALARM_CHANGES, "keys_changed": ("set", "removed")},
    "what": {"override": WHATS},
    "kind": {"line_changed": LINE_KINDS, "rotor_off": ("shift", "slip", "stall", "reverse", "turned")},
    "way": {"front_passed": FRONT_WAYS},
    "law": {"law": LAWS},
}


def code_text(name: str, field: str, value: int) -> str:
    """Return the word for a coded field ("by", "cause" ...); the number as text if there is none."""
    words = _CODES.get(field, {}).get(name, ())
    return words[value] if 0 <= value < len(words) else str(value)


class Record:
    """One decoded record: `name`, `boot`, `sequence`, `uptime_ms`, `utc_s` (0 = unknown), `fields` (payload by name)."""

    def __init__(self, name: str, stamp: tuple[int, int, int, int], fields: dict) -> None:
        self.name = name
        self.boot, self.sequence, self.uptime_ms, self.utc_s = stamp
        self.fields = fields


def decode(data: bytes | memoryview) -> tuple[list[Record], bytes | memoryview]:
    """Return (records, rest): every whole record from the front, and the bytes after the last."""
    decoded: list[Record]
    decoded, start = [], 0
    while True:
        length = records.whole_bytes(data, start)
        if not length:
            return decoded, data[start:]
        decoded.append(_decode_one(data[start : start + length]))
        start += length


def decode_at(data: bytes, start: int) -> Record:
    """Return the whole record at `start`, decoded."""
    return _decode_one(data[start : start + data[start]])


def _decode_one(raw: bytes | memoryview) -> Record:
    _, number, boot, sequence, low, high, utc_s = struct.unpack(records.RECORD_HEAD, raw[:records.HEAD_BYTES])
    stamp = (boot, sequence, high << 32 | low, utc_s)
    payload = raw[records.HEAD_BYTES:-records.CRC_BYTES]
    if number in TYPES:
        name, layout, names = TYPES[number]
        if struct.calcsize(layout) == len(payload):
            return Record(name, stamp, dict(zip(names, struct.unpack(layout, payload))))
    return Record("type_%d" % number, stamp, {"payload": payload})
