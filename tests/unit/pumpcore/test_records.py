"""Formats in flash: journal records, ledger, slots, manifest. Damage is always detected."""

import binascii
import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.flash import ledger, manifest, slots
from pumpcore.wire import record_types, records

STAMPS = st.tuples(st.integers(0, 65_535), st.integers(0, 2**32 - 1), st.integers(0, 2**48 - 1), st.integers(0, 2**32 - 1))
_RANGES = {"B": (0, 255), "H": (0, 2**16 - 1), "I": (0, 2**32 - 1), "Q": (0, 2**64 - 1)}
_RANGES |= {"i": (-(2**31), 2**31 - 1), "q": (-(2**63), 2**63 - 1)}


def values_of(layout: str) -> st.SearchStrategy:
    """Values that fit a struct layout such as "<B8sQ"."""
    parts, count = [], ""
    for letter in layout[1:]:
        if letter.isdigit():
            count += letter
        elif letter == "s":
            parts.append(st.binary(min_size=int(count), max_size=int(count)))
            count = ""
        else:
            parts.append(st.integers(*_RANGES[letter]))
    return st.tuples(*parts)


RECORD = st.sampled_from(sorted(record_types.TYPES)).flatmap(
    lambda number: st.tuples(st.just(number), STAMPS, values_of(record_types.TYPES[number][1]))
)


def raw_of(row: tuple) -> bytes:
    number, stamp, values = row
    return records.encode_as(number, record_types.TYPES[number][1], stamp, values)


@given(st.lists(RECORD, max_size=12), st.binary(max_size=18))
def test_records_come_back_and_a_torn_tail_is_left(rows: list, tail: bytes) -> None:
    data = b"".join([raw_of(row) for row in rows])
    decoded, rest = record_types.decode(data + tail[:14])
    assert rest == tail[:14] and len(decoded) == len(rows)
    for record, (number, stamp, values) in zip(decoded, rows):
        name, _, fields = record_types.TYPES[number]
        assert record.name == name and tuple(record.fields.values()) == values and list(record.fields) == fields
        assert (record.boot, record.sequence, record.uptime_ms, record.utc_s) == stamp


@pytest.mark.rule("R9")
@given(RECORD, st.data())
def test_a_record_that_was_hit_by_one_bit_is_no_record(row: tuple, data: st.DataObject) -> None:
    raw = bytearray(raw_of(row))
    bit = data.draw(st.integers(8, len(raw) * 8 - 1))  # the length byte has its own test
    raw[bit // 8] ^= 1 << bit % 8
    assert record_types.decode(bytes(raw)) == ([], bytes(raw))


@given(RECORD, st.integers(0, 255))
def test_a_wrong_length_byte_is_no_record(row: tuple, length: int) -> None:
    raw = bytearray(raw_of(row))
    if raw[0] != length:
        raw[0] = length
        assert records.whole_bytes(bytes(raw)) == 0


@given(RECORD)
def test_the_quick_looks_see_what_decoding_sees(row: tuple) -> None:
    raw = b"xyz" + raw_of(row)
    assert records.whole_bytes(raw, 3) == len(raw) - 3 == raw[3]
    assert (records.boot_of(raw, 3), records.sequence_of(raw, 3)) == row[1][:2]


@given(st.binary(max_size=300))
def test_noise_gives_no_records_and_no_exception(noise: bytes) -> None:
    assert record_types.decode(noise) == ([], noise)


def test_a_type_of_a_newer_pump_is_passed_on_raw() -> None:
    body = struct.pack("<BBHIIHI", 18 + 3 + 4, 200, 1, 2, 3, 0, 4) + b"abc"
    decoded, rest = record_types.decode(body + struct.pack("<I", binascii.crc32(body)))
    assert rest == b"" and (decoded[0].name, decoded[0].fields) == ("type_200", {"payload": b"abc"})


def test_numbers_and_names_are_unique_and_every_record_fits_its_length_byte() -> None:
    names = [name for name, _, _ in dict(record_types.TYPES.items()).values()]
    written = [name if name != "protocol_total" else "total" for name in records.FORMATS]  # a total by another layout
    assert sorted(names) == sorted([*written, "boot"])  # type 1 is of older firmware
    assert record_types.TYPES[72][2][:4] == record_types.TYPES[7][2] and record_types.TYPES[72][1].startswith(record_types.TYPES[7][1])
    assert records.FORMATS["boot"][0] == 70 and record_types.TYPES[70][2][:7] == record_types.TYPES[1][2]
    for _, layout, fields in dict(record_types.TYPES.items()).values():
        assert 18 + struct.calcsize(layout) + 4 <= 255
        assert len(struct.unpack(layout, bytes(struct.calcsize(layout)))) == len(fields)


def test_codes_are_told_in_words() -> None:
    assert record_types.code_text("stopped", "by", 1) == "button"
    assert record_types.code_text("started", "by", 1) == "resume"
    assert record_types.code_text("missed", "cause", 9) == "9"
    assert record_types.code_text("total", "leased_steps", 5) == "5"


# --- ledger -----------------------------------------------------------------------------------------------------------------

_LAYOUT = dict(zip(ledger.FIELDS, "IIBBQQQIIIHIQQQQIBIIq"))


@st.composite
def ledger_records(draw: st.DrawFn) -> ledger.LedgerRecord:
    record = ledger.LedgerRecord()
    for name, letter in _LAYOUT.items():
        setattr(record, name, draw(st.integers(*_RANGES[letter])))
    record.confirmed_steps = draw(st.integers(0, record.leased_steps))
    record.program_digest = draw(st.binary(min_size=8, max_size=8))
    record.temporary = draw(st.integers(0, 2))
    record.resumes_s = draw(st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=3))
    return record


