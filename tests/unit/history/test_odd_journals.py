"""Journals with gaps, and impossible records with a right CRC: no traceback, no false sum, and each loss is named."""

import importlib
import itertools
import re
import struct
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.histories import Pump
from pumpcore.wire import record_types, records
from support.some import some_of
from thecal.errors import BadInput, ThecalError
from thecal.forecast.compare import Comparison
from thecal.history import rows as journal_rows
from thecal.history.checks import checks
from thecal.history.evidence import Evidence, as_lines
from thecal.history.plausible import OF_A_BOLUS, POSITIONS
from thecal.history.saved import load
from thecal.history.timeline import Timeline
from thecal.reports.report import Report, document

DAY = Pump(1)
WHOLE = DAY.evidence()
ROWS = [one for number, one in enumerate(WHOLE.events) if one["event"] != "total" or number % 6 == 0]
CALM = [{**one, "sequence": number} for number, one in enumerate(ROWS, 1)]
LONGEST_S = 10
show = importlib.import_module("thecal.cli.verbs.compare").show
HIGH = {"B": 255, "H": 65_535, "I": (1 << 32) - 1, "Q": (1 << 64) - 1, "i": (1 << 31) - 1}
TEXT = b"\x1b[2J\r\n=1+1\xe2\x80\xae\x00\xff" * 8


def evidence(rows: list) -> Evidence:
    return replace(WHOLE, events=rows, left_out=[], status={**WHOLE.status, "events_sequence": len(CALM)})


def values(layout: str, high: bool) -> tuple:
    """Return the lowest or the highest of each field."""
    fields = re.findall(r"(\d*)([sBHIQi])", layout)
    texts = {"s": lambda size: TEXT[: int(size)] if high else b"\0" * int(size)}
    return tuple(texts["s"](size) if kind == "s" else HIGH[kind] if high else 0 for size, kind in fields)


def record(number: int, stamp: tuple, high: bool) -> dict:
    layout = record_types.TYPES[number][1]
    return journal_rows.row("events", record_types.decode(records.encode_as(number, layout, stamp, values(layout, high)))[0][0])


def with_one(odd: dict, at: int) -> list:
    """Return the calm day with one more record, all numbered in order."""
    rows = [*CALM[:at], odd, *CALM[at:]]
    return [{**one, "sequence": number} for number, one in enumerate(rows, 1)]


def read_by_every_verb(found: Evidence, capsys: pytest.CaptureFixture) -> Timeline:
    begun_s = time.monotonic()
    shown = journal_rows.with_gaps(found.events)
    journal_rows.table(shown)
    journal_rows.as_csv(shown)
    line = Timeline(found)
    checks(line)
    try:
        show(Comparison(line))
    except ThecalError as error:
        assert error.cause
    made_page = Report(line, line.from_ms, line.to_ms)
    document(made_page)
    out, err = capsys.readouterr()
    assert (out + err).replace("\n", "").isprintable()
    assert time.monotonic() - begun_s < LONGEST_S
    return line


@pytest.mark.parametrize("high", [False, True], ids=["lowest", "highest"])
@pytest.mark.parametrize("number", some_of(sorted(record_types.TYPES), 3))
def test_a_record_of_any_type_with_any_values_ends_no_verb_and_makes_no_false_sum(number, high, capsys):
    at = len(CALM) // 2
    before = CALM[at - 1]
    odd = record(number, (before["boot"], 0, before["uptime_ms"], before["utc_s"]), high)
    line = read_by_every_verb(evidence(with_one(odd, at)), capsys)
    calm = Timeline(evidence(CALM))
    told = [text for holds, text in checks(line) if not holds]
    same = line.sums(line.from_ms, line.to_ms).delivered_steps == calm.sums(calm.from_ms, calm.to_ms).delivered_steps
    assert same or told, "another sum, and not a word"


@pytest.mark.parametrize(
    "field, value",
    [("uptime_ms", (1 << 48) - 1), ("uptime_ms", 10**11), ("utc_s", (1 << 32) - 1), ("utc_s", 1), ("boot", 65_535), ("boot", 0)],
)
@pytest.mark.parametrize("place", [1, 40, -2])
def test_a_stamp_that_no_pump_can_have_written_moves_nothing_else(field, value, place, capsys):
    rows = [dict(one) for one in CALM]
    rows[place][field] = value
    line, calm = read_by_every_verb(evidence(rows), capsys), Timeline(evidence(CALM))
    assert (line.from_ms, line.to_ms) == (calm.from_ms, calm.to_ms)
    assert line.sums(line.from_ms, line.to_ms).delivered_steps == calm.sums(calm.from_ms, calm.to_ms).delivered_steps
    if field != "utc_s":
        assert any("of events is ignored" in text for holds, text in checks(line) if not holds)


