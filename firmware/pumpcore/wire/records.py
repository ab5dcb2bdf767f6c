"""The journal's records: length u8, type u8, boot u16, sequence u32, uptime ms u48, UTC s u32 (0 = unknown), payload, CRC-32.

Little-endian, append only. The number and payload of a type never change their meaning; new fields get a new type.
"""

import binascii
import struct

from pumpcore.rows import Rows
from pumpcore.units import const

if 0:  # for the type checker alone
    from pumpcore.shapes import Payload

RECORD_HEAD = const("<BBHIIHI")
HEAD_BYTES = const(18)
CRC_BYTES = const(4)
SEQUENCE_AT = const(4)  # offset in a record
SHORTEST_BYTES = HEAD_BYTES + CRC_BYTES
HIGHEST_SEQUENCE = const((1 << 32) - 1)
_HIGHEST_UPTIME_MS = const((1 << 48) - 1)
_HIGHEST_UTC_S = const((1 << 32) - 1)
_LONGEST_BYTES = const(255)
_CRC_OF_WHOLE = const(0x2144DF1C)  # the CRC-32 of any bytes followed by their own CRC-32

# name [number, payload format] of what this firmware writes; if a name has two types (record_types.py), the newer one
FORMATS: "Rows[str, tuple[int, str]]" = Rows("""
boot [70, "<B8s8sIQQQI16s"]
clock_set [2, "<IIi"]
program_activated [3, "<32s"]
started [4, "<BQ32sI"]
stopped [5, "<BQQQ"]
entry [6, "<HQQQ"]
total [7, "<QQQI"]
bolus_ordered [8, "<8sQQI"]
bolus_started [9, "<8s"]
bolus_ended [10, "<8sBI"]
missed [11, "<BIIQ"]
alarm [12, "<HBI"]
maintenance [13, "<B"]
remainder_dropped [14, "<BQQ"]
paused [15, "<HQ"]
unpaused [16, "<QQ"]
run_ordered [17, "<8sBQIQIQI"]
calibration_set [18, "<8sIIIIIIB"]
override [25, "<BQQI"]
temporary_ordered [26, "<8sQIII"]
temporary_ended [27, "<BQ"]
dose [28, "<8sBQII"]
demand_refused [29, "<HHI"]
extended_paused [30, "<8sI"]
extended_resumed [31, "<8sI"]
refilled [32, "<8sQQQQQB"]
refill_acknowledged [33, "<60s"]
program_changed [36, "<32sQ"]
line_changed [37, "<BQQQQQ"]
bridge_started [38, "<8sQQQQQQ"]
front_near [39, "<Q"]
front_passed [40, "<BQ"]
transition_set [61, "<Ii"]
offset_changed [62, "<Iii"]
supply_low [66, "<IQI"]
supply_high [67, "<IQI"]
journal_gap [71, "<II"]
protocol_total [72, "<QQQIBI"]
named [80, "<20s"]
bench_set [81, "<QIQQQIQQB"]
keys_changed [82, "<BB"]
keys_refused [83, "<III"]
law [90, "<BBQQ"]
rotor_set [91, "<8sHII"]
rotor_phase [92, "<QQ"]
rotor_off [93, "<BiQ"]
run_held [95, "<8sB"]
""")

CAUSES = const(("power", "watchdog", "soft"))
STARTED_BY = const(("host", "resume"))
STOPPED_BY = const(("host", "button", "fault", "clock", "maintenance", "done"))
MISSED_CAUSES = const(("power", "limit", "clock"))
ALARM_CHANGES = const(("raised", "acknowledged", "repeated"))
SOURCES = const(("basal", "bolus"))
PURPOSES = const(("manual", "priming", "calibration", "demand", "extended"))
LINE_KINDS = const(("clean", "front", "unknown"))
FRONT_WAYS = const(("delivered", "primed"))
WHATS = const(("concentration", "rate", "bolus", "day"))