@pytest.mark.parametrize(
    ("magic", "layout"),
    [
        (b"TLG3", "<4sIIBBQQQIIIHIQQ8sQIBIIIII"),
        (b"TLG2", "<4sIHBBQQQIIIHIQQ8sQIBIIII"),
        (b"TLG1", "<4sIHBBQQQIIIHIQQ8sIII"),
    ],
)
def test_a_ledger_record_of_older_firmware_is_read(magic: bytes, layout: str) -> None:
    values = [7, 65_535, 1, 60, 90, 80, 5, 1_000, 0, 4, 2, 1, 3, 9, b"12345678"] + [6, 5, 1, 70] * (magic != b"TLG1")
    values += [0] * (magic == b"TLG3")
    body = struct.pack(layout, magic, *values, 1, 2, 3)
    record = ledger.unpack_record(body + struct.pack("<I", binascii.crc32(body)))
    assert (record.sequence, record.boot, record.leased_steps, record.events_sequence) == (7, 65_535, 90, 0)
    assert record.resumes_s == [1, 2, 3] and record.demand_s == (0 if magic == b"TLG1" else 70) and record.protocol_s == 0


@given(ledger_records())
def test_a_ledger_record_comes_back(record: ledger.LedgerRecord) -> None:
    image = ledger.pack_record(record)
    assert vars(ledger.unpack_record(image)) == vars(record)
    assert len(image) <= 480
    assert record.open_steps() == record.leased_steps - record.confirmed_steps >= 0


@pytest.mark.rule("R2")
@given(ledger_records(), st.data())
def test_a_ledger_record_that_was_hit_is_refused(record: ledger.LedgerRecord, data: st.DataObject) -> None:
    image = bytearray(ledger.pack_record(record))
    bit = data.draw(st.integers(0, len(image) * 8 - 1))
    image[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match="ledger"):
        ledger.unpack_record(bytes(image))
    with pytest.raises(ValueError, match="ledger"):
        ledger.unpack_record(ledger.pack_record(record)[: data.draw(st.integers(0, len(image) - 1))])