@pytest.mark.parametrize("value", [0, 1 << 40, (1 << 64) - 1])
def test_a_position_that_jumps_is_left_out_and_named(value, capsys):
    rows = [dict(one) for one in CALM]
    place = next(number for number, one in enumerate(rows) if one["event"] == "total" and number > 60)
    for one in rows:  # a pump that has run for long: 0 is far away too
        positions = {name: one[name] + 10**9 for name in (*POSITIONS, "confirmed_steps") if name in one}
        one.update({} if one["event"] in OF_A_BOLUS else positions)
    status = {**WHOLE.status, "delivered_steps": WHOLE.status["delivered_steps"] + 10**9}
    rows[place]["delivered_steps"] = value
    line = read_by_every_verb(replace(evidence(rows), status=status), capsys)
    calm = Timeline(evidence(CALM))
    assert line.sums(line.from_ms, line.to_ms).delivered_steps == calm.sums(calm.from_ms, calm.to_ms).delivered_steps
    assert any("is ignored" in text for holds, text in checks(line) if not holds)


@pytest.mark.parametrize("first, behind", [(0, 30), (50, 51), (50, 90), (len(CALM) - 30, len(CALM))], ids=["head", "one", "middle", "end"])
def test_a_gap_is_shown_by_compare_and_report(first, behind, capsys):
    rows = CALM[:first] + CALM[behind:]
    line = Timeline(evidence(rows))
    show(Comparison(line))
    err = capsys.readouterr().err
    lost = f"the journal begins with event {behind + 1}: " if first == 0 else f"records are missing: events {first + 1} to {behind}"
    assert err.count("the journal is incomplete") == 1 and lost in err


def test_a_whole_journal_is_not_called_incomplete(capsys):
    assert Comparison(Timeline(evidence(CALM))).incomplete == []
    show(Comparison(Timeline(WHOLE)))
    assert "incomplete" not in capsys.readouterr().err


@pytest.mark.parametrize("event", ["program_activated", "calibration_set"])
def test_a_head_before_the_programs_own_begin_is_no_gap(event):
    """The records that are gone were of another program, or of another calibration."""
    rows = CALM[30:]
    begin = next(number for number, one in enumerate(rows) if one["event"] == "started")
    stamp = (rows[begin]["boot"], 0, rows[begin]["uptime_ms"], rows[begin]["utc_s"])
    rows[begin:begin] = [record(records.FORMATS[event][0], stamp, False)]
    numbered = [{**one, "sequence": number} for number, one in enumerate(rows, 30)]
    assert Comparison(Timeline(evidence(numbered))).incomplete == []


@pytest.mark.parametrize("boots", [0, 1])
def test_a_journal_that_ends_long_before_the_status_is_incomplete(boots):
    """Also in a saved file whose status does not tell the newest record."""
    status = {**WHOLE.status, "boot": WHOLE.status["boot"] + boots}
    assert status.pop("events_sequence", None) is None
    found = replace(WHOLE, events=CALM[:-30], left_out=[], status=status)
    (text,) = Comparison(Timeline(found)).incomplete
    assert ("older than the pump's status" if boots == 0 else "the journal ends in boot") in text


def test_a_clean_history_of_many_boots_loses_no_record():
    line = Timeline(Pump(5).evidence())
    assert line.evidence.left_out == [] and all(holds for holds, _ in checks(line)[:2])


def test_a_type_of_another_length_is_shown_as_unknown_and_ends_nothing():
    """A right CRC, but fewer bytes than the type has."""
    number, layout = records.FORMATS["total"]
    short = records.encode_as(number, "<QQ", (1, 2, 3, 4), (5, 6))
    after = records.encode_as(number, layout, (1, 3, 4, 5), (5, 6, 7, 8))
    one, other = record_types.decode(short + after)[0]
    assert (one.name, other.name) == (f"type_{number}", "total") and struct.calcsize("<QQ") == len(one.fields["payload"])
    journal_rows.table([journal_rows.row("events", one)])


@pytest.mark.parametrize("damage", ["head", "middle", "end", "two segments in turn"])
def test_a_damaged_raw_file_is_read_as_far_as_it_is_whole_and_the_damage_is_named(tmp_path, damage):
    raw = bytearray(b"".join(records.encode_record("maintenance", (1, number, number, 0), (0,)) for number in range(1, 41)))
    one = len(raw) // 40
    if damage == "two segments in turn":
        raw = raw[20 * one :] + raw[: 20 * one] + raw[: 5 * one]
    else:
        place = {"head": 3, "middle": 10 * one + 3, "end": 39 * one + 3}[damage]
        raw[place] ^= 4
    file = Path(tmp_path, "events.raw")
    file.write_bytes(raw)
    found = load([file])
    numbers = [one["sequence"] for one in found.events]
    lost = {"head": 1, "middle": 11, "end": 40}.get(damage)
    assert numbers == [number for number in range(1, 41) if number != lost]
    assert bool(found.left_out) == (lost is not None)
    assert any("damaged bytes are ignored" in text for _, text in checks(Timeline(found))) == (lost is not None)


def test_a_saved_file_keeps_what_was_left_out_readable(tmp_path):
    rows = [dict(one) for one in CALM]
    rows[40]["uptime_ms"] = 10**11
    file = Path(tmp_path, "pump.jsonl")
    file.write_text(as_lines(evidence(rows)), encoding="utf-8")
    line = Timeline(load([file]))
    assert any("record 41 of events is ignored" in text for _, text in checks(line))
    with pytest.raises(BadInput, match="differs from an earlier file"):
        file.write_text("".join(itertools.chain(as_lines(evidence(CALM[:50])), as_lines(evidence(rows)))), encoding="utf-8")
        load([file])