def encode_record(name: str, stamp: tuple[int, int, int, int], values: "Payload") -> bytes:
    """Return the bytes of a record. `stamp` is (boot, sequence, uptime_ms, utc_s), `values` the payload in the order of TYPES.

    It keeps the low 16 bits of `boot`, at most 2^48 - 1 of `uptime_ms`, and 0 (unknown) for a `utc_s` that has no room.
    """
    number, layout = FORMATS[name]
    return encode_as(number, layout, stamp, values)


def encode_as(number: int, format: str, stamp: tuple[int, int, int, int], values: "Payload") -> bytes:
    """Return a record by the type's number and payload format, also of a type that only older firmware writes."""
    payload = struct.pack(format, *values)
    boot, sequence, uptime_ms, utc_s = stamp
    boot, uptime_ms = boot & 0xFFFF, min(uptime_ms, _HIGHEST_UPTIME_MS)
    utc_s = utc_s if utc_s <= _HIGHEST_UTC_S else 0
    length = HEAD_BYTES + len(payload) + CRC_BYTES
    head = struct.pack(RECORD_HEAD, length, number, boot, sequence, uptime_ms & 0xFFFFFFFF, uptime_ms >> 32, utc_s)
    body = head + payload
    return body + struct.pack("<I", binascii.crc32(body))


def whole_bytes(data: bytes | memoryview, start: int = 0) -> int:
    """Return the length of the record at `start` if it is whole and undamaged, else 0."""
    length = data[start] if start < len(data) else 0
    end = start + length
    if length < HEAD_BYTES + CRC_BYTES or end > len(data):
        return 0
    if struct.unpack_from("<I", data, end - CRC_BYTES)[0] != binascii.crc32(memoryview(data)[start : end - CRC_BYTES]):
        return 0
    return length


def whole_run(data: bytes | memoryview, high: int, checked: bool = True) -> tuple[int, int]:
    """Return (end, count) of the whole records from the front, at most `high`. Quick, for a whole block.

    Without `checked` only their lengths are read, whatever they hold.
    """
    view, crc32, size, shortest, of_whole = memoryview(data), binascii.crc32, len(data), HEAD_BYTES + CRC_BYTES, _CRC_OF_WHOLE
    end = count = 0
    if not checked:  # a third of a block's download time went here, hence no comparison more than needed
        sure = size - _LONGEST_BYTES
        while end <= sure and count < high:
            length = view[end]
            if length < shortest:
                return end, count
            end += length
            count += 1
    while count < high and end < size:
        length = view[end]
        behind = end + length
        if length < shortest or behind > size or (checked and crc32(view[end:behind]) != of_whole):
            break
        end, count = behind, count + 1
    return end, count


def sequence_of(data: bytes | memoryview, start: int = 0) -> int:
    """Return the sequence number of the record at `start`."""
    return struct.unpack_from("<I", data, start + SEQUENCE_AT)[0]


def boot_of(data: bytes | bytearray | memoryview, start: int = 0) -> int:
    """Return the low 16 bits of the boot number of the record at `start`."""
    return data[start + 2] | data[start + 3] << 8


def record_starts(data: bytes | memoryview) -> list[int]:
    """Return the offset of each whole record from the front. Quick, like `whole_run`: power-up reads segments of 500 records."""
    view, crc32, size, shortest, of_whole = memoryview(data), binascii.crc32, len(data), HEAD_BYTES + CRC_BYTES, _CRC_OF_WHOLE
    found, start = [], 0
    while start < size:
        length = view[start]
        behind = start + length
        if length < shortest or behind > size or crc32(view[start:behind]) != of_whole:
            break
        found.append(start)
        start = behind
    return found


def payload_at(data: bytes | memoryview, start: int) -> bytes | memoryview:
    """Return the payload of the whole record at `start`."""
    return data[start + HEAD_BYTES : start + data[start] - CRC_BYTES]
