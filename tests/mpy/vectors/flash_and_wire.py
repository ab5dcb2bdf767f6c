"""Journal records, ledger, slots, manifest, frames and requests: bytes out, bytes in, and the faults of hostile lines."""

import binascii
import json
import struct

from pumpcore.faults import fault_texts, faults
from pumpcore.faults.faults import Refusal
from pumpcore.flash import ledger, manifest, slots
from pumpcore.wire import messages, record_types, records
from pumpcore.wire import messages as frame
from pumpcore.wire.lines import LineBuffer

_VALUES = {"B": 0xFE, "H": 0xFFFE, "I": 0xFFFFFFFE, "Q": 0xFFFFFFFFFFFFFFFE, "i": -2}
ID = "0123456789abcdef"


def _hex(data: bytes) -> str:
    return binascii.hexlify(data).decode()


def _record(number: int) -> bytes:
    _, layout, _ = record_types.TYPES[number]
    values, count = [], ""
    for letter in layout[1:]:
        if letter in "0123456789":
            count += letter
        elif letter == "s":
            values.append(bytes(range(int(count))))
            count = ""
        else:
            values.append(_VALUES[letter])
    return records.encode_as(number, layout, (65_535, 4_294_967_295, (1 << 48) - 1, 4_294_967_295), tuple(values))


def _plain(value: object) -> object:
    return _hex(value) if type(value) is bytes else str(value)


def _records() -> list:
    stream = b"".join([_record(number) for number in sorted(record_types.TYPES)])
    decoded, rest = record_types.decode(stream + b"\x20torn")
    told = [
        [row.name, row.boot, row.sequence, row.uptime_ms, row.utc_s, sorted([[key, _plain(row.fields[key])] for key in row.fields])]
        for row in decoded
    ]
    hit = [records.whole_bytes(stream[:at] + bytes([stream[at] ^ 4]) + stream[at + 1 :]) for at in range(70)]
    codes = [record_types.code_text("stopped", "by", value) for value in range(7)]
    return [_hex(stream), told, _hex(rest), hit, codes, records.sequence_of(stream), records.boot_of(stream)]


def _ledger() -> list:
    record = ledger.LedgerRecord()
    for index, name in enumerate(ledger.FIELDS):
        if name != "program_digest":
            setattr(record, name, 200 + index)
    record.leased_steps, record.bolus_token, record.state = (1 << 64) - 1, (1 << 64) - 2, 2
    record.program_digest, record.resumes_s = bytes(range(8)), [1, 2, 4_294_967_295]
    image = ledger.pack_record(record)
    again = ledger.unpack_record(image)
    told = [[name, _plain(getattr(again, name))] for name in ledger.FIELDS] + [again.resumes_s, str(again.open_steps())]
    return [
        _hex(image),
        told,
        [_error(lambda at=at: ledger.unpack_record(image[:at] + b"\x55" + image[at + 1 :])) for at in range(0, len(image), 5)],
    ]


def _error(act: object) -> str:
    try:
        act()
    except ValueError as error:
        return str(error)
    return "none"


def _slots() -> list:
    image = slots.pack(4_294_967_295, b"payload")
    cut = [_error(lambda size=size: slots.unpack(image[:size])) for size in range(len(image) + 1)]
    return [_hex(image), slots.unpack(image)[0], _hex(slots.unpack(image)[1]), cut]


def _manifest() -> list:
    built = manifest.build({"/b.py": b"b", "/a/c.py": b"", "/a.py": b"a"})
    sources, lying = manifest.parse(built)
    refused = [_error(lambda text=text: manifest.parse(text)) != "none" for text in (b"x", b"a b c\n", b"\xff\n\n\xff\n", b"")]
    return [built.decode(), manifest.release(sources), sorted(lying.items()), refused]


_MESSAGES = (
    {"jsonrpc": "2.0", "id": ID, "method": "hello", "params": {}},
    {"jsonrpc": "2.0", "id": ID, "method": "hello"},
    {"jsonrpc": "2.0", "id": ID, "method": "ack", "params": {"fault": 601}},
    {"jsonrpc": "2.0", "id": ID, "method": "ack", "params": {"fault": True}},
    {"jsonrpc": "2.0", "id": ID, "method": "ack", "params": {"fault": 1.0}},
    {"jsonrpc": "2.0", "id": ID, "method": "ack", "params": {"fault": "1"}},
    {"jsonrpc": "2.0", "id": ID, "method": "ack", "params": []},
    {"jsonrpc": "2.0", "id": 5, "method": "ack"},
    {"id": ID},
    {},
    {"jsonrpc": "2.0", "id": ID, "method": "start", "params": {"x": 1}},
    {"jsonrpc": "2.0", "id": ID, "method": ["start"], "params": {}},
    {"jsonrpc": "2.0", "id": ID.upper(), "method": "start", "params": {}},
    {"jsonrpc": "2.0", "id": ID, "method": "nothing", "params": {}},
    {"jsonrpc": "2.0", "id": ID, "method": "journal.read", "params": {"ring": "events", "from_sequence": 4_294_967_295}},
    {"jsonrpc": "2.0", "id": ID, "method": "journal.read", "params": {"ring": ["events"], "from_sequence": 0}},
    {"jsonrpc": "2.0", "id": ID, "method": "bolus.start", "params": {"token": "0" * 16, "volume_nl": 1 << 48, "rate_nl": (1 << 48) + 1}},
)


