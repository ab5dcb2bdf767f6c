"""The journal's records: length u8, type u8, boot u16, sequence u32, uptime ms u48, UTC s u32 (0 = unknown), payload, CRC-32.

Little-endian, append-only; a type's number and payload never change their meaning, new fields get a new type.
"""

import binascii
import struct

_HEAD = "<BBHIIHI"
HEAD_BYTES = struct.calcsize(_HEAD)
CRC_BYTES = 4
_CRC_OF_WHOLE = 0x2144DF1C  # the CRC-32 of any bytes followed by their own CRC-32

_RUN = ("token", "purpose", "volume_nl", "ordered_steps", "rate_nl", "rate_seconds_s", "position_steps", "powered_on_s")
_CALIBRATION_SET = ("calibration_id", "old_volume_nl", "old_steps", "volume_nl", "steps", "weighed_utc_s", "scatter_ppm", "runs")

# number: (name, payload format, payload fields)
TYPES = {
    1: ("boot", "<B8s8sIQQQ", ("cause", "unique_id", "release", "powered_on_s", "confirmed_steps", "leased_steps", "uncertain_steps")),
    2: ("clock_set", "<IIi", ("old_utc_s", "new_utc_s", "offset_s")),
    3: ("program_activated", "<32s", ("digest",)),
    4: ("started", "<BQ32sI", ("by", "position_steps", "digest", "powered_on_s")),
    5: ("stopped", "<BQQQ", ("by", "ordered_steps", "delivered_steps", "powered_on_s")),
    6: ("entry", "<HQQQ", ("entry", "rate_nl", "ordered_steps", "delivered_steps")),
    7: ("total", "<QQQI", ("ordered_steps", "delivered_steps", "leased_steps", "powered_on_s")),
    8: ("bolus_ordered", "<8sQQI", ("token", "volume_nl", "rate_nl", "ordered_steps")),
    9: ("bolus_started", "<8s", ("token",)),
    10: ("bolus_ended", "<8sBI", ("token", "reason", "delivered_steps")),
    11: ("missed", "<BIIQ", ("cause", "from_utc_s", "to_utc_s", "missed_steps")),
    12: ("alarm", "<HBI", ("fault", "change", "count")),
    13: ("maintenance", "<B", ("reason",)),
    14: ("remainder_dropped", "<BQQ", ("source", "remainder", "modulus")),
    15: ("paused", "<HQ", ("fault", "ordered_steps")),
    16: ("unpaused", "<QQ", ("ordered_steps", "missed_steps")),
    17: ("run_ordered", "<8sBQIQIQI", _RUN),
    18: ("calibration_set", "<8sIIIIIIB", _CALIBRATION_SET),
    25: ("override", "<BQQI", ("what", "asked_nl", "limit_nl", "library_version")),
    26: ("temporary_ordered", "<8sQIII", ("token", "rate_nl", "numerator", "denominator", "duration_s")),
    27: ("temporary_ended", "<BQ", ("reason", "ordered_steps")),
    28: ("dose", "<8sBQII", ("token", "purpose", "volume_nl", "duration_s", "powered_on_s")),
    29: ("demand_refused", "<HHI", ("fault", "count", "wait_s")),
    30: ("extended_paused", "<8sI", ("token", "planned_steps")),
    31: ("extended_resumed", "<8sI", ("token", "planned_steps")),
    32: ("refilled", "<8sQQQQQB", ("token", "expected_nl", "uncertain_nl", "measured_nl", "filled_nl", "delivered_nl", "blocks")),
    33: ("refill_acknowledged", "<60s", ("reason",)),
    36: ("program_changed", "<32sQ", ("digest", "ordered_steps")),
    61: ("transition_set", "<Ii", ("transition_utc_s", "transition_offset_s")),
    62: ("offset_changed", "<Iii", ("transition_utc_s", "old_offset_s", "new_offset_s")),
    66: ("supply_low", "<IQI", ("motor_supply_mv", "position_steps", "uncertain_steps")),
}
NUMBERS = {row[0]: number for number, row in TYPES.items()}