@pytest.mark.rule("R2")
def test_a_ledger_that_delivered_more_than_was_leased_is_refused() -> None:
    record = ledger.LedgerRecord()
    record.leased_steps, record.confirmed_steps = 5, 6
    with pytest.raises(ValueError, match="more than was leased"):
        ledger.unpack_record(ledger.pack_record(record))


# --- slots and manifest -----------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.binary(max_size=300))
def test_a_slot_comes_back(sequence: int, payload: bytes) -> None:
    assert slots.unpack(slots.pack(sequence, payload)) == (sequence, payload)


@given(st.binary(max_size=60), st.data())
def test_a_slot_that_was_hit_or_cut_is_refused(payload: bytes, data: st.DataObject) -> None:
    image = bytearray(slots.pack(1, payload))
    bit = data.draw(st.integers(0, len(image) * 8 - 1))
    image[bit // 8] ^= 1 << bit % 8
    for damaged in (bytes(image), slots.pack(1, payload)[: data.draw(st.integers(0, len(image) - 1))], b""):
        with pytest.raises(ValueError, match="slot"):
            slots.unpack(damaged)


def test_the_release_is_made_of_the_sources_alone() -> None:
    files = {"/main.py": b"a", "/pumpcore/b.py": b"b"}
    sources, lying = manifest.parse(manifest.build(files))
    text = "".join("%s %s\n" % (path, hashlib.sha256(files[path]).hexdigest()) for path in sorted(files))
    assert sources == text.encode()
    assert manifest.release(sources) == hashlib.sha256(text.encode()).hexdigest()
    compiled, others = manifest.parse(manifest.build(files, {"/main.py": b"a"}, ("/x.pack", b"M")))
    assert compiled == sources and others == {"/main.py": lying["/main.py"], "/x.pack": hashlib.sha256(b"M").hexdigest()}
    changed = manifest.parse(manifest.build(files | {"/main.py": b"A"}))[0]
    assert changed != sources
    with_library = manifest.build(files, library={"/lib/x.py": b"x"})
    assert manifest.parse(with_library)[0] == sources and set(manifest.parse(with_library)[1]) == {*files, "/lib/x.py"}


WHOLE = manifest.build({"/a.py": b"a", "/b.py": b"b"})


ROW = b"/a " + b"0" * 64 + b"\n"
RENAMED = WHOLE.replace(b"/a.py", b"/aa.py", 1)


@pytest.mark.parametrize("text", [b"/main.py abc def\n", b"nothing\n\n", ROW, b"\xff\n", b"\n\n", WHOLE + b"\n", RENAMED])
def test_a_manifest_of_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        manifest.parse(text)


@pytest.mark.rule("R9")
@given(st.lists(st.integers(0, 1 << 40), max_size=30), st.integers(0, 40), st.integers(0, 2_000), st.integers(0, 255))
def test_a_run_of_records_ends_where_one_by_one_they_end(steps: list, most: int, at: int, flip: int) -> None:
    """Whole, cut short, or with a damaged byte anywhere."""
    whole = [records.encode_record("total", (1, number, 5, 0), (one, one, one, 7)) for number, one in enumerate(steps, 1)]
    data = bytearray(b"".join(whole))
    if at < len(data):
        data[at] ^= flip
    data = bytes(data[: max(0, len(data) - at % 60)])
    end = count = 0
    while count < most and records.whole_bytes(data, end):
        end, count = end + records.whole_bytes(data, end), count + 1
    assert records.whole_run(data, most) == (end, count)


def test_a_record_is_decoded_where_it_begins() -> None:
    data = b"".join([records.encode_record("maintenance", (1, number, 0, 0), (0,)) for number in (1, 2, 3)])
    assert [record_types.decode_at(data, at).sequence for at in records.record_starts(data)] == [1, 2, 3]


WEST = [("offset_s", "clock_set", -18_000), ("transition_offset_s", "transition_set", -14_400)]


@pytest.mark.parametrize(("field", "record", "value"), WEST)
def test_a_number_west_of_utc_is_no_code(field: str, record: str, value: int) -> None:
    assert record_types.code_text(record, field, value) == str(value)