def _checked(message: dict) -> list:
    try:
        asked = messages.check_request(message)
    except Refusal as refused:
        return [refused.fault.name]
    return [asked.identity, asked.method, sorted([[key, str(asked.params[key])] for key in asked.params])]


def _line(body: bytes) -> bytes:
    return body + b"*" + frame.crc_text(body)


def _decoded(line: bytes) -> str:
    """Return how the pump sees a line: accepted lines end at the schema, whatever the JSON parser let through."""
    try:
        return str(_checked(frame.decode(line)))
    except frame.FrameError as error:
        return error.fault


# Where the two parsers may differ, only the schema's verdict counts: it must never be `accepted`.
_LENIENT = (
    b'{"a" 1}',
    b"{1: 2}",
    b'{"a": 1,}',
    b"{'a': 1}",
    b'{"a": NaN}',
    b'{"a": 1} x',
    b'{"a": 01}',
    b'{"a": +1}',
    b'{"a": "\xff"}',
    b'{"a":\t1}',
)


_PLAIN = (
    b'{"jsonrpc":"2.0","id":"0123456789abcdef","method":"status"}',
    b'{"jsonrpc":"2.0","id":"0123456789abcdef","method":"bolus.token"}',
    b'{"jsonrpc":"2.0","id":"0123456789abcdeF","method":"status"}',
    b'{"jsonrpc":"2.0","id":"0123456789abcde\xff","method":"status"}',
    b'{"jsonrpc":"2.0","id":"0123456789abcdef","method":"start"}',
    b'{"jsonrpc": "2.0","id":"0123456789abcdef","method":"status"}',
    b"",
)


def _frames() -> list:
    encoded = [frame.decode(frame.encode(message)[:-1]) == json.loads(json.dumps(message)) for message in _MESSAGES]
    hostile = (
        b"",
        b"*",
        b"x" * 9,
        b"x" * 8193,
        b"[" * 8000,
        b"\xff",
        _line(b"[]"),
        _line(b"1"),
        _line(b"{}"),
        _line(b""),
        _line(b"[" * 8000),
        _line(b'{"a":' * 1600),
        _line(b"9" * 4000),
        _line(b"null"),
        _line(b'"x"'),
        _line(b"{}") + b"\r",
        _line(b"{}").upper() + b" ",
    )
    lenient = [_decoded(_line(body)) in ("bad_json", "['bad_json']") for body in _LENIENT]
    buffer, lines = LineBuffer(), []
    for chunk in (b"sto", b"p\n\n \r\nhel", b"lo\r\n", b"z" * 9000, b"z\nstatus\n", b"tail"):
        lines += [None if line is None else line.decode() for line in buffer.feed(chunk)]
    return [
        encoded,
        [_decoded(line) for line in hostile],
        [b"stop" in bytearray(b"a stop"), b"stop" in bytearray(b"sto")],
        lenient,
        lines,
        buffer.dropped_bytes,
        frame.crc_text(b"123456789").decode(),
        [str(messages.plain(frame.sealed(body))) for body in _PLAIN],
        [str(messages.result(identity, value)) for identity in (None, ID.encode()) for value in ({"a": [1, 2]}, b'{"b":true}')],
    ]


def _faults() -> list:
    numbers = sorted([number for names in faults.NUMBERS.values() for _, number in names.items()])
    every = [faults.by_number(number) for number in numbers]
    told = [[fault.number, fault.name, fault.severity] + list(fault_texts.told(fault.name)) for fault in every]
    refused = Refusal("rate_above_ceiling", asked_nl=1 << 50, limit_nl=4)
    reply = messages.refusal(ID, refused, fault_texts.told(refused.fault.name))
    return [
        told,
        reply["error"]["code"],
        sorted([[key, str(value)] for key, value in reply["error"]["data"].items()]),
        fault_texts.sentence(Refusal("no_program")),
    ]


def run() -> list:
    sizes = [struct.calcsize(layout) for layout in [record_types.TYPES[number][1] for number in sorted(record_types.TYPES)]]
    return [sizes, _records(), _ledger(), _slots(), _manifest(), [_checked(message) for message in _MESSAGES], _frames(), _faults()]