CAUSES = ("power", "watchdog", "soft")
STARTED_BY = ("host", "resume")
STOPPED_BY = ("host", "button", "fault", "clock", "maintenance", "done")
MISSED_CAUSES = ("power", "limit", "clock")
ALARM_CHANGES = ("raised", "acknowledged", "repeated")
SOURCES = ("basal", "bolus")
PURPOSES = ("manual", "priming", "calibration", "demand", "extended")
WHATS = ("concentration", "rate", "bolus", "day")
_CODES = {
    "cause": {"boot": CAUSES, "missed": MISSED_CAUSES},
    "by": {"started": STARTED_BY, "stopped": STOPPED_BY},
    "source": {"remainder_dropped": SOURCES},
    "purpose": {"run_ordered": PURPOSES, "dose": PURPOSES},
    "change": {"alarm": ALARM_CHANGES},
    "what": {"override": WHATS},
}


class Record:
    """One decoded record: `name`, `boot`, `sequence`, `uptime_ms`, `utc_s` (0 = unknown), `fields` (payload by name)."""

    def __init__(self, name: str, stamp: tuple, fields: dict) -> None:
        self.name = name
        self.boot, self.sequence, self.uptime_ms, self.utc_s = stamp
        self.fields = fields


def encode(name: str, stamp: tuple, values: tuple) -> bytes:
    """The bytes of a record; `stamp` is (boot, sequence, uptime_ms, utc_s), `values` the payload in the order of TYPES."""
    number = NUMBERS[name]
    payload = struct.pack(TYPES[number][1], *values)
    boot, sequence, uptime_ms, utc_s = stamp
    length = HEAD_BYTES + len(payload) + CRC_BYTES
    head = struct.pack(_HEAD, length, number, boot, sequence, uptime_ms & 0xFFFFFFFF, uptime_ms >> 32, utc_s)
    body = head + payload
    return body + struct.pack("<I", binascii.crc32(body))


def whole_bytes(data: bytes, start: int = 0) -> int:
    """Length of the record at `start` when it is there whole and undamaged, else 0."""
    length = data[start] if start < len(data) else 0
    end = start + length
    if length < HEAD_BYTES + CRC_BYTES or end > len(data):
        return 0
    if struct.unpack_from("<I", data, end - CRC_BYTES)[0] != binascii.crc32(memoryview(data)[start : end - CRC_BYTES]):
        return 0
    return length


def whole_run(data: bytes, most: int) -> tuple:
    """(where the last of at most `most` whole records from the front ends, how many there are); quick, a block of them at once."""
    view, crc32, size = memoryview(data), binascii.crc32, len(data)
    end = count = 0
    while count < most and end < size:
        behind = end + data[end]
        if behind > size or behind < end + HEAD_BYTES + CRC_BYTES or crc32(view[end:behind]) != _CRC_OF_WHOLE:
            break
        end, count = behind, count + 1
    return end, count


def sequence_of(data: bytes, start: int = 0) -> int:
    """Sequence number of the record at `start`."""
    return struct.unpack_from("<I", data, start + 4)[0]


def boot_of(data: bytes, start: int = 0) -> int:
    """Boot number of the record at `start`."""
    return data[start + 2] | data[start + 3] << 8


def decode(data: bytes) -> tuple:
    """(records, rest): every whole record from the front, and the bytes behind the last of them."""
    decoded, start = [], 0
    while True:
        length = whole_bytes(data, start)
        if not length:
            return decoded, data[start:]
        decoded.append(_decode_one(data[start : start + length]))
        start += length


def _decode_one(raw: bytes) -> Record:
    _, number, boot, sequence, low, high, utc_s = struct.unpack(_HEAD, raw[:HEAD_BYTES])
    stamp = (boot, sequence, high << 32 | low, utc_s)
    payload = raw[HEAD_BYTES:-CRC_BYTES]
    if number not in TYPES:
        return Record("type_%d" % number, stamp, {"payload": payload})
    name, layout, names = TYPES[number]
    values = struct.unpack(layout, payload)
    return Record(name, stamp, dict(zip(names, values)))


def code_text(record_name: str, field: str, value: int) -> str:
    """The word behind a coded field ("by", "cause" ...); the number as text when there is none."""
    words = _CODES.get(field, {}).get(record_name, ())
    return words[value] if value < len(words) else str(value)
